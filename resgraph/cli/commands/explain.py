"""`resgraph explain`: a code → what it means and how to mend it; a spec and a name → where its
numbers come from."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ...catalogue import CatalogueEntry, catalogue, visible
from ...errors import UsageError
from ...language.diagnose.nearest import did_you_mean
from ...language.references import zoo_words
from ..options import Multiple, set_option
from ..report import colored


@click.command()
@click.argument("subject", required=False, metavar="[CODE|SPEC]")
@click.argument("name", required=False, metavar="[NAME]")
@set_option
@click.option(
    "--markdown",
    is_flag=True,
    help="print docs/errors.md, the page of all codes",
)
def explain(
    subject: str | None,
    name: str | None,
    overrides: Multiple,
    allow_outside: bool,
    markdown: bool,
) -> None:
    """Explain an error code, or a node, a scope or a parameter of a net.

    \b
    resgraph explain                              all codes
    resgraph explain E041                         one, with examples
    resgraph explain resnet-50 conv3.0            shapes, costs, values
    resgraph explain mine.yaml conv1.0.bn.weight  a key of the state dict
    """
    of_net = name or (subject and _is_spec(subject))
    if overrides and not of_net:
        raise UsageError("--set is for a net, and none is named")
    if markdown and subject:
        raise UsageError("--markdown is the page of all codes: name none")
    if markdown:
        from ...outputs.errors_page import errors_page

        click.echo(errors_page(), nl=False)
    elif subject is None:
        click.echo("\n".join(_titles()), color=colored())
    elif not of_net:
        click.echo(_code_text(*_find(subject)), color=colored())
    else:
        from ...outputs.explanation import explanation
        from ...plan import load

        click.echo(
            explanation(
                load(subject, overrides, allow_outside=allow_outside),
                name or "",
            )
        )


def _titles() -> Iterator[str]:
    for code, entry in catalogue().items():
        yield f"{click.style(code, fg=_color(code), bold=True)}  {entry.title}"


def _is_spec(subject: str) -> bool:
    """Whether a file or a net of the zoo is meant, and no code."""
    return (
        any(map(subject.count, (".", "/", "::"))) or subject in zoo_words()
    )


def _find(word: str) -> tuple[str, CatalogueEntry]:
    entries = catalogue()
    named = {e.name: code for code, e in entries.items() if e.name}
    code = named.get(word, word.upper())
    if code in entries:
        return code, entries[code]
    hint = (
        did_you_mean(word.upper(), entries)
        or did_you_mean(word, named)
        or "`resgraph explain` lists them"
    )
    raise UsageError(f"no code `{word}`: {hint}")


def _code_text(code: str, entry: CatalogueEntry) -> str:
    parts = [
        click.style(f"{code}: {entry.title}", bold=True),
        "",
        *_wrapped(entry.why),
        "",
    ]
    for word, color, text in (
        ("wrong", "red", entry.wrong),
        ("right", "green", entry.right),
    ):
        parts += [
            click.style(word, fg=color, bold=True),
            *_example(text),
            "",
        ]
    for name, text in entry.files.items():
        parts += [
            click.style(f"where {name} is", bold=True),
            *_example(text),
            "",
        ]
    if entry.name:
        parts.append(f"`allow: [{entry.name}]` in a spec silences it.")
    if entry.fix:
        parts.append(
            "`resgraph check --fix` mends it where the fix is certain."
        )
    return "\n".join(parts).rstrip()


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, 80)


def _example(text: str) -> list[str]:
    lines = visible(text).rstrip("\n").split("\n")
    return [f"  {line}".rstrip() for line in lines]


def _color(code: str) -> str:
    return "red" if code.startswith("E") else "yellow"

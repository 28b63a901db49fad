"""The catalogue of diagnostics → docs/errors.md."""

from __future__ import annotations

from ..catalogue import CatalogueEntry, catalogue, visible

_HEAD = """\
# Errors and warnings

<!-- Made by `resgraph explain --markdown > docs/errors.md`; edit resgraph/catalogue.yaml. -->

Every diagnostic of `resgraph check` has a code that stays what it is. `resgraph explain E041`
prints an entry of this page. Where an example is a part of a spec, the rest does not matter.
A code with a ✎ has mistakes that `resgraph check --fix` mends.

Warnings go by names: `allow: [odd-width]` in a spec silences one, and `resgraph check --strict`
fails on those left.
"""


def errors_page() -> str:
    """The page as Markdown."""
    entries = catalogue()
    rows = [
        f"| [{code}](#{code.lower()}) | {entry.title}{_mark(entry)} |"
        for code, entry in entries.items()
    ]
    table = "\n".join(["| code | |", "|---|---|", *rows])
    return (
        "\n".join(
            [
                _HEAD,
                table,
                "",
                *(_section(code, entry) for code, entry in entries.items()),
            ]
        ).rstrip()
        + "\n"
    )


def _mark(entry: CatalogueEntry) -> str:
    return " ✎" if entry.fix else ""


def _section(code: str, entry: CatalogueEntry) -> str:
    silence = (
        f"`allow: [{entry.name}]` silences it.\n\n" if entry.name else ""
    )
    files = "".join(
        f"where `{name}` is\n\n{_code(text)}\n"
        for name, text in entry.files.items()
    )
    return (
        f"## {code}\n\n**{entry.title[0].upper()}{entry.title[1:]}.** {entry.why}\n\n{silence}"
        f"Wrong:\n\n{_code(entry.wrong)}\nRight:\n\n{_code(entry.right)}\n{files}"
    )


def _code(text: str) -> str:
    return f"```yaml\n{visible(text).rstrip()}\n```\n"

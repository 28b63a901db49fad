"""`resgraph blocks`: the standard library and the ops → a list of them, or the text of one, to read
and copy."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import click

from ...collecting import without
from ...errors import UsageError
from ...language.diagnose.nearest import did_you_mean
from ...language.library import library_block, library_index, library_text
from ...ops import VOCABULARY
from ...ops.extension import package_of
from ..options import Multiple, json_option
from ..report import print_json


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME]")
@json_option
def blocks(words: Multiple, as_json: bool) -> None:
    """List the standard blocks and the ops, or print one.

    NAME is a block, an op (`max pool`), or a file of the library (`mobile`; `se.yaml` where a block
    has that name)."""
    named = (
        _named(" ".join(words))
        if words
        else [*library_index(), *VOCABULARY]
    )
    records = [*map(_record, named)]
    if as_json:
        print_json(
            [
                {**record, "text": _text(record["name"])}
                for record in records
            ]
            if words
            else records
        )
    elif words:
        first, *others = map(_text, named)
        click.echo(
            first + "".join(text.partition("\n")[2] for text in others),
            nl=False,
        )
    else:
        _list(records)


def _named(name: str) -> list[str]:
    """The blocks or the op that a user named. Raises `UsageError` where there are none."""
    index = library_index()
    if name in index or name in VOCABULARY:
        return [name]
    inside = [
        block
        for block, file in index.items()
        if file.removesuffix(".yaml") == name.removesuffix(".yaml")
    ]
    if not inside:
        files = {file.removesuffix(".yaml") for file in index.values()}
        hint = (
            did_you_mean(name, [*index, *VOCABULARY, *sorted(files)])
            or "`resgraph blocks` lists what there is"
        )
        raise UsageError(f"no standard block and no op `{name}`: {hint}")
    return inside


def _record(name: str) -> dict[str, Any]:
    if name in library_index():
        return {
            "name": name,
            "file": library_index()[name],
            "about": library_block(name).about,
        }
    op = VOCABULARY[name]
    options = without(op.fields(), ("op", op.number))
    return {"name": name, "op": op.family, "package": package_of(op), "number": op.number,
            "options": options, "about": op.about()}  # fmt: skip


def _text(name: str) -> str:
    """A block as it is written; of an op what a label can say."""
    if name in library_index():
        return library_text(name)
    record = _record(name)
    lines = [
        record["about"],
        f"label: {_head(record)}",
        f"options: {', '.join(record['options'])}",
    ]
    if record["package"]:
        lines.append(f"of the package {record['package']}")
    return (
        "\n".join(
            line for line in lines if line and not line.endswith(": ")
        )
        + "\n"
    )


def _head(record: dict[str, Any]) -> str:
    """`conv WIDTH`: an op's words, and its number where it has one; a block's name."""
    number = record.get("number") or ""
    return f"{record['name']} {number.upper()}".rstrip()


def _list(records: list[dict[str, Any]]) -> None:
    """The blocks under their files, the ops with their numbers and options."""
    wide = max(len(_head(record)) for record in records)
    for title, group in groupby(records, _title):
        click.secho(title, bold=True)
        for record in group:
            line = f"  {_head(record):<{wide}}  {_about(record)}"
            click.echo(line.rstrip())


def _title(record: dict[str, Any]) -> str:
    """What a record stands under in the list."""
    if "file" in record:
        return str(record["file"]).removesuffix(".yaml")
    return "ops, with the number and the options that each takes"


def _about(record: dict[str, Any]) -> str:
    """What the list says of a block; of an op its options."""
    if "file" in record:
        return str(record["about"])
    package = record["package"]
    said = ", ".join(record["options"])
    return f"{said}  (of {package})".strip() if package else said

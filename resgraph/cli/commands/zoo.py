"""`resgraph zoo`: the specs that come with resgraph → a list of their nets, or of those that words
find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import click
from msgspec.structs import asdict

from ...collecting import each_text
from ...errors import UsageError
from ...language.diagnose.nearest import did_you_mean
from ...language.extends import read_file
from ...language.references import locate, zoo_folder, zoo_names
from ...language.variants import apply_variant
from ...language.yaml.tree import plain_value, scalars_in
from ...outputs.numbers import count_text
from ...structs import Frozen
from ..options import Multiple, json_option
from ..report import print_json


class _Net(Frozen):
    """A net by the name that a SPEC takes, and what its file says of it."""

    name: str
    file: str
    variant: str | None
    params: int
    input: str
    title: str
    about: str


@click.command()
@click.argument("words", nargs=-1, metavar="[WORD...]")
@json_option
def zoo(words: Multiple, as_json: bool) -> None:
    """List the nets that come with resgraph; with words, those that have them all in their name,
    else in their text.

    Each name is a SPEC, in any directory, and can be extended: `extends: resnet-50`.
    """
    found = _found([word.lower() for word in words])
    if not found:
        hint = (
            did_you_mean(" ".join(words), zoo_names())
            or "`resgraph zoo` lists all"
        )
        raise UsageError(
            f"no net of the zoo has `{' '.join(words)}`: {hint}"
        )
    if as_json:
        print_json([*map(asdict, found)])
        return
    wide = max(len(net.name) for net in found)
    file = ""
    for net in found:
        if net.file != file:
            file = net.file
            click.echo(f"{click.style(file, bold=True)}  {net.about}")
        click.echo(
            f"  {net.name:<{wide}}  {count_text(net.params):>7}  {net.input}"
        )


def _found(words: list[str]) -> list[_Net]:
    nets = list(_nets())
    named = [
        net
        for net in nets
        if all(map(f"{net.file}::{net.variant}".lower().count, words))
    ]
    return named or [
        net
        for net in nets
        if all(map(f"{net.title} {net.about}".lower().count, words))
    ]


def _nets() -> Iterator[_Net]:
    read = cache(read_file)
    for name in zoo_names():
        found = locate(name, zoo_folder())
        tree, _ = read(found.path)
        net = apply_variant(tree, found.variant) if found.variant else tree
        said = {
            key: plain_value(net.entries[key].value)
            for key in ("about", "name", "expect")
        }
        claims = said["expect"]
        if found.variant:
            claims = claims[found.variant]
        sizes = scalars_in(net.entries["input"].value)
        size = ", ".join(each_text(sizes))
        yield _Net(
            name,
            found.zoo,
            found.variant,
            int(claims["params"]),
            size,
            said["name"],
            said["about"],
        )

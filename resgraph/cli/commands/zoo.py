"""`resgraph zoo`: the specs that come with resgraph → a list of their nets, or of those that words
find."""

from __future__ import annotations

import click
from msgspec.structs import asdict

from ...errors import UsageError
from ...language.diagnose.nearest import did_you_mean
from ...language.references import zoo_names
from ...outputs.numbers import count_text
from ...zoo import ZooNet, zoo_nets
from ..options import Multiple, json_option
from ..report import print_json


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


def _found(words: list[str]) -> list[ZooNet]:
    nets = list(zoo_nets())
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

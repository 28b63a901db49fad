"""`resgraph recipes`: the named recipes of training → a list, or the text of one, to read and
copy."""

from __future__ import annotations

import click

from ...errors import UsageError
from ...language.diagnose.nearest import did_you_mean
from ...language.recipe import recipe_names, recipe_text, resolve_train
from ..options import json_option
from ..report import print_json


@click.command()
@click.argument("name", required=False, metavar="[RECIPE]")
@json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the named recipes of training, or print one as it is written.

    A spec changes one key by key: `train: {recipe: cifar, epochs: 20}`. Its milestones (`at`) and
    its warm-up (`length`) keep their shares of the new length."""
    names = recipe_names()
    if name in names:
        click.echo(recipe_text(name), nl=False)
        return
    if name is not None:
        raise UsageError(
            f"no recipe `{name}`: {did_you_mean(name, names) or '`resgraph recipes` lists them'}"
        )
    abouts = {recipe: resolve_train(recipe).about for recipe in names}
    if as_json:
        print_json(
            [
                {"name": recipe, "about": about}
                for recipe, about in abouts.items()
            ]
        )
        return
    wide = max(map(len, abouts))
    for recipe, about in abouts.items():
        click.echo(f"{recipe:<{wide}}  {about}")

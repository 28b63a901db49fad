"""`resgraph weights`: a checkpoint of torchvision or timm → the same weights under the names of a
spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...counting import counted
from ...errors import needing
from ..loading import load_plan
from ..options import (
    WRITTEN,
    Multiple,
    force_option,
    json_option,
    set_option,
    spec_argument,
)
from ..report import print_json

if TYPE_CHECKING:
    from ...outputs.pytorch.weights.convert import Converted


@click.command()
@spec_argument
@click.argument(
    "file", type=click.Path(path_type=Path), metavar="FILE.safetensors|.pth"
)
@click.option(
    "-o",
    "--output",
    **WRITTEN,
    required=True,
    metavar="OUT.safetensors|.pth",
)
@click.option(
    "--key",
    metavar="KEY",
    help="which state dict of the checkpoint, as `model_ema`",
)
@click.option(
    "--map",
    "names",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="a YAML file of names, ours: theirs, where order, shape and names leave two readings",
)
@force_option
@set_option
@json_option
def weights(
    spec: str,
    file: Path,
    output: Path,
    key: str | None,
    names: Path | None,
    force: bool,
    overrides: Multiple,
    allow_outside: bool,
    as_json: bool,
) -> None:
    """Take weights from elsewhere: aligned by order, shape and names, one to one, or refused.

    Of several state dicts in a checkpoint, an average (EMA) is taken before what it averages; --key
    chooses another."""
    plan = load_plan(spec, overrides, allow_outside=allow_outside)
    with needing("weights need PyTorch", "train"):
        from ...outputs.pytorch.weights.convert import Choice, convert
    taken = convert(plan, file, output, Choice(key, names), overwrite=force)
    if as_json:
        print_json(
            {
                "spec": spec,
                "file": str(file),
                "key": taken.key,
                "output": str(output),
                "names": taken.names,
            }
        )
        return
    _print(taken, output)


def _print(taken: Converted, output: Path) -> None:
    """The pairs of names, of many the first and the last."""
    pairs = list(taken.names.items())
    wide = max(len(ours) for ours, _ in pairs)
    shown = (
        pairs if len(pairs) <= 12 else [*pairs[:6], ("…", "…"), *pairs[-5:]]
    )
    for ours, theirs in shown:
        click.echo(f"  {ours:<{wide}}  ←  {theirs}")
    at = f" of `{taken.key}`" if taken.key else ""
    click.echo(
        f"{counted(len(pairs), 'tensor')}{at} matched, each by its place, shape and name;"
        f" wrote {output}"
    )

"""`resgraph weights`: a checkpoint of torchvision or timm → the same weights under the names of a spec."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import MissingError
from ..plan import load
from .options import json_option, set_option, spec_argument
from .report import print_json


@click.command()
@spec_argument
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.safetensors|.pth")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.safetensors")
@click.option("--force", is_flag=True, help="overwrite the file")
@set_option
@json_option
def weights(
    spec: str, file: Path, output: Path, force: bool, overrides: tuple[str, ...], allow_outside: bool, as_json: bool
) -> None:
    """Take weights from elsewhere: aligned by order and shape, one to one, or refused at the first disagreement."""
    plan = load(spec, overrides, allow_outside=allow_outside)
    try:
        from ..outputs.pytorch.weights import convert
    except ImportError:
        raise MissingError("weights need PyTorch: pip install 'resgraph[train]'") from None
    names = convert(plan, file, output, overwrite=force)
    if as_json:
        print_json({"spec": spec, "file": str(file), "output": str(output), "names": names})
        return
    pairs = list(names.items())
    wide = max(len(ours) for ours, _ in pairs)
    shown = pairs if len(pairs) <= 12 else [*pairs[:6], ("…", "…"), *pairs[-5:]]
    for ours, theirs in shown:
        click.echo(f"  {ours:<{wide}}  ←  {theirs}")
    click.echo(f"{len(pairs)} tensors matched, each by its place and shape; wrote {output}")

"""`resgraph import`: a model of timm, torchvision, your own or a file → its spec, proven equal."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import MissingError, UsageError
from ...ops import Shape
from ..loading import note
from ..options import output_options, write


class _Shape(click.ParamType[Shape]):
    """`3x224x224`."""

    name = "CxHxW"

    def convert(
        self,
        value: str | Shape,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Shape:
        if isinstance(value, tuple):
            return value
        sizes = value.split("x")
        if not all(size.isdigit() and int(size) for size in sizes):
            self.fail(f"`{value}` is no size: write it as 3x224x224", param, ctx)
        return tuple(map(int, sizes))


@click.command("import")
@click.argument("model", metavar="MODEL")
@click.option(
    "--input", "shape", type=_Shape(), help="the size of an image  [the model's]"
)
@output_options
def import_(model: str, shape: Shape | None, output: Path | None, force: bool) -> None:
    """Write the spec of a model that exists: blocks and repeats are found in its graph.

    MODEL is timm:NAME, torchvision:NAME, package.module:NAME, a callable of your own that gives a
    torch.nn.Module, or FILE.pt2. The code that a name stands for is run, so name only what you
    trust; a file is data, and nothing in it is executed.

    The spec and the model are run on the same random weights, and nothing is written unless they
    are equal. What the language cannot say is refused (exit 1), with the op and the module that
    runs it."""
    try:
        from ...importing import from_model
    except ModuleNotFoundError:
        raise MissingError(
            "importing needs PyTorch: pip install 'resgraph[train]'"
        ) from None
    if output and output.exists() and not force:
        raise UsageError(f"{output} exists; --force overwrites it")
    found = from_model(model, shape)
    write(found.text, output, force=force)
    note("proven", str(found.proof))

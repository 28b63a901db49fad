"""`resgraph import`: a model of timm, torchvision, your own or a file → its spec, proven equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import UsageError, first_few, needing
from ...ops import Shape, shape_text
from ..loading import note
from ..options import WRITTEN, Multiple, output_options, write

if TYPE_CHECKING:
    from ...importing import Imported


class _Shape(click.ParamType[tuple[str, Shape]]):
    """`3x224x224`, or `image=3x224x224`."""

    name = "[NAME=]CxHxW"

    def convert(
        self,
        value: str | tuple[str, Shape],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, Shape]:
        if isinstance(value, tuple):
            return value
        name, _, text = value.rpartition("=")
        sizes = text.split("x")
        if not all(size.isdigit() and int(size) for size in sizes):
            self.fail(
                f"`{text}` is no size: write it as 3x224x224", param, ctx
            )
        return name, tuple(map(int, sizes))


@click.command("import")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "--input",
    "shapes",
    type=_Shape(),
    multiple=True,
    help="the size of an image  [the model's]; of several inputs each, as image=3x224x224",
)
@click.option(
    "--weights",
    **WRITTEN,
    metavar="FILE",
    help="also write the model's weights, under the names of the spec (.safetensors)",
)
@click.option(
    "--partial",
    is_flag=True,
    help="write the rows up to what cannot be said, and why they end",
)
@output_options
def import_(
    models: Multiple, shapes: tuple[tuple[str, Shape], ...], weights: Path | None,
    partial: bool, output: Path | None, force: bool,
) -> None:  # fmt: skip
    """Write the spec of a model that exists: blocks and repeats are found in its graph.

    MODEL is timm:NAME, torchvision:NAME, FILE.py:NAME or package.module:NAME, a callable of your
    own that gives a torch.nn.Module, FILE.pt2 or FILE.onnx. The code that a name stands for is run,
    so name only what you trust; a file of a model is data, and nothing in it is executed.

    Several models that share their rows make one file, a variant for each; what differs becomes a
    `let`.

    The spec and the model are run on the same random weights, and nothing is written unless they
    are equal. What the language cannot say is refused (exit 1), with the op and the module that
    runs it."""
    if len(models) > 1 and (weights or partial):
        raise UsageError("--weights and --partial are of one model")
    given = _named(shapes)
    with needing("importing needs PyTorch", "train"):
        from ...importing import from_model
        from ...outputs.pytorch.export import export
    with redirect_stdout(StringIO()):  # what a model's own code prints
        found = [from_model(m, given, partial=partial) for m in models]
    write(_text(found, output), output, force=force)
    if weights:
        content = export(found[0].plan, "safetensors", found[0].weights())
        write(content, weights, force=force)
    for each in found:
        _tell(each, f"{each.model.name} is " if len(found) > 1 else "")


def _tell(found: Imported, own: str) -> None:
    """What was proven of a model, and what is not as it might be expected."""
    note("proven", f"{own}{found.proof}")
    if why := found.model.why:
        note("input", f"{own}{_sizes(found)}, {why}; --input sets another")
    for said in found.parted:
        note("warning", own + said)
    if found.ended:
        note("warning", f"only a beginning was written: {found.ended}")
    elif unread := found.unread():
        note("left out", f"{own}{_unread(unread)}")


def _named(
    shapes: Sequence[tuple[str, Shape]],
) -> Shape | Mapping[str, Shape] | None:
    """The one input, or several by name; None where the model's own size is meant."""
    named = dict(shapes)
    if [*named] == [""]:
        return named[""]
    if len(named) < len(shapes) or "" in named:
        said = "--input: each of several inputs needs a name of its own"
        raise UsageError(
            f"{said}, as in --input image=3x224x224 --input record=28"
        )
    return named or None


def _unread(unread: Mapping[str, int]) -> str:
    """Parameters that are not in the spec, and why."""
    said = first_few([f"`{name}`" for name in unread], 5)
    count = sum(unread.values())
    return f"{said}, which no output reads: {count:,} parameters"


def _sizes(found: Imported) -> str:
    """Of the images that a model was read for."""
    return ", ".join(map(shape_text, found.model.shapes.values()))


def _text(found: Sequence[Imported], output: Path | None) -> str:
    """The file of one model, or of several, which has the name that it is written to."""
    from ...importing.variants.family import Member, family

    if len(found) == 1:
        return found[0].text
    members = [
        Member(f.model.name, f.model.about, f.text, f.plan) for f in found
    ]
    return family(members, output.stem if output else "")

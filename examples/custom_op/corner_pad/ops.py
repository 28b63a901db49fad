"""`corner pad 1` and `gem pool`: what the language knows of the ops. No torch here, so `resgraph
check` needs none either."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from resgraph.ops import Call, Derivation, Family, Op, Shape, ShapeError


class CornerPad(Op):
    """Zero cells below and to the right of a map, as TensorFlow's SAME padding has them at stride
    2."""

    op: Literal["corner pad"] = "corner pad"
    family: ClassVar[Family] = (
        "shape"  # one of the families is its colour in a picture
    )
    number: ClassVar[str | None] = (
        "cells"  # what the number in `corner pad 1` sets
    )
    imports: ClassVar[str] = (
        "corner_pad.layers"  # what the exported source has to import
    )
    cells: Annotated[int, Meta(ge=0, le=64)]

    def infer(self, *inputs: Shape) -> Shape:
        """A map of any size, `cells` larger down and across."""
        if len(inputs[0]) != 3:
            raise ShapeError(
                "`corner pad` needs a map", "put it before the global pool"
            )
        channels, height, width = inputs[0]
        return channels, height + self.cells, width + self.cells

    def torch(self, *inputs: Shape) -> Call:
        """The torch class, by name."""
        return Call("corner_pad.layers.CornerPad", (self.cells,))

    def label(self) -> str:
        """What a spec writes."""
        return f"corner pad {self.cells}"


class GemPool(Op):
    """The generalized mean of each channel, of which the exponent is learned."""

    op: Literal["gem pool"] = "gem pool"
    family: ClassVar[Family] = "pool"
    number: ClassVar[str | None] = "start"
    imports: ClassVar[str] = "corner_pad.layers"
    start: Annotated[float, Meta(gt=0, le=100)] = 3.0

    def infer(self, *inputs: Shape) -> Shape:
        """A map becomes a vector."""
        if len(inputs[0]) != 3:
            raise ShapeError(
                "`gem pool` needs a map", "put it before the `fc`"
            )
        return inputs[0][:1]

    def params(self, *inputs: Shape) -> int:
        """The exponent."""
        return 1

    def derive(self, *inputs: Shape) -> Derivation:
        """Where the 1 comes from, for `explain`."""
        return Derivation(params="1")

    def torch(self, *inputs: Shape) -> Call:
        """The torch class; a default is left out of the source."""
        return Call(
            "corner_pad.layers.GemPool",
            (self.start,) if self.start != 3 else (),
        )

    def label(self) -> str:
        """What a spec writes."""
        return "gem pool" if self.start == 3 else f"gem pool {self.start:g}"

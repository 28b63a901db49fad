"""`corner pad 1`: what the language knows of the op. No torch here, so `resgraph check` needs none
either."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from resgraph.ops import Call, Family, Op, Shape, ShapeError


class CornerPad(Op):
    """Zero cells below and to the right of a map, as TensorFlow's SAME padding has them at stride
    2."""

    op: Literal["corner pad"] = "corner pad"
    family: ClassVar[Family] = "shape"  # one of the families is its colour in a picture
    number: ClassVar[str | None] = "cells"  # what the number in `corner pad 1` sets
    imports: ClassVar[str] = (
        "corner_pad.layers"  # what the exported source has to import
    )
    cells: Annotated[int, Field(ge=0, le=64)]

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

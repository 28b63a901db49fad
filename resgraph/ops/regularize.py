"""What drops numbers while training and does nothing afterwards → its torch call: `dropout`, `drop
path`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Call, Op, Shape


class _Drop(Op):
    """What both have in common: the shape is kept, and what is kept is divided by 1 - rate."""

    family = "regularize"
    autocast = "keeps"
    number = "rate"
    rate: Annotated[float, Field(ge=0, lt=1)]

    @property
    def returns_view(self) -> bool:
        return True  # in evaluation what comes in is handed on

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x


class Dropout(_Drop):
    """Each number is dropped with probability `rate` (Srivastava et al. 2014)."""

    op: Literal["dropout"] = "dropout"

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Dropout", (self.rate,))


class DropPath(_Drop):
    """Each image's whole path is dropped with probability `rate`: stochastic depth (Huang et al.
    2016)."""

    aliases = ("stochasticdepth",)
    op: Literal["drop path"] = "drop path"

    def torch(self, *inputs: Shape) -> Call:
        return Call("DropPath", (self.rate,))

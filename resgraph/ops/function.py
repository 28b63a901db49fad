"""A function of an equation over tensors → its shape and its Python expression: `max(a b)`,
`exp(a)`, `mean(x over cells)`."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar, Literal

from .base import (
    Autocast,
    Call,
    Op,
    Shape,
    ShapeError,
    TorchExpr,
    need_map,
    shape_text,
)


class _Function(Op):
    """What an equation calls by its name; a label cannot."""

    family = "merge"
    in_label = False
    autocast: ClassVar[Autocast] = "keeps"

    def label(self) -> str:
        return self.op


class Pointwise(_Function):
    """Each number by itself: its absolute value, square root or exponential."""

    keeps_inputs = True
    op: Literal["abs", "sqrt", "exp"]

    @property
    def saves_output(self) -> bool:
        return self.op != "abs"

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        return Call(f"torch.{self.op}", tuple(terms))


class Exp(Pointwise):
    """The exponential, which autocast takes in float32."""

    autocast = "widens"
    op: Literal["exp"] = "exp"


class Among(_Function):
    """The mean, the largest or the smallest of tensors of one shape, number by number."""

    op: Literal["mean", "max", "min"]
    symbols: ClassVar[dict[str, str]] = {
        "max": "torch.maximum",
        "min": "torch.minimum",
    }

    def infer(self, *inputs: Shape) -> Shape:
        for other in inputs[1:]:
            if other != inputs[0]:
                raise ShapeError(
                    f"`{self.op}` needs tensors of one shape, and these are"
                    f" {shape_text(inputs[0])} and {shape_text(other)}",
                    "end all paths with the same width and the same strides",
                )
        return inputs[0]

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        if self.op == "mean":
            total = reduce(lambda a, b: Call("+", (a, b)), terms)
            return Call("/", (total, len(terms)))
        calls = reduce(
            lambda a, b: Call(self.symbols[self.op], (a, b)), terms
        )
        assert isinstance(calls, Call)
        return calls


class Largest(Among):
    """The largest or smallest, whose gradient goes to the one that it is."""

    keeps_inputs = True
    op: Literal["max", "min"]


class Over(_Function):
    """The mean, the sum, the largest or the smallest number over the cells of a map, which leaves a
    vector, or over the channels, which leaves one channel."""

    op: Literal["mean", "sum", "max", "min"]
    over: Literal["cells", "channels"]
    functions: ClassVar[dict[str, str]] = {"max": "amax", "min": "amin"}

    @property
    def saves_output(self) -> bool:
        return self.op in self.functions

    def label(self) -> str:
        return f"{self.op} over {self.over}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if self.over == "channels":
            return (1, *x[1:])
        return (need_map(self.label(), x)[0],)

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        kwargs: tuple[tuple[str, object], ...] = (
            ("dim", 1),
            ("keepdim", True),
        )
        if self.over == "cells":
            kwargs = (("dim", tuple(range(2, len(shapes[0]) + 1))),)
        function = self.functions.get(self.op, self.op)
        return Call(f"torch.{function}", tuple(terms), kwargs)


class Total(Over):
    """The sum, which autocast takes in float32."""

    autocast = "widens"
    op: Literal["sum"] = "sum"


def reduction(function: str, over: str) -> Over:
    """What a function of an equation does over the cells or channels of one tensor."""
    record = Total if function == "sum" else Over
    given: dict[str, Any] = {"op": function, "over": over}
    return record(**given)


POINTWISE: dict[str, Op] = {
    "abs": Pointwise(op="abs"),
    "sqrt": Pointwise(op="sqrt"),
    "exp": Exp(),
}
"""The functions of one tensor, number by number."""

AMONG: dict[str, Op] = {
    "mean": Among(op="mean"),
    "max": Largest(op="max"),
    "min": Largest(op="min"),
}
"""The functions of several tensors."""

REDUCTIONS: tuple[str, ...] = Over.phrases()
"""The functions that go `over` the cells or channels of one tensor."""

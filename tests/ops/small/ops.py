"""A norm and an activation as a stranger would write them, then ops with one mistake each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from resgraph.ops import Call, Derivation, Family, Op, Shape, TorchExpr


class _Same(Op):
    imports: ClassVar[str] = "small.layers"

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]


class Frn(_Same):
    op: Literal["frn"] = "frn"
    family: ClassVar[Family] = "norm"
    aliases: ClassVar[tuple[str, ...]] = ("filterresponsenorm",)
    long_names: ClassVar[tuple[str, ...]] = ("FilterResponseNorm",)

    def params(self, *inputs: Shape) -> int:
        return 3 * inputs[0][0]

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(params=f"3*{inputs[0][0]}")

    def torch(self, *inputs: Shape) -> Call:
        return Call("small.layers.Frn", (inputs[0][0],))


class Snake(_Same):
    op: Literal["snake"] = "snake"
    family: ClassVar[Family] = "activation"

    def torch(self, *inputs: Shape) -> Call:
        return Call("small.layers.Snake", (2, 0.5), names=("rate", "power"))

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        return Call("small.layers.snake", tuple(terms))


class Closed(_Same):
    """An activation without an expression."""

    op: Literal["closed"] = "closed"
    family: ClassVar[Family] = "activation"

    def torch(self, *inputs: Shape) -> Call:
        return Call("small.layers.Snake")


class Bent(_Same):
    """An activation that an equation cannot call by its word alone."""

    op: Literal["bent"] = "bent"
    family: ClassVar[Family] = "activation"
    rate: float

    def torch(self, *inputs: Shape) -> Call:
        return Call("small.layers.Snake", (self.rate,))


class Grn(_Same):
    """An op that had its word before resgraph did."""

    op: Literal["grn"] = "grn"
    family: ClassVar[Family] = "shape"

    def torch(self, *inputs: Shape) -> Call:
        return Call("small.layers.Snake")


class Fork(Op):
    """Gives two shapes."""

    op: Literal["fork"] = "fork"
    family: ClassVar[Family] = "shape"

    def infer(self, *inputs: Shape) -> Shape:
        return (inputs[0], inputs[0])  # type: ignore[return-value]

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Identity")


class Fails(_Same):
    """Fails where its cost is asked for."""

    op: Literal["fails"] = "fails"
    family: ClassVar[Family] = "shape"

    def params(self, *inputs: Shape) -> int:
        return inputs[0][7]

    def torch(self, *inputs: Shape) -> Call:
        return Call("nn.Identity")


class Mute(_Same):
    """Has no torch call, and text for an expression."""

    op: Literal["mute"] = "mute"
    family: ClassVar[Family] = "activation"

    def torch(self, *inputs: Shape) -> Call:
        raise NotImplementedError("not yet")

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        return "torch.mute(x)"  # type: ignore[return-value]

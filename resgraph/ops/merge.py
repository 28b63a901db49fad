"""What an equation does with tensors → its shape, or why they cannot be joined, and its Python
expression."""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Literal

from .base import (
    Call,
    Derivation,
    FiniteNumber,
    Op,
    Ref,
    Shape,
    ShapeError,
    TorchExpr,
    is_cell,
    is_map,
    number_text,
    plain,
    shape_text,
)


class Binary(Op):
    """A sum, difference, product or quotient; `left` or `right` is a number that stands in for a
    tensor."""

    family = "merge"
    in_label = False
    autocast = "keeps"
    symbol: ClassVar[str]
    left: FiniteNumber | None = None
    right: FiniteNumber | None = None

    def __post_init__(self) -> None:
        if self.left is not None and self.right is not None:
            raise ValueError(
                "one side of an equation over tensors is a tensor"
            )

    def infer(self, *inputs: Shape) -> Shape:
        return reduce(self._joined, inputs)

    def _joined(self, a: Shape, b: Shape) -> Shape:
        """Equal shapes; a vector and a map, channel by channel; a one-channel map and any of its
        size; a vector of one number and any vector."""
        if a == b:
            return a
        one, other = sorted((a, b), key=len)
        if not is_map(one) and is_map(other) and one[0] == other[0]:
            return other
        if len(one) == len(other) and a[1:] == b[1:] and 1 in (a[0], b[0]):
            return max(a, b)
        if not is_map(one) and is_map(other) and other[0] == 1:
            return (one[0], *other[1:])
        raise ShapeError(
            f"`{self.symbol}` cannot join {shape_text(a)} and {shape_text(b)}",
            _why(a, b),
        )

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        """`a + b`. A vector among maps is given as many axes more as they have."""
        axes = max(map(len, shapes)) - 1
        index = f"[:, :{', None' * axes}]"
        sides = [
            Call(index, (term,)) if axes and not is_map(shape) else term
            for term, shape in zip(terms, shapes, strict=True)
        ]
        if self.left is not None:
            sides.insert(0, _number(self.left))
        if self.right is not None:
            sides.append(_number(self.right))
        return Call(self.symbol, tuple(sides))

    def label(self) -> str:
        left = f"{number_text(self.left)} " if self.left is not None else ""
        right = (
            f" {number_text(self.right)}" if self.right is not None else ""
        )
        return f"{left}{self.symbol}{right}"


def _number(value: float) -> TorchExpr:
    """A number as it is written. One with a sign is text: it never becomes an attribute."""
    return plain(value) if value >= 0 else Ref(repr(plain(value)))


def _why(a: Shape, b: Shape) -> str:
    """What would have to change for two shapes to join."""
    if len(a) != len(b):
        return (
            "a vector meets a map channel by channel: it needs as many numbers as the map has"
            " channels"
        )
    if a[0] != b[0] and a[1:] == b[1:]:
        return "the channels differ: end both paths with the same width"
    if a[0] == b[0] and any(map(is_cell, (a, b))):
        return "end the path of one cell with `flatten`: a vector meets a map channel by channel"
    if a[0] == b[0]:
        return (
            "the sizes differ: give both paths the same strides (a pool in a shortcut may need"
            " `ceil`)"
        )
    return "channels and sizes differ: give both paths the same width and the same strides"


class Add(Binary):
    """A sum of tensors, or of a tensor and a number."""

    symbol = "+"
    word = "add"
    op: Literal["add"] = "add"


class Sub(Binary):
    """A difference, `1 - T` with `left` 1."""

    symbol = "-"
    word = "sub"
    op: Literal["sub"] = "sub"


class Mul(Binary):
    """A product, number by number: a gate."""

    symbol = "*"
    word = "mul"
    gates = True
    op: Literal["mul"] = "mul"

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        if self.left == -1 or self.right == -1:
            return Call("-", tuple(terms))
        return super().expression(terms, shapes)


class Div(Binary):
    """A tensor divided by a number, or by a tensor."""

    symbol = "/"
    word = "div"
    gates = True
    op: Literal["div"] = "div"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.right == 0 or self.left is not None:
            raise ValueError(
                "a tensor is divided, by a tensor or a number other than 0"
            )


class Concat(Op):
    """Tensors one after another along the channels: maps of one size, or vectors."""

    family = "merge"
    in_label = False
    autocast = "keeps"
    word = "concat"
    op: Literal["concat"] = "concat"

    def infer(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        for other in inputs[1:]:
            if other[1:] != first[1:]:
                raise ShapeError(
                    f"`concat` cannot join {shape_text(first)} and {shape_text(other)}",
                    (
                        "only the channels may differ: bring the maps to one size first"
                        if len(first) == len(other)
                        else (
                            "a map cannot stand behind a vector: concat maps of one size, or"
                            " vectors"
                        )
                    ),
                )
        return (sum(shape[0] for shape in inputs), *first[1:])

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation((" + ".join(str(shape[0]) for shape in inputs),))

    def expression(
        self, terms: Sequence[TorchExpr], shapes: Sequence[Shape]
    ) -> Call:
        return Call("torch.cat", (Call("[", tuple(terms)),), (("dim", 1),))

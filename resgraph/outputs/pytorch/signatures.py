"""What the arguments of a constructor are: their names, and the values that need not be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...collecting import without
from ...ops.base import Call, Op, Shape
from .support import REQUIRED, support_classes

USUAL = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "inplace": False,
    "rate": 0.0,
}
"""The defaults that emitted functions and classes give to their own parameters."""

WIDTHS = frozenset(["width_in", "width", "width_out", "groups"])
"""Roles that count channels; an argument that is a width can be given to any of them."""

SPATIAL = ("stride", "dilation", "kernel_size", "padding")
"""Roles that count cells of a map, down and across; the first names an argument that is several of
them."""


OPERANDS = {"+": "offset", "-": "offset", "*": "factor", "/": "divisor"}
"""What a number beside an operator is called."""


def same(one: Any, other: Any) -> bool:
    """Equal and of one type: 1, 1.0 and True are different things to write."""
    return type(one) is type(other) and bool(one == other)


class Signatures:
    """The parameters of the classes that ops call, of the support classes, and of what a file
    defines itself."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, Any]] = {
            name: definition.parameters
            for name, definition in support_classes().items()
        }

    def add(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Make a definition known: its parameters in order, with their defaults or `REQUIRED`."""
        self._known[name] = parameters

    def learn(self, call: Call, op: Op, shapes: Sequence[Shape]) -> None:
        """Make the class that an op calls known: what its call says of its positional arguments, or
        the op's fields.

        A number that is no field is a width where it counts the channels that come in.
        """
        known = self._known.get(call.target, {})
        if len(known) >= len(call.args):
            return
        names = list(call.names)
        for value in call.args[len(names) :]:
            fields = (
                key
                for key in op.fields()
                if key != "op" and same(getattr(op, key), value)
            )
            width = (
                "width"
                if shapes and same(shapes[0][0], value)
                else "option"
            )
            name = next(iter(without(fields, names)), width)
            names.append(
                name if name not in names else f"{name}_{len(names) + 1}"
            )
        self._known[call.target] = dict.fromkeys(names, REQUIRED) | dict(
            call.defaults
        )

    def roles(self, target: str, count: int) -> tuple[str, ...]:
        """The names of the first `count` positional arguments; "" for what a container of modules
        holds."""
        if target in OPERANDS and count > 1:
            return (OPERANDS[target],) * count
        known = tuple(self._known.get(target, ()))
        return (*known, *[""] * (count - len(known)))[:count]

    def default(self, target: str, name: str) -> Any:
        """What a parameter is where it is not given; `REQUIRED` where that is not known."""
        return self._known.get(target, {}).get(name, REQUIRED)

    def names(self) -> frozenset[str]:
        """The names of the support classes."""
        return frozenset(support_classes())

    def parameters(self, target: str) -> Mapping[str, Any]:
        """The parameters of a constructor, with their defaults."""
        return self._known[target]

    def is_conv(self, target: str) -> bool:
        """Whether the call makes a convolution, whose every option is written down before calls are
        compared."""
        known = self._known.get(target, {})
        return "kernel_size" in known and "width_in" in known

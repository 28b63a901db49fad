"""Constructor calls of one structure → one definition, whose arguments are the numbers in which
they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...ops.base import Ref
from .signatures import SPATIAL, USUAL, WIDTHS
from .support import REQUIRED
from .tree import Leaf

Column = tuple[Any, ...]
"""What one literal is in each instance."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What instances share: for each literal a literal or a reference, and each argument's column
    by its name."""

    fills: list[Any]
    arguments: dict[str, Column]

    def parameters(self) -> dict[str, Any]:
        """The arguments in the order of the signature, with their defaults: widths, what is
        required, the rest."""
        known = {name: self._default(name) for name in self.arguments}
        order = sorted(
            known, key=lambda name: (not is_width(name), known[name] is not REQUIRED)
        )
        return {name: known[name] for name in order}

    def _default(self, name: str) -> Any:
        usual = USUAL.get(name, REQUIRED)
        return (
            usual
            if any(same(usual, value) for value in self.arguments[name])
            else REQUIRED
        )


def is_width(name: str) -> bool:
    """Whether an argument counts channels, and so is given by its place."""
    return (
        name in WIDTHS - {"groups"}
        or name.endswith("_width")
        or name.rstrip("0123456789") == "width"
    )


def same(one: Any, other: Any) -> bool:
    """Equal and of one type: 1, 1.0 and True are different things to write."""
    return type(one) is type(other) and bool(one == other)


def _constant(column: Column) -> bool:
    return all(same(column[0], value) for value in column)


def share_layer(leaves: Sequence[Leaf], columns: Sequence[Column]) -> Shared:
    """The arguments of a layer's function: always its widths and kernel, and whatever else
    differs."""
    arguments: dict[str, Column] = {}
    fills: list[Any] = []
    first = next(
        (i for i, leaf in enumerate(leaves) if leaf.role == "width_in"), len(leaves)
    )
    for index, (leaf, column) in enumerate(zip(leaves, columns, strict=True)):
        name = _layer_argument(leaf.role, column, leaves, columns, before=index < first)
        if name is None:
            fills.append(_same_padding(leaf.role, column, leaves, columns) or column[0])
            continue
        number = 2
        wanted = name
        while not _equal(arguments.setdefault(name, column), column):
            name, number = f"{wanted}{number}", number + 1
        fills.append(Ref(name))
    return Shared(fills, arguments)


def _equal(one: Column, other: Column) -> bool:
    return all(map(same, one, other))


def _layer_argument(
    role: str,
    column: Column,
    leaves: Sequence[Leaf],
    columns: Sequence[Column],
    *,
    before: bool,
) -> str | None:
    """The argument that a literal of a layer becomes, or None where it stays a literal."""
    if role in WIDTHS:
        roles = {
            leaf.role
            for leaf, other in zip(leaves, columns, strict=True)
            if _equal(other, column)
        } & WIDTHS
        if role != "groups" or "width_in" in roles:
            # equal in every layer, but two things
            if {
                "width_in",
                "width",
            } <= roles and "groups" not in roles:
                return "width_in" if role == "width_in" or before else "width"
            return "width" if "width" in roles else "width_in"
    if role == "kernel_size":
        return role
    if _constant(column) or _same_padding(role, column, leaves, columns):
        return None
    return role


def _same_padding(
    role: str, column: Column, leaves: Sequence[Leaf], columns: Sequence[Column]
) -> Ref | None:
    """`kernel_size // 2` where that is the padding of every instance (times its dilation, where
    there is one)."""
    kernels = next(
        (
            c
            for leaf, c in zip(leaves, columns, strict=True)
            if leaf.role == "kernel_size"
        ),
        None,
    )
    dilations = next(
        (c for leaf, c in zip(leaves, columns, strict=True) if leaf.role == "dilation"),
        None,
    )
    if (
        role != "padding"
        or kernels is None
        or not all(type(value) is int for value in (*column, *kernels))
    ):
        return None
    if dilations is None or all(value == 1 for value in dilations):
        halves = tuple(kernel // 2 for kernel in kernels)
        return Ref("kernel_size // 2") if column == halves else None
    if _constant(dilations) or not all(type(value) is int for value in dilations):
        return None
    reach = tuple(
        dilation * (kernel // 2)
        for dilation, kernel in zip(dilations, kernels, strict=True)
    )
    return Ref("dilation * (kernel_size // 2)") if column == reach else None


def share_block(
    leaves: Sequence[Leaf],
    columns: Sequence[Column],
    hints: Sequence[str],
    into: Column,
    out: Column,
) -> Shared:
    """The arguments of a block's class: what differs between its instances; `hints` are the paths
    of the literals."""
    arguments: dict[str, Column] = {}
    widths = _width_names(
        [c for leaf, c in zip(leaves, columns, strict=True) if is_width(leaf.role)],
        into,
        out,
    )
    fills: list[Any] = []
    for leaf, column, hint in zip(leaves, columns, hints, strict=True):
        if _constant(column):
            fills.append(column[0])
            continue
        name = (
            widths.get(column) if leaf.role == "groups" or is_width(leaf.role) else None
        )
        name = name or _free(
            _block_name(leaf.role, column, leaves, columns), hint, column, arguments
        )
        arguments.setdefault(name, column)
        fills.append(Ref(name))
    return Shared(fills, arguments)


def _width_names(
    columns: Sequence[Column], into: Column, out: Column
) -> dict[Column, str]:
    """A name for every width that differs: what comes in, what goes out, and what is in between."""
    distinct = [column for column in dict.fromkeys(columns) if not _constant(column)]
    if len(distinct) == 1 and distinct[0] != into:
        return {distinct[0]: "width"}
    names = {column: "width_in" for column in distinct if column == into}
    if len(distinct) == 1:
        return dict.fromkeys(distinct, "width")
    inner = [column for column in distinct if column not in (into, out)]
    if out in distinct and out != into:
        names[out] = "width_out" if inner else "width"
    for number, column in enumerate(inner, 1):
        names[column] = "width" if number == 1 else f"width{number}"
    return names


def _block_name(
    role: str, column: Column, leaves: Sequence[Leaf], columns: Sequence[Column]
) -> str:
    """The role of a literal, or the first of the roles of the cells that always have the same
    number."""
    if role not in SPATIAL:
        return role
    roles = {
        leaf.role
        for leaf, other in zip(leaves, columns, strict=True)
        if _equal(other, column)
    }
    return next(name for name in SPATIAL if name in roles)


def _free(name: str, hint: str, column: Column, arguments: dict[str, Column]) -> str:
    """`name` where it is free or means the same column, else with the path's name, else with a
    number."""
    candidates = [name, f"{hint}_{name}"]
    candidates += [f"{hint}_{name}{number}" for number in range(2, len(arguments) + 3)]
    return next(
        c for c in candidates if c not in arguments or _equal(arguments[c], column)
    )

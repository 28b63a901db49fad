"""Constructor calls of one structure → one definition, whose arguments are the numbers in which
they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from ...collecting import among, at_keys, without
from ...ops.base import Call, Ref
from ...structs import Frozen
from .signatures import SPATIAL, USUAL, WIDTHS, same
from .support import REQUIRED
from .text import with_numbers
from .tree import Leaf


class LiteralColumn(Frozen):
    """What one literal is in each instance, its role, and the path of a block in which it stands.
    Equal columns can be one argument."""

    role: str
    values: tuple[Any, ...]
    path: str = ""

    def equals(self, other: LiteralColumn) -> bool:
        """Whether the values are the same in every instance."""
        return all(map(same, self.values, other.values))

    def roles_among(self, columns: Iterable[LiteralColumn]) -> set[str]:
        """The roles of the columns that are equal to it."""
        return {other.role for other in columns if other.equals(self)}

    @property
    def constant(self) -> bool:
        """Whether all instances have the same value."""
        return all(same(self.values[0], value) for value in self.values)


class Shared(Frozen):
    """What instances share: for each literal a literal or a reference, and each argument's column
    by its name."""

    fills: list[Any]
    arguments: dict[str, LiteralColumn]

    def parameters(self) -> dict[str, Any]:
        """The arguments in the order of the signature, with their defaults: widths, what is
        required, the rest."""
        known = {
            name: _default(name, c.values)
            for name, c in self.arguments.items()
        }
        return dict(
            sorted(
                known.items(),
                key=lambda one: (
                    not is_width(one[0]),
                    one[1] is not REQUIRED,
                ),
            )
        )

    def call(
        self, name: str, parameters: Iterable[str], instance: int
    ) -> Call:
        """One instance as a call of the definition: widths by place, the rest by name."""
        values = {
            key: self.arguments[key].values[instance] for key in parameters
        }
        widths = [*filter(is_width, values)]
        return Call(
            name,
            tuple(map(values.pop, widths)),
            tuple(values.items()),
        )


def _default(name: str, values: Iterable[Any]) -> Any:
    """The usual value where an instance has it: no call would leave out any other."""
    usual = USUAL.get(name, REQUIRED)
    return (
        usual if any(same(usual, value) for value in values) else REQUIRED
    )


def columns(instances: Sequence[Sequence[Leaf]]) -> list[LiteralColumn]:
    """The literals of instances of one structure, side by side."""
    return [
        LiteralColumn(
            row[0].role, tuple(leaf.value for leaf in row), row[0].path
        )
        for row in zip(*instances, strict=True)
    ]


def is_width(name: str) -> bool:
    """Whether an argument counts channels, and so is given by its place."""
    return (
        name in WIDTHS - {"groups"}
        or name.endswith("_width")
        or name.rstrip("0123456789") == "width"
    )


def _named(
    names: Iterable[str],
    column: LiteralColumn,
    arguments: dict[str, LiteralColumn],
) -> Ref:
    """The first of the names that is free, or already is the argument for such a column."""
    name = next(
        n for n in names if arguments.setdefault(n, column).equals(column)
    )
    return Ref(name)


def share_layer(columns: Sequence[LiteralColumn]) -> Shared:
    """The arguments of a layer's function: always its widths and kernel, and whatever else
    differs."""
    shared = Shared([], {})
    for place, column in enumerate(columns):
        name = _width_argument(column, columns, columns[:place])
        fill = None if name else _same_padding(column, columns)
        if not name and (
            column.role == "kernel_size" or not (column.constant or fill)
        ):
            name = column.role
        if name:
            fill = _named(with_numbers(name), column, shared.arguments)
        shared.fills.append(fill or column.values[0])
    return shared


def _width_argument(
    column: LiteralColumn,
    columns: Sequence[LiteralColumn],
    above: Sequence[LiteralColumn],
) -> str | None:
    """The argument for a number of channels: `width_in` for what comes in, `width` for what goes
    out. A norm has the width of the convolution before it; above every convolution, what comes
    in."""
    if column.role not in WIDTHS:
        return None
    roles = column.roles_among(columns) & WIDTHS
    if column.role == "groups" and "width_in" not in roles:
        return None
    # Where a layer keeps its width in every instance, in and out still are two things, unless it
    # has to: the groups of a depthwise convolution are all its channels.
    if {"width_in", "width"} <= roles and "groups" not in roles:
        below = column.role != "width_in" and any(
            c.role == "width_in" for c in above
        )
        return "width" if below else "width_in"
    return "width" if "width" in roles else "width_in"


def _same_padding(
    column: LiteralColumn, columns: Sequence[LiteralColumn]
) -> Ref | None:
    """`kernel_size // 2` where that is the padding of every instance (times its dilation, where
    there is one)."""
    values = {other.role: other.values for other in reversed(columns)}
    kernels = values.get("kernel_size", ())
    dilations = values.get("dilation", (1,) * len(kernels))
    if column.role != "padding" or not kernels:
        return None
    if any(
        type(value) is not int
        for value in (*column.values, *kernels, *dilations)
    ):
        return None
    if column.values != tuple(
        d * (k // 2) for d, k in zip(dilations, kernels, strict=True)
    ):
        return None
    if set(dilations) == {1}:
        return Ref("kernel_size // 2")
    # a dilation that all instances share is no argument that could be named here
    return (
        Ref("dilation * (kernel_size // 2)")
        if len(set(dilations)) > 1
        else None
    )


def share_block(
    columns: Sequence[LiteralColumn],
    into: tuple[int, ...],
    out: tuple[int, ...],
) -> Shared:
    """The arguments of a block's class: what differs between its instances, whose calls have the
    widths `into` and `out`."""
    shared = Shared([], {})
    widths = _width_names(
        [c for c in columns if is_width(c.role)], into, out
    )
    for column in columns:
        if column.constant:
            shared.fills.append(column.values[0])
            continue
        name = _spatial(column, columns)
        names = chain([name], with_numbers(f"{column.path}_{name}"))
        counts_channels = column.role == "groups" or is_width(column.role)
        if counts_channels and column.values in widths:
            names = chain([widths[column.values]])
        shared.fills.append(_named(names, column, shared.arguments))
    return shared


def _width_names(
    columns: Sequence[LiteralColumn],
    into: tuple[int, ...],
    out: tuple[int, ...],
) -> dict[tuple[int, ...], str]:
    """A name for every width that differs: what comes in, what goes out, and what is in between."""
    distinct = list(
        dict.fromkeys(c.values for c in columns if not c.constant)
    )
    if len(distinct) == 1:
        return {distinct[0]: "width"}
    inner = without(distinct, (into, out))
    names = dict(zip(inner, with_numbers("width"), strict=False))
    names[out] = "width_out" if inner else "width"
    names[into] = "width_in"
    return at_keys(names, distinct)


def _spatial(
    column: LiteralColumn, columns: Sequence[LiteralColumn]
) -> str:
    """The role of a literal; of cells that always have the same number, the first role in the order
    of `SPATIAL`: where a stride and a kernel are one number, that is the stride."""
    if column.role not in SPATIAL:
        return column.role
    roles = column.roles_among(columns)
    return next(iter(among(SPATIAL, roles)))

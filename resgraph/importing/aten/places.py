"""Numbers that a model's code moves and does not compute, as what a query says of distances →
where each came from: the moves are made with counters in their place, so that no form of them need
be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from ...collecting import of_type
from ...ops import Shape
from ...structs import Frozen
from ..program import MADE_AS, AtenCall
from .axes import BATCH, Axis, Layout, flat, sizes

_MOVES = frozenset([
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze",
    "permute", "transpose", "movedim", "t", "expand", "repeat", "contiguous", "clone",
    "slice", "narrow", "select", "pad", "gather", "constant_pad_nd",
])  # fmt: skip
_ARITHMETIC = frozenset(("add", "sub", "rsub", "mul", "arange"))
_MOST = 2**25
"""Numbers that are moved; more are of no net that could be run."""


class DistanceTable(Frozen):
    """A learned row for each distance, and which of its numbers stands where: of all queries in
    a row, for each of its `rows`, counted from 1; 0 is a zero."""

    key: str
    rows: int
    numbers: Tensor


class Distances(Frozen):
    """What the queries that are the step `of` say of distances: a sum of tables."""

    of: str
    tables: tuple[DistanceTable, ...]

    def alone(self, reader: Any) -> Any:
        """What they are to all but an attention."""
        raise reader.no(
            "it reads what queries say of distances, outside of attention"
        )

    def joined(self, other: Distances) -> Distances:
        """The sum of both."""
        tables = (*self.tables, *other.tables)
        spread = torch.broadcast_tensors(*(each.numbers for each in tables))  # type: ignore[no-untyped-call]
        pairs = zip(tables, spread, strict=True)
        return Distances(
            self.of, tuple(replace(t, numbers=n) for t, n in pairs)
        )


def said_of_distances(
    step: str, shape: Shape, axes: Layout, key: str, rows: int
) -> Distances:
    """A product of queries, laid so on a step, with a table."""
    numbers = (
        _queries(axes[:-1], shape)[..., None] * rows
        + torch.arange(rows)
        + 1
    )
    return Distances(step, (DistanceTable(key, rows, numbers),))


def roles(
    distances: Distances, shape: Shape, axes: Layout
) -> dict[str, str] | None:
    """The keys of the tables that say how far down and across each cell is from each other; None
    where the numbers are others."""
    _, height, width = shape
    place = torch.arange(height * width)
    queries = _queries(axes[:-1], shape)[..., None]
    found = {}
    for role, side, at in (
        ("down", height, place // width),
        ("across", width, place % width),
    ):
        rows = 2 * side - 1
        wanted = queries * rows + (at - at[:, None] + side - 1) + 1
        for table in distances.tables:
            if table.rows == rows and torch.equal(table.numbers, wanted):
                found[role] = table.key
    return found if len(found) == len(distances.tables) == 2 else None


def _queries(axes: Sequence[Axis], shape: Shape) -> Tensor:
    """Which query stands where, by all axes but that of its numbers."""
    steps = {of: prod(shape[of + 1 :]) for of in range(len(shape))}
    steps[BATCH] = prod(shape)
    found = torch.zeros((), dtype=torch.int64)
    for atom in flat(axes):
        found = (
            found[..., None]
            + torch.arange(atom.size) * atom.step * steps[atom.of]
        )
    return found.reshape(sizes(tuple(axes)))


def moved_numbers(
    call: AtenCall, given: Mapping[str, Any]
) -> Tensor | Distances | None:
    """What a call makes of known numbers; None where it does something else."""
    read = [v for v in given.values() if isinstance(v, Tensor | Distances)]
    said = next(of_type(Distances, read), None)
    words = _MOVES if said else _MOVES | _ARITHMETIC
    if call.word not in words or len(read) != len([*call.reads]):
        return None
    if said is None:
        return _run(call, given)
    numbers = (
        _run(call, {**given, "self": t.numbers}) for t in said.tables
    )
    pairs = zip(said.tables, numbers, strict=True)
    return replace(
        said, tables=tuple(replace(t, numbers=n) for t, n in pairs)
    )


def _run(call: AtenCall, given: Mapping[str, Any]) -> Tensor:
    """Without numbers first, as a file may ask for any size. Raises `ValueError` for what torch
    cannot do."""
    form = call.overload or "default"
    op = getattr(getattr(torch.ops.aten, call.word), form, None)
    if not isinstance(op, torch._ops.OpOverload):
        raise ValueError(f"it has no form `{form}`")
    left = {k: v for k, v in given.items() if k not in MADE_AS}

    def made(device: str) -> Tensor:
        own = {
            k: v.to(device) if isinstance(v, Tensor) else v
            for k, v in left.items()
        }
        found: Tensor = op(
            **own, **({"device": device} if call.word == "arange" else {})
        )
        return found

    try:
        size = made("meta").numel()
        if size <= _MOST:
            return made("cpu")
    except (RuntimeError, TypeError, IndexError) as problem:
        raise ValueError(str(problem).partition("\n")[0]) from None
    raise ValueError(f"{size} numbers are moved")

"""The steps between two cuts → the paths of a block and the equation that joins them."""

from __future__ import annotations

from collections import Counter
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import chain
from math import prod
from operator import lt

from msgspec import Struct
from msgspec.structs import replace

from ...collecting import among, by_name, each_name, flatten, reached
from ...ops import Binary, Concat, Op, Over, Shape
from ...ops.function import Among, Pointwise
from ..captured import CapturedOp, readers, repeated
from .layers import steps_key
from .structure import Branch, Region, RegionItem, StepTree, is_called


def in_equations(op: Op) -> bool:
    """Whether an equation alone can say it."""
    return isinstance(op, Binary | Concat | Over | Among | Pointwise)


class Piece(Struct):
    """A step, or steps from one value to one value; `inputs` are outside of it."""

    name: str
    inputs: tuple[str, ...]
    items: list[RegionItem]

    @property
    def _step(self) -> CapturedOp | None:
        (first, *more) = self.items
        return first if isinstance(first, CapturedOp) and not more else None

    @property
    def joins(self) -> CapturedOp | None:
        """The step, where an equation alone can say it: a sum, a concatenation."""
        step = self._step
        return step if step and in_equations(step.op) else None

    @property
    def activation(self) -> CapturedOp | None:
        """The step, where it is an activation that an equation can name."""
        step = self._step
        return step if step and is_called(step) else None


def collapsed(
    steps: Sequence[CapturedOp],
    entries: Sequence[str],
    kept: Collection[str] = (),
) -> dict[str, Piece]:
    """Joins within a path, from one value to one value, as one unit each: blocks in the block. Of
    several rows, some values are `kept`, and any of the joins may be one, but for the levels of a
    U-Net. What stands there again with its weights is one unit each time."""
    nearest = _dominators(steps, entries)
    place = {step.name: n for n, step in enumerate(steps)}
    inner = _inner(steps, entries, nearest, kept)
    taken: set[str] = set()
    units: dict[str, Piece] = {}
    for end, within in sorted(
        inner.items(), key=lambda each: -len(each[1])
    ):
        if not within & taken:
            taken |= within
            items: list[RegionItem] = [
                steps[n] for n in sorted(place[name] for name in within)
            ]
            units[end] = Piece(end, (nearest[end],), items)
    for step in steps:
        if step.name not in taken:
            units[step.name] = Piece(step.name, step.inputs, [step])
    return dict(sorted(units.items(), key=lambda each: place[each[0]]))


def _inner(
    steps: Sequence[CapturedOp],
    entries: Sequence[str],
    nearest: Mapping[str, str],
    kept: Collection[str],
) -> dict[str, set[str]]:
    """For each join that may be a block in the block, all between."""
    known = by_name(steps)
    found = _closed(steps, nearest, kept)
    same = _repeated(found, nearest, steps)

    def is_outer(end: str) -> bool:
        """Whether it is a level of a U-Net, or the block itself."""
        if not kept:
            return nearest[end] in entries
        own = (known[name] for name in found[end])
        return narrows(own, known[end].shape)

    return {
        end: within
        for end, within in found.items()
        if end in same or not is_outer(end)
    }


def narrows(steps: Iterable[CapturedOp], out: Shape) -> bool:
    """Whether layers with weights have smaller maps than what comes out: a level of a U-Net."""
    shapes = (step.shape for step in steps if step.op.weighted)
    return any(_is_smaller(shape, out) for shape in shapes)


def _is_smaller(shape: Shape, other: Shape) -> bool:
    """Whether it is a map, of more than one cell, with fewer along each axis."""
    return prod(shape[1:]) > 1 and all(map(lt, shape[1:], other[1:]))


def falls(block: Region) -> int:
    """How often the maps of a block become smaller on the way to a layer with weights, and smaller
    than what comes out."""
    own, known = {*each_name(block.steps)}, block.known
    depth: dict[str, int] = {}
    for name in among(known, own):
        step = known[name]
        small = _is_smaller(step.shape, block.out)
        depth[name] = max(
            depth.get(each, 0)
            + (small and _is_smaller(step.shape, known[each].shape))
            for each in step.inputs
        )
    return max(
        (depth[name] for name in depth if known[name].op.weighted),
        default=0,
    )


_ROOT = ""
"""What all entries come from."""


def _dominators(
    steps: Sequence[CapturedOp], entries: Sequence[str]
) -> dict[str, str]:
    """The nearest value that each step's every way from the entries goes through."""
    nearest = {_ROOT: _ROOT, **dict.fromkeys(entries, _ROOT)}
    depth = {_ROOT: 0, **dict.fromkeys(entries, 1)}
    for step in steps:
        found, *rest = step.inputs
        for other in rest:
            while found != other:
                if depth[found] >= depth[other]:
                    found = nearest[found]
                else:
                    other = nearest[other]
        nearest[step.name], depth[step.name] = found, depth[found] + 1
    return nearest


def _closed(
    steps: Sequence[CapturedOp],
    nearest: Mapping[str, str],
    kept: Collection[str],
) -> dict[str, set[str]]:
    """For each join behind one value, all between, where nothing of it is read from outside."""
    found, users = {}, readers(steps)
    place = {step.name: n for n, step in enumerate(steps)}
    for step in steps:
        if len({*step.inputs}) > 1 and nearest[step.name] != _ROOT:
            within = _between(step, nearest[step.name], steps, place)
            own = within - {step.name}
            inside = {*flatten(users[name] for name in own)}
            if inside <= within and own.isdisjoint(kept):
                found[step.name] = within
    return found


def _repeated(
    inner: Mapping[str, Collection[str]],
    nearest: Mapping[str, str],
    steps: Sequence[CapturedOp],
) -> set[str]:
    """The ends of those between which the same is done with the same weights."""
    again = {step.name for each in repeated(steps) for step in each}
    keys = {
        end: steps_key(
            nearest[end], [each for each in steps if each.name in within]
        )
        for end, within in inner.items()
        if not again.isdisjoint(within)
    }
    times = Counter(keys.values())
    return {end for end, key in keys.items() if times[key] > 1}


def _between(
    step: CapturedOp,
    start: str,
    steps: Sequence[CapturedOp],
    place: Mapping[str, int],
) -> set[str]:
    return reached(
        [step.name], lambda name: steps[place[name]].inputs, [start]
    )


def joined(
    units: dict[str, Piece],
    entry: str,
    exit: str,
    known: Mapping[str, CapturedOp],
) -> Region:
    """The block from one value to another."""
    paths = _Joined(units, [entry])
    merge = paths.expression(exit, top=True)
    branches = [
        replace(b, start=None if b.start == entry else b.start)
        for b in paths
    ]
    return Region(entry, exit, branches, merge, known)


def parted(
    units: dict[str, Piece], entries: Sequence[str], exits: Collection[str]
) -> list[Branch]:
    """The paths from several values to several, each from what it starts with."""
    paths = _Joined(units, entries, exits)
    for value in exits:
        paths.path(value)
    return [*paths]


class _Joined:
    """The paths of a block, made where its equation names them; what is `kept` ends one."""

    def __init__(
        self,
        units: dict[str, Piece],
        entries: Sequence[str],
        kept: Collection[str] = (),
    ) -> None:
        self.units, self.entries = units, entries
        self.uses = Counter(
            (*kept, *chain(*(unit.inputs for unit in units.values())))
        )
        self.branches: dict[str, Branch] = {}

    def __iter__(self) -> Iterator[Branch]:
        yield from self.branches.values()

    def expression(self, value: str, *, top: bool = False) -> StepTree:
        """What a value is, as an equation over paths that are made on the way."""
        if value in self.entries:
            return value
        unit = self.units[value]
        if top or self.uses[value] == 1:
            if step := unit.joins:
                return step, tuple(map(self.expression, step.inputs))
            step = unit.activation
            if (
                step
                and self.uses[step.inputs[0]] == 1
                and self._joins(step.inputs[0])
            ):
                return step, (self.expression(step.inputs[0]),)
        self.path(value)
        return value

    def _joins(self, value: str) -> bool:
        return (
            value not in self.entries
            and self.units[value].joins is not None
        )

    def path(self, value: str) -> None:
        """The path that ends with a value, and before it those that it reads."""
        if value in self.branches or value in self.entries:
            return
        items: list[RegionItem] = []
        here: str = value
        start: StepTree | None = None
        while start is None:
            unit = self.units[here]
            if here != value and self.uses[here] > 1:
                self.path(here)
                start = here
            elif step := unit.joins:
                start = step, tuple(map(self.expression, step.inputs))
            else:
                items[:0] = unit.items
                (here,) = unit.inputs
                start = here if here in self.entries else None
        self.branches[value] = Branch(value, start, items)

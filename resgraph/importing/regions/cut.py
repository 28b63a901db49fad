"""A flat list of steps → layers and blocks, by which values are alive: no names, no patterns.

In topological order, where one value alone is alive, the net can be cut. Between two cuts lies one
layer, or one block, whose paths and equation follow from its dominators."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import takewhile

from msgspec.structs import replace

from ...collecting import flatten, of_type
from ...ops import Part
from ..captured import Captured, CapturedOp
from ..classes import module_of
from ..numbers.factors import number_of
from .cut_rows import CutNet, mark
from .paths import (
    Piece,
    collapsed,
    falls,
    in_equations,
    joined,
    narrows,
    parted,
)
from .prefixes import begin, prefixed
from .seams import seams
from .streams import CutStreams, streams
from .structure import (
    Branch,
    Region,
    RegionItem,
    StepTree,
    is_activation,
    is_called,
    product_of,
    sums,
)

_FEWEST = 4
"""Fewer paths than these are no two streams that exchange something."""


def cut(net: Captured, apart: Collection[str] = ()) -> CutNet:
    """The whole net as layers and blocks, one after another; steps that stand `apart` are in no
    block."""
    items = None if apart else _spine(net)
    if items is None:
        return _opened(
            net, [*takewhile(_without(apart), _beginning(net))], apart
        )
    levels = [n for n, item in enumerate(items) if _levels(item) > 1]
    if len(levels) == 1:
        return _opened(net, items[: levels[0]])
    found = _flowing(items, net)
    found.items = prefixed(found.items, {*net.outputs})
    return found.ended(net.outputs)


def _flowing(items: Sequence[RegionItem], net: Captured) -> CutNet:
    """Items one after another, with rows for the streams of those that have several."""
    found = CutNet([], net.input)
    for item in items:
        parts = _streams(item, net)
        found.items += [] if parts.rows else [item]
        found.flow(parts, net.steps)
        if (
            parts.rows
            and item.exit in net.outputs
            and item is not items[-1]
        ):
            found.items.append(mark(f"after {item.exit}", item))
    found.last = net.output
    return found


def _streams(item: RegionItem, net: Captured) -> CutStreams:
    """Of a block that has as many paths as two that exchange something."""
    if not isinstance(item, Region) or len(item.branches) < _FEWEST:
        return CutStreams()
    pairs = zip(item.branches, item.starts, strict=True)
    begun = (replace(branch, start=start) for branch, start in pairs)
    found = streams(
        item.entry, [*begun, Branch(item.exit, item.merge, [])], net
    )
    return found if found.rows else CutStreams()


def _spine(net: Captured) -> list[RegionItem] | None:
    """Of a net whose outputs are on the way to its last; None of another."""
    if len(net.inputs) > 1:
        return None
    read = {*flatten(step.inputs for step in net.steps.values())}
    if net.steps.keys() - read != {net.output}:
        return None
    items = _sequence(_steps(net), net.input, [net.output], net.steps)
    exits = {item.exit for item in items}
    return items if exits.issuperset(net.outputs) else None


def _steps(net: Captured) -> list[CapturedOp]:
    return [
        step for step in net.steps.values() if step.name not in net.inputs
    ]


def _levels(item: RegionItem) -> int:
    """How many blocks in one another have maps within that are smaller than what comes out, or how
    often maps become smaller there one after another (as of a feature pyramid)."""
    if isinstance(item, CapturedOp) or not narrows(item.steps, item.out):
        return 0
    return max(falls(item), 1 + max(map(_levels, item.within), default=0))


def _beginning(net: Captured) -> list[RegionItem]:
    """As far as a net of one input is one path."""
    if len(net.inputs) > 1:
        return []
    return _sequence(_steps(net), net.input, net.outputs, net.steps)


def _without(apart: Collection[str]) -> Callable[[RegionItem], bool]:
    """Whether an item has no step of these."""
    return lambda item: not any(step.name in apart for step in item.steps)


def _opened(
    net: Captured, items: list[RegionItem], apart: Collection[str] = ()
) -> CutNet:
    """What a net begins with, and then its rows."""
    known, entries = net.steps, [*net.inputs]
    done = {step.name for item in items for step in item.steps}
    steps = [step for step in _steps(net) if step.name not in done]
    if items:
        entries = [items[-1].exit]
    kept = {*net.outputs, *apart}
    begun = seams(net, steps, entries, kept)
    units = _pieces(steps, entries, known, kept.union(*begun))
    ends = [
        value
        for layer in begun
        for value in _ends(layer, known)
        if value in units  # what the net begins with is in no row
    ]
    branches = parted(units, entries, [*net.outputs, *ends])
    place = {name: n for n, name in enumerate(known)}
    branches.sort(key=lambda branch: place[branch.first.name])
    found = CutNet(items, entries[0])
    for branch in branches:
        _tidy(branch)
        branch.items = _headed(branch.items)
    one = len(entries) == 1
    flow = (
        streams(entries[0], branches, net)
        if one
        else CutStreams(rest=branches)
    )
    found.flow(flow, known)
    found.items = prefixed(found.items, {*net.outputs})
    return found


def _ends(
    seams: Sequence[str], known: Mapping[str, CapturedOp]
) -> Iterator[str]:
    """Where rows end before a layer that runs again: what it read first, and what no equation says
    with which another row may start."""
    first, *others = seams
    yield first
    yield from (v for v in others if not in_equations(known[v].op))


def _sequence(
    steps: Sequence[CapturedOp],
    entry: str,
    exits: Collection[str],
    known: Mapping[str, CapturedOp],
) -> list[RegionItem]:
    """Steps from one value to others, cut wherever one value alone is alive; without those behind
    the last cut."""
    last_use = {
        source: place
        for place, step in enumerate(steps)
        for source in step.inputs
    }
    last_use |= dict.fromkeys(exits, len(steps))
    items: list[RegionItem] = []
    alive, since, held = {entry}, entry, list[CapturedOp]()
    for place, step in enumerate(steps):
        alive.add(step.name)
        alive = {name for name in alive if last_use.get(name, -1) > place}
        held.append(step)
        if alive == {step.name}:
            items += _between(held, since, step.name, known)
            since, held = step.name, []
    return _headed(_absorbed(items))


def _pieces(
    steps: Sequence[CapturedOp],
    entries: Sequence[str],
    known: Mapping[str, CapturedOp],
    kept: Collection[str] = (),
) -> dict[str, Piece]:
    """The units that paths are made of, each cut itself."""

    def inner(unit: Piece) -> Piece:
        (start,) = unit.inputs
        own = [*of_type(CapturedOp, unit.items)]
        items = _sequence(own, start, [unit.name], known)
        return Piece(unit.name, unit.inputs, items)

    return {
        name: inner(unit) if len(unit.items) > 1 else unit
        for name, unit in collapsed(steps, entries, kept).items()
    }


def _between(
    steps: Sequence[CapturedOp],
    entry: str,
    exit: str,
    known: Mapping[str, CapturedOp],
) -> list[RegionItem]:
    """What lies between two cuts: a layer, or a block."""
    (first, *more) = steps
    if not more and not in_equations(first.op):
        return [first]

    block = joined(_pieces(steps, [entry], known), entry, exit, known)
    for branch in block.branches:
        _tidy(branch)
    return [block]


def _tidy(branch: Branch) -> None:
    """An activation behind a sum belongs to that."""
    branch.items = _absorbed(branch.items)
    begun, start = next(iter(branch.items), None), branch.start
    if start and sums(start) and begun and is_called(begun):
        branch.start, branch.items = (begun, (start,)), branch.items[1:]


def _absorbed(items: list[RegionItem]) -> list[RegionItem]:
    """What a sum is multiplied by, and an activation behind it, belong to the block that sums."""
    found: list[RegionItem] = []
    for item in items:
        before = next(reversed(found), None)
        last = product_of(item) or (item if is_activation(item) else None)
        if last and isinstance(before, Region) and _is_sum(before.merge):
            before.merge, before.exit = (last, (before.merge,)), last.name
        else:
            found.append(item)
    return found


def _is_sum(merge: StepTree) -> bool:
    """Whether terms are summed, and perhaps multiplied by a number."""
    if isinstance(merge, tuple) and number_of(merge[0].op) is not None:
        merge = merge[1][0]
    return sums(merge)


def _headed(items: list[RegionItem]) -> list[RegionItem]:
    """A layer that is made to be split belongs to the block that splits it (as in ResNeSt)."""
    found: list[RegionItem] = []
    for item in items:
        if isinstance(item, Region) and _splits(item):
            layer = _layer(found)
            if layer and _within(layer, item):
                begin(item, [Branch(layer[-1].name, None, [*layer])])
                del found[-len(layer) :]
        found.append(item)
    return found


def _within(layer: Sequence[CapturedOp], block: Region) -> bool:
    """Whether a layer is not beside the module that all of a block is."""
    return layer[0].inside(module_of(block.steps))


def _splits(block: Region) -> bool:
    """Whether all that reads a block's input takes a part of it."""
    if block.reads_entry:
        return False
    firsts = [
        branch.items[:1]
        for branch in block.branches
        if branch.start is None
    ]
    parts = [isinstance(i.op, Part) for i in flatten(firsts)]
    return len(parts) == len(firsts) > 1 and all(parts)


def _layer(items: Sequence[RegionItem]) -> list[CapturedOp]:
    """The convolution that items end with, its norm and activation behind it; none where something
    else is last."""
    found: list[CapturedOp] = []
    for item in reversed(items):
        if not isinstance(item, CapturedOp) or not (
            item.op.weighted or item.op.role
        ):
            return []
        found.insert(0, item)
        if item.op.weighted:
            return found
    return []

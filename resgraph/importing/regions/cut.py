"""A flat list of steps → layers and blocks, by which values are alive: no names, no patterns.

In topological order, where one value alone is alive, the net can be cut. Between two cuts lies one
layer, or one block, whose paths and equation follow from its dominators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeGuard

from ...ops import Add, Part
from ..captured import Captured, CapturedOp
from .paths import Piece, collapsed, in_equations, joined
from .structure import Branch, Region, RegionItem, StepTree


def cut(net: Captured) -> list[RegionItem]:
    """The whole net as layers and blocks, one after another."""
    steps = [step for step in net.steps.values() if step.name != net.input]
    return _prefixed(_sequence(steps, net.input, net.output, net.steps))


def _sequence(
    steps: Sequence[CapturedOp], entry: str, exit: str, known: Mapping[str, CapturedOp]
) -> list[RegionItem]:
    """Steps from one value to another, cut wherever one value alone is alive."""
    last_use = {
        source: place for place, step in enumerate(steps) for source in step.inputs
    }
    last_use[exit] = len(steps)
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


def _between(
    steps: Sequence[CapturedOp], entry: str, exit: str, known: Mapping[str, CapturedOp]
) -> list[RegionItem]:
    """What lies between two cuts: a layer, or a block."""
    (first, *more) = steps
    if not more and not in_equations(first.op):
        return [first]

    def inner(unit: Piece) -> Piece:
        (start,) = unit.inputs
        own = [step for step in unit.items if isinstance(step, CapturedOp)]
        return Piece(unit.name, unit.inputs, _sequence(own, start, unit.name, known))

    units = {
        name: inner(unit) if len(unit.items) > 1 else unit
        for name, unit in collapsed(steps, entry).items()
    }
    block = joined(units, entry, exit, known)
    for branch in block.branches:
        branch.items = _absorbed(branch.items)
        begun, start = next(iter(branch.items), None), branch.start
        if start and _sums(start) and begun and is_activation(begun):
            branch.start, branch.items = (begun, (start,)), branch.items[1:]
    return [block]


def _absorbed(items: list[RegionItem]) -> list[RegionItem]:
    """An activation behind a sum belongs to the block that sums."""
    found: list[RegionItem] = []
    for item in items:
        before = found[-1] if found else None
        sums = isinstance(before, Region) and _sums(before.merge)
        if sums and isinstance(before, Region) and is_activation(item):
            before.merge, before.exit = (item, (before.merge,)), item.name
        else:
            found.append(item)
    return found


def _headed(items: list[RegionItem]) -> list[RegionItem]:
    """A layer that is made to be split belongs to the block that splits it (as in ResNeSt)."""
    found: list[RegionItem] = []
    for item in items:
        if isinstance(item, Region) and _splits(item):
            layer = _layer(found)
            if layer:
                _begin(item, layer)
                del found[-len(layer) :]
        found.append(item)
    return found


def _splits(block: Region) -> bool:
    """Whether all that reads a block's input takes a part of it."""
    if block.reads_entry:
        return False
    firsts = [branch.items[:1] for branch in block.branches if branch.start is None]
    parts = [
        isinstance(i, CapturedOp) and isinstance(i.op, Part)
        for each in firsts
        for i in each
    ]
    return len(parts) == len(firsts) > 1 and all(parts)


def _layer(items: Sequence[RegionItem]) -> list[CapturedOp]:
    """The convolution that items end with, its norm and activation behind it; none where something
    else is last."""
    found: list[CapturedOp] = []
    for item in reversed(items):
        if not isinstance(item, CapturedOp) or not (item.op.weighted or item.op.role):
            return []
        found.insert(0, item)
        if item.op.weighted:
            return found
    return []


def is_activation(item: RegionItem) -> TypeGuard[CapturedOp]:
    """Whether it is an activation that an equation can name."""
    own = isinstance(item, CapturedOp) and item.op.role == "activation"
    return own and type(item.op).in_equation()  # type: ignore[union-attr]


def _sums(merge: StepTree) -> bool:
    return isinstance(merge, tuple) and isinstance(merge[0].op, Add)


def _prefixed(items: list[RegionItem]) -> list[RegionItem]:
    """A norm and activation before a block that starts two paths with them are its own.

    Where the blocks that change nothing begin their body so (pre-activation, He et al. 2016), a
    block that changes something shares them between its body and its shortcut."""
    begins = {_beginning(item) for item in items if isinstance(item, Region)} - {()}
    shared: set[tuple[str, ...]] = set()
    found: list[RegionItem] = []
    for item in items:
        before = _before(begins, found, item)
        if before and isinstance(item, Region):
            shared.add(_words(before))
            _begin(item, before)
            del found[-len(before) :]
        found.append(item)
    for item in found:
        if isinstance(item, Region) and _beginning(item) in shared:
            _split(item, len(_beginning(item)))
    return found


def _before(
    begins: Collection[tuple[str, ...]], found: Sequence[RegionItem], item: RegionItem
) -> list[CapturedOp]:
    """The most of these that stand before a block none of whose paths begins with them itself."""
    if isinstance(item, Region) and _shares(item):
        for words in sorted(begins, key=len, reverse=True):
            steps = [s for s in found[-len(words) :] if isinstance(s, CapturedOp)]
            paths = (_words(path.items[: len(words)]) for path in item.branches)
            if _words(steps) == words and words not in paths:
                return steps
    return []


def _words(steps: Sequence[RegionItem]) -> tuple[str, ...]:
    return tuple(
        step.op.label() if isinstance(step, CapturedOp) else "" for step in steps
    )


def _beginning(block: Region) -> tuple[str, ...]:
    """The norm and activation that begin the one path beside an identity."""
    merge = block.merge
    if not _sums(merge) or len(block.branches) != 1 or block.entry not in merge[1]:
        return ()
    items = block.branches[0].items
    for place, item in enumerate(items):
        if not isinstance(item, CapturedOp) or item.op.weighted:
            return _words(items[:place])
    return ()


def _shares(block: Region) -> bool:
    paths = block.branches
    return (
        _sums(block.merge) and len(paths) == 2 and all(p.start is None for p in paths)
    )


def _begin(block: Region, before: list[CapturedOp]) -> None:
    """Take steps into a block, as a path that its others start from."""
    for branch in block.branches:
        branch.start = branch.start or block.entry
    block.branches.insert(0, Branch(block.entry, None, list(before)))
    block.entry = before[0].inputs[0]


def _split(block: Region, count: int) -> None:
    """The same of a block that changes nothing, so that both are of one kind."""
    (body,) = block.branches
    own, rest = body.items[:count], body.items[count:]
    last = own[-1]
    assert isinstance(last, CapturedOp)
    block.branches = [Branch(last.name, None, own), Branch(body.value, last.name, rest)]

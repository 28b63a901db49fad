"""A flat list of steps → layers and blocks, by which values are alive: no names, no patterns.

In topological order, where one value alone is alive, the net can be cut. Between two cuts lies one
layer, or one block, whose paths and equation follow from its dominators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...ops import Part
from ..captured import Captured, CapturedOp
from ..classes import common
from .paths import Piece, collapsed, in_equations, joined
from .prefixes import begin, prefixed
from .structure import Branch, Region, RegionItem, is_activation, sums


def cut(net: Captured) -> list[RegionItem]:
    """The whole net as layers and blocks, one after another."""
    steps = [step for step in net.steps.values() if step.name != net.input]
    return prefixed(_sequence(steps, net.input, net.output, net.steps))


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
        if start and sums(start) and begun and is_activation(begun):
            branch.start, branch.items = (begun, (start,)), branch.items[1:]
    return [block]


def _absorbed(items: list[RegionItem]) -> list[RegionItem]:
    """An activation behind a sum belongs to the block that sums."""
    found: list[RegionItem] = []
    for item in items:
        before = found[-1] if found else None
        summed = isinstance(before, Region) and sums(before.merge)
        if summed and isinstance(before, Region) and is_activation(item):
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
            if layer and _within(layer, item):
                begin(item, [Branch(layer[-1].name, None, [*layer])])
                del found[-len(layer) :]
        found.append(item)
    return found


def _within(layer: Sequence[CapturedOp], block: Region) -> bool:
    """Whether a layer is not beside the module that all of a block is."""
    module = common([step.module.split(".") for step in block.steps()])
    return layer[0].module.split(".")[: len(module)] == module


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

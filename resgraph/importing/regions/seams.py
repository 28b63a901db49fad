"""Layers that a net runs again → the values at which rows begin for them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence

from ...collecting import each_name, flatten
from ..captured import Captured, CapturedOp, repeated
from .layers import steps_key
from .paths import Piece, collapsed
from .structure import RegionItem


def unsaid(net: Captured, items: Iterable[RegionItem]) -> set[str]:
    """The steps of layers that run more than once, where `again` does not stand for all but one."""
    steps = flatten(item.steps for item in items)
    left = {each[0].layer for each in repeated(steps)}
    return {
        step.name
        for step in net.steps.values()
        if step.weighs and step.layer in left
    }


def seams(
    net: Captured,
    steps: Sequence[CapturedOp],
    entries: Sequence[str],
    kept: Collection[str],
) -> list[list[str]]:
    """What flows into each layer that runs in several units of a net, where something else flows
    into it each time: rows begin there, and units that hold such a value are none."""
    found: list[list[str]] = []
    more = _Seams(net, collapsed(steps, entries, kept).values()).found()
    while more != found:
        found = more
        # those of before stay, so that it ends: units that are taken apart can leave no seam
        kept = {*kept}.union(*found)
        units = collapsed(steps, entries, kept).values()
        more = _Seams(net, units).found()
    return found


class _Seams:
    """Those between units."""

    def __init__(self, net: Captured, units: Collection[Piece]) -> None:
        self.layers = repeated(net.steps.values())
        free = {unit.name for unit in units if unit.joins}
        self.behind = _behind(net.steps.values(), self.layers, free)
        self.inside = {
            step.name: unit
            for unit in units
            for item in unit.items
            for step in item.steps
        }

    def found(self) -> list[list[str]]:
        read = map(self._read, self.layers)
        return [*filter(self._differ, read)]

    def _differ(self, values: Iterable[str]) -> bool:
        return len({self.behind.get(value, value) for value in values}) > 1

    def _read(self, layer: Sequence[CapturedOp]) -> list[str]:
        """What flows into a layer each time, or into the units that it is in, which are one."""
        units = [self.inside.get(step.name) for step in layer]
        held = [unit for unit in units if unit and len(unit.items) > 1]
        if len(set(each_name(held))) == 1:
            return []
        if len(held) == len(layer) and len({*map(_unit_key, held)}) == 1:
            return [unit.inputs[0] for unit in held]
        return [step.inputs[0] for step in layer]


def _unit_key(unit: Piece) -> Hashable:
    steps = flatten(item.steps for item in unit.items)
    return steps_key(unit.inputs[0], [*steps])


def _behind(
    steps: Iterable[CapturedOp],
    layers: Iterable[Sequence[CapturedOp]],
    free: Collection[str],
) -> dict[str, Hashable]:
    """The values behind layers that run again, but for those behind others with weights or behind
    `free` joins, which begin rows: equal where they are made alike."""
    again = {step.name for each in layers for step in each}
    found: dict[str, Hashable] = {}
    for step in steps:
        read = [found[name] for name in step.inputs if name in found]
        if step.name in again:
            found[step.name] = step.layer
        elif read and not step.weighs and step.name not in free:
            found[step.name] = hash((step.layer, *read))
    return found

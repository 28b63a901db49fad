"""Steps → which of them are one layer, or one block, that runs again: what they do, and with which
weights."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from ...collecting import by_key
from ..captured import CapturedOp
from .structure import RegionItem

Layers = list[CapturedOp]
"""One layer, each time that it runs."""


def layer_key(step: CapturedOp) -> Hashable:
    """What a step does, and with which weights."""
    return step.op, tuple(sorted(step.tensors.items()))


def item_key(item: RegionItem) -> Hashable:
    """What an item does, and with which weights."""
    if isinstance(item, CapturedOp):
        return layer_key(item)
    return steps_key(item.entry, [*item.steps])


def steps_key(entry: str, steps: Sequence[CapturedOp]) -> Hashable:
    """What steps behind a value do, and with which weights."""
    places = {entry: 0} | {step.name: n for n, step in enumerate(steps, 1)}
    return tuple(
        (
            layer_key(step),
            tuple(places.get(name, name) for name in step.inputs),
        )
        for step in steps
    )


def has_weights(item: RegionItem) -> bool:
    return any(step.tensors for step in item.steps)


def repeated(steps: Iterable[CapturedOp]) -> list[Layers]:
    """The layers that run more than once."""
    weighted = ((layer_key(step), step) for step in steps if step.tensors)
    return [each for each in by_key(weighted).values() if len(each) > 1]

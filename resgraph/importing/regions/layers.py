"""Steps → which of them are one layer, or one block, that runs again: what they do, and with which
weights."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..captured import CapturedOp
from .structure import RegionItem


def item_key(item: RegionItem) -> Hashable:
    """What an item does, and with which weights."""
    if isinstance(item, CapturedOp):
        return item.layer
    return steps_key(item.entry, [*item.steps])


def steps_key(entry: str, steps: Sequence[CapturedOp]) -> Hashable:
    """What steps behind a value do, and with which weights."""
    places = {entry: 0} | {step.name: n for n, step in enumerate(steps, 1)}
    return tuple(
        (
            step.layer,
            tuple(places.get(name, name) for name in step.inputs),
        )
        for step in steps
    )


def has_weights(item: RegionItem) -> bool:
    return any(step.weighs for step in item.steps)

"""Definitions that differ in an activation, or in layers which some calls have and others lack →
groups that one definition can say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import filterfalse
from operator import itemgetter

from ...ops import ACTIVATIONS
from ..cells import Cell, Unit, cells
from ..definitions import Elements, aligned
from ..kinds import (
    activations_of,
    changes,
    mains,
    of_block,
    of_elements,
    skip_branch,
)
from ..regions.structure import Region
from ..written import Repeated, WrittenBlock, blocks_of

_SHARED, _LACKED = 3, 2
"""At least three labels are in all calls, and twice as many as some lack, which are two at most."""


def together(
    definitions: Iterable[WrittenBlock], elements: Elements
) -> list[list[WrittenBlock]]:
    """Definitions of one level, those in one group that one can say."""
    groups: list[list[WrittenBlock]] = []
    for definition in definitions:
        fits = (g for g in groups if _fits([*g, definition], elements))
        group = next(fits, None)
        if group is None:
            groups.append([definition])
        else:
            group.append(definition)
    return groups


def _fits(group: Sequence[WrittenBlock], elements: Elements) -> bool:
    firsts = [each.blocks[0] for each in group]
    blocks, unit = blocks_of(group), elements.unit
    one = len({_frame(block, unit) for block in firsts}) == 1
    if (
        not one
        or any(each.keeps for each in group)
        or not _one_shortcut(blocks, unit)
    ):
        return False
    columns = [*_columns(firsts, elements)]
    said = [*filterfalse(_silent, columns)]
    return _end_alike(blocks, columns) and _alike_enough(said)


def _end_alike(
    blocks: Sequence[Region], columns: Sequence[Sequence[Repeated | None]]
) -> bool:
    """Whether a body without its sum ends as those with it, and changes something, where there are
    both."""
    alone = [block for block in blocks if not block.summed]
    both = 0 < len(alone) < len(blocks)
    last = next(filterfalse(_gates, reversed(columns)), [None])
    return not both or (None not in last and all(map(changes, alone)))


def _gates(column: Sequence[Repeated | None]) -> bool:
    """Whether what stands there scales what comes in."""
    return all(run[0].gates for run in column if run)


def _columns(
    blocks: Sequence[Region], elements: Elements
) -> Iterator[list[Repeated | None]]:
    """The labels of all paths."""
    for branches in zip(*map(mains, blocks), strict=True):
        yield from aligned([elements.runs(b.items) for b in branches])


def _one_shortcut(blocks: Sequence[Region], unit: Unit) -> bool:
    """Whether those that project do it alike, and none beside them is without a sum."""
    found = {_skip(block, unit) for block in blocks} - {None}
    return len(found) <= 1 and (
        not found or all(block.summed for block in blocks)
    )


def _frame(block: Region, unit: Unit) -> object:
    """What a block is without the labels of its paths."""
    paths, merge = of_block(block, unit)
    acts = activations_of(block, unit)
    return (
        len(acts) <= 1 and acts <= ACTIVATIONS,
        tuple(map(itemgetter(0), paths)),
        merge,
    )


def _skip(block: Region, unit: Unit) -> object:
    branch = skip_branch(block)
    if branch is None:
        return None
    return branch.start is None, of_elements(
        cells(branch.items, unit), unit
    )


def _alike_enough(columns: Sequence[Sequence[Repeated | None]]) -> bool:
    """Whether paths share enough for what some lack to be an option of the others; layers that
    differ in their activation share all else."""
    lacking = [column for column in columns if None in column]
    least = _SHARED - all(map(_gates, lacking))
    runs = [[*filter(None, column)] for column in columns]
    layers = all(
        isinstance(element, Cell) for each in runs for element, _ in each
    )
    much = _much(len(lacking), len(columns), least)
    if not much and (lacking or not layers):
        return False
    return all(
        len({*map(_turned, each)}) == 1 and _named(each) for each in runs
    )


def _much(lacked: int, labels: int, least: int) -> bool:
    return lacked <= _LACKED and labels >= lacked + max(least, 2 * lacked)


def _named(column: Sequence[Repeated]) -> bool:
    """Whether a `let` can say the activation, where they have not all the same."""
    acts = {element.activation for element, _ in column}
    return len(acts) <= 1 or acts - {""} <= ACTIVATIONS


def _silent(column: Sequence[Repeated | None]) -> bool:
    return all(run[0].vanishes for run in filter(None, column))


def _turned(run: Repeated) -> object:
    """A kernel that is not square: one that is turned is of another thought."""
    kernel = getattr(run[0].op, "kernel", ())
    return (
        kernel if isinstance(kernel, tuple) and len({*kernel}) > 1 else None
    )

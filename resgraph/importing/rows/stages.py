"""The elements of a net, or of a part of one → its stem, stages and head."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from ...collecting import flatten
from ...ops import GlobalPool, Pool, Shape
from ..cells import Cell
from ..classes import module_of
from ..kinds import changes
from ..written import Element, Use
from .draft import DraftRow, equates, repeats
from .names import path_of

_JOINED = 2
"""As many labels before the blocks of a stage are in its row; more have one of their own."""


def staged(elements: Sequence[Element], first: Shape) -> list[DraftRow]:
    """The rows of a part with blocks, else of one without; `first` comes in."""
    places = [n for n, each in enumerate(elements) if _is_block(each)]
    if not places:
        rows = _plain(elements)
    else:
        start, last = places[0], places[-1]
        size = elements[start - 1].out if start else first
        rows = [
            DraftRow(list(elements[:start])),
            *_stages(elements[start : last + 1], size),
            DraftRow(list(elements[last + 1 :])),
        ]
    return [*flatten(map(_at_equations, rows))]


def _is_block(element: Element) -> bool:
    return isinstance(element, Use) and not equates(element)


def _at_equations(row: DraftRow) -> Iterator[DraftRow]:
    """A row of which an equation begins another, but for one among blocks."""
    part, parted = DraftRow(), not row.calls
    for element in row.elements:
        if parted and part.elements and equates(element):
            yield part
            part = DraftRow()
        part.elements.append(element)
    if part.elements:
        yield part


def held_together(rows: list[DraftRow], *, last: bool) -> list[DraftRow]:
    """The rows of a part that starts with an earlier one: what only leads to its blocks is theirs,
    and but for the `last` part, what follows them without weights or ends their module."""
    blocks = [
        n for n, row in enumerate(rows) if any(map(_is_block, row.elements))
    ]
    if not blocks:
        return [_one(rows)] if rows else []
    first, end = blocks[0], blocks[-1] + 1
    before, own, after = rows[:first], rows[first:end], rows[end:]
    lead, tail = _one(before), _one(after)
    if len(lead.elements) <= _JOINED:
        own[0].elements[:0], before = lead.elements, []
    if not last and (_is_light(tail) or _ends_module(tail, own[-1])):
        own[-1].elements, after = [*own[-1].elements, *tail.elements], []
    return [*before, *own, *after]


def _one(rows: Sequence[DraftRow]) -> DraftRow:
    return DraftRow([*flatten(row.elements for row in rows)])


def _ends_module(tail: DraftRow, row: DraftRow) -> bool:
    """Whether it is short, and in the module that all of a row is in."""
    path = module_of(row.steps)
    inside = all(_within(each, path) for each in tail.elements)
    return bool(path) and inside and len(tail.elements) <= _JOINED


def _is_light(row: DraftRow) -> bool:
    """Whether it is short, and has no weights."""
    return len(row.elements) <= _JOINED and not any(
        s.op.weighted for s in row.steps
    )


def _plain(elements: Sequence[Element]) -> list[DraftRow]:
    """Of a net without blocks: a row ends with a pool, and the last begins with one over all."""
    rows = [DraftRow()]
    for element in elements:
        before = rows[-1].elements[-1:]
        pooled = any(isinstance(each.op, Pool) for each in before)
        if before and (pooled or isinstance(element.op, GlobalPool)):
            rows.append(DraftRow())
        rows[-1].elements.append(element)
    return rows


def _stages(elements: Sequence[Element], size: Shape) -> Iterator[DraftRow]:
    """A row ends where the map changes its size, or where another run of equal blocks begins."""
    held: list[Element] = []
    row, ends = DraftRow(), _ends(elements)
    for place, element in enumerate(elements):
        if not repeats(element):
            held.append(element)
            continue
        if _closes(held, size, row, element):
            row.elements += held
            held = []
        smaller = element.out[1:] != size[1:]
        led = len(held) > _JOINED or (held and held[-1].out != size)
        if row.elements and (smaller or led or place in ends):
            yield row
            row = DraftRow()
        if len(held) > _JOINED:
            yield DraftRow(held)
            held = []
        row.elements += [*held, element]
        held, size = [], element.out
    yield row
    yield DraftRow(held)


def _closes(
    held: Sequence[Element], size: Shape, row: DraftRow, element: Element
) -> bool:
    """Whether layers behind a row are in its module, which the element after them is not, or are
    its activation; those that stride begin another."""
    if not held or held[-1].out[1:] != size[1:]:
        return False
    if row.elements and all(map(_activates, held)):
        return True
    path = path_of(row) if row.calls else []
    *inside, after = (_within(each, path) for each in (*held, element))
    return bool(path) and all(inside) and not after


def _activates(element: Element) -> bool:
    return isinstance(element, Cell) and element.op.role == "activation"


def _within(element: Element, path: Sequence[str]) -> bool:
    return all(step.inside(path) for step in element.steps)


def _ends(elements: Sequence[Element]) -> set[int]:
    """Where a run of calls that differ in their stride alone begins, where most are of several."""
    said = [
        (n, each) for n, each in enumerate(elements) if not _activates(each)
    ]
    runs = [
        list(group)
        for _, group in groupby(said, key=lambda each: _still(each[1]))
    ]
    calls = [run for run in runs if repeats(run[0][1])]
    if sum(map(len, calls)) < 2 * len(calls):
        return set()
    led: set[int] = set()
    for before, run, after in zip(
        runs, runs[1:], [*runs[2:], []], strict=False
    ):
        ((place, first), *_) = run
        if _leads(before, first, led) or _is_last(before, run, after):
            led.add(place)
    return {run[0][0] for run in calls} - led


_Placed = Sequence[tuple[int, Element]]


def _leads(run: _Placed, element: Element, led: Collection[int]) -> bool:
    """Whether a run is one block that makes maps for another, the first of a stage, or is led by
    such a block."""
    ((place, first), *more) = run
    if more or not repeats(first) or not repeats(element):
        return False
    begins = changes(first.block) or place in led
    return begins and first.out[1:] == element.out[1:]


def _is_last(before: _Placed, run: _Placed, after: _Placed) -> bool:
    """Whether a run is one more block of the run before, and the last of a stage."""
    (_, first), (_, last) = before[-1], run[0]
    if len(run) > 1 or not repeats(first) or not repeats(last):
        return False
    ends = not after or after[0][1].out[1:] != last.out[1:]
    return (
        ends
        and first.out == last.out
        and first.definition is last.definition
    )


def _still(element: Element) -> tuple[object, ...]:
    return (
        (element.label(still=True), element.out[1:])
        if repeats(element)
        else ()
    )

"""Labels and calls of a whole net → its rows, with names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...ops import Shape
from ...ops.base import value_text
from ..cells import Cell
from ..regions.cut_rows import RowStart
from ..regions.shared_rows import SharedRows
from ..regions.structure import StepTree
from ..texts import equation, folded, plain
from ..usual import say_usual
from ..written import Element, Use
from .draft import DraftRow, equates
from .names import give_names
from .stages import held_together, staged

__all__ = ["DraftRow", "rows_of"]


def rows_of(
    elements: Sequence[Element],
    first: Shape,
    starts: Mapping[str, StepTree],
    inputs: Mapping[str, str],
) -> list[DraftRow]:
    """Stem, stages, head; and a row for each mark. `inputs` are the names of the net's."""
    rows: list[DraftRow] = []
    parts = [*_parts(elements)]
    for mark, own in parts:
        found = staged(own, _shape(mark, first))
        if mark:
            found = held_together(found, last=mark is parts[-1][0])
        rows += _begun(mark, found, starts)
    say_usual([placed for row in rows for placed in row.placed()])
    give_names(rows, inputs.values())
    named = {**inputs, **{row.exit: row.name for row in rows}}
    before = next(iter(inputs.values()))
    for row in rows:
        start = None if row.start is None else _text(row.start, named)
        labels = list(folded(_labels(row.elements, lambda each: _again(each, rows))))
        row.labels, before = _started(row, start, before, labels), row.name
    return rows


def _started(
    row: DraftRow, start: str | None, before: str, labels: list[str]
) -> list[str]:
    """With what it starts with, which an equation names."""
    for first in filter(equates, row.elements[:1]):
        read = before if start is None else start
        return [re.sub(r"\bx\b", read, first.definition.merge), *labels[1:]]
    return labels if start is None else [start, *labels]


def _parts(
    elements: Sequence[Element],
) -> Iterator[tuple[Cell | None, list[Element]]]:
    """What stands behind each mark, and before the first."""
    mark: Cell | None = None
    part: list[Element] = []
    for element in elements:
        if isinstance(element, Cell) and isinstance(element.op, RowStart):
            yield mark, part
            mark, part = element, []
        else:
            part.append(element)
    yield mark, part


def _begun(
    mark: Cell | None, rows: list[DraftRow], starts: Mapping[str, StepTree]
) -> list[DraftRow]:
    """The rows behind a mark, the first with what it starts with."""
    value = mark.op.value if mark and isinstance(mark.op, RowStart) else ""
    start = starts.get(value)
    if start is not None:
        alone = isinstance(start, tuple) and rows and equates(rows[0].elements[0])
        rows = [DraftRow(), *rows] if alone or not rows else rows
        rows[0].start = start
    if rows:
        rows[0].begun = value
    return rows


def _shape(mark: Cell | None, first: Shape) -> Shape:
    return (mark.steps[0].shape if mark else ()) or first


def _text(start: StepTree, named: Mapping[str, str]) -> str:
    """What a row starts with: a row, or an equation of rows."""
    if isinstance(start, str):
        return named[start]
    step, terms = start
    texts = [_text(term, named) for term in terms]
    for key, place in (("left", 0), ("right", len(texts))):
        number = getattr(step.op, key, None)
        if number is not None:
            texts.insert(place, value_text(number))
    return equation(step.op, texts)


def _again(said: SharedRows, rows: Sequence[DraftRow]) -> str:
    """`again conv1`, or `again conv1..conv5`."""
    first = next(row.name for row in rows if row.begun == said.first)
    last = next(row.name for row in rows if row.exit == said.last)
    return f"again {first}" if first == last else f"again {first}..{last}"


def _labels(
    elements: Sequence[Element], again: Callable[[SharedRows], str]
) -> Iterator[str]:
    """`3 x bottleneck 256 /2` for three of the same, of which the first may stride."""
    texts = [_label(each, again) for each in elements]
    place = 0
    while place < len(elements):
        count, element = 1, elements[place]
        rest = zip(elements[place + 1 :], texts[place + 1 :], strict=True)
        for other, text in rest:
            if not isinstance(element, Use) or not isinstance(other, Use):
                break
            if text != element.label(still=True):
                break
            count += 1
        yield f"{count} x {texts[place]}" if count > 1 else texts[place]
        place += count


def _label(element: Element, again: Callable[[SharedRows], str]) -> str:
    if isinstance(element, Use):
        return element.label()
    return again(element.op) if isinstance(element.op, SharedRows) else plain(element)

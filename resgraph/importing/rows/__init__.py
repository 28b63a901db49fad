"""Labels and calls of a whole net → its rows, with names."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from ...collecting import each_name, flatten
from ...ops import Shape
from ..captured import Captured
from ..regions.cut_rows import CutNet, RowStart
from ..regions.shared_rows import SharedRows
from ..regions.structure import StepTree, leaves_of
from ..texts import folded, plain, tree_text
from ..usual import say_usual
from ..written import Element, Use, WrittenBlock, listed
from .draft import DraftRow, equates
from .names import give_names
from .stages import held_together, staged
from .streams import StreamRows, with_held

__all__ = ["DraftRow", "rows_of"]


def rows_of(
    elements: Sequence[Element],
    cut: CutNet,
    net: Captured,
    inputs: Mapping[str, str],
) -> tuple[list[DraftRow], list[WrittenBlock]]:
    """Stem, stages, head; a row for each mark, and those of several streams with the blocks that
    they call. `inputs` are the names of the net's."""
    parts = [*_parts(elements)]
    paths = {_value(mark): own for mark, own in parts}
    streams = StreamRows(cut.streams, net.steps, paths)
    first = net.steps[net.input].shape
    drafts = [*_drafts(parts, cut, first, streams.drafts)]
    rows = with_held(drafts, cut, net.outputs)
    say_usual(
        [each for row in rows if not row.gives for each in row.placed()]
    )
    give_names(rows, [*inputs.values(), *each_name(streams.blocks)])
    _say(rows, inputs)
    return rows, streams.blocks


def _say(rows: Sequence[DraftRow], inputs: Mapping[str, str]) -> None:
    """The labels of rows that have names."""
    named = ChainMap(*(row.named for row in rows), {**inputs})
    before = next(iter(inputs.values()))
    for row in rows:
        if not row.gives:
            row.labels = _started(
                row, _start(row, named), before, _text(row, rows)
            )
        before = row.name


def _drafts(
    parts: Sequence[tuple[Element | None, list[Element]]],
    cut: CutNet,
    first: Shape,
    streams: Mapping[str, DraftRow],
) -> Iterator[DraftRow]:
    """Rows of the parts of a net; `first` comes into it, and `streams` are those that are made."""
    for mark, own in parts:
        value, last = _value(mark), mark is parts[-1][0]
        if value in streams:
            yield streams[value]
        elif value not in cut.flowing:
            rows = staged(own, _shape(mark, first))
            rows = _behind(value, rows, cut, last=last) if mark else rows
            yield from _begun(mark, rows, cut.starts)


def _behind(
    value: str, rows: list[DraftRow], cut: CutNet, *, last: bool
) -> list[DraftRow]:
    """The rows behind a mark; what goes on from a stream is one."""
    if last or not cut.goes_on(value):
        return held_together(rows, last=last)
    return [DraftRow([*flatten(row.elements for row in rows)])]


def _text(row: DraftRow, rows: Sequence[DraftRow]) -> list[str]:
    return list(
        folded(_labels(row.elements, lambda each: _again(each, rows)))
    )


def _start(row: DraftRow, named: Mapping[str, str]) -> str | None:
    """What a row starts with, by what others are called; None where that is the row before."""
    if row.start is None:
        return None
    if row.held is None:
        return tree_text(row.start, named)
    path = [*filter(None, [_start(row.held, named)]), *_text(row.held, ())]
    own = dict.fromkeys(leaves_of(row.start), "x") | {row.held.exit: "y"}
    return f"{{y: {listed(path)}, merge: {tree_text(row.start, own)}}}"


def _started(
    row: DraftRow, start: str | None, before: str, labels: list[str]
) -> list[str]:
    """With what it starts with, which an equation names."""
    for first in filter(equates, row.elements[:1]):
        read = before if start is None else start
        # an activation with an option may stand behind it
        equation, *act = first.definition.merge.strip("[]").split(", ")
        return [re.sub(r"\bx\b", read, equation), *act, *labels[1:]]
    return labels if start is None else [start, *labels]


def _parts(
    elements: Sequence[Element],
) -> Iterator[tuple[Element | None, list[Element]]]:
    """What stands behind each mark, and before the first."""
    mark: Element | None = None
    part: list[Element] = []
    for element in elements:
        if isinstance(element.op, RowStart):
            yield mark, part
            mark, part = element, []
        else:
            part.append(element)
    yield mark, part


def _begun(
    mark: Element | None,
    rows: list[DraftRow],
    starts: Mapping[str, StepTree],
) -> list[DraftRow]:
    """The rows behind a mark, the first with what it starts with."""
    value = _value(mark)
    start = starts.get(value)
    if start is not None:
        alone = (
            isinstance(start, tuple)
            and rows
            and equates(rows[0].elements[0])
        )
        rows = [DraftRow(), *rows] if alone or not rows else rows
        rows[0].start = start
    if rows:
        rows[0].begun = value
    return rows


def _value(mark: Element | None) -> str:
    """What comes out of a path behind a mark."""
    return mark.op.value if mark and isinstance(mark.op, RowStart) else ""


def _shape(mark: Element | None, first: Shape) -> Shape:
    return (mark.out if mark else ()) or first


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
        behind = zip(elements[place + 1 :], texts[place + 1 :], strict=True)
        count = 1 + _repeats(elements[place], behind)
        yield f"{count} x {texts[place]}" if count > 1 else texts[place]
        place += count


def _repeats(
    element: Element, behind: Iterable[tuple[Element, str]]
) -> int:
    """How often a call stands there again, behind itself."""
    if not isinstance(element, Use):
        return 0
    still = element.label(still=True)
    same = (
        isinstance(other, Use) and text == still for other, text in behind
    )
    return len([*takewhile(bool, same)])


def _label(element: Element, again: Callable[[SharedRows], str]) -> str:
    if isinstance(element, Use):
        return element.label()
    return (
        again(element.op)
        if isinstance(element.op, SharedRows)
        else plain(element)
    )

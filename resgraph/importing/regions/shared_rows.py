"""What stands in a net again with the same weights → `again`, of the rows that it is."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Literal

from ...collecting import flatten
from ...structs import Frozen
from ..captured import CapturedOp
from .cut_rows import CutNet, mark, row_start
from .layers import has_weights, item_key
from .structure import Mark, RegionItem


class SharedRows(Mark):
    """Rows once more: from the one behind the mark `first` to the one that gives `last`."""

    op: Literal["again"] = "again"
    first: str
    last: str


class _Run(Frozen):
    """So many items from `place` on have the weights of those from `first` on."""

    first: int
    place: int
    count: int

    @property
    def bounds(self) -> tuple[int, ...]:
        """Where rows have to begin for it."""
        return (
            self.first,
            self.first + self.count,
            self.place,
            self.place + self.count,
        )


def rows_again(cut: CutNet) -> list[RegionItem]:
    """Items with `again` in place of what has the weights of what was before, and marks around
    both."""
    items = cut.items
    runs = {run.place: run for run in _runs(items)}
    bounds = {*flatten(run.bounds for run in runs.values())}
    firsts = {run.first for run in runs.values()}
    begun: dict[int, str] = {}
    found: list[RegionItem] = []
    place = 0
    while place < len(items):
        run = runs.get(place)
        if place in bounds and not (run and _ends_again(found)):
            if place in firsts:
                cut.part(found)
            begun[place] = _begin(found, items[place])
        found.append(
            _said(run, items, begun[run.first]) if run else items[place]
        )
        place += run.count if run else 1
    return found


def _ends_again(found: Sequence[RegionItem]) -> bool:
    return any(isinstance(each.op, SharedRows) for each in found[-1:])


def _begin(found: list[RegionItem], item: RegionItem) -> str:
    """The mark behind which an item stands, or that it is; a new one where there is none."""
    marks = [*filter(None, map(row_start, (item, *found[-1:])))]
    if not marks:
        found.append(mark(f"at {item.exit}", next(reversed(found), None)))
    return marks[0].value if marks else f"at {item.exit}"


def _said(run: _Run, items: Sequence[RegionItem], begun: str) -> CapturedOp:
    last = items[run.first + run.count - 1]
    end = items[run.place + run.count - 1]
    op = SharedRows(first=begun, last=last.exit)
    return CapturedOp(end.exit, op, (), end.out)


def _runs(items: Sequence[RegionItem]) -> Iterator[_Run]:
    """The longest, of what does not say `again` itself."""
    keys = [*map(item_key, items)]
    firsts: dict[Hashable, int] = {}
    said: set[int] = set()
    place = 0
    while place < len(items):
        count = 1
        first = firsts.setdefault(keys[place], place)
        if first < place and has_weights(items[place]):
            count = _length(keys, range(first, place), place, said)
            said.update(range(place, place + count))
            yield _Run(first, place, count)
        place += count


def _length(
    keys: Sequence[Hashable],
    first: range,
    place: int,
    said: Collection[int],
) -> int:
    """How many stand at both places."""
    pairs = enumerate(zip(first, keys[place:], strict=False))
    differ = (n for n, (at, key) in pairs if at in said or keys[at] != key)
    return next(differ, min(len(first), len(keys) - place))

"""Layers and blocks of a row that stand there in the same order again → blocks without a sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import compress, groupby, pairwise

from ...collecting import among, any_of_type, flatten
from ...ops import Add
from ...structs import Frozen
from ..captured import Captured
from ..cells import Cell, Unit, cells
from ..classes import common, module_of, within
from ..kinds import (
    Kind,
    changes,
    of_body,
    of_element,
    of_elements,
    sizes_of,
)
from ..regions.structure import Region, RegionItem
from .runs import SHORT, run_of, spared, with_runs

_OFTEN = 3
"""So many times at least it stands there."""
_LONGEST = 8
"""Labels that are looked for as one."""


class Unsummed(Frozen):
    """Finds such runs in the rows of a net."""

    net: Captured
    unit: Unit

    def found(self, items: Sequence[RegionItem]) -> list[RegionItem]:
        return self._between(self._again(self._bodies(items)))

    def _bodies(self, items: Sequence[RegionItem]) -> list[RegionItem]:
        """Runs of layers that are the body of a block, without its sum (Sandler et al. 2018)."""
        row = cells(items, self.unit)
        kinds = [of_element(each, self.unit) for each in row]
        bodies = {of_body(each, self.unit) for each in row} - {()}
        longest = sorted(bodies, key=len, reverse=True)
        sizes = {
            n: self._body(row[n:], kinds[n:], longest)
            for n in range(len(row))
        }
        return with_runs(row, sizes, self.net)

    def _body(
        self,
        row: Sequence[Cell | Region],
        kinds: list[Kind],
        bodies: Sequence[Kind],
    ) -> int:
        """How many elements a row begins with that are a body which changes something; else 1."""
        fits = (
            len(body)
            for body in bodies
            if tuple(kinds[: len(body)]) == body
        )
        size = next(fits, 1)
        changed = size >= SHORT and changes(run_of(row[:size], self.net))
        return size if changed else 1

    def _again(self, items: Sequence[RegionItem]) -> list[RegionItem]:
        """Layers that stand in the same order several times, with the blocks between them, as
        MobileNet's pairs: what spares most labels first."""
        found, made = list(items), set[int]()
        while True:
            row = cells(found, self.unit)
            kinds = [of_element(each, self.unit) for each in row]
            size, starts = _most(row, kinds, self.net.classes)
            if not starts:
                return found
            found = with_runs(row, dict.fromkeys(starts, size), self.net)
            known = {*map(id, row)}
            for block in found:
                if isinstance(block, Region) and id(block) not in known:
                    _spread(
                        block, made, len(starts), Counter(kinds), self.unit
                    )
                    made.add(id(block))

    def _between(self, items: Sequence[RegionItem]) -> list[RegionItem]:
        """Layers that stand in the same order between blocks, more than once: a transition."""
        parts = [[*part] for _, part in groupby(items, type)]
        runs = [cells(part, self.unit) for part in parts]
        kinds = [of_elements(run, self.unit) for run in runs]
        inner = [not isinstance(part[0], Region) for part in parts]
        inner[:1] = inner[-1:] = [False]
        often = Counter(compress(kinds, inner))
        found: list[RegionItem] = []
        for place, (run, kind) in enumerate(zip(runs, kinds, strict=True)):
            if inner[place] and len(run) >= SHORT and often[kind] > 1:
                found.append(run_of(run, self.net))
            else:
                found += parts[place]
        return found


def _spread(
    block: Region,
    made: Collection[int],
    times: int,
    counts: Counter[Kind],
    unit: Unit,
) -> None:
    """What was made a block before, and stands in these alone, as the layers that it is."""
    (branch,) = block.branches
    items: list[RegionItem] = []
    for item in branch.items:
        if isinstance(item, Region) and id(item) in made:
            alone = counts[of_element(item, unit)] == times
            items += item.branches[0].items if alone else [item]
        else:
            items.append(item)
    branch.items = items


def _most(
    row: Sequence[Cell | Region],
    kinds: Sequence[Kind],
    classes: Collection[str],
) -> tuple[int, Collection[int]]:
    """The size of the run that spares most labels, and where it begins; (0, ()) where none does."""
    best: tuple[int, int, Collection[int]] = (0, 0, ())
    seen: set[Kind] = set()
    for start, size in _runs(row, kinds):
        kind = tuple(kinds[start : start + size])
        if kind not in seen:
            seen.add(kind)
            starts = [*_starts(kinds, kind)]
            ends = (row[place + size - 1] for place in starts)
            gain = spared(len(starts), size)
            often = len(starts) >= _OFTEN and not any(map(_shrinks, ends))
            run = row[start : start + size]
            if often and gain > best[0] and not _crosses(run, classes):
                best = gain, size, starts
    return best[1:]


def _crosses(
    run: Sequence[Cell | Region], classes: Collection[str]
) -> bool:
    """Whether a module of a class of its author's holds some of it that stand together, and not
    all: what ends a U-Net's level and the module that enlarges it are two things."""
    parts = [module_of(each.steps) for each in run]
    around = {*within(".".join(common(parts)))}
    held = flatten(within(".".join(common(p))) for p in pairwise(parts))
    return not around.issuperset(among(held, classes))


def _runs(
    row: Sequence[Cell | Region], kinds: Sequence[Kind]
) -> Iterator[tuple[int, int]]:
    """What may be a block: layers with weights, of several kinds, once each. A block that stands
    beside itself is repeated alone."""
    beside = zip(row, pairwise(kinds), strict=False)
    stacked = {
        a for each, (a, b) in beside if a == b and isinstance(each, Region)
    }
    for start in range(len(row)):
        for size in range(
            SHORT, min(_LONGEST, (len(row) - start) // 2) + 1
        ):
            run = row[start : start + size]
            own = kinds[start : start + size]
            if (
                stacked & {*own}
                or len({*own}) < size
                or any(map(_adds, run))
            ):
                break
            if _differ(run, own):
                yield start, size


def _differ(run: Sequence[Cell | Region], kinds: Sequence[Kind]) -> bool:
    """Whether it has layers with weights, and not of one kind alone."""
    heavy = [*map(_weighted, run)]
    if len({*compress(kinds, heavy)}) < 2:
        return False
    return any_of_type(Cell, compress(run, heavy))


def _weighted(element: Cell | Region) -> bool:
    return any(step.op.weighted for step in element.steps)


def _adds(element: Cell | Region) -> bool:
    """Whether it is a block with a sum, or holds one: such stand for themselves."""
    return any(isinstance(step.op, Add) for step in element.steps)


def _shrinks(element: Cell | Region) -> bool:
    """Whether it strides: a block does not end so."""
    if isinstance(element, Region):
        return max(sizes_of(element).stride) > 1
    return max(element.options.get("stride") or (1,)) > 1


def _starts(kinds: Sequence[Kind], run: Kind) -> Iterator[int]:
    """Where a run stands, none in another."""
    free = 0
    for place in range(len(kinds) - len(run) + 1):
        if place >= free and tuple(kinds[place : place + len(run)]) == run:
            yield place
            free = place + len(run)

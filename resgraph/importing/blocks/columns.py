"""The paths of blocks of one kind → columns with a name each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from ...ops import Add
from ...structs import Frozen
from ..kinds import mains
from ..regions.structure import Branch, Region, head, leaves_of
from .kept import kept
from .path_words import path_words


class PathColumns(Frozen):
    """The name of each path, and what stands there in each block: nothing where it has no norm of
    its input that others sum. `known` is what values are called, by their block."""

    names: Sequence[str]
    columns: Sequence[Sequence[Branch | None]]
    known: dict[int, dict[str, str]]

    @classmethod
    def of(cls, blocks: Sequence[Region]) -> PathColumns:
        rows: list[list[Any]] = [*map(mains, blocks)]
        whole = max(range(len(rows)), key=lambda n: len(rows[n]))
        size, lacked = len(rows[whole]), kept(blocks[whole])
        place = rows[whole].index(lacked) if lacked in rows[whole] else size
        lacking = [row for row in rows if len(row) < size]
        for row in lacking:
            row.insert(place, None)
        columns = [*zip(*rows, strict=True)]
        names = _names(blocks[whole], rows[whole], path_words(rows, blocks))
        if lacking:
            names[place] = "kept"
        pairs = zip(blocks, rows, strict=True)
        known = {id(block): _values(names, row) for block, row in pairs}
        return cls(names, columns, known)

    def name(self, value: str, block: Region) -> str:
        """The path that a value of a block comes out of."""
        return self.known[id(block)][value]


_UNNAMED = 1
"""So many paths at most may have a number beside others that have words."""


def _values(
    names: Sequence[str], row: Sequence[Branch | None]
) -> dict[str, str]:
    return {b.value: name for name, b in zip(names, row, strict=True) if b}


def _names(
    block: Region, branches: Sequence[Branch], words: Sequence[str]
) -> list[str]:
    """The usual ones; the others have the words of their modules, and so have all of a block that
    sums none."""
    body = _summed(block)
    summed = [
        n for n, branch in enumerate(branches) if branch.value == body
    ]
    if len(branches) > 1 and not summed and all(words):
        return [*words]
    names = _usual([branch.weighted for branch in branches], summed)
    names |= _merge(block, branches)
    own = {
        n: w for n, w in enumerate(words) if w and w not in names.values()
    }
    if len(own.keys() | names) >= len(words) - _UNNAMED:
        names = own | names
    numbers = map("p{}".format, count())
    return [names.get(n) or next(numbers) for n in range(len(words))]


def _usual(weights: Sequence[int], summed: Sequence[int]) -> dict[int, str]:
    """`body` is the path that is summed, else the one with most weights; `pre` one without any that
    others start from."""
    most = [n for n, weight in enumerate(weights) if weight == max(weights)]
    body = summed or (most if len(most) == 1 else [])
    first = {} if any(weights[:1]) else {0: "pre"}
    return first | dict.fromkeys(body, "body")


def _merge(block: Region, branches: Sequence[Branch]) -> dict[int, str]:
    """The last path, where it is handed back as it is."""
    last = len(branches) - 1
    return (
        {last: "merge"}
        if last > 0 and block.merge == branches[last].value
        else {}
    )


def _summed(block: Region) -> str:
    """The path that a block adds to its shortcut; "" where that is none alone."""
    op, terms = head(block.merge)
    skip = block.shortcut()
    others = [
        leaf for term in terms if term != skip for leaf in leaves_of(term)
    ]
    alone = isinstance(op, Add) and skip in terms and len(others) == 1
    return others[0] if alone else ""

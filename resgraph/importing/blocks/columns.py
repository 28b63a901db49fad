"""The paths of blocks of one kind → columns with a name each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..kinds import mains
from ..regions.structure import Branch, Region
from .kept import kept


@dataclass(frozen=True)
class PathColumns:
    """The name of each path, and what stands there in each block: nothing where it has no norm of
    its input that others sum. `known` is what values are called, by their block."""

    names: Sequence[str]
    columns: Sequence[Sequence[Branch | None]]
    known: dict[int, dict[str, str]]

    @classmethod
    def of(cls, blocks: Sequence[Region]) -> PathColumns:
        rows: list[list[Any]] = [[*mains(block)] for block in blocks]
        whole = max(range(len(rows)), key=lambda n: len(rows[n]))
        names = _names(rows[whole])
        for row in rows:
            if len(row) < len(names):
                place = rows[whole].index(kept(blocks[whole]))
                names[place] = "kept"
                row.insert(place, None)
        pairs = zip(blocks, rows, strict=True)
        known = {id(block): _values(names, row) for block, row in pairs}
        return cls(names, [*zip(*rows, strict=True)], known)

    def name(self, value: str, block: Region) -> str:
        """The path that a value of a block comes out of."""
        return self.known[id(block)][value]


def _values(names: Sequence[str], row: Sequence[Branch | None]) -> dict[str, str]:
    return {b.value: name for name, b in zip(names, row, strict=True) if b}


def _names(branches: Sequence[Branch]) -> list[str]:
    """`body` is the path with most weights; `pre` one without any that others start from."""
    weights = [branch.weighted for branch in branches]
    words = {} if any(weights[:1]) else {0: "pre"}
    words |= {weights.index(n): "body" for n in {*weights} if _most(n, weights)}
    numbers = map("p{}".format, count())
    return [words.get(n) or next(numbers) for n in range(len(weights))]


def _most(number: int, numbers: Sequence[int]) -> bool:
    """Whether it is the largest, and alone."""
    return number == max(numbers) and numbers.count(number) == 1

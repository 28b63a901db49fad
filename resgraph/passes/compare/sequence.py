"""Two sequences → which of their elements are one another, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ...graph import Item, Path

Aligned = TypeVar("Aligned", Item, Path, str)

MOST_CELLS = 1_000_000
"""Sequences whose lengths multiply to more are compared place by place: a second of work."""


def matched(
    ones: Sequence[Aligned],
    others: Sequence[Aligned],
    likeness: Callable[[Aligned, Aligned], int],
) -> list[tuple[Aligned, Aligned]]:
    """The pairs that are alike the most in all, none crossing another; a likeness of 0 is never
    one (Needleman and Wunsch 1970, with gaps that cost nothing)."""
    if len(ones) * len(others) > MOST_CELLS:
        return [
            pair
            for pair in zip(ones, others, strict=False)
            if likeness(*pair)
        ]
    best = _best(ones, others, likeness)
    out = []
    i = j = 0
    while i < len(ones) and j < len(others):
        score = likeness(ones[i], others[j])
        if score and best[i][j] == score + best[i + 1][j + 1]:
            out.append((ones[i], others[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return out


def _best(
    ones: Sequence[Aligned],
    others: Sequence[Aligned],
    likeness: Callable[[Aligned, Aligned], int],
) -> list[list[int]]:
    """For each two places, the likeness that what follows them can have in all."""
    best = [[0] * (len(others) + 1) for _ in range(len(ones) + 1)]
    for i in reversed(range(len(ones))):
        below, row = best[i + 1], best[i]
        for j in reversed(range(len(others))):
            score = likeness(ones[i], others[j])
            row[j] = max(
                below[j], row[j + 1], score and score + below[j + 1]
            )
    return best

"""The sizes of the maps of several nets → one sequence of bands, in which the nets stand level."""

from __future__ import annotations

from functools import reduce
from itertools import groupby

MapSize = tuple[int, ...]
"""Height and width."""


def common(nets: list[list[MapSize]]) -> list[MapSize]:
    """A sequence that holds each net's sequence of sizes in its order, merged net by net."""
    return reduce(
        _merged, ([size for size, _ in groupby(sizes)] for sizes in nets)
    )


def levels(sizes: list[MapSize], bands: list[MapSize]) -> list[int]:
    """For each size of a net the band that it stands in."""
    out, level = [], 0
    for size in sizes:
        level = bands.index(size, level)
        out.append(level)
    return out


def _merged(a: list[MapSize], b: list[MapSize]) -> list[MapSize]:
    """The shortest common supersequence of two sequences."""
    # Dynamic programming from the ends: `rests[j]` is the answer for `a[i:]` and `b[j:]`. Of two
    # that are equally short, the one that begins with the larger map comes first, as maps shrink
    # on their way down.
    rests = [b[j:] for j in range(len(b) + 1)]
    for i in reversed(range(len(a))):
        row = {len(b): a[i:]}
        for j in reversed(range(len(b))):
            ways = ([a[i], *rests[j]], [b[j], *row[j + 1]])
            row[j] = (
                [a[i], *rests[j + 1]]
                if a[i] == b[j]
                else max(ways, key=lambda way: (-len(way), way[0]))
            )
        rests = [row[j] for j in range(len(b) + 1)]
    return rests[0]

"""Lists of labels → the same, with a block for each order in which some of them stand again and
again: `basic, gated, basic, gated`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .blocks.runs import COST
from .texts import folded
from .written import WrittenBlock, WrittenPath

TURN_WORDS = ("pair", "series")
"""What a block of two labels is called, and one of more."""
_LONGEST = 64
"""Labels that are looked for as one: a search of all sizes is cubic."""
_TIMES = re.compile(r"(\d+) x ([^/]+)")

Turn = tuple[str, ...]
"""Labels that one label may stand for."""


def taking_turns(
    rows: Sequence[Sequence[str]],
) -> tuple[list[list[str]], list[WrittenBlock]]:
    """Rows with a label for each turn, and the blocks of those, inner ones first: a turn may hold
    others, as `[basic, gated, 2 x pair]` does."""
    lists = [list(_unfolded(row)) for row in rows]
    names: list[str] = []
    while turn := _best(lists):
        names.append(_named(turn, names))
        lists = [
            *(_in_turn(row, turn, names[-1]) for row in lists),
            list(turn),
        ]
    said = [list(folded(row)) for row in lists]
    bodies = dict(zip(names, said[len(rows) :], strict=True))
    blocks = [
        WrittenBlock(name, paths=[WrittenPath("body", bodies[name])])
        for name in sorted(names, key=lambda name: _depth(name, bodies))
    ]
    return said[: len(rows)], blocks


def _unfolded(labels: Sequence[str]) -> Iterator[str]:
    """Labels without numbers of times, but for those whose first strides."""
    for label in labels:
        times = _TIMES.fullmatch(label)
        yield from [times[2]] * int(times[1]) if times else [label]


def _best(lists: Sequence[Sequence[str]]) -> Turn:
    """The turn that spares most labels; () where none spares any."""
    spared = {turn: _spared(lists, turn) for turn in _turns(lists)}
    best = max(
        spared, key=lambda turn: (spared[turn], -len(turn)), default=()
    )
    return best if spared.get(best, 0) > 0 else ()


def _turns(lists: Sequence[Sequence[str]]) -> Iterator[Turn]:
    """What stands twice, one after the other, in the order of the rows."""
    for row in map(tuple, lists):
        for start in range(len(row) - 3):
            for size in range(
                2, min(_LONGEST, (len(row) - start) // 2) + 1
            ):
                turn = row[start : start + size]
                again = turn == row[start + size : start + 2 * size]
                if again and not _folds(turn) and " /" not in "".join(turn):
                    yield turn


def _folds(turn: Turn) -> bool:
    """Whether it is itself a shorter one, several times."""
    sizes = (n for n in range(1, len(turn) // 2 + 1) if len(turn) % n == 0)
    return any(turn == turn[:size] * (len(turn) // size) for size in sizes)


def _spared(lists: Sequence[Sequence[str]], turn: Turn) -> int:
    before = sum(map(_length, lists))
    after = sum(_length(_in_turn(row, turn, "")) for row in lists)
    return before - after - _length(turn) - COST


def _length(labels: Sequence[str]) -> int:
    return sum(1 for _ in folded(labels))


def _in_turn(labels: Sequence[str], turn: Turn, name: str) -> list[str]:
    """Labels with `name` for each turn."""
    found: list[str] = []
    place = 0
    while place < len(labels):
        here = tuple(labels[place : place + len(turn)]) == turn
        found.append(name if here else labels[place])
        place += len(turn) if here else 1
    return found


def _named(turn: Turn, names: Sequence[str]) -> str:
    word = TURN_WORDS[len(turn) > 2]
    number = sum(name.startswith(word) for name in names) + 1
    return word if number == 1 else f"{word}-{number}"


def _depth(name: str, bodies: dict[str, list[str]]) -> int:
    """How many turns are within each other there."""
    labels = (label.rpartition(" x ")[2] for label in bodies[name])
    return 1 + max(
        (_depth(each, bodies) for each in labels if each in bodies),
        default=0,
    )

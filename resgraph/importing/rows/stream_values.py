"""Blocks of several streams that differ in numbers alone → one of them, whose `let`s its calls set
(WaveNet's dilations)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count

from ...collecting import by_key, without
from ...language.grammar.words import name_problem
from ...ops import VOCABULARY
from ..texts import RENAMED
from ..written import WrittenBlock, WrittenPath

_OPTION = re.compile(r"\b([a-z]\w*) (\d+(?::\d+)?)(?=[ ,\]]|$)")
"""An option of a label and its number: `dilation 2`, `pad 2:0`."""
_Call = tuple[WrittenBlock, Mapping[str, str]]
"""A block, and what is set of its `let`s."""


def one_for_all(blocks: Mapping[str, WrittenBlock]) -> dict[str, _Call]:
    """By the texts of blocks: the one that stands for each, and what its call says."""
    alike = by_key((_shape(text), text) for text in blocks)
    found: dict[str, _Call] = {}
    for texts in alike.values():
        found |= _united({text: blocks[text] for text in texts})
    return found


def _shape(text: str) -> str:
    """A text without the numbers that a `let` may say."""
    return _OPTION.sub(lambda m: f"{m[1]} #" if _let(m[1]) else m[0], text)


def _let(key: str) -> str:
    """What a `let` for an option is called; "" of a number that stands behind an op."""
    name = RENAMED.get(key, key)
    return "" if name_problem(name, VOCABULARY) else name


def _united(blocks: Mapping[str, WrittenBlock]) -> dict[str, _Call]:
    """Of blocks of one shape."""
    first, *_ = blocks.values()
    keys = [key for key, _ in _options(first)]
    rows = [[number for _, number in _options(b)] for b in blocks.values()]
    columns = [*zip(*rows, strict=True)]
    lets = _lets(keys, columns)
    usual = {
        name: Counter(columns[place]).most_common(1)[0][0]
        for place, name in lets.items()
    }
    first.lets |= usual
    first.paths = [*_with(first.paths, iter(range(len(keys))), lets)]
    return {
        text: (first, _set(row, lets, usual))
        for text, row in zip(blocks, rows, strict=True)
    }


def _set(
    row: Sequence[str], lets: Mapping[int, str], usual: Mapping[str, str]
) -> dict[str, str]:
    """What a call sets: where it has another number than most."""
    own = [(name, row[place]) for place, name in lets.items()]
    return dict(without(own, usual.items()))


def _options(block: WrittenBlock) -> list[tuple[str, str]]:
    """The options of its labels that a `let` may say."""
    found = chain(*(_OPTION.findall(t) for t in _texts(block.paths)))
    return [(key, number) for key, number in found if _let(key)]


def _texts(paths: Sequence[WrittenPath]) -> Iterator[str]:
    for path in paths:
        yield from _texts(path.held)
        yield from path.parts


def _lets(
    keys: Sequence[str], columns: Sequence[tuple[str, ...]]
) -> dict[int, str]:
    """The places of numbers that differ, by what a `let` for each is called: those that are equal
    in all have one."""
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    found: dict[int, str] = {}
    for place, (key, column) in enumerate(zip(keys, columns, strict=True)):
        if len({*column}) > 1:
            tried = chain(
                [_let(key)], (f"{_let(key)}{n}" for n in count(2))
            )
            free = (name for name in tried if name not in names.values())
            name = names.get((key, column)) or next(free)
            found[place] = names[key, column] = name
    return found


def _with(
    paths: Sequence[WrittenPath],
    places: Iterator[int],
    lets: Mapping[int, str],
) -> Iterator[WrittenPath]:
    """Paths with the names of `let`s in place of numbers."""

    def said(option: re.Match[str]) -> str:
        key, number = option.groups()
        own = lets.get(next(places)) if _let(key) else None
        return f"{key} {own or number}"

    for path in paths:
        held = [*_with(path.held, places, lets)]
        parts = [_OPTION.sub(said, part) for part in path.parts]
        yield WrittenPath(path.name, parts, held)

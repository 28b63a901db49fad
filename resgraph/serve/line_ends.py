"""The text of the page, whose lines end in a line feed → the text of the file, each line of which
keeps the end that it had."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import accumulate
from operator import add

_END = re.compile("\r\n|\r|\n")


def plain(text: str) -> str:
    """A text as the page has it."""
    return _END.sub("\n", text)


def kept(text: str, file: str) -> str:
    """A text from the page with the ends of the file's lines; a new line ends as the one before
    it."""
    ends = _END.findall(file)
    lines, old = text.split("\n"), _END.split(file)
    if len({*ends}) < 2:
        return (ends[0] if ends else "\n").join(lines)
    places, ends = dict(_same(old, lines)), [*ends, ""]
    own = (
        ends[places[at]] if at in places else ""
        for at in range(len(lines) - 1)
    )
    told = accumulate(
        own, lambda before, end: end or before, initial=ends[0]
    )
    next(told)
    return "".join(map(add, lines, told)) + lines[-1]


def _same(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """For each line of the new text that the old one has, its place there; what was written anew
    line by line stands for what was there."""
    for kind, a, a_end, b, b_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind in ("equal", "replace"):
            yield from zip(range(b, b_end), range(a, a_end), strict=False)

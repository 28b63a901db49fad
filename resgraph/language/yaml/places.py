"""Offsets of characters in a text → spans."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from resgraph.errors import Source, Span


class Places:
    """The lines of a text. Only a line feed ends one, as in `Source.line`; a tab is one column."""

    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.starts = [
            0,
            *accumulate(
                len(line) + 1 for line in self.text.split("\n")[:-1]
            ),
        ]

    def line_of(self, offset: int) -> int:
        """The number of the line that holds a character, from 1."""
        return bisect_right(self.starts, offset)

    def line(self, offset: int) -> tuple[int, int]:
        """Where the line of a character starts and ends."""
        end = self.text.find("\n", offset)
        return self.text.rfind("\n", 0, offset) + 1, len(
            self.text
        ) if end < 0 else end

    def span(self, start: int, end: int) -> Span:
        """Characters `start` to `end`, kept inside the text."""
        size, starts = len(self.text), self.starts
        start = start if 0 <= start <= size else max(0, min(start, size))
        end = end if start <= end <= size else max(start, min(end, size))
        first = last = bisect_right(starts, start)
        if first < len(starts) and end >= starts[first]:
            last = bisect_right(starts, end)
        return Span(
            self.source,
            first,
            start - starts[first - 1] + 1,
            last,
            end - starts[last - 1] + 1,
        )

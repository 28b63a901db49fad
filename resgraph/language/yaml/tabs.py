"""A text that is indented with tabs → the edits that indent it with spaces, where it says the same
however wide a tab is."""

from __future__ import annotations

import re
from collections.abc import Callable

from resgraph.errors import Edit, Source

from .places import Places
from .tree import Mapping, plain_value

_WIDTHS = (2, 4, 8)  # the first is how a spec is written
_INDENTED = re.compile(r"^ *\t[ \t]*", re.MULTILINE)


def untabbed(
    places: Places, read: Callable[[Source], Mapping | None]
) -> tuple[Edit, ...]:
    """Nothing where what `read` makes of the text rests on the width of a tab, or it makes nothing
    of it."""
    values = []
    for width in _WIDTHS:
        edits = _edits(places, width)
        if tree := read(Source(places.source.name, _edited(places, edits))):
            values.append((plain_value(tree), edits))
    if not values or any(value != values[0][0] for value, _ in values):
        return ()
    return values[0][1]


def _edits(places: Places, width: int) -> tuple[Edit, ...]:
    return tuple(
        Edit(places.span(*found.span()), found[0].expandtabs(width))
        for found in _INDENTED.finditer(places.text)
    )


def _edited(places: Places, edits: tuple[Edit, ...]) -> str:
    spaces = iter(edits)
    return _INDENTED.sub(lambda _: next(spaces).text, places.text)

"""Graph → the graph up to some of its rows, which are its outputs: a backbone."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..collecting import flatten
from ..errors import UsageError
from ..graph import Graph
from ..language.diagnose.nearest import near_or_all
from .expand.outputs import ends_of, without_unread


def features(graph: Graph, rows: Sequence[str]) -> Graph:
    """The net that gives these rows, as a tuple in this order, and has no more than they need.

    Raises `UsageError` for a name that is no row, or that is named twice."""
    ends = ends_of(graph.rows)
    for place, row in enumerate(rows):
        if row not in ends:
            hint = near_or_all(row, ends, "the rows are")
            raise UsageError(f"no row is called `{row}`: {hint}")
        if row in rows[:place]:
            raise UsageError(f"`{row}` is named twice")
    if not rows:
        raise UsageError(f"name at least one row of {', '.join(ends)}")
    outputs = tuple(flatten(ends[row] for row in rows))
    return without_unread(replace(graph, outputs=outputs, listed=True))

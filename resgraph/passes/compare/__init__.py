"""Two graphs → what one has that the other has not, and what both have but differently; aligned by
what layers are, whatever their places and names."""

from .changes import Change, ChangeKind, Differences, compare
from .told import RepeatedChange, RowChange, grouped, rows

__all__ = [
    "Change",
    "ChangeKind",
    "Differences",
    "RepeatedChange",
    "RowChange",
    "compare",
    "grouped",
    "rows",
]

"""Plans → the cells of one table: a row for each name, with the groups of layers of each plan that
has it."""

from __future__ import annotations

from collections.abc import Sequence

from ...collecting import by_name, the_only
from ...ops import Shape
from ...passes.summary import Group, Row, summarize
from ...plan import Plan
from ...structs import Frozen


class TableRow(Frozen):
    """One row: its name, the shapes that it hands on (none where the plans differ), each plan's row
    or None."""

    name: str
    outputs: tuple[Shape, ...]
    rows: tuple[Row | None, ...]

    def groups(self, column: int) -> tuple[Group, ...]:
        """The layers of one plan in this row."""
        row = self.rows[column]
        return row.groups if row else ()


def columns(plans: Sequence[Plan]) -> list[TableRow]:
    """The rows of several plans, aligned by name; a name that only some have keeps its place among
    its neighbours."""
    tables = [by_name(summarize(plan.graph)) for plan in plans]
    names: list[str] = []
    for table in tables:
        place = 0
        for name in table:
            if name in names:
                place = names.index(name) + 1
            else:
                names.insert(place, name)
                place += 1
    return [
        _cells(name, [table.get(name) for table in tables])
        for name in names
    ]


def _cells(name: str, rows: list[Row | None]) -> TableRow:
    shapes = {row.shapes for row in rows if row}
    sizes = {tuple(shape[1:] for shape in each) for each in shapes}
    common: set[tuple[Shape, ...]] = shapes if len(shapes) == 1 else sizes
    outputs = the_only(common, ())
    return TableRow(name, outputs, tuple(rows))

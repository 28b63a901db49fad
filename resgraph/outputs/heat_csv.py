"""A CSV with a line for each node → what a figure is painted with.

Its first column names the nodes, each other one is a number for them; an empty cell is none. The
columns that `resgraph profile` writes bring their units with them, and how they add up."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..collecting import without
from ..errors import UsageError
from ..files import reason
from ..graph import Graph
from ..language.diagnose.nearest import did_you_mean
from .heat import Combine, Heat

KNOWN: dict[str, tuple[str, Combine]] = {
    "forward": ("s", "sum"),
    "backward": ("s", "sum"),
    "time": ("s", "sum"),
    "memory": ("B", "sum"),
    "params": ("", "sum"),
    "macs": ("", "sum"),
    "activation": ("", "last"),
    "gradient": ("", "last"),
}
"""Of a column with such a name, its unit and what several nodes that are drawn as one have: of any
other, the range of their numbers."""
MEASURES = ("forward", "backward", "memory", "activation", "gradient")
"""What `resgraph profile` measures of each node."""


def read_heat(path: Path, column: str, graph: Graph) -> Heat:
    """One column of a file, the only one where `column` is "". Raises `UsageError` for a file that
    cannot be read, that is of another net, or that has a number which is not finite."""
    head, lines = _lines(path)
    column = _column(path, head, column)
    place = head.index(column)
    values: dict[str, float] = {}
    seen: dict[str, int] = {}
    for number, cells in lines:
        name = cells[0].strip()
        if name in seen:
            raise UsageError(f"{path}:{number} has `{name}` a second time")
        seen[name] = number
        text = cells[place].strip() if place < len(cells) else ""
        if text:
            values[name] = _value(text, f"{path}:{number}")
    _check_names(path, seen, graph)
    if not values:
        raise UsageError(f"{path} has no number in column `{column}`")
    unit, combine = KNOWN.get(column, ("", "range"))
    return Heat(column, values, unit, combine, f"from {path.name}")


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each line that is not empty with its number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            found = [
                (reader.line_num, cells) for cells in reader if any(cells)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        said = (
            reason(problem)
            if isinstance(problem, OSError)
            else "it is no CSV"
        )
        raise UsageError(f"cannot read {path}: {said}") from None
    if len(found) < 2 or len(found[0][1]) < 2:
        raise UsageError(
            f"{path} has no numbers: it takes a line `node,NAME`, and below it a line for each"
            " node, as `resgraph profile -o FILE.csv` writes"
        )
    return [cell.strip() for cell in found[0][1]], found[1:]


def _column(path: Path, head: Sequence[str], column: str) -> str:
    own = head[1:]
    if not column and len(own) == 1:
        return own[0]
    if column not in own:
        what = f"no column `{column}`" if column else "several columns"
        raise UsageError(
            f"{path} has {what}: name one of {', '.join(own)}, as {path}:{own[0]}"
        )
    return column


def _value(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{where}: `{text}` is no number") from None
    if not math.isfinite(value):
        raise UsageError(
            f"{where}: `{text}` has no colour; leave the cell empty where there is no number"
        )
    return value


def _check_names(path: Path, seen: dict[str, int], graph: Graph) -> None:
    """Each node of the net has a line, and each line a node."""
    unknown = without(seen, graph.nodes)
    wanted = without(graph.nodes, graph.inputs)
    missing = without(wanted, seen)
    if unknown and len(unknown) * 2 > len(seen):
        raise UsageError(
            f"{path} is of another net: {len(unknown)} of its {len(seen)} nodes are not in this"
            f" one, as `{unknown[0]}`; `resgraph profile SPEC -o FILE.csv` writes one for a net"
        )
    if unknown:
        hint = did_you_mean(unknown[0], wanted)
        raise UsageError(
            f"{path}:{seen[unknown[0]]}: the net has no node `{unknown[0]}`"
            + (f"; {hint}" if hint else "")
        )
    if missing:
        raise UsageError(
            f"{path} lacks {_some(missing)}: give each node a line, with an empty cell where"
            " there is no number"
        )


def _some(names: Iterable[str]) -> str:
    first, *others = names
    return f"`{first}`" + (
        f" and {len(others)} other nodes" if others else ""
    )

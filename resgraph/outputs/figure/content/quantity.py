"""A number → how a picture writes it: three significant digits and a unit's letter (9.54 k, 118 M,
1.90 G)."""

from __future__ import annotations

from ....counting import counted
from ....graph import Graph
from ....ops.base import Cost, Shape
from ...numbers import count_text, shape_label


def short(number: int) -> str:
    """Three significant digits: `9540` → `9.54 k`, `999_999` → `1.00 M`; below 1000 the number
    itself."""
    return count_text(number) if number else "0"


def ops(graph: Graph) -> str:
    """`27 ops`: the nodes, its inputs apart."""
    return plural(len(graph.nodes) - len(graph.inputs), "op")


def params_text(cost: Cost) -> str:
    """`9.54 k params`."""
    return f"{short(cost.params)} params"


def macs_text(cost: Cost) -> str:
    """`118 M MACs`."""
    return f"{short(cost.macs)} MACs"


def percent(part: float, whole: float) -> str:
    """`17.3 %`; a share under 0.05 % keeps a digit that says that it is not nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    return f"{share:.2f} %" if 0 < share < 0.05 else f"{share:.1f} %"


def times(shape: Shape) -> str:
    """`(64, 56, 56)` → `64 × 56 × 56`."""
    return shape_label(shape)


def plural(count: int, noun: str) -> str:
    """`1 block`, `50 blocks`."""
    return counted(count, noun).replace(",", " ")

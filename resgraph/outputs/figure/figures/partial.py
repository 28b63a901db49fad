"""A spec that is wrong → a figure of the rows that hold together, and in red the one at which they
stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import SpecError
from ....graph import Graph
from ....language.yaml.tree import Mapping
from ....passes.expand import expand
from ..content.builder import View, choose
from ..scene import Scene
from .overview import Broken, draw

if TYPE_CHECKING:
    from ....language.spec import Spec


def scene(
    spec: Spec, problem: SpecError, view: View = "auto", width: float | None = None
) -> Scene | None:
    """The scene of as much of the net as can be made; None where not even its first row can."""
    from ....plan import Plan

    names = list(spec.rows)
    good, sound = 0, None
    low, high = 1, _read(spec)
    # rows build on rows above: what is sound up to a row is sound up to each row above it
    while low <= high:
        middle = (low + high) // 2
        graph = _rows(spec, names[:middle])
        if graph is None:
            high = middle - 1
        else:
            good, sound, low = middle, graph, middle + 1
    if sound is None:
        return None
    if good == len(names):
        # each row can be made: what is wrong is elsewhere in the file
        names.append("spec")
    first = problem.diagnostics[0]
    said = (
        f"{first.severity}[{first.code}]: {first.message}",
        *([f"help: {first.help}"] if first.help else []),
    )
    plan = Plan(_part(spec, list(spec.rows)[:good]), sound)
    return draw(plan, choose(view), (), width, Broken(names[good], said))


def _read(spec: Spec) -> int:
    """How many rows, from the first, have no label that could not be read (its place holds what it
    may have meant)."""
    wrong = [problem.span for problem in spec.mistakes if problem.span]
    written = spec.tree.entries["net"].value
    assert isinstance(written, Mapping)
    labels = [entry.value.span for entry in written.entries.values()]
    return next(
        (n for n, label in enumerate(labels) if any(map(label.covers, wrong))),
        len(spec.rows),
    )


def _part(spec: Spec, names: list[str]) -> Spec:
    """The first rows alone; what only the rows below use is no mistake of theirs."""
    return replace(
        spec, rows={name: spec.rows[name] for name in names}, mistakes=(), unused=()
    )


def _rows(spec: Spec, names: list[str]) -> Graph | None:
    """The graph of the first rows of a spec; None where they do not hold together."""
    try:
        graph = expand(_part(spec, names))
    except SpecError:
        return None
    # A label that could not be read is no mistake of the graph: what follows it has no value, and
    # no shape.
    return graph if all(row.output in graph.nodes for row in graph.rows) else None

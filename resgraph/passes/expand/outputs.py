"""A spec and its rows → the outputs of the net, and its graph without the rows that none of them
needs."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ...collecting import each_name, only_keys, without
from ...graph import Graph, Output, Path
from ...language.spec import Spec


def names_outputs(spec: Spec) -> bool:
    """Whether `output:` names what the net gives."""
    return any(not named.aux for named in spec.outputs)


def ends_of(rows: Sequence[Path]) -> dict[str, tuple[Output, ...]]:
    """What can be an output, by its name: a row, of streams all of them, and each stream."""
    found: dict[str, tuple[Output, ...]] = {}
    for row in rows:
        ends = tuple(
            Output(name, node) for name, node in row.ends().items()
        )
        found |= {row.name: ends, **{end.row: (end,) for end in ends}}
    return found


def outputs_of(spec: Spec, rows: Sequence[Path]) -> tuple[Output, ...]:
    """What the net gives, of the rows that are there: what is named, else the last that training
    alone does not have."""
    ends = ends_of(rows)
    named = [
        replace(end, aux=one.aux)
        for one in spec.outputs
        for end in ends.get(one.row, ())
    ]
    if any(not output.aux for output in named):
        return tuple(named)
    last = last_row(spec, each_name(rows))
    return *ends[last], *(one for one in named if one.row != last)


def last_row(spec: Spec, rows: Sequence[str]) -> str:
    """The last row that is no `aux`; the last of all where there is no other."""
    aux = {named.row for named in spec.outputs if named.aux}
    return next(iter(without(reversed(rows), aux)), [*rows][-1])


def without_unread(graph: Graph) -> Graph:
    """The graph without the rows that no output needs: a row hands on its end alone, so that it is
    needed whole or not at all."""
    needed = graph.above((*graph.ends, *graph.inputs))
    while (
        lent := {graph.nodes[name].shares for name in needed}
        - {""}
        - needed
    ):
        needed |= graph.above(lent)  # whose modules are called again
    rows = [row for row in graph.rows if needed & {*row.ends().values()}]
    kept = {
        *graph.inputs,
        *graph.names_of(*rows),
    }
    nodes = only_keys(graph.nodes, kept)
    return replace(graph, nodes=nodes, rows=rows)

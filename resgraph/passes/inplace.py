"""Graph → the nodes that may write over what they read: nothing else reads it, and no gradient
needs it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from ..collecting import flatten
from ..graph import Graph, Layer, Path
from ..ops import Add
from .precision import low_precision


def inplace(graph: Graph) -> frozenset[str]:
    """Names of activations whose input can be overwritten, and of sums that can be written over
    their first term.

    What is overwritten must be made in the same path or equation, or, by a sum, in a path of the
    same block (what flows in may be kept by whoever called it: checkpointing, a hook). It must be
    read once, not share memory with something older, and not be what its maker's backward pass
    reads."""
    reads = graph.times_read()
    once = frozenset(name for name, count in reads.items() if count == 1)
    found: set[str] = set()
    scopes = [*_scopes(graph)]
    for path in flatten(scopes):
        _activations(graph, path, once, found)
    sums = _sums_of_one_dtype(graph)
    for scope in scopes:
        _sums(graph, scope, sums, once, found)
    # a module that is called again overwrites each time, or never
    nodes = graph.nodes
    never = {
        node.module for name, node in nodes.items() if name not in found
    }
    return frozenset(
        name for name in found if nodes[name].module not in never
    )


def _activations(
    graph: Graph, path: Path, once: Collection[str], found: set[str]
) -> None:
    for before, name in _made_in_turn(graph, path):
        if (
            before in once
            and graph.nodes[name].op.takes_inplace
            and _free(graph, before, found)
        ):
            found.add(name)


def _made_in_turn(graph: Graph, path: Path) -> Iterator[tuple[str, str]]:
    """The nodes of a path's layers or equation of which one reads the other: (read, reader)."""
    names: list[str] = []
    for item in path.items:
        names += item.nodes if isinstance(item, Layer) else ("",)
    yield from filter(all, pairwise(names))
    made = path.equation_nodes
    for name in made:
        if (first := graph.nodes[name].inputs[0]) in made:
            yield first, name


def _sums(
    graph: Graph,
    scope: Sequence[Path],
    sums: Collection[str],
    once: Collection[str],
    found: set[str],
) -> None:
    """The sums of a scope whose first term a path made, or such a sum."""
    made = {path.output for path in scope if path.output != path.input}
    for name in _equated(scope):
        if name in sums:
            first, other = graph.nodes[name].inputs
            equal = graph.shape(first) == graph.shape(other)
            if (
                equal
                and first in once
                and first in made
                and _free(graph, first, found)
            ):
                found.add(name)
                made.add(name)


def _free(graph: Graph, name: str, found: Collection[str]) -> bool:
    """Whether what a node made is memory of its own, which no backward pass reads."""
    op = graph.nodes[name].op
    # an activation in place: its gradient reads what came out
    written = name in found and op.takes_inplace
    return not (op.saves_output or op.returns_view or written)


def _sums_of_one_dtype(graph: Graph) -> frozenset[str]:
    """Sums of two terms of one dtype, also under autocast: `a += b` has the dtype of `a`, and `a +
    b` the wider one.

    Of blocks that are alike, a sum is named in all or in none, so that they can share a class.
    """
    low = low_precision(graph)
    rows = _sums_in(graph, graph.rows)
    kinds: dict[str, tuple[str, ...]] = {name: (name,) for name in rows}
    for block in graph.blocks():
        for name in _sums_in(graph, block.paths):
            kinds[name] = (
                block.block,
                block.shortcut,
                name[len(block.name) :],
            )
    mixed = {kind for name, kind in kinds.items() if name not in low}
    return frozenset(
        name for name, kind in kinds.items() if kind not in mixed
    )


def _sums_in(graph: Graph, scope: Sequence[Path]) -> Iterator[str]:
    for node in map(graph.nodes.__getitem__, _equated(scope)):
        if isinstance(node.op, Add) and len(node.inputs) == 2:
            yield node.name


def _equated(scope: Sequence[Path]) -> Iterator[str]:
    """The nodes of the equations of some paths."""
    return flatten(path.equation_nodes for path in scope)


def _scopes(graph: Graph) -> Iterator[Sequence[Path]]:
    """The rows, then the paths of each block."""
    yield graph.rows
    yield from (block.paths for block in graph.blocks())

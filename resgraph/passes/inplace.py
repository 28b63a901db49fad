"""Graph → the activations that may write over what they read: nothing else reads it, and no gradient needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from ..graph import Block, Graph, Layer, Path


def inplace(graph: Graph) -> frozenset[str]:
    """Names of activation nodes whose input can be overwritten.

    The input must be made in the same path or equation (what flows into it may be kept by whoever called it:
    checkpointing, a hook), be read once, not share memory with something older, and not be what its maker's backward
    pass reads.
    """
    reads = Counter(source for node in graph.nodes.values() for source in node.inputs)
    reads[graph.output] += 1
    found = set()
    for path in _paths(graph):
        names = [name for item in path.items for name in (item.nodes if isinstance(item, Layer) else ("",))]
        for before, name in pairwise(names):
            if before and name and reads[before] == 1 and _can(graph, before, name):
                found.add(name)
        made = path.equation.nodes if path.equation else ()
        for name in made:
            before = graph.nodes[name].inputs[0]
            if before in made and reads[before] == 1 and _can(graph, before, name):
                found.add(name)
    return frozenset(found)


def _can(graph: Graph, before: str, name: str) -> bool:
    """Whether the op `name` may write over what `before` made."""
    maker = graph.nodes[before].op
    return graph.nodes[name].op.takes_inplace and not maker.saves_output and not maker.returns_view


def _paths(graph: Graph) -> Iterator[Path]:
    stack = list(graph.rows)
    while stack:
        path = stack.pop()
        yield path
        stack.extend(inner for item in path.items if isinstance(item, Block) for inner in item.paths)

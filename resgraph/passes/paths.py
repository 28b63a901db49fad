"""Graph → how many ways lead through it, and how many layers each is long.

A residual net is a collection of paths of many lengths (Veit, Wilber and Belongie 2016, arXiv
1605.06431): at a sum the data comes one way or another. Layers are what `depth` counts; a shortcut
counts nothing, a gate is no way of its own."""

from __future__ import annotations

from fractions import Fraction

from ..graph import Graph
from ..structs import Frozen


class Paths(Frozen):
    """The ways from input to output: how many, and their shortest, longest and mean length in
    layers."""

    count: int
    shortest: int
    longest: int
    mean: Fraction


def paths(graph: Graph) -> Paths:
    """The ways through a net, counted exactly."""
    # count, sum of lengths, shortest, longest
    ways: dict[str, tuple[int, int, int, int]] = {}
    for name, node in graph.nodes.items():
        read = node.inputs[:1] if node.op.gates else node.values
        own = node.depth - max(
            (graph.nodes[n].depth for n in read), default=0
        )
        below = [ways[source] for source in read] or [(1, 0, 0, 0)]
        counts, lengths, least, most = zip(*below, strict=True)
        length = sum(lengths) + own * sum(counts)
        ways[name] = (
            sum(counts),
            length,
            min(least) + own,
            max(most) + own,
        )
    count, length, shortest, longest = ways[graph.output]
    return Paths(count, shortest, longest, Fraction(length, count))

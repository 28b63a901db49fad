"""Graph → the nodes that come out in the low precision wherever autocast is on, and so are all of
one dtype."""

from __future__ import annotations

from ..graph import Graph


def low_precision(graph: Graph) -> frozenset[str]:
    """Names of the nodes whose dtype under autocast is surely autocast's own, on every device."""
    found: set[str] = set()
    for name, node in graph.nodes.items():
        if node.op.autocast == "lowers" or (
            node.op.autocast == "keeps" and found.issuperset(node.inputs)
        ):
            found.add(name)
    return frozenset(found)

"""Graph → its residual sums: in which blocks a branch is added to the shortcut, and what each
branch begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..collecting import without
from ..graph import Block, Graph, Node
from ..ops import Add, ChannelDropout, Div, Dropout, Mul
from ..structs import Frozen


class Residual(Frozen):
    """A sum of a branch and the shortcut.

    `opening` is what the branch puts before its first convolution (or fc): "norm", "activation",
    both, or nothing. A branch that opens with either is pre-activated (He et al. 2016, Figure 4 (c)
    to (e))."""

    block: Block
    sum: Node
    opening: frozenset[str]


def residuals(graph: Graph) -> Iterator[Residual]:
    """Every residual sum in a block's `merge:`, in reading order."""
    for block in graph.blocks():
        for node in sums(graph, block):
            terms = [_source(graph, term) for term in node.inputs]
            for branch in branches(terms, block):
                yield Residual(block, node, _opening(graph, block, branch))


def sums(graph: Graph, block: Block) -> Iterator[Node]:
    """The sums in a block's `merge:`."""
    merged = (graph.nodes[name] for name in block.result.equation_nodes)
    return (node for node in merged if isinstance(node.op, Add))


def branches(terms: Sequence[str], block: Block) -> list[str]:
    """The terms of a sum in a block beside what its input comes to; none of a sum without that."""
    found = without(terms, block.direct)
    return found if len(found) < len(terms) else []


def kind(node: Node) -> str:
    """ "norm", "activation", or "" for any other op (the learned factors are no norms, whatever
    their colour)."""
    return node.op.role or ""


def _source(graph: Graph, name: str) -> str:
    """What a term is before it is scaled by a number or thinned by dropout."""
    return graph.back_to(name, _computes).name


def _computes(node: Node) -> bool:
    """Whether a node does more than scale or thin one other."""
    thins = isinstance(node.op, Mul | Div | Dropout | ChannelDropout)
    return len(node.inputs) != 1 or not thins


def _opening(graph: Graph, block: Block, branch: str) -> frozenset[str]:
    """What stands between the block's input and the first weighted op of a branch, walking back
    along first inputs."""
    found: set[str] = set()
    weighted, name = False, branch
    while name != block.input and graph.nodes[name].inputs:
        node = graph.nodes[name]
        if node.op.weighted:
            found.clear()
            weighted = True
        else:
            found.add(kind(node))
        name = node.inputs[0]
    return (
        frozenset(found - {""})
        if weighted and name == block.input
        else frozenset()
    )

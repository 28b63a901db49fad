"""The blocks of a row → runs that one picture can stand for: equal ones, or alike ones with what
differs said."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import groupby

from ....graph import Block, Graph
from ....passes.summary import MANY_KINDS
from .parts import BlockRun


def runs(
    graph: Graph,
    blocks: Sequence[Block],
    apart: Callable[[Block], Hashable] = lambda block: None,
) -> list[tuple[Block, BlockRun]]:
    """Each run of a row's blocks by its first block; blocks that differ in `apart` never share
    one."""
    equal = _grouped(
        [(apart(block), structure(graph, block)) for block in blocks]
    )
    heads = [blocks[run[0]] for run in equal]
    # Blocks that differ in nothing but a rate of dropout are always drawn as one.
    alike = _grouped(
        [(apart(b), structure(graph, b, rates=False)) for b in heads]
    )
    if len(alike) > MANY_KINDS:
        alike = _grouped([(apart(b), _likeness(graph, b)) for b in heads])
    out = []
    for group in alike:
        first = equal[group[0]][0]
        last = equal[group[-1]][-1]
        same = len(group) == 1
        said = (
            ("", "")
            if same
            else _differences(graph, blocks[first], blocks[last])
        )
        out.append(
            (blocks[first], BlockRun(first + 1, last + 1, same, said))
        )
    return out


def _grouped(keys: Sequence[Hashable]) -> list[list[int]]:
    """The places of keys, those of equal neighbours together."""
    places = groupby(range(len(keys)), keys.__getitem__)
    return [[*group] for _, group in places]


def structure(
    graph: Graph, block: Block, *, rates: bool = True
) -> Hashable:
    """Everything that makes two blocks the same but for their parameters: ops, wiring, shapes,
    merge.

    Without `rates`, an op of dropout counts as any other of its kind.
    """
    prefix = block.name + "."
    nodes = [*graph.nodes_of(block)]
    own = {
        node.name: f"{node.name}.".removeprefix(prefix) for node in nodes
    }
    facts = tuple(
        (
            own[node.name],
            node.op
            if rates or node.op.family != "regularize"
            else node.op.op,
            node.shape,
            tuple(own.get(source, "") for source in node.inputs),
        )
        for node in nodes
    )
    return (
        block.block,
        block.merge,
        block.shortcut,
        graph.shape(block.input),
        facts,
    )


def _likeness(graph: Graph, block: Block) -> Hashable:
    """What alike blocks share: the kind of block, what its call changes, and its ops by word."""
    words = tuple(node.op.op for node in graph.nodes_of(block))
    changes = block.into != block.out
    return (
        block.block,
        block.merge,
        block.shortcut,
        block.stride,
        changes,
        words,
    )


def _differences(
    graph: Graph, first: Block, last: Block
) -> tuple[str, str]:
    """In what the ends of a run of alike blocks differ, and from what to what."""
    before = graph.shape(first.output)
    after = graph.shape(last.output)
    if before != after:
        return "width", f"{before[0]} → {after[0]}"
    for one, other in zip(
        graph.nodes_of(first), graph.nodes_of(last), strict=False
    ):
        for name in one.op.fields():
            here = getattr(one.op, name)
            there = getattr(other.op, name, None)
            if here != there:
                return one.op.op, f"{_said(here)} → {_said(there)}"
    return "attributes", "differ"


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return (
        "×".join(map(str, value))
        if isinstance(value, tuple)
        else str(value)
    )

"""Two graphs → for each row and each node of the first what of the second it is.

Rows, then what stands in them, then what stands in that: layers are paired by what they are (op,
role, widths), blocks by their word and what is in them. A name only decides between equals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from functools import partial
from operator import eq

from msgspec import Struct

from ...collecting import flatten
from ...graph import Block, Graph, Item, Layer, Path
from ...ops import Op
from .sequence import matched

Partners = Mapping[str, str]
"""Of what both nets have, the name in the first and in the second."""
_MORE = 10_000
"""What a name counts, this much a step of likeness counts: more than a sequence has elements."""
_NAMED, _SHARED = 4, 6


def partners(before: Graph, after: Graph) -> tuple[Partners, Partners]:
    """The rows and the nodes that both nets have."""
    looks = Looks(before), Looks(after)
    found = dict(zip(before.inputs, after.inputs, strict=False))
    paths = matched(before.rows, after.rows, partial(_paths_alike, looks))
    rows = {one.name: other.name for one, other in paths}
    while paths:
        one, other = paths.pop()
        found |= _equations(before, after, one, other)
        for first, second in matched(
            one.items, other.items, partial(_alike, looks)
        ):
            if isinstance(first, Block) and isinstance(second, Block):
                paths += matched(
                    first.paths, second.paths, partial(_paths_alike, looks)
                )
            elif isinstance(first, Layer) and isinstance(second, Layer):
                found |= _nodes(before, after, first.nodes, second.nodes)
    return rows, found


class Looks(Struct):
    """What the items of a graph are, worked out once."""

    graph: Graph
    known: dict[str, tuple[Hashable, ...]] = {}
    inside: dict[str, Counter[Hashable]] = {}

    def of(self, item: Item) -> tuple[Hashable, ...]:
        """What an item is, the most telling first."""
        if item.name not in self.known:
            self.known[item.name] = tuple(self._look(item))
        return self.known[item.name]

    def _look(self, item: Item) -> Iterator[Hashable]:
        nodes = "; ".join(
            str(node.op) for node in self.graph.nodes_of(item)
        )
        if isinstance(item, Block):
            yield from (
                item.block,
                item.out,
                item.stride,
                item.merge,
                nodes,
            )
            return
        op = self.graph.main_op(item)
        yield from (
            op.family,
            op.op,
            getattr(op, "kernel", ()),
            _width(op),
            nodes,
        )

    def contents(self, scope: Path | Block) -> Counter[Hashable]:
        """How often each kind of layer and block stands in a scope, beside the shortcuts of a
        block."""
        if scope.name not in self.inside:
            paths = [scope] if isinstance(scope, Path) else scope.ways
            items = flatten(path.items for path in paths)
            self.inside[scope.name] = Counter(
                self.of(item)[:4] for item in items
            )
        return self.inside[scope.name]


def _width(op: Op) -> object:
    return getattr(op, op.number, None) if op.number else None


def _alike(looks: tuple[Looks, Looks], one: Item, other: Item) -> int:
    """How much two items of a path are one another."""
    first, second = looks[0].of(one), looks[1].of(other)
    if isinstance(one, Block) != isinstance(other, Block):
        return 0
    if first[0] == second[0]:
        steps = list(map(eq, first, second)).count(True)
    elif isinstance(one, Block) and isinstance(other, Block):
        steps = _shared(looks, one, other)
    else:
        return 0
    return steps and steps * _MORE + (_last(one) == _last(other))


def _last(item: Item) -> str:
    return item.name.rpartition(".")[2]


def _paths_alike(looks: tuple[Looks, Looks], one: Path, other: Path) -> int:
    """How much two rows, or two paths of blocks, are one another."""
    named = one.word == other.word
    return (_NAMED * named + _shared(looks, one, other)) * _MORE + named


def _shared(
    looks: tuple[Looks, Looks], one: Path | Block, other: Path | Block
) -> int:
    """How much of what stands in two scopes is the same; 0 where it is less than a half."""
    first, second = looks[0].contents(one), looks[1].contents(other)
    all_of_it = first.total() + second.total()
    both = 2 * (first & second).total()
    return _SHARED * both // all_of_it if both * 2 >= all_of_it > 0 else 0


def _equations(
    before: Graph, after: Graph, one: Path, other: Path
) -> dict[str, str]:
    """The nodes of the equations that two paths start with."""
    if one.equation is None or other.equation is None:
        return {}
    return _nodes(before, after, one.equation.nodes, other.equation.nodes)


def _nodes(
    before: Graph,
    after: Graph,
    ones: tuple[str, ...],
    others: tuple[str, ...],
) -> dict[str, str]:
    """The nodes of two layers that are one another: the same op, or one of its kind; the
    convolution counts more than all the rest."""

    def alike(one: str, other: str) -> int:
        first, second = before.nodes[one].op, after.nodes[other].op
        if first.family != second.family:
            return 0
        steps = 1 + (first.op == second.op) + 2 * (first == second)
        return steps * len(before.nodes) if first.weighted else steps

    return dict(matched(ones, others, alike))

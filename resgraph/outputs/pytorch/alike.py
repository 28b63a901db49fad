"""A block of a graph → what is equal for blocks whose classes are the same to the letter, so that
one is worked out for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...graph import Block, Graph, Item, Layer, Node, Path, Stream
from ...ops.base import Call

Calls = Mapping[int, Sequence[tuple[str, Call]]]
"""By the identity of an item, the calls that make it."""


@dataclass(slots=True)
class Likeness:
    """What a block is but for its name and what flows in. Names in it are told from there."""

    graph: Graph
    inplace: frozenset[str]
    calls: Calls
    block: Block
    # what flows in, by its place
    into: dict[str, tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        ends = dict.fromkeys(stream.node for stream in self.block.arguments())
        self.into = {node: ("", place) for place, node in enumerate(ends)}

    def key(self) -> tuple[Any, ...]:
        """Two blocks of one graph have the same only if their classes are."""
        block, nodes = self.block, self.graph.nodes_of(self.block)
        return (*self._item(block), *map(self._node, nodes))

    def _name(self, name: str) -> tuple[str, int]:
        """A name within the block as it is below it; of what flows in, which that is."""
        own = self.block.name
        if name == own or name.startswith(f"{own}."):
            return name[len(own) :], -1
        return self.into.get(name, (name, -2))

    def _names(self, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
        return tuple([self._name(name) for name in names])

    def _streams(self, streams: Sequence[Stream]) -> tuple[Any, ...]:
        return tuple([(stream.name, self._name(stream.node)) for stream in streams])

    def _node(self, node: Node) -> tuple[Any, ...]:
        shapes = tuple([self.graph.nodes[name].shape for name in node.inputs])
        over = node.name in self.inplace
        # equal ops are one object more often than not, and an object has one spelling
        return id(node.op), self._names(node.inputs), shapes, over

    def _item(self, item: Item) -> tuple[Any, ...]:
        made = tuple([(end, id(call)) for end, call in self.calls.get(id(item), ())])
        own = self._name(item.name), made, self._name(item.shares)
        if isinstance(item, Layer):
            return (*own, self._names(item.nodes))
        return (
            *own,
            (item.block, item.merge, item.shortcut, item.again, item.into, item.out),
            self._names((item.input, item.output)),
            [path is item.result for path in item.paths].index(True),
            *map(self._streams, (item.takes, item.gives, item.reads)),
            *map(self._path, item.paths),
        )

    def _path(self, path: Path) -> tuple[Any, ...]:
        written = path.equation
        equation = written and (
            self._name(written.name),
            *self._equation(written.nodes),
        )
        ends = self._names((path.name, path.input, path.output, path.shares))
        output = written and self._name(written.output)
        streams = self._streams(path.takes), self._streams(path.gives)
        items = tuple(map(self._item, path.items))
        return path.word, path.listed, ends, equation, output, streams, items

    def _equation(self, nodes: Sequence[str]) -> Iterator[tuple[str, int]]:
        return map(self._name, nodes)

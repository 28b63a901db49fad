"""A block of a graph → what is equal for blocks whose classes are the same to the letter, so that
one is worked out for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...graph import Block, Graph, Item, Layer, Path, Stream
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
    into: dict[str, int] = field(init=False)
    # what the names within it begin with, and how much of them is its own
    below: str = field(init=False)
    own: int = field(init=False)

    def __post_init__(self) -> None:
        ends = enumerate(self.block.arguments())
        self.into = {stream.node: place for place, stream in ends}
        self.below, self.own = f"{self.block.name}.", len(self.block.name)

    def key(self) -> tuple[Any, ...]:
        """Two blocks of one graph have the same only if their classes are."""
        return self._item(self.block)

    def _name(self, name: str) -> str | int:
        """A name within the block as it is below it, behind a dot; of what flows in, which that
        is."""
        if name.startswith(self.below):
            return name[self.own :]
        return "." if name == self.block.name else self.into.get(name, name)

    def _names(self, names: Sequence[str]) -> tuple[str | int, ...]:
        return tuple(map(self._name, names))

    def _streams(self, streams: Sequence[Stream]) -> tuple[Any, ...]:
        return tuple(
            [(stream.name, self._name(stream.node)) for stream in streams]
        )

    def _node(self, name: str) -> tuple[Any, ...]:
        node = self.graph.nodes[name]
        shapes = self.graph.shapes_into(node)
        # equal ops are one object more often than not, and an object has one spelling
        made = id(node.op), shapes, name in self.inplace
        return self._name(name), *self._names(node.inputs), made

    def _item(self, item: Item) -> tuple[Any, ...]:
        made = tuple(
            [(end, id(call)) for end, call in self.calls.get(id(item), ())]
        )
        own = *self._names((item.name, item.shares)), made
        if isinstance(item, Layer):
            return (*own, *map(self._node, item.nodes))
        return (
            *own,
            (
                item.block,
                item.merge,
                item.shortcut,
                item.again,
                item.into,
                item.out,
            ),
            self._names((item.input, item.output)),
            len(item.takes),
            len(item.gives),
            self._streams((*item.takes, *item.gives, *item.reads)),
            *map(self._path, item.paths),
        )

    def _path(self, path: Path) -> tuple[Any, ...]:
        written = path.equation
        equation = written and (
            *self._names((written.name, written.output)),
            *map(self._node, written.nodes),
        )
        ends = self._names(
            (path.name, path.input, path.output, path.shares)
        )
        streams = len(path.takes), self._streams((*path.takes, *path.gives))
        items = tuple(map(self._item, path.items))
        return path.word, path.listed, ends, equation, streams, items

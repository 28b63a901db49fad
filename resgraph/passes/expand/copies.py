"""A block of a repeat that is made → the next of them, copied and not made anew.

The first alone has the stride, so the second is the one that is copied: where no counter was read
in it, and no mistake found, those after it differ in their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...graph import Block, Equation, Item, Layer, Node, Path, Stream, total
from ...structs import Frozen
from .graph_builder import LAYERS, PARAMS, Builder, Flow, Tensor
from .place import Slot

Repeatable = Path | Item
_Scope = TypeVar("_Scope", Path, Item)


class ScopeCopy:
    """Scopes as they are under other names, around other nodes."""

    def name(self, name: str) -> str:
        """The name of a scope or a node within them, in the copy."""
        raise NotImplementedError

    def end(self, node: str) -> str:
        """The node that stands for one which they make or read."""
        raise NotImplementedError

    def shares(self, scope: Repeatable) -> str:
        """The scope whose modules those of the copy are."""
        raise NotImplementedError

    def streams(self, streams: Sequence[Stream]) -> tuple[Stream, ...]:
        """Streams as they are in the copy."""
        if not streams:
            return ()
        return tuple(
            [stream.at(self.end(stream.node)) for stream in streams]
        )

    def path(self, path: Path) -> Path:
        """A row or a path, with all that stands in it."""
        return replace(
            path,
            name=self.name(path.name),
            input=self.end(path.input),
            output=self.end(path.output),
            equation=path.equation and self._equation(path.equation),
            items=self.items(path.items),
            shares=self.shares(path),
            takes=self.streams(path.takes),
            gives=self.streams(path.gives),
        )

    def within(self, names: Iterable[str]) -> tuple[str, ...]:
        """The nodes of a layer or an equation."""
        return tuple(map(self.name, names))

    def items(self, items: Iterable[Item]) -> list[Item]:
        """What stands in a path."""
        return [*map(self.item, items)]

    def _equation(self, equation: Equation) -> Equation:
        nodes = self.within(equation.nodes)
        name, output = self.name(equation.name), self.end(equation.output)
        return replace(equation, name=name, nodes=nodes, output=output)

    def item(self, item: Item) -> Item:
        """A layer, or a block with its paths."""
        name, shares = self.name(item.name), self.shares(item)
        if isinstance(item, Layer):
            nodes = self.within(item.nodes)
            return replace(item, name=name, nodes=nodes, shares=shares)
        return self._block(item, name, shares)

    def _block(self, block: Block, name: str, shares: str) -> Block:
        return replace(
            block,
            name=name,
            input=self.end(block.input),
            output=self.end(block.output),
            paths=[*map(self.path, block.paths)],
            shares=shares,
            takes=self.streams(block.takes),
            gives=self.streams(block.gives),
            reads=self.streams(block.reads),
        )


class Marks(Frozen):
    """How much was made, before a block or behind it."""

    nodes: int
    errors: int
    steps: int
    blocks: int


class Template(Frozen):
    """A block that was made of a tensor, with its nodes, and how much that was to make."""

    block: Block
    into: Flow
    out: Flow
    nodes: tuple[Node, ...]
    params: int
    steps: int
    blocks: int

    def fits(self, flow: Tensor, builder: Builder, free: int) -> bool:
        """Whether the next of the repeat is the same, and no limit is near, which making it would
        tell; `free` is how many items may still be made."""
        return (
            isinstance(flow, Flow)
            and flow.shape == self.into.shape
            and builder.silence is None
            and len(builder.nodes) + len(self.nodes) < LAYERS
            and builder.params + self.params <= PARAMS
            and self.steps <= free
        )


def template(
    slot: Slot,
    flow: Tensor,
    out: Tensor,
    builder: Builder,
    marks: tuple[Marks, Marks],
) -> Template | None:
    """What was just made in a slot, if it is a block whose copies are all alike."""
    made = slot.path.items[-1] if slot.path.items else None
    before, after = marks
    if (
        not isinstance(made, Block)
        or made.name != slot.name
        or not made.block
    ):
        return None
    if slot.counters.read or after.errors > before.errors:
        return None
    if not isinstance(flow, Flow) or not isinstance(out, Flow):
        return None
    last = islice(
        reversed(builder.nodes.values()), after.nodes - before.nodes
    )
    nodes = tuple(last)[::-1]
    params = total(nodes).params
    steps, blocks = after.steps - before.steps, after.blocks - before.blocks
    return Template(made, flow, out, nodes, params, steps, blocks)


class BlockCopy(ScopeCopy, Struct):
    """The next of a repeat: a template behind another tensor, under another name."""

    template: Template
    to: str
    flow: Flow
    builder: Builder
    scopes: dict[str, Repeatable]
    # a node's name stands in itself, its scope and its readers: one string for all
    names: dict[str, str] = {}
    skip: int = 0

    def __post_init__(self) -> None:
        self.skip = len(self.template.block.name)

    def name(self, name: str) -> str:
        if name not in self.names:
            self.names[name] = self.to + name[self.skip :]
        return self.names[name]

    def end(self, node: str) -> str:
        if node == self.template.into.node:
            return self.flow.node
        # a shortcut that is none has no node
        return self.name(node) if node else ""

    def shares(self, scope: Repeatable) -> str:
        return scope.shares and self.name(scope.shares)

    def path(self, path: Path) -> Path:
        return self._known(path, super().path(path))

    def item(self, item: Item) -> Item:
        return self._known(item, super().item(item))

    def _known(self, old: _Scope, new: _Scope) -> _Scope:
        """`again` finds the copy where it would find what is copied."""
        if old.name in self.scopes:
            self.scopes[new.name] = new
        return new

    def made(self) -> tuple[Item, Flow]:
        """The block, whose nodes are made, and what comes out of it."""
        one = self.template
        nodes = self.builder.nodes
        sources = self.builder.sources
        deeper = self.flow.depth - one.into.depth
        for node in one.nodes:
            name = self.name(node.name)
            inputs = tuple(map(self.end, node.inputs))
            shares = node.shares and self.name(node.shares)
            nodes[name] = Node(
                name, node.op, inputs, node.shape, node.cost, node.depth + deeper,
                node.origin, shares,
            )  # fmt: skip
            if node.name in sources:
                sources[name] = sources[node.name]
        self.builder.params += one.params
        out = Flow(
            self.end(one.out.node), one.out.shape, one.out.depth + deeper
        )
        return self.item(one.block), out

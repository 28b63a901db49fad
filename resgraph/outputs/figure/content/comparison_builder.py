"""A graph → the parts of the comparison figure: each layer a strip, a unit for each stretch of one
map size."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec.structs import replace

from ....collecting import each_node
from ....graph import Block, Graph, Item, Path
from ..style import MARKS
from . import quantity
from .builder import PartBuilder, View
from .parts import Capsule, FigurePart, Fork, Link, Strip, TileRow, in_line
from .rows import blocks_in, is_line
from .wiring import Detail, Wiring
from .wording import LONG

_Nodes = tuple[str, ...]
_SHOWN = frozenset(["conv", "dense", "pool", "block"])


def is_within(name: str, scope: str) -> bool:
    """Whether a node is of that name, or stands in a layer or path of it."""
    return f"{name}.".startswith(f"{scope}.")


class StripBuilder(PartBuilder):
    """A builder whose layers are strips; `outputs` names, for each unit of the net, the node that
    it gives."""

    outputs: list[str]
    marks: Mapping[str, str]

    def __init__(
        self,
        graph: Graph,
        view: View,
        marks: Mapping[str, str] = {},
    ) -> None:
        super().__init__(graph, view)
        self.outputs = []
        self.marks = marks

    def apart(self, block: Block) -> Hashable:
        """Blocks with different marks are drawn apart."""
        prefix = len(block.name)
        return tuple(
            (node.name[prefix:], self.marks[node.name])
            for node in self.graph.nodes_of(block)
            if node.name in self.marks
        )

    def net(self, *, ends: bool = False) -> Fork:
        """The net with a unit for each block, and for each stretch of layers that give one size of
        map."""
        start = self.graph.nodes[self.graph.input]
        wires = Wiring(self.graph, start.name, unit=0)
        wires.units.append(
            Capsule(
                start.name, quantity.times(start.shape), caption="input"
            )
        )
        breaks = {0}
        for row in self.graph.rows:
            self.inputs(wires, row)
            if row.equation:
                wires.equation(row.equation, "rows")
            gives: _Nodes = (row.input,)
            for part, reads, gives in self._stretches(row):
                breaks.add(len(wires.units))
                wires.add(part, reads, *gives)
            wires.found.setdefault(row.output, wires.found[gives[0]])
        self.outputs = _drawn(wires)
        # of several outputs none is the one that the rest leads to
        result = wires.found[self.graph.output].unit
        if self.graph.several:
            result = len(wires.units) - 1
        return Fork(
            "net",
            wires.units,
            wires.links,
            result,
            breaks=frozenset(breaks),
        )

    def tile(self, rows: list[TileRow], name: str) -> FigurePart | None:
        """Layers one under the other, each a strip."""
        strips: list[FigurePart] = [Strip(row.name, row) for row in rows]
        return in_line(name, strips)

    def rows_of(self, items: Sequence[Item]) -> list[TileRow]:
        """Convolutions, pools, fully connected layers and folded blocks: what the paper's Figure 3
        shows; of others those that differ."""
        return [
            replace(
                row,
                text=row.text.replace(LONG["fc"], "fc"),
                number="" if row.family == "pool" else row.number,
            )
            for row in super().rows_of(items)
            if row.family in _SHOWN or self._is_marked(row.name)
        ]

    def _is_marked(self, layer: str) -> bool:
        return any(is_within(name, layer) for name in self.marks)

    def block(
        self, block: Block, detail: Detail, level: int
    ) -> Fork | None:
        """A block whose shortcut says in plain words what it does, not in a pill."""
        fork = super().block(block, "rows", level)
        if fork:
            fork.links = [
                replace(link, pill="", note=self._said(block, link))
                if link.pill
                else link
                for link in fork.links
            ]
        return fork

    def _said(self, block: Block, link: Link) -> str:
        """What a shortcut does to the width; where it differs between two nets, all that it does,
        with its mark."""
        kinds = {
            mark
            for name, mark in self.marks.items()
            if is_within(name, link.name)
        }
        if kinds:
            return f"{MARKS[min(kinds)]} {link.pill}"
        into = self.graph.shape(block.input)
        out = self.graph.shape(block.output)
        return f"{into[0]} → {out[0]}" if into[0] != out[0] else ""

    def _stretches(
        self, row: Path
    ) -> Iterator[tuple[FigurePart, _Nodes, _Nodes]]:
        """The parts of a row, each with the nodes that it reads, and those that it makes and
        gives."""
        blocks = blocks_in([row])
        shown = self.shown(blocks)
        reads = tuple(each_node(row.takes)) or (row.input,)
        for _, group in groupby(row.items, key=self._key):
            items = list(group)
            first = items[0]
            part: FigurePart | None
            gives = self._made(items[-1], reads)
            if isinstance(first, Block) and not first.again:
                part = fork = self.run(first, shown)
                if fork:
                    gives = self._made(blocks[fork.repeat.last - 1], reads)
            else:
                part = self.tile(self.rows_of(items), row.name)
            if part:
                read = dict.fromkeys((*reads, *each_node(first.reads)))
                yield part, tuple(read), gives
                reads = gives

    def _key(self, item: Item) -> object:
        """Blocks stand alone; layers stand together while their maps are of one size."""
        if not is_line(item):
            return item.name
        return self.graph.shape(item.output)[1:]

    def _made(self, item: Item, before: _Nodes) -> _Nodes:
        """What an item makes and gives; what flows through it is made above."""
        if isinstance(item, Block) and item.gives:
            taken = set(each_node(item.arguments()))
            made = tuple(s.node for s in item.gives if s.node not in taken)
            return made or before
        return (item.output,)


def _drawn(wires: Wiring) -> list[str]:
    """For each unit so far, the name of the node that it stands for."""
    names = {
        found.unit: name for name, found in reversed(wires.found.items())
    }
    return [names[unit] for unit in range(len(wires.units))]

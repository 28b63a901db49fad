"""The paths of a block (or the rows of a net) → units and the links between them.

Who reads what is told by the names of nodes: `found` knows for each node that can be read which
unit stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from ....collecting import each_node, flatten
from ....graph import Block, Equation, Graph, Layer, Path
from ....structs import Frozen
from . import quantity
from .parts import ENTRY, Chain, FigurePart, Fork, Join, Link, Tile
from .rows import op_box, pill_text, stride_text, title, titles
from .streams import lay_streams
from .wording import symbol

Detail = Literal["rows", "ops"]


class Found(Frozen):
    """The unit that stands for a node; where a shortcut leads there, what happens on its way."""

    unit: int
    changes: bool = False
    shortcut: bool = False
    pill: str = ""
    name: str = ""
    title: str = ""
    # of the streams that leave the unit, the one that the node is
    port: int = 0


def spelled(graph: Graph) -> dict[str, str]:
    """Streams of rows as they are written, `stage.y2`, which a module calls `stage_y2`, by their
    nodes."""
    return {
        node: name
        for row in graph.rows
        if row.gives
        for name, node in row.ends().items()
    }


class Wiring:
    """The units of one fork while they are gathered, in reading order."""

    def __init__(
        self,
        graph: Graph,
        entry: str,
        *,
        unit: int = ENTRY,
        block: Block | None = None,
        detail: Detail = "rows",
    ) -> None:
        self.graph = graph
        self.entry = entry
        self.block = block
        self.detail = detail
        self.found = {entry: Found(unit)}
        self.units: list[FigurePart] = []
        self.links: list[Link] = []
        self.side: set[int] = set()
        # what flows in beside the first, and what a block reads that is written in a row
        beside = block.arguments()[1:] if block else ()
        written = spelled(graph)
        self.beside = {
            each.node: written.get(each.node, each.name) for each in beside
        }
        self._stand(unit, self.beside, 1)

    def add(
        self, part: FigurePart, reads: Iterable[str], *stands_for: str
    ) -> int:
        """A new unit, linked to what it reads; where several streams leave it, it stands for
        each."""
        unit = len(self.units)
        self.units.append(part)
        links: dict[tuple[int, str, int], Link] = {}
        for at, name in enumerate(reads):
            source = self.found[name]
            # streams that keep their order share a link
            entry = at if isinstance(part, Chain | Fork) else 0
            likeness = source.unit, source.pill, source.port - entry
            straight_in = isinstance(part, Join) and source.unit == ENTRY
            link = Link(
                source.unit, unit, source.changes, source.shortcut or straight_in, source.pill,
                self._note(name, part), source.name, source.title, port=source.port,
                entry=entry,
            )  # fmt: skip
            links.setdefault(likeness, link)
        self.links += links.values()
        self._stand(unit, stands_for)
        return unit

    def _stand(
        self, unit: int, names: Iterable[str], first: int = 0
    ) -> None:
        """Let a unit stand for the streams that leave it."""
        for port, name in enumerate(names, first):
            self.found[name] = Found(unit, port=port)

    def _note(self, source: str, part: FigurePart) -> str:
        """What comes in beside the input of a block; else the shape on an edge into a join, at the
        detail of ops, where it changed since the layer before."""
        if source in self.beside:
            return self.beside[source]
        if (
            self.detail != "ops"
            or not isinstance(part, Join)
            or not self.block
        ):
            return ""
        shape = self._shape(source)
        return (
            quantity.times(shape)
            if shape != self._shape(self.entry)
            else ""
        )

    def equation(self, equation: Equation, detail: Detail) -> None:
        """Each node of an equation as a join; activations only at the detail of ops."""
        joins = []
        for node in self.graph.nodes_of(equation):
            if node.op.family == "merge":
                said = title(self.graph, node)
                join = Join(node.name, symbol(node.op), title=said)
                self.add(join, node.inputs, node.name)
                joins.append(join)
            elif detail == "ops":
                self.add(op_box(self.graph, node), node.inputs, node.name)
            else:
                self.found[node.name] = self.found[node.inputs[0]]
        if detail == "ops":
            for last in joins[-1:]:
                last.note = equation.text

    def continues(self, path: Path, part: FigurePart | None) -> bool:
        """Draw a path of layers in the tile whose value it alone reads, if it does read a tile: one
        line, one tile."""
        source = self.found[path.input]
        unit = source.unit
        match part, self.units[unit : unit + 1]:
            case Tile(rows=rows), [Tile() as above] if not (
                source.pill or unit in self.side or path.word == "shortcut"
            ):
                above.rows += rows
                self.found[path.output] = Found(unit)
                return True
        return False

    def path(self, path: Path, part: FigurePart | None) -> None:
        """The items of a path as one unit, or, for a shortcut that is folded, as a pill on the
        links that read it."""
        source = self.found[path.input]
        block = self.block
        shortcut = (
            block is not None
            and path.word == "shortcut"
            and block.result is not path
        )
        changes = shortcut and self._shape(path.output) != self._shape(
            self.entry
        )
        layers = (
            _plain_layers(path)
            if shortcut and self.detail == "rows"
            else []
        )
        if layers:
            said = titles(self.graph, path)
            pill = pill_text(self.graph, layers)
            found = Found(source.unit, changes, True, pill, path.name, said)
            self.found[path.output] = found
        elif part is None:
            for end in path.ends().values():
                self.found.setdefault(end, source)
        else:
            ends = path.ends().values()
            unit = self.add(part, self._read_by(path), *ends)
            if shortcut:
                self._mark_side(unit, changes, path.output)

    def _read_by(self, path: Path) -> tuple[str, ...]:
        """What flows into the items of a path, and the rows that blocks among them read beside
        it."""
        beside = [each.node for item in path.items for each in item.reads]
        first = self.graph.nodes_of(path.items[0])
        into = tuple(each_node(path.items[0].takes)) or (path.input,)
        read = {*flatten(node.inputs for node in first)}
        if beside and read.isdisjoint(into):
            return tuple(beside)
        return (*into, *beside)

    def _mark_side(self, unit: int, changes: bool, output: str) -> None:
        """Let a unit stand beside the spine, with its links drawn as the shortcut's."""
        self.side.add(unit)
        self.found[output] = Found(unit, changes, True)
        for index, link in enumerate(self.links):
            if link.target == unit:
                self.links[index] = Link(link.source, unit, changes, True)

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.graph.shape(name)

    def fork(self, block: Block) -> Fork | None:
        """The gathered units as a fork; None where there is nothing to draw."""
        gives = [self.found[stream.node] for stream in block.gives]
        ends = self.found[block.output], *gives
        result = max(found.unit for found in ends)
        if result == ENTRY:
            return None
        fork = Fork(
            block.name, self.units, self.links, result, frozenset(self.side)
        )
        self._name(fork, self._names(block))
        fork.kind = block.block
        fork.title = f"{block.name}: {block.label}"
        fork.entries = len(block.arguments())
        fork.exits = tuple(
            ENTRY - each.port if each.unit == ENTRY else each.unit
            for each in gives
        )
        if self.detail == "rows":
            lay_streams(self.graph, fork)
        else:
            self._frame(fork, block)
        return fork

    def _frame(self, fork: Fork, block: Block) -> None:
        """Frame a fork, with what its block is and costs."""
        cost = self.graph.cost_of(block)
        said = f"{block.called} {block.out} {stride_text(block)}"
        if block.again:
            said = f"again {block.again}, with its weights"
        fork.frame = True
        fork.caption = block.name
        fork.subcaption = said.rstrip()
        fork.totals = quantity.params_text(cost), quantity.macs_text(cost)

    def _name(self, fork: Fork, names: dict[int, str]) -> None:
        """Write names at units, with the shape if that would stand there; and `x` on the way of the
        block's input."""
        for index, link in enumerate(fork.links if names else ()):
            into_join = isinstance(fork.units[link.target], Join)
            if link.source in names and link.note:
                name = names[link.source].partition(" ")[0]
                names[link.source] = f"{name} · {link.note}"
                fork.links[index] = replace(link, note="")
            elif link.source == ENTRY and into_join and not link.pill:
                fork.links[index] = replace(link, note="x", named=True)
        fork.names = names

    def _names(self, block: Block) -> dict[int, str]:
        """What the merge equation calls the units that it reads, where it multiplies two or more of
        them.

        Where paths are only added or concatenated, each has the same part in it, and a name would
        tell nothing."""
        names = {}
        factors = self._factors(block)
        for path in block.paths[:-1]:
            found = self.found[path.output]
            alone = found.unit >= 0 and not found.shortcut
            if alone and path.output in factors:
                names[found.unit] = path.word
        return names if len(names) > 1 else {}

    def _factors(self, block: Block) -> set[str]:
        """The nodes that the merge equation reads; none where it multiplies nothing."""
        names = block.result.equation_nodes
        nodes = [self.graph.nodes[name] for name in names]
        if not any(
            node.op.op == "mul" and len(node.inputs) > 1 for node in nodes
        ):
            return set()
        return {*flatten(node.inputs for node in nodes)}


def _plain_layers(path: Path) -> list[Layer]:
    """The layers of a path, those of its blocks of one path among them; none where a block has
    several."""
    out: list[Layer] = []
    stack = path.items[::-1]
    while stack:
        item = stack.pop()
        if isinstance(item, Layer):
            out.append(item)
        elif item.merge:
            return []
        else:
            for inner in reversed(item.paths):
                stack += reversed(inner.items)
    return out

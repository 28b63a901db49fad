"""A graph, a view and the names to unfold → the parts to draw; what is folded is never walked but
once.

Two rules say what a reader sees, in every net. What repeats: `stages`, the view that `auto` stands
for, draws blocks that follow one another in a row and differ in nothing but their parameters once,
with × N (two are enough), and five or more equal layers as one line; `blocks` draws each block,
`ops` each op. What goes with a layer: the norm and activation of most convolutions stand in the
legend (`convolution (+ BN + ReLU)`), any other stands in the layer's line, as does what it lacks
(`linear`, `bare`)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Literal

from msgspec.structs import replace

from ....collecting import each_name, flatten, of_type
from ....errors import UsageError
from ....graph import Block, Graph, Item, Layer, Node, Path
from . import quantity
from .parts import (
    ALONE,
    BlockRun,
    Capsule,
    Chain,
    FigurePart,
    Fork,
    Link,
    Tile,
    TileRow,
    in_line,
)
from .repeats import runs
from .rows import (
    blocks_in,
    layer_row,
    nested_row,
    op_box,
)
from .unit import UsualUnit
from .wiring import Detail, Wiring

View = Literal["auto", "stages", "blocks", "ops"]
VIEWS: tuple[View, ...] = ("auto", "stages", "blocks", "ops")

FOLDED_LAYERS = 5
"""As many equal layers that follow one another in a row of the net are drawn as one line, with
their count."""
DEEPEST = 24
"""Blocks within blocks beyond this depth stay folded: no picture could show them."""


def choose(view: View) -> View:
    """`auto` made definite: `stages`, in which equal blocks that follow one another are drawn once,
    with × N."""
    if view not in VIEWS:
        raise UsageError(f"no view `{view}`: choose {', '.join(VIEWS)}")
    return "stages" if view == "auto" else view


def check_names(graph: Graph, names: Iterable[str]) -> frozenset[str]:
    """The names to unfold, each of them a row, a block or a path; a `UsageError` for one that is
    none."""
    wanted = frozenset(names)
    known = set(each_name(graph.paths()))
    known |= set(each_name(graph.blocks()))
    if unknown := wanted - known:
        raise UsageError(
            f"nothing to unfold is called `{min(unknown)}`: give a row, a block or a path, as"
            " `conv3.0`"
        )
    return wanted


class PartBuilder:
    """Makes parts from scopes at the detail that a view asks for."""

    def __init__(
        self, graph: Graph, view: View, expand: frozenset[str] = frozenset()
    ) -> None:
        self.graph = graph
        self.fold = view == "stages"
        self.expand = expand
        self.detail: Detail = "ops" if view == "ops" else "rows"
        self.bands: list[tuple[list[Path], list[FigurePart]]] = []
        self.usual = UsualUnit(graph)
        self.readers = graph.times_read()
        # what is unfolded, and all that it stands in
        self.opened = {
            *flatten(
                accumulate(name.split("."), "{}.{}".format)
                for name in expand
            )
        }

    def net(self, *, ends: bool = False) -> Fork:
        """The whole net: the input, then each row a unit in one column; `bands` says which rows
        each unit shows. Of several outputs each has a capsule at the end, if `ends` are asked."""
        nodes = self.graph.nodes
        detail = self.detail
        wires = Wiring(self.graph, self.graph.input, unit=0, detail=detail)
        wires.units.append(input_capsule(nodes[self.graph.input]))
        breaks: set[int] = set()
        for row in self.graph.rows:
            before = len(wires.units)
            self.inputs(wires, row)
            breaks.update(range(before, len(wires.units)))
            if not self._joins_row_above(row, wires):
                self.path(wires, row, detail, level=0)
            if len(wires.units) > before:
                breaks.add(before)
                self.bands.append(([row], wires.units[before:]))
        result = wires.found[self.graph.output].unit
        if self.graph.several:
            if ends:
                self._ends(wires, breaks)
            result = len(wires.units) - 1
        elif detail == "ops":
            shape = quantity.times(nodes[self.graph.output].shape)
            wires.units.append(Capsule("output", shape, caption="output"))
            wires.links.append(Link(result, len(wires.units) - 1))
            result = len(wires.units) - 1
            breaks.add(result)
        return Fork(
            "net",
            wires.units,
            wires.links,
            result,
            breaks=frozenset(breaks),
        )

    def inputs(self, wires: Wiring, row: Path) -> None:
        """A capsule for each input that a row is the first to read."""
        reads = (node.inputs for node in self.graph.nodes_of(row))
        for name in (row.input, *flatten(reads)):
            if name in self.graph.inputs and name not in wires.found:
                wires.add(input_capsule(self.graph.nodes[name]), (), name)

    def _ends(self, wires: Wiring, breaks: set[int]) -> None:
        """A capsule for each of several outputs, those of training alone last."""
        for output in self.graph.outputs:
            shape = quantity.times(self.graph.shape(output.node))
            caption = "output in training" if output.aux else "output"
            source = wires.found[output.node].unit
            breaks.add(len(wires.units))
            wires.links.append(Link(source, len(wires.units)))
            text = f"{output.row} {shape}"
            wires.units.append(
                Capsule(f"output-{output.row}", text, caption=caption)
            )

    def _joins_row_above(self, row: Path, wires: Wiring) -> bool:
        """Draw a row of layers without parameters in the tile above it, where nothing else reads
        what that gives."""
        last = len(wires.units) - 1
        match wires.units[last]:
            case Chain(parts=[Tile() as tile]) if (
                self.detail == "rows"
                and self._is_plain(row)
                and wires.found[row.input].unit == last
                and self.readers[row.input] <= 1
            ):
                tile.rows += self.rows_of(row.items)
                wires.found[row.output] = wires.found[row.input]
                self.bands[-1][0].append(row)
                return True
        return False

    def _is_plain(self, row: Path) -> bool:
        """Whether a row is of layers without parameters alone."""
        more = row.equation or row.blocks or row.name in self.opened
        if more or not row.items:
            return False
        return not self.graph.cost_of(row).params

    def path(
        self, wires: Wiring, path: Path, detail: Detail, level: int
    ) -> None:
        """Add the units of a row or of a path of a block: its equation's, then its items as one."""
        if path.name in self.expand:
            detail = "ops"
        if path.equation:
            wires.equation(path.equation, detail)
        part = self.items(path, detail, level)
        if (
            level
            and self.readers[path.input] == 1
            and wires.continues(path, part)
        ):
            return
        wires.path(path, part)

    def items(
        self, path: Path, detail: Detail, level: int
    ) -> FigurePart | None:
        """The items of a path as one part, or None where it has none to draw."""
        notes: list[str] = []
        if detail == "ops":
            parts, notes = self._op_parts(path, level)
        else:
            parts = self._row_parts(path, level)
        if not parts:
            return None
        if len(parts) == 1 and level:
            return parts[0]
        return Chain(path.name, parts, notes=notes)

    def _op_parts(
        self, path: Path, level: int
    ) -> tuple[list[FigurePart], list[str]]:
        """The items of a path op by op, and the shapes between them where they change."""
        parts: list[FigurePart] = []
        notes: list[str] = []
        last: tuple[int, ...] = ()
        for item in path.items:
            if part := self.op_part(item, level):
                first = next(iter(self.graph.nodes_of(item)))
                shape = self.graph.shape(first.inputs[0])
                notes.append(
                    quantity.times(shape) if parts and shape != last else ""
                )
                parts.append(part)
                last = shape
        return parts, notes

    def op_part(self, item: Item, level: int) -> FigurePart | None:
        """A layer or a block op by op; None where it draws nothing."""
        if isinstance(item, Block):
            if level >= DEEPEST:
                return Tile(item.name, [nested_row(self.graph, item)])
            return self.block(item, "ops", level + 1)
        boxes: list[FigurePart] = [
            op_box(self.graph, node) for node in self.graph.nodes_of(item)
        ]
        return in_line(item.name, boxes)

    def _row_parts(self, path: Path, level: int) -> list[FigurePart]:
        """The items of a path folded: layers, and blocks within blocks, in tiles; a row's blocks as
        forks."""
        parts: list[FigurePart] = []
        shown = {} if level else self.shown(blocks_in([path]))
        for folded, group in groupby(
            path.items, lambda item: self._is_folded(item, level)
        ):
            drawn = (
                [self._tile(path, [*group])]
                if folded
                else [
                    self.run(block, shown, level)
                    for block in of_type(Block, group)
                ]
            )
            parts += filter(None, drawn)
        return parts

    def _is_folded(self, item: Item, level: int) -> bool:
        """Whether an item is a line of a tile, and not drawn with its paths."""
        return isinstance(item, Layer) or bool(
            (level or item.again) and item.name not in self.opened
        )

    def run(
        self,
        block: Block,
        shown: Mapping[str, BlockRun],
        level: int = 0,
    ) -> Fork | None:
        """A block with its paths; of a row, where it is `shown`, standing for a run of them."""
        run = shown.get(block.name)
        lone = [*shown.values()] == [ALONE]
        if not (run or level or block.again):
            return None
        fork = self.block(block, "rows", level + 1)
        if run and fork:
            fork.repeat = run
            fork.label = "" if lone else run.label
            if not run.equal:
                _hide_rates(fork)
        return fork

    def shown(self, blocks: list[Block]) -> dict[str, BlockRun]:
        """By name, the blocks of a row that are drawn, and for how many each stands."""
        out: dict[str, BlockRun] = {}
        start = 0
        for opened, group in groupby(
            blocks, lambda block: block.name in self.opened
        ):
            stretch = list(group)
            drawn = [
                (block, BlockRun(i, i, True))
                for i, block in enumerate(stretch, 1)
            ]
            if self.fold and not opened:
                drawn = runs(self.graph, stretch, self.apart)
            for head, run in drawn:
                out[head.name] = replace(
                    run, first=run.first + start, last=run.last + start
                )
            start += len(stretch)
        return out

    def _tile(self, path: Path, items: list[Item]) -> FigurePart | None:
        """Some items as one tile."""
        rows = self.rows_of(items)
        return self.tile(_folded(rows) if self.fold else rows, path.name)

    def apart(self, block: Block) -> Hashable:
        """What keeps a block from being drawn as one with its neighbours, though it be equal to
        them."""
        return None

    def rows_of(self, items: Sequence[Item]) -> list[TileRow]:
        """A row for each item that has nodes."""
        return [*map(self.row, filter(self.graph.makes, items))]

    def tile(self, rows: list[TileRow], name: str) -> FigurePart | None:
        """Layers in a row as one part; None of none."""
        return Tile(f"{rows[0].name}-tile", rows, name) if rows else None

    def row(self, item: Item) -> TileRow:
        """A layer or a block in one line."""
        if isinstance(item, Layer):
            return layer_row(self.graph, item, self.usual)
        return nested_row(self.graph, item)

    def block(
        self, block: Block, detail: Detail, level: int
    ) -> Fork | None:
        """One block as a fork of its paths; None where it draws nothing."""
        if block.name in self.expand:
            detail = "ops"
        wires = Wiring(self.graph, block.input, block=block, detail=detail)
        for path in block.paths:
            self.path(wires, path, detail, level)
        return wires.fork(block)


def _folded(rows: list[TileRow]) -> list[TileRow]:
    """Neighbours that say the same become one row with a count, where they are many."""
    out: list[TileRow] = []
    for likeness, group in groupby(rows, attrgetter("likeness")):
        equal = list(group)
        least = 2 if equal[0].family == "block" else FOLDED_LAYERS
        if likeness is not None and len(equal) >= least:
            head, *others = equal
            equal = [replace(head, others=tuple(each_name(others)))]
        out += equal
    return out


def _hide_rates(fork: Fork) -> None:
    """Take the rates of dropout off blocks that differ in them and are drawn as one."""
    for tile in of_type(Tile, fork.units):
        tile.rows = [
            replace(row, number="") if row.family == "regularize" else row
            for row in tile.rows
        ]


def input_capsule(node: Node) -> Capsule:
    """An input with its shape: `image 3×224×224`, or by the name that it has among several."""
    word = _input_word(node.shape) if node.name == "input" else node.name
    return Capsule(
        node.name, f"{word} {quantity.times(node.shape)}", caption="input"
    )


def _input_word(shape: tuple[int, ...]) -> str:
    """`image` for a map of one or three channels, `input` for anything else."""
    return "image" if len(shape) == 3 and shape[0] in (1, 3) else "input"

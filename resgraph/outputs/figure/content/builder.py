"""A graph, a view and the names to unfold → the parts to draw; what is folded is never walked but
once.

Two rules say what a reader sees, in every net. What repeats: `stages`, the view that `auto` stands
for, draws blocks that follow one another in a row and differ in nothing but their parameters once,
with × N (two are enough), and five or more equal layers as one line; `blocks` draws each block,
`ops` each op. What goes with a layer: the norm and activation of most convolutions stand in the
legend (`convolution (+ BN + ReLU)`), any other stands in the layer's line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from typing import Literal

from msgspec.structs import replace

from ....collecting import of_type
from ....errors import UsageError
from ....graph import Block, Graph, Item, Layer, Node, Path, total
from . import quantity
from .parts import (
    BlockRun,
    Capsule,
    Chain,
    FigurePart,
    Fork,
    Link,
    Tile,
    TileRow,
)
from .repeats import runs
from .rows import (
    blocks_in,
    is_line,
    layer_row,
    layers_of,
    nested_row,
    op_box,
    unit_of,
)
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
    missing = wanted - {row.name for row in graph.rows}
    if missing:
        for block in graph.blocks():
            missing -= {block.name, *(path.name for path in block.paths)}
    if missing:
        raise UsageError(
            f"nothing to unfold is called `{min(missing)}`: give a row, a block or a path, as"
            " `conv3.0`"
        )
    return wanted


class PartBuilder:
    """Makes parts from scopes at the detail that a view asks for."""

    def __init__(
        self, graph: Graph, view: View, expand: frozenset[str] = frozenset()
    ) -> None:
        self.graph, self.fold, self.expand = graph, view == "stages", expand
        self.detail: Detail = "ops" if view == "ops" else "rows"
        self.bands: list[tuple[list[Path], list[FigurePart]]] = []
        self.usual = unit_of(graph, layers_of(graph))
        self.readers = Counter(
            source
            for node in graph.nodes.values()
            for source in node.inputs
        )
        if graph.several:  # the caller reads those too
            self.readers.update(graph.ends)
        self.opened = {
            name[:end]
            for name in expand
            for end in range(len(name) + 1)
            if name[end : end + 1] in ("", ".")
        }

    def net(self, *, ends: bool = False) -> Fork:
        """The whole net: the input, then each row a unit in one column; `bands` says which rows
        each unit shows. Of several outputs each has a capsule at the end, if `ends` are asked."""
        nodes, detail = self.graph.nodes, self.detail
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
        reads = [
            name
            for node in self.graph.nodes_of(row)
            for name in node.inputs
        ]
        for name in dict.fromkeys((row.input, *reads)):
            if name in self.graph.inputs and name not in wires.found:
                wires.add(input_capsule(self.graph.nodes[name]), (), name)

    def _ends(self, wires: Wiring, breaks: set[int]) -> None:
        """A capsule for each of several outputs, those of training alone last."""
        for output in self.graph.outputs:
            shape = quantity.times(self.graph.nodes[output.node].shape)
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
        above = wires.units[-1]
        if (
            self.detail == "ops"
            or not isinstance(above, Chain)
            or not self._is_plain(row)
        ):
            return False
        tile, *others = above.parts
        is_next = wires.found[row.input].unit == len(wires.units) - 1
        if (
            others
            or not isinstance(tile, Tile)
            or not is_next
            or self.readers[row.input] > 1
        ):
            return False
        rows = self.rows_of(row.items)
        tile.add(rows, [each.name for each in rows])
        wires.found[row.output] = wires.found[row.input]
        self.bands[-1][0].append(row)
        return True

    def _is_plain(self, row: Path) -> bool:
        """Whether a row is of layers without parameters alone."""
        if row.equation or not row.items or row.name in self.opened:
            return False
        layers = all(isinstance(item, Layer) for item in row.items)
        return layers and not total(self.graph.nodes_of(row)).params

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
                shape = self.graph.nodes[first.inputs[0]].shape
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
            op_box(self.graph, self.graph.nodes[n]) for n in item.nodes
        ]
        return (
            Chain(item.name, boxes, tight=True)
            if len(boxes) > 1
            else next(iter(boxes), None)
        )

    def _row_parts(self, path: Path, level: int) -> list[FigurePart]:
        """The items of a path folded: layers, and blocks within blocks, in tiles; a row's blocks as
        forks."""
        parts: list[FigurePart] = []
        blocks = blocks_in([path])
        shown = {} if level else self.shown(blocks)
        tile: list[Item] = []
        for item in path.items:
            line = is_line(item) or level
            if isinstance(item, Layer) or (
                line and item.name not in self.opened
            ):
                tile.append(item)
                continue
            self._flush(path, parts, tile)
            part: FigurePart | None = None
            if level or item.again:
                part = self.block(item, "rows", level + 1)
            elif item.name in shown:
                part = self._run(
                    item, shown[item.name], lone=len(blocks) == 1
                )
            parts += [part] if part else []
        self._flush(path, parts, tile)
        return parts

    def _run(
        self, block: Block, run: BlockRun, *, lone: bool
    ) -> Fork | None:
        """A block of a row that stands for a run of them."""
        fork = self.block(block, "rows", 1)
        if fork:
            fork.repeat, fork.label = run, "" if lone else run.label
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

    def _flush(
        self, path: Path, parts: list[FigurePart], items: list[Item]
    ) -> None:
        """Make one tile of the items gathered so far."""
        rows = self.rows_of(items)
        items.clear()
        if rows:
            tile = self.tile(
                _folded(rows) if self.fold else rows, path.name
            )
            if isinstance(tile, Tile):
                tile.covers = [row.name for row in rows]
            parts.append(tile)

    def apart(self, block: Block) -> Hashable:
        """What keeps a block from being drawn as one with its neighbours, though it be equal to
        them."""
        return None

    def rows_of(self, items: Sequence[Item]) -> list[TileRow]:
        """A row for each item that has nodes."""
        return [
            self.row(item)
            for item in items
            if any(self.graph.nodes_of(item))
        ]

    def tile(self, rows: list[TileRow], name: str) -> FigurePart:
        """Layers in a row as one part."""
        return Tile(f"{rows[0].name}-tile", rows, title=name)

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
    for likeness, group in groupby(rows, lambda row: row.likeness):
        equal = list(group)
        least = 2 if equal[0].again else FOLDED_LAYERS
        if likeness is not None and len(equal) >= least:
            equal = [replace(equal[0], count=len(equal))]
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

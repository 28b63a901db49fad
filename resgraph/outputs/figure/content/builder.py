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
from dataclasses import replace
from typing import Literal

from ....errors import UsageError
from ....graph import Block, Graph, Item, Layer, Path
from . import quantity
from .parts import Capsule, Chain, Fork, Link, Part, Repeat, Row, Tile
from .repeats import runs
from .rows import layer_row, layers_of, nested_row, op_box, unit_of
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


class Builder:
    """Makes parts from scopes at the detail that a view asks for."""

    def __init__(
        self, graph: Graph, view: View, expand: frozenset[str] = frozenset()
    ) -> None:
        self.graph, self.fold, self.expand = graph, view == "stages", expand
        self.detail: Detail = "ops" if view == "ops" else "rows"
        self.bands: list[tuple[list[Path], list[Part]]] = []
        self.usual = unit_of(graph, layers_of(graph))
        self.readers = Counter(
            source for node in graph.nodes.values() for source in node.inputs
        )
        self.opened = {
            name[:end]
            for name in expand
            for end in range(len(name) + 1)
            if name[end : end + 1] in ("", ".")
        }

    def net(self) -> Fork:
        """The whole net: the input, then each row a unit in one column; `bands` says which rows
        each unit shows."""
        start = self.graph.nodes[self.graph.input]
        wires = Wiring(self.graph, start.name, unit=0, detail=self.detail)
        text = f"{_input_word(start.shape)} {quantity.times(start.shape)}"
        wires.units.append(Capsule(start.name, text, caption="input"))
        breaks: set[int] = set()
        for row in self.graph.rows:
            before = len(wires.units)
            if not self._joins_row_above(row, wires):
                self.path(
                    wires,
                    row,
                    "ops" if row.name in self.expand else self.detail,
                    level=0,
                )
            if len(wires.units) > before:
                breaks.add(before)
                self.bands.append(([row], wires.units[before:]))
        result = wires.found[self.graph.output].unit
        if self.detail == "ops":
            capsule = Capsule(
                "output",
                quantity.times(self.graph.nodes[self.graph.output].shape),
                caption="output",
            )
            wires.units.append(capsule)
            wires.links.append(Link(result, len(wires.units) - 1))
            result = len(wires.units) - 1
            breaks.add(result)
        return Fork("net", wires.units, wires.links, result, breaks=frozenset(breaks))

    def _joins_row_above(self, row: Path, wires: Wiring) -> bool:
        """Draw a row of layers without parameters in the tile above it, where nothing else reads
        what that gives."""
        above = wires.units[-1]
        plain = (
            not row.equation
            and all(isinstance(item, Layer) for item in row.items)
            and row.items
        )
        if (
            not plain
            or self.detail == "ops"
            or row.name in self.opened
            or not isinstance(above, Chain)
        ):
            return False
        tile = above.parts[-1]
        if (
            not isinstance(tile, Tile)
            or len(above.parts) > 1
            or wires.found[row.input].unit != len(wires.units) - 1
        ):
            return False
        if self.readers[row.input] > 1 or any(
            node.cost.params for node in self.graph.nodes_of(row)
        ):
            return False
        rows = self.rows_of(row.items)
        tile.rows, tile.covers = (
            tile.rows + rows,
            tile.covers + [each.name for each in rows],
        )
        wires.found[row.output] = wires.found[row.input]
        self.bands[-1][0].append(row)
        return True

    def path(self, wires: Wiring, path: Path, detail: Detail, level: int) -> None:
        """Add the units of a row or of a path of a block: its equation's, then its items as one."""
        if path.name in self.expand:
            detail = "ops"
        if path.equation:
            wires.equation(path.equation, detail)
        part = self.items(path, detail, level)
        if level and self.readers[path.input] == 1 and wires.continues(path, part):
            return
        wires.path(path, part)

    def items(self, path: Path, detail: Detail, level: int) -> Part | None:
        """The items of a path as one part, or None where it has none to draw."""
        parts, notes = (
            self._op_parts(path, level)
            if detail == "ops"
            else self._row_parts(path, level)
        )
        if not parts:
            return None
        return (
            parts[0]
            if len(parts) == 1 and level
            else Chain(path.name, parts, notes=notes)
        )

    def _op_parts(self, path: Path, level: int) -> tuple[list[Part], list[str]]:
        parts: list[Part] = []
        notes: list[str] = []
        last: tuple[int, ...] = ()
        for item in path.items:
            part = self.op_part(item, level)
            if part is None:
                continue
            first = next(iter(self.graph.nodes_of(item)))
            shape = self.graph.nodes[first.inputs[0]].shape
            notes.append(quantity.times(shape) if parts and shape != last else "")
            parts.append(part)
            last = shape
        return parts, notes

    def op_part(self, item: Item, level: int) -> Part | None:
        if isinstance(item, Layer):
            boxes: list[Part] = [
                op_box(self.graph, self.graph.nodes[name]) for name in item.nodes
            ]
            if not boxes:
                return None
            return boxes[0] if len(boxes) == 1 else Chain(item.name, boxes, tight=True)
        if level >= DEEPEST:
            return Tile(item.name, [nested_row(self.graph, item)])
        return self.block(item, "ops", level + 1)

    def _row_parts(self, path: Path, level: int) -> tuple[list[Part], list[str]]:
        parts: list[Part] = []
        blocks = [item for item in path.items if isinstance(item, Block)]
        shown = self.shown(blocks) if level == 0 else {}
        lone = len(blocks) == 1
        tile: list[Layer | Block] = []
        for item in path.items:
            if isinstance(item, Layer) or (level and not self._opens(item)):
                tile.append(item)
                continue
            self._flush(path, parts, tile)
            if level:
                inner = self.block(
                    item, "ops" if item.name in self.expand else "rows", level + 1
                )
                parts += [inner] if inner else []
            elif item.name in shown:
                fork = self.block(item, "rows", 1)
                if fork:
                    fork.repeat, fork.label = (
                        shown[item.name],
                        ("" if lone else _numbered(shown[item.name])),
                    )
                    if not fork.repeat.equal:
                        _hide_rates(fork)
                    parts.append(fork)
        self._flush(path, parts, tile)
        return parts, []

    def _opens(self, block: Block) -> bool:
        return block.name in self.opened

    def shown(self, blocks: list[Block]) -> dict[str, Repeat]:
        """By name, the blocks of a row that are drawn, and for how many each stands."""
        if not self.fold:
            return {
                block.name: Repeat(i + 1, i + 1, True) for i, block in enumerate(blocks)
            }
        out: dict[str, Repeat] = {}
        stretch: list[Block] = []
        for index, block in enumerate([*blocks, None]):
            if block is not None and not self._opens(block):
                stretch.append(block)
                continue
            start = index - len(stretch)
            for head, run in runs(self.graph, stretch, self.apart):
                out[head.name] = Repeat(
                    run.first + start, run.last + start, run.equal, run.differences
                )
            stretch = []
            if block is not None:
                out[block.name] = Repeat(index + 1, index + 1, True)
        return out

    def _flush(self, path: Path, parts: list[Part], items: list[Layer | Block]) -> None:
        """Make one tile of the items gathered so far."""
        rows = self.rows_of(items)
        items.clear()
        if rows:
            parts.append(self.tile(_folded(rows) if self.fold else rows, path.name))
            if isinstance(parts[-1], Tile):
                parts[-1].covers = [row.name for row in rows]

    def apart(self, block: Block) -> Hashable:
        """What keeps a block from being drawn as one with its neighbours, though it be equal to
        them."""
        return None

    def rows_of(self, items: Sequence[Item]) -> list[Row]:
        """A row for each item that has nodes."""
        return [
            self.row(item)
            for item in items
            if any(True for _ in self.graph.nodes_of(item))
        ]

    def tile(self, rows: list[Row], name: str) -> Part:
        """Layers in a row as one part."""
        return Tile(f"{rows[0].name}-tile", rows, title=name)

    def row(self, item: Layer | Block) -> Row:
        if isinstance(item, Layer):
            return layer_row(self.graph, item, self.usual)
        return nested_row(self.graph, item)

    def block(self, block: Block, detail: Detail, level: int) -> Fork | None:
        """One block as a fork of its paths; None where it draws nothing."""
        if block.name in self.expand:
            detail = "ops"
        wires = Wiring(self.graph, block.input, block=block, detail=detail)
        for path in block.paths:
            self.path(wires, path, detail, level)
        return wires.fork(block)


def _folded(rows: list[Row]) -> list[Row]:
    """Neighbours that say the same become one row with a count."""
    out: list[Row] = []
    start = 0
    for index in range(1, len(rows) + 1):
        if index < len(rows) and _same(rows[index], rows[start]):
            continue
        count = index - start
        out += (
            [replace(rows[start], count=count)]
            if count >= FOLDED_LAYERS
            else rows[start:index]
        )
        start = index
    return out


def _hide_rates(fork: Fork) -> None:
    """Take the rates of dropout off blocks that differ in them and are drawn as one."""
    for tile in fork.units:
        if isinstance(tile, Tile):
            tile.rows = [
                replace(row, number="") if row.family == "regularize" else row
                for row in tile.rows
            ]


def _same(one: Row, other: Row) -> bool:
    return one.likeness is not None and one.likeness == other.likeness


def _numbered(run: Repeat) -> str:
    return f"block {run.first}" if run.count == 1 else f"blocks {run.first}–{run.last}"


def _input_word(shape: tuple[int, ...]) -> str:
    """`image` for a map of one or three channels, `input` for anything else."""
    return "image" if len(shape) == 3 and shape[0] in (1, 3) else "input"

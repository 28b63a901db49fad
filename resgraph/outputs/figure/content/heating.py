"""Numbers of nodes → the cells of heat in the parts that show those nodes.

What stands for several, a layer for its ops or a block for its equals, has what they have together,
and the range of it over the repeats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from ....collecting import by_name, each_name, flatten, of_type
from ....dotted import first_word
from ....graph import Block, Equation, Graph, Path
from ....structs import Frozen
from ...heat import Extent, Heat
from ..style import HEAT_STEPS
from .parts import (
    FigurePart,
    Fork,
    HeatCell,
    HeatCells,
    Join,
    OpBox,
    Strip,
    Tile,
    inside,
    told,
    walk,
)
from .rows import blocks_in
from .unit import layers_of

_LOG_FROM = 50.0
"""From this ratio of the largest to the smallest value on, steps are equal ratios."""


class HeatScale(Frozen):
    """Which of the colours a value has: equal steps, or equal ratios (`log`), from `low` to
    `high`. `remarks` are what a reader must know to read it."""

    heat: Heat
    low: float
    high: float
    log: bool
    remarks: tuple[str, ...] = ()

    def step(self, value: float) -> int:
        """The number of its colour, from 0; -1 for nothing: what adds up, and is 0."""
        if value == 0 and (self.log or self.heat.combine == "sum"):
            return -1
        ends = self.low, self.high, value
        low, high, value = map(math.log, ends) if self.log else ends
        share = (value - low) / (high - low) if high > low else 1.0
        return int(min(share * HEAT_STEPS, HEAT_STEPS - 1))

    def cells(self, extent: Extent | None) -> HeatCells:
        """The cells that show a value, or the ends of a range: two where they read differently."""
        if extent is None:
            return (HeatCell(-1, "–"),)
        said = [
            HeatCell(self.step(value), self.heat.said(value))
            for value in extent
        ]
        return tuple(said[:1] if said[0].text == said[1].text else said)

    def words(self, cells: HeatCells) -> str:
        """What a reader hears of them: `; time 1.20 ms to 3.40 ms`."""
        return f"; {self.heat.name} {told(cells)}{self._unit}"

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends as a legend says them."""
        return self.heat.said(self.low), self.heat.said(
            self.high
        ) + self._unit

    @property
    def _unit(self) -> str:
        """What a cell has no room for."""
        return " px" if self.heat.unit == "px" else ""


class Spot(Frozen):
    """A place of a picture that a value colours, and how it gets its cells."""

    extent: Extent | None
    put: Callable[[HeatCells, str], None]

    def colour(self, scale: HeatScale) -> None:
        """Give it its cells."""
        cells = scale.cells(self.extent)
        self.put(cells, scale.words(cells))


def warm(
    nets: Sequence[tuple[FigurePart, Graph, Heat]],
) -> HeatScale | None:
    """Colour parts in place, all on one scale; None where there is nothing to colour."""
    if not nets:
        return None
    spots = [
        spot
        for net, graph, heat in nets
        for spot in Warming(graph, heat).of(net)
    ]
    notes = dict.fromkeys(heat.note for _, _, heat in nets)
    heat = replace(nets[0][2], note="; ".join(notes))
    scale = scale_of(heat, [spot.extent for spot in spots if spot.extent])
    for spot in spots:
        spot.colour(scale)
    return scale


class Warmth:
    """One scale for a net that is drawn in pieces, folded and unfolded."""

    def __init__(self, net: FigurePart, graph: Graph, heat: Heat) -> None:
        self.warming = Warming(graph, heat)
        extents = [spot.extent for spot in self.warming.of(net)]
        extents += [heat.of([name]) for name in graph.nodes]
        self.scale = scale_of(heat, filter(None, extents))

    def colour(self, part: FigurePart) -> None:
        """Colour a part in place."""
        for spot in self.warming.of(part):
            spot.colour(self.scale)


def scale_of(heat: Heat, extents: Iterable[Extent]) -> HeatScale:
    """The scale that holds all of the values."""
    ends = list(extents)
    values = filter(math.isfinite, flatten(ends))
    summed = heat.combine == "sum"
    shown = [*filter(None, values)] if summed else [*values]
    shown = shown or [0.0]
    least = min((value for value in shown if value > 0), default=math.inf)
    log = min(shown) >= 0 and max(shown) / least >= _LOG_FROM
    low = least if log else min(shown)
    remarks = ("log scale",) * log + tuple(_remarks(heat, ends))
    return HeatScale(heat, low, max(shown), log, remarks)


def _remarks(heat: Heat, ends: Sequence[Extent]) -> Iterator[str]:
    if any(math.isinf(high) for _, high in ends):
        yield "whole: the whole input"
    if any(heat.said(low) != heat.said(high) for low, high in ends):
        yield "pairs: the range over the repeats"


class Warming:
    """Finds what each part of a picture stands for."""

    def __init__(self, graph: Graph, heat: Heat) -> None:
        self.graph = graph
        self.heat = heat
        self.rows = by_name(graph.rows)
        paths = graph.paths()
        scopes: list[Path | Block] = [*paths, *graph.blocks()]
        self.scopes = {
            scope.name: graph.names_of(scope)
            for scope in (*scopes, *layers_of(graph))
        }
        self.equations = [path.equation for path in paths if path.equation]

    def of(self, net: FigurePart) -> Iterator[Spot]:
        """Each part of a picture that has a number."""
        single = set(each_name(of_type(OpBox, walk(net))))
        self.joins = _joined(self.equations, self.graph, single)
        stack: list[tuple[FigurePart, str, list[str]]] = [(net, "", [""])]
        while stack:
            part, head, blocks = stack.pop()
            if isinstance(part, Fork):
                if part.repeat.count > 1:
                    head = part.name
                    blocks = self._repeats(part)
                yield from self._pills(part, head, blocks)
            yield from self._spots(part, head, blocks)
            stack += [(inner, head, blocks) for inner in inside(part)]

    def _repeats(self, fork: Fork) -> list[str]:
        row = self.rows[first_word(fork.name)]
        drawn = blocks_in([row])[fork.repeat.first - 1 : fork.repeat.last]
        return each_name(drawn)

    def _spots(
        self, part: FigurePart, head: str, blocks: list[str]
    ) -> Iterator[Spot]:
        match part:
            case Tile():
                for place, row in enumerate(part.rows):
                    yield Spot(
                        self._extent(row.covers, head, blocks),
                        partial(_put_row, part, place),
                    )
            case Strip(row=row):
                yield Spot(
                    self._extent([row.name], head, blocks),
                    partial(_put_strip, part),
                )
            case OpBox() | Join():
                yield Spot(
                    self._extent([part.name], head, blocks),
                    partial(_put, part),
                )

    def _pills(
        self, fork: Fork, head: str, blocks: list[str]
    ) -> Iterator[Spot]:
        for place, link in enumerate(fork.links):
            if link.pill:
                extent = self._extent([link.name], head, blocks)
                yield Spot(extent, partial(_put_link, fork, place))

    def _extent(
        self,
        names: Sequence[str],
        head: str,
        blocks: list[str],
    ) -> Extent | None:
        """The range over all that is drawn as one."""
        each = [
            self.heat.of(self._nodes(block + name[len(head) :]))
            for name in names
            for block in blocks
        ]
        found = [*filter(None, each)]
        if not found:
            return None
        return min(low for low, _ in found), max(high for _, high in found)

    def _nodes(self, name: str) -> list[str]:
        """The nodes of a layer, a join, a block or a path."""
        return self.joins.get(name) or self.scopes.get(name, [name])


def _joined(
    equations: Iterable[Equation], graph: Graph, single: set[str]
) -> dict[str, list[str]]:
    """For each join the nodes of its equation that no part of their own shows: itself, and the
    activations behind it; for the first also those before it."""
    joins: dict[str, list[str]] = {}
    for equation in equations:
        before: list[str] = []
        nodes = before
        for name in equation.nodes:
            if graph.nodes[name].op.family == "merge":
                nodes = joins[name] = [*before, name]
                before = []
            elif name not in single:
                nodes.append(name)
    return joins


def _put_row(tile: Tile, place: int, cells: HeatCells, said: str) -> None:
    row = tile.rows[place]
    tile.rows[place] = replace(row, heat=cells, title=row.title + said)


def _put_strip(strip: Strip, cells: HeatCells, said: str) -> None:
    row = strip.row
    strip.row = replace(row, heat=cells, step=-1, title=row.title + said)


def _put(part: OpBox | Join, cells: HeatCells, said: str) -> None:
    part.heat, part.title = cells, part.title + said


def _put_link(fork: Fork, place: int, cells: HeatCells, said: str) -> None:
    link = fork.links[place]
    fork.links[place] = replace(link, heat=cells, title=link.title + said)

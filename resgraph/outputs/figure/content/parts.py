"""What a view decides to show → a tree of parts: boxes, joins, chains of parts, and forks where
paths part and meet.

A layout gives each part its place; it needs to know nothing of nets.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from msgspec import Struct

from ....collecting import each_text, flatten
from ....dotted import first_word
from ....structs import Frozen

ENTRY = -1
"""In a fork's links, the value that flows into the fork."""


class HeatCell(Frozen):
    """A number as it is written, and the step of its colour; -1 for none."""

    step: int
    text: str


HeatCells = tuple[HeatCell, ...]


def told(cells: HeatCells) -> str:
    """A number, or both ends of a range: `1.20 ms to 3.40 ms`."""
    return " to ".join(each_text(cells))


class TileRow(Frozen):
    """One line in a tile: a layer, or a block folded to one line, and `others` that are alike and
    have no row of their own.

    `also` are the norms and activations of the layer that are not those of the net's convolutions,
    or what a convolution has not of those: `linear`, `no BN`, `bare`.
    """

    name: str
    family: str
    text: str
    number: str = ""
    stride: str = ""
    others: tuple[str, ...] = ()
    title: str = ""
    # which lightness tells a convolution's width in the comparison figure; -1 for none
    step: int = -1
    # layers of equal likeness may be drawn as one
    likeness: Hashable = None
    also: str = ""
    again: bool = False  # it has the weights of what is drawn elsewhere
    heat: HeatCells = ()

    @property
    def covers(self) -> tuple[str, ...]:
        """The names of all that it stands for."""
        return self.name, *self.others

    @property
    def times(self) -> str:
        """`× 5`, "" for one alone."""
        return f"× {len(self.covers)}" if self.others else ""

    @property
    def said(self) -> str:
        """What it is, with what goes with it: `3×3 conv, sigmoid`."""
        return f"{self.text}, {self.also}" if self.also else self.text

    @property
    def label(self) -> str:
        """What and how wide in one, as in Figure 3: `3×3 conv, 64`, `fc 1000`."""
        between = " " if self.family == "dense" else ", "
        return (
            f"{self.text}{between}{self.number}"
            if self.number
            else self.text
        )


class BlockRun(Frozen):
    """Blocks drawn as one: `first` to `last` of their row, counted from 1.

    `equal` says that they agree in every attribute and shape; where they do not, `differences` says
    in what, and from what to what."""

    first: int
    last: int
    equal: bool
    differences: tuple[str, str] = ("", "")

    @property
    def count(self) -> int:
        """How many blocks the drawn one stands for."""
        return self.last - self.first + 1

    @property
    def label(self) -> str:
        """Which of its row's blocks it stands for: `block 2`, `blocks 2–36`."""
        if self.count == 1:
            return f"block {self.first}"
        return f"blocks {self.first}–{self.last}"

    @property
    def short(self) -> str:
        """`× 35`, or `35 alike`."""
        return f"× {self.count}" if self.equal else f"{self.count} alike"


ALONE = BlockRun(1, 1, True)
"""A block that stands for itself."""


class Tile(Struct):
    """A box of rows; sheets behind it say that it stands for several blocks."""

    name: str
    rows: list[TileRow]
    title: str = ""
    sheets: bool = False

    @property
    def covers(self) -> list[str]:
        """The names of all layers that its rows stand for."""
        return [*flatten(row.covers for row in self.rows)]


class Strip(Struct):
    """One layer as a box of its own, with its label in the middle: the comparison figure."""

    name: str
    row: TileRow
    mark: str = ""  # added, removed or changed, where two nets are compared

    @property
    def title(self) -> str:
        """What its row says."""
        return self.row.title


class OpBox(Struct):
    """One op, drawn large: what it is called, its attributes, and its costs at the right."""

    name: str
    family: str
    text: str
    detail: str = ""
    params: str = ""
    macs: str = ""
    title: str = ""
    heat: HeatCells = ()


class Join(Struct):
    """Where values meet: a circle with its operation's sign, or a pill where that is a word. Its
    `note` is at its left, or `below` the line that comes in there."""

    name: str
    symbol: str
    family: str = "merge"
    title: str = ""
    note: str = ""
    below: bool = False
    mark: str = ""
    heat: HeatCells = ()

    @property
    def step(self) -> int:
        """The step of its colour, of a range that of its upper end; -1 for none."""
        return max((cell.step for cell in self.heat), default=-1)


class Capsule(Struct):
    """The input or the output: a shape in a pill."""

    name: str
    text: str
    caption: str = ""


class Chain(Struct):
    """Parts one after another. `tight` is for the ops of one layer; `notes[i]` stands on the edge
    into part i."""

    name: str
    parts: list[FigurePart] = []
    tight: bool = False
    notes: list[str] = []

    def note(self, index: int) -> str:
        """What stands on the edge into one of its parts."""
        return self.notes[index] if index < len(self.notes) else ""


class Link(Frozen):
    """An edge of a fork, from unit `source` (or ENTRY) to unit `target`.

    `changes` says that its shape changes on the way (dotted, in the accent); `pill` what does it;
    `named` that its note is what an equation calls its value; `broken` that what it carries does
    not fit."""

    source: int
    target: int
    changes: bool = False
    shortcut: bool = False
    pill: str = ""
    note: str = ""
    name: str = ""
    title: str = ""
    broken: bool = False
    named: bool = False
    # of the streams that leave its source, the one that it carries
    port: int = 0
    # of those that flow into its target, the one that it becomes
    entry: int = 0
    heat: HeatCells = ()


class Fork(Struct):
    """Units that read each other by links, each only units before it; `result` is the unit whose
    value leaves.

    `breaks`, where given, keeps all units in one column, and are those that begin a row of a net;
    `floors` are heights above which a unit may not begin. `side` are units that never stand on the
    spine. `names` are what the merge equation calls the values of units, where a reader needs them
    to read it."""

    name: str
    units: list[FigurePart]
    links: list[Link]
    result: int
    side: frozenset[int] = frozenset()
    breaks: frozenset[int] = frozenset()
    floors: Mapping[int, float] = {}
    names: Mapping[int, str] = {}
    frame: bool = False
    caption: str = ""
    subcaption: str = ""
    totals: tuple[str, ...] = ()
    repeat: BlockRun = ALONE
    label: str = ""
    kind: str = ""
    title: str = ""
    # where streams run side by side, for each unit its lane, and its level from 1 on
    grid: dict[int, tuple[int, int]] = {}
    # how many streams flow in; of several that flow out the unit that gives each, or
    # ENTRY less the place among them of one that flows in
    entries: int = 1
    exits: tuple[int, ...] = ()

    @property
    def heading(self) -> str:
        """What a block is called where it has a box of its own: `conv4, blocks 2–36: × 35`."""
        row = first_word(self.name)
        run = self.repeat
        said = self.caption or (
            f"{row}, {self.label}" if self.label else row
        )
        if run.count == 1:
            return said
        return f"{said}: {run.short if run.equal else ' '.join(run.differences)}"


FigurePart = Tile | Strip | OpBox | Join | Capsule | Chain | Fork


def in_line(name: str, parts: list[FigurePart]) -> FigurePart | None:
    """The parts of one layer, one after another, as one part; None of none."""
    if len(parts) < 2:
        return next(iter(parts), None)
    return Chain(name, parts, tight=True)


def inside(part: FigurePart) -> list[FigurePart]:
    """The parts that a part is made of; none for a box."""
    if isinstance(part, Fork):
        return part.units
    return part.parts if isinstance(part, Chain) else []


def walk(part: FigurePart) -> Iterator[FigurePart]:
    """A part and all parts within it."""
    stack = [part]
    while stack:
        part = stack.pop()
        yield part
        stack += inside(part)

"""What layouts are made of: parts in their places, wires between them, and the measures of a view's
parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ....structs import Frozen
from .. import text
from ..content.parts import (
    ENTRY,
    Chain,
    FigurePart,
    Fork,
    HeatCells,
    Join,
    Link,
    OpBox,
    Strip,
    Tile,
    TileRow,
    inside,
)
from ..scene import Point, Rect

NAME_ROOM = 16.0
"""How far below a unit its name reaches."""
ENTRY_STEP, ENTRY_RISE = 9.0, 5.0
"""How far apart lanes stand that enter one unit: across, and in the height of their turns."""


class Rhythm(Frozen):
    """The distances of one kind of picture, in pixels."""

    row: float = 15.5
    row_gap: float = 2
    tile_pad: float = 6
    tile_width: float = 142
    sheet: float = 3.6
    op_width: float = 224
    op_tall: float = 42
    op_thin: float = 25
    capsule: float = 22
    join: float = 6.6
    tight: float = 6
    loose: float = 17
    split: float = 8
    after_split: float = 13
    before_join: float = 8
    lane: float = 21
    lane_step: float = 10
    column_gap: float = 26
    radius: float = 9
    unit_gap: float = 33
    unit_gap_split: float = 33
    frame_pad: float = 16
    frame_head: float = 24
    note_gap: float = 27
    size: float = 9.75
    heat: float = 0  # room for a number at the right end of a row
    # no box is wider than its words, where it computes nothing
    close: bool = False
    inner: Rhythm | None = None

    def within(self, part: FigurePart) -> Rhythm:
        """The rhythm of a part: that of ops from a framed block on inwards."""
        return (
            self.inner
            if self.inner and isinstance(part, Fork) and part.frame
            else self
        )


OPS = Rhythm(
    join=9.5, loose=25, split=11, after_split=17, before_join=12, lane=30, lane_step=12,
    column_gap=44, capsule=26, tile_width=170, size=10.25, unit_gap=44, unit_gap_split=44,
)  # fmt: skip
"""The distances of ops drawn one by one."""


class Wire(Frozen):
    """An edge as drawn: its corners, and what stands on it."""

    points: tuple[Point, ...]
    arrow: bool = False
    changes: bool = False
    shortcut: bool = False
    dot: bool = False
    pill: str = ""
    note: str = ""
    name: str = ""
    title: str = ""
    broken: bool = False
    named: bool = False
    heat: HeatCells = ()
    shift: float = 0.0  # of the note, from the middle of its stretch

    @property
    def is_drawn(self) -> bool:
        """Whether it has a line of its own: a name without an arrow stands beside a line that
        another wire draws."""
        return self.arrow or not self.named

    def moved(self, dx: float, dy: float) -> Wire:
        """The same wire elsewhere."""
        if dx == dy == 0:
            return self
        points = tuple((x + dx, y + dy) for x, y in self.points)
        return replace(self, points=points)


class Placed(Frozen):
    """A part and its rectangle; `x` is its spine, `left` and `right` how far it reaches from
    there."""

    part: FigurePart
    x: float
    y: float
    left: float
    right: float
    height: float

    @property
    def start(self) -> float:
        """The x of its left side."""
        return self.x - self.left

    @property
    def width(self) -> float:
        """From its left side to its right one."""
        return self.left + self.right

    @property
    def is_seen(self) -> bool:
        """Whether it has ink of its own, beside what its parts have."""
        part = self.part
        return (
            part.frame
            if isinstance(part, Fork)
            else not isinstance(part, Chain)
        )

    @property
    def middle(self) -> float:
        """The y halfway down."""
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height

    def box(
        self, radius: float, fill: str, stroke: str, stroke_width: float = 1
    ) -> Rect:
        """Its rectangle, to be drawn."""
        x = self.start
        y = self.y
        width = self.width
        height = self.height
        return Rect(x, y, width, height, radius, fill, stroke, stroke_width)

    def moved(self, dx: float, dy: float) -> Placed:
        """The same part elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


class Placement(Struct):
    """A part laid out, with all parts and wires within it, about its spine and from its top."""

    part: FigurePart
    left: float
    right: float
    height: float
    parts: list[Placed] = []
    wires: list[Wire] = []
    # the x at which each stream flows in, and out
    entries: tuple[float, ...] = (0.0,)
    exits: tuple[float, ...] = (0.0,)

    @property
    def where(self) -> dict[int, Placed]:
        """The place of each part, by the part's `id`."""
        return {id(placed.part): placed for placed in self.parts}

    def put(self, inner: Placement, dx: float, dy: float) -> None:
        """Take over what another placement holds, moved to its place here."""
        self.parts += [part.moved(dx, dy) for part in inner.parts]
        self.wires += [wire.moved(dx, dy) for wire in inner.wires]
        self.left = max(self.left, inner.left - dx)
        self.right = max(self.right, inner.right + dx)


class Frame(Struct):
    """Where a fork's units stand: for each unit its column and top, for each column its x."""

    fork: Fork
    boxes: list[Placement]
    rhythm: Rhythm
    inset: float
    column: list[int]
    top: list[float]
    x: dict[int, float]

    def bottom(self, unit: int) -> float:
        """The lower side of a unit, or of the entry."""
        return (
            self.inset
            if unit < 0
            else self.top[unit] + self.boxes[unit].height
        )

    def split(self, unit: int) -> float:
        """The height at which links part below a unit: below its name, where it has one."""
        return (
            self.bottom(unit)
            + self.rhythm.split
            + (NAME_ROOM - 8 if unit in self.fork.names else 0)
        )

    def at(self, unit: int) -> float:
        """The x of a unit's spine."""
        return self.x[self.of(unit)]

    def of(self, unit: int) -> int:
        """The column of a unit; the first entry is above the spine, each other has its own."""
        return ENTRY - unit if unit < 0 else self.column[unit]

    def exits(self, unit: int) -> tuple[float, ...]:
        """The x of each stream that leaves a unit."""
        beside = self.boxes[unit].exits if unit >= 0 else (0.0,)
        return tuple(self.at(unit) + x for x in beside)

    def starts(self, link: Link) -> tuple[float, ...]:
        """The x of each stream that a link may carry, its own first."""
        exits = self.exits(link.source)
        return exits[link.port :] or exits

    def ends(self, link: Link) -> tuple[float, ...]:
        """The x at which each stream of a link enters its target."""
        spine = self.at(link.target)
        entries = self.boxes[link.target].entries
        return tuple(spine + x for x in entries[link.entry :] or entries)

    def is_join(self, unit: int) -> bool:
        """Whether links may enter a unit from its sides."""
        return isinstance(self.boxes[unit].part, Join)

    def centre(self, unit: int) -> float:
        """The height at which links enter a join."""
        return self.top[unit] + self.boxes[unit].height / 2

    def lane_end(self, unit: int) -> float:
        """The height at which a lane comes back to a unit: above it, or at a join's side."""
        if self.is_join(unit):
            return self.centre(unit)
        return self.top[unit] - self.rhythm.after_split


def pitch(rhythm: Rhythm) -> float:
    """From one lane of streams to the next."""
    return rhythm.tile_width + 2 * rhythm.sheet + rhythm.column_gap


def shifts(exits: Sequence[float], entries: Sequence[float]) -> bool:
    """Whether a stream enters elsewhere than right below where the one above leaves."""
    return any(x != to for x, to in zip(exits, entries, strict=False))


def pairs(
    exits: Sequence[float],
    entries: Sequence[float],
    top: float,
    height: float,
) -> list[tuple[Point, ...]]:
    """The ways of streams from where they leave to where they enter: straight down, or aside at a
    height of its own, so that none crosses another; slanting where some must cross."""
    both = list(zip(exits, entries, strict=False))
    crossed = [to for _, to in sorted(both)] != sorted(to for _, to in both)
    out: list[tuple[Point, ...]] = []
    for at, (x, to) in enumerate(both):
        rank = len(both) - at if to > x else at + 1
        turn = top + height * rank / (len(both) + 1)
        aside = () if x == to or crossed else ((x, turn), (to, turn))
        out.append(((x, top), *aside, (to, top + height)))
    return out


def join_half(symbol: str, rhythm: Rhythm) -> float:
    """Half the width of a join: a circle for a sign, wider for a word."""
    return (
        rhythm.join
        if len(symbol) == 1
        else text.width(symbol, 9.5, 600) / 2 + 6
    )


def strip_width(strip: Strip, rhythm: Rhythm) -> float:
    """What a strip's label asks for, its badge beside it."""
    badge = text.room(strip.row.stride, 9.5, 600, beside=14)
    return min(
        text.width(strip.row.label, rhythm.size, 500) + badge + 14, 220
    )


def tile_width(tile: Tile, rhythm: Rhythm) -> float:
    """What the widest row asks for, within limits: a longer text is cut."""
    widest = max(
        (_row_width(row, rhythm.size) for row in tile.rows), default=0.0
    )
    return min(widest + 2 * rhythm.tile_pad, 236) + rhythm.heat


def _row_width(row: TileRow, size: float) -> float:
    said = text.width(row.said, size, 500)
    number = text.width(row.number, size, 600)
    wanted = 14 + said + 14 + number
    for badge in (row.stride, row.times):
        wanted += text.room(badge, 9, 600, beside=16)
    return wanted


HEAT_SIZE = 9.5


def heat_width(cells: HeatCells) -> float:
    """What the numbers of one row ask for; those of a range share the room in halves."""
    wide = [text.width(cell.text, HEAT_SIZE, 500) + 9 for cell in cells]
    return max(wide, default=0.0) * len(wide)


def heat_room(parts: Iterable[FigurePart]) -> float:
    """The room that the numbers of all rows have at their ends."""
    found: list[HeatCells] = []
    for part in parts:
        match part:
            case Tile(rows=rows):
                found += [row.heat for row in rows]
            case Strip(row=row):
                found.append(row.heat)
            case OpBox(heat=heat):
                found.append(heat)
    widest = max(map(heat_width, found), default=0.0)
    return widest + 4 if widest else 0


def op_width(op: OpBox) -> float:
    """What an op's name, attributes and costs ask for, within limits: a longer text is cut."""
    wanted = text.width(op.text, 11 + bool(op.macs), 600)
    wanted += text.room(op.params, 10.5, 500, beside=8)
    detail = text.width(op.detail, 10.25) + 10
    if op.macs:  # they stand on a line of their own, with the detail
        wanted = max(wanted, detail + text.width(op.macs, 10.25))
    elif op.detail:
        wanted += detail
    return min(31 + wanted, 330)


def gap_between(below: FigurePart, rhythm: Rhythm) -> float:
    """The gap above a part on a spine; a fork that parts at once brings its own."""
    return 0 if parts_at_once(below) else rhythm.loose


def parts_at_once(part: FigurePart) -> bool:
    """Whether a part begins with the dot at which paths part, above which it brings room of its
    own."""
    while isinstance(part, Chain) and part.parts:
        part = part.parts[0]
    return (
        isinstance(part, Fork) and not part.frame and opens_with_split(part)
    )


def opens_with_split(fork: Fork) -> bool:
    """Whether more than one path leaves the fork's entry, or streams flow in."""
    return (
        bool(fork.grid) or sum(link.source < 0 for link in fork.links) > 1
    )


def starts_with_box(part: FigurePart) -> bool:
    """Whether a wire from above ends right at a box, so that an arrowhead belongs there."""
    within = inside(part)
    while within and not (
        isinstance(part, Fork) and (part.frame or opens_with_split(part))
    ):
        part = within[0]
        within = inside(part)
    return not isinstance(part, Join | Fork | Chain)

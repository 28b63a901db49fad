"""Series of numbers → an SVG chart in the house's style: axes from 0, lines, bands, and each name
beside its end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import cycle, product

from ..structs import Frozen
from .figure.text import width as text_width

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 58, 148, 52, 48
SLATE, BLUE, ACCENT, GRID = "#616e7c", "#3b6fb6", "#c2410c", "#e4e7eb"
SERIES = (BLUE, ACCENT, "#2f9e8f", "#8257c4", "#b7791f", "#c05673")
"""Colours of series, told apart also by the colour-blind."""
DASHES = ("", "7 3", "2 3")
"""Of series that are more than the colours."""
FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"
SIZE, TITLE_SIZE = 12, 15
MARGIN = 12
SWATCH = 22
XY = tuple[float, float]


class ChartLine(Frozen):
    """A curve and how it is drawn; its name stands beside its end, bold where the line is."""

    name: str
    points: Sequence[XY]
    colour: str
    width: float = 2.4
    dash: str = ""

    @property
    def weight(self) -> int:
        """Of the name."""
        return 600 if self.width > 2 else 400

    def label(self, unit: str) -> str:
        """The name and the last value."""
        return f"{self.name} {self.points[-1][1]:.2f}{unit}"


def pens() -> Iterator[tuple[str, str]]:
    """A colour and a dash for each of many series; after 18 they come again."""
    return cycle((colour, dash) for dash, colour in product(DASHES, SERIES))


class Area:
    """Where a value falls on the page: both axes begin at 0."""

    def __init__(self, right: float, top: float) -> None:
        self.right, self.top = right or 1.0, top or 1.0

    def x(self, value: float) -> float:
        """From the left edge of the page."""
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.right

    def y(self, value: float) -> float:
        """From the top of the page."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)

    def marks(self) -> list[float]:
        """Where the axis below has numbers."""
        return ticks(self.right, 8, whole=True)


class LogArea(Area):
    """As `Area`, with a logarithmic axis below, from `left` to `right`."""

    def __init__(self, left: float, right: float, top: float) -> None:
        super().__init__(right, top)
        self.low, self.high = (
            math.log10(left / 1.25),
            math.log10(right * 1.25),
        )

    def x(self, value: float) -> float:
        """From the left edge of the page."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def marks(self) -> list[float]:
        """1, 2 and 5 times powers of ten."""
        powers = range(math.floor(self.low), math.ceil(self.high))
        marks = [
            digit * 10.0**power for power in powers for digit in (1, 2, 5)
        ]
        inside = [
            m for m in marks if self.low <= math.log10(m) <= self.high
        ]
        return inside or [self.right]


def page(
    title: str, below: str, body: list[str], labels: Sequence[str] = ()
) -> str:
    """The whole picture: a title, a line below it, and the chart; as wide as its texts need, with
    the `labels` that stand beside curves."""
    beside = WIDTH - RIGHT + SWATCH + MARGIN
    wide = round(
        max(
            WIDTH,
            LEFT + text_width(title, TITLE_SIZE, 600) + MARGIN,
            LEFT + text_width(below, SIZE) + MARGIN,
            *(beside + text_width(label, SIZE, 600) for label in labels),
        )
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HEIGHT}" width="{wide}"'
        f' height="{HEIGHT}" role="img" aria-label="{escape(title)}: {escape(below)}"'
        f' font-family="{FONT}" font-size="{SIZE}">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}: {escape(below)}</title>",
            f'<rect width="{wide}" height="{HEIGHT}" fill="#ffffff"/>',
            (
                f'<clipPath id="area"><rect x="{LEFT}" y="{TOP - 2}"'
                f' width="{WIDTH - LEFT - RIGHT + 4}"'
                f' height="{HEIGHT - TOP - BOTTOM + 4}"/></clipPath>'
            ),
            (
                f'<text x="{LEFT}" y="24" font-size="{TITLE_SIZE}" font-weight="600"'
                f' fill="#1f2933">{escape(title)}</text>'
            ),
            f'<text x="{LEFT}" y="41" fill="{SLATE}">{escape(below)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def axes(area: Area, unit: str, left: str = "error (%)") -> list[str]:
    """Both axes with their numbers; `unit` stands below, `left` beside."""
    out, foot = [], HEIGHT - BOTTOM
    for value in ticks(area.top, 5):
        y = area.y(value)
        shade = SLATE if value == 0 else GRID
        out.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{shade}"/>'
        )
        out.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end"'
            f' fill="{SLATE}">{number(value)}</text>'
        )
    for value in area.marks():
        x = area.x(value)
        out.append(
            f'<line x1="{x:.1f}" y1="{foot}" x2="{x:.1f}" y2="{foot + 4}" stroke="{SLATE}"/>'
        )
        out.append(
            f'<text x="{x:.1f}" y="{foot + 17}" text-anchor="middle"'
            f' fill="{SLATE}">{number(value)}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="{SLATE}">{unit}</text>'
    )
    centre = (TOP + foot) / 2
    out.append(
        f'<text x="16" y="{centre}" text-anchor="middle" fill="{SLATE}" '
        f'transform="rotate(-90 16 {centre})">{escape(left)}</text>'
    )
    return out


def line(area: Area, drawn: ChartLine) -> str:
    """Points joined; a dot where there is one."""
    points, colour, width = drawn.points, drawn.colour, drawn.width
    if len(points) == 1:
        x, y = points[0]
        return (
            f'<circle cx="{area.x(x):.1f}" cy="{area.y(y):.1f}" r="{width + 1:.1f}"'
            f' fill="{colour}"/>'
        )
    path = " ".join(f"{area.x(x):.1f},{area.y(y):.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'stroke-linejoin="round" stroke-linecap="round"{_dashed(drawn)} clip-path="url(#area)"/>'
    )


def _dashed(drawn: ChartLine) -> str:
    return f' stroke-dasharray="{drawn.dash}"' if drawn.dash else ""


def band(
    area: Area, low: Sequence[XY], high: Sequence[XY], colour: str
) -> str:
    """What lies between two lines, faintly filled."""
    around = [*low, *reversed(high)]
    path = " ".join(f"{area.x(x):.1f},{area.y(y):.1f}" for x, y in around)
    return (
        f'<polygon points="{path}" fill="{colour}" fill-opacity="0.16"'
        ' clip-path="url(#area)"/>'
    )


def ends(
    area: Area, drawn: Sequence[ChartLine], unit: str = " %"
) -> list[str]:
    """Each curve's name and last value beside its end, moved apart where they would touch; with a
    piece of the line before each where some are dashed."""
    placed = sorted(
        (one for one in drawn if one.points),
        key=lambda one: (area.y(one.points[-1][1]), one.name),
    )
    swatch = SWATCH if any(one.dash for one in placed) else 0
    out: list[str] = []
    floor = -math.inf
    for left, one in zip(
        range(len(placed) - 1, -1, -1), placed, strict=True
    ):
        x, y = one.points[-1]
        floor = max(min(area.y(y), HEIGHT - BOTTOM - 16 * left), floor + 16)
        begin = area.x(x) + 8
        if swatch:
            out.append(
                f'<line x1="{begin:.1f}" y1="{floor:.1f}" x2="{begin + swatch - 6:.1f}"'
                f' y2="{floor:.1f}" stroke="{one.colour}" stroke-width="{one.width}"'
                f"{_dashed(one)}/>"
            )
        out.append(
            f'<text x="{begin + swatch:.1f}" y="{floor + 4:.1f}" fill="{one.colour}"'
            f' font-weight="{one.weight}">{escape(one.label(unit))}</text>'
        )
    return out


def ceiling(curves: Sequence[Sequence[XY]], unit: str = " %") -> float:
    """A round number over the end of every curve and all but its first steep fall: five times the
    median of all values, at most the largest. Of percentages, between 1 and 100."""
    values = sorted(y for curve in curves for _, y in curve)
    if not values:
        return 100.0
    last = max(curve[-1][1] for curve in curves if curve)
    wanted = max(min(values[-1], 5 * values[len(values) // 2]), last)
    least, most = (1.0, 100.0) if unit else (1e-6, math.inf)
    tick = step(max(least, wanted), 5)
    return min(most, math.ceil(max(least, wanted) / tick) * tick)


def ticks(top: float, about: int, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to `top`; `whole` ones along a run, where half an epoch or iteration is
    nothing to read."""
    size = step(top, about)
    if whole:
        size = max(1.0, size)
        size = size if size.is_integer() else 2 * size
    return [i * size for i in range(int(top / size + 1e-9) + 1)]


def step(top: float, about: int) -> float:
    """1, 2, 2.5 or 5 times a power of ten, for about so many steps."""
    raw = top / about
    power = 10.0 ** math.floor(math.log10(raw))
    return next(
        power * digit
        for digit in (1, 2, 2.5, 5, 10)
        if raw <= power * digit * 1.0001
    )


def number(value: float) -> str:
    """`0.5`, `25k`, `4.1M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"

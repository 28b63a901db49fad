"""Rows of metrics → curves.svg: error in percent over the run, thin for training and bold for
validation, as in the papers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

from ...language.recipe import Train
from ...language.recipe.steps import Plateau, Steps

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 58, 148, 52, 48
SLATE, BLUE, ACCENT, GRID = "#616e7c", "#3b6fb6", "#c2410c", "#e4e7eb"
SERIES = (BLUE, ACCENT, "#2f9e8f", "#8257c4", "#b7791f", "#c05673")
FONT = "Inter, 'Helvetica Neue', Arial, sans-serif"
Point = tuple[float, float]


def curves(
    title: str,
    rows: Sequence[dict[str, Any]],
    unit: str,
    watched: str,
    marked: Sequence[float] = (),
) -> str:
    """An SVG of the rows of metrics.jsonl. `unit` is "epochs" or "iterations", `watched` what
    validates ("test"), `marked` where lines stand: drops of the learning rate.

    The error axis is cut where the curves have come down, so that what matters is not a flat line
    at the bottom."""
    train, valid = _points(rows, unit, "train"), _points(rows, unit, "validation")
    top = _ceiling([y for _, y in (*train, *valid)])
    area = _Area(max((x for x, _ in train), default=1.0), top)
    body = [*_axes(area, unit), *(_drop(area, x) for x in marked if x <= area.right)]
    body += [_line(area, train, BLUE, 1.2), _line(area, valid, ACCENT, 2.4)]
    body += _ends(area, [("training", train, BLUE, 400), (watched, valid, ACCENT, 600)])
    best, last = min((y for _, y in valid), default=0.0), valid[-1][1] if valid else 0.0
    below = f"{watched} error {last:.2f} % at the end, {best:.2f} % at its lowest"
    return _page(title, below, body)


def _along(unit: str) -> str:
    """The key of a row that counts the run's own unit."""
    return "step" if unit == "iterations" else "epoch"


def _points(rows: Sequence[dict[str, Any]], unit: str, part: str) -> list[Point]:
    return [(float(row[_along(unit)]), float(row[part]["error"])) for row in rows]


def drops(train: Train, rows: Sequence[dict[str, Any]]) -> list[float]:
    """Where the learning rate falls by a factor, in the run's own unit: nowhere in a smooth
    schedule."""
    if isinstance(train.schedule, Steps):
        return [float(at) for at in train.schedule.at]
    if not isinstance(train.schedule, Plateau):
        return []
    rates = [(float(row[_along(train.unit)]), float(row["lr"])) for row in rows]
    return [before[0] for before, after in pairwise(rates) if after[1] < before[1]]


def comparison(
    title: str, runs: Sequence[tuple[str, Sequence[dict[str, Any]]]], unit: str
) -> str:
    """An SVG of several runs, each its name and its rows: a colour each, thin for training and bold
    for validation (the ResNet paper's Figure 6)."""
    colours = [SERIES[place % len(SERIES)] for place in range(len(runs))]
    thin, bold = (
        [_points(rows, unit, part) for _, rows in runs]
        for part in ("train", "validation")
    )
    every = [point for line in (*thin, *bold) for point in line]
    right = max((x for x, _ in every), default=1.0)
    area = _Area(right, min(100.0, max((y for _, y in every), default=100.0)))
    lines = [(line, colour, 1.2) for line, colour in zip(thin, colours, strict=True)]
    lines += [(line, colour, 2.4) for line, colour in zip(bold, colours, strict=True)]
    body = _axes(area, unit)
    body += [_line(area, *drawn) for drawn in lines if drawn[0]]
    names = [name for name, _ in runs]
    body += _ends(area, [*zip(names, bold, colours, [600] * len(runs), strict=True)])
    return _page(title, "thin: training error, bold: validation error", body)


class _Area:
    """Where a value falls on the page."""

    def __init__(self, right: float, top: float) -> None:
        self.right, self.top = right or 1.0, top

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.right

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)


def _page(title: str, below: str, body: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' height="{HEIGHT}" role="img" aria-label="{escape(title)}: {escape(below)}"'
        f' font-family="{FONT}" font-size="12">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}: {escape(below)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            (
                f'<clipPath id="area"><rect x="{LEFT}" y="{TOP - 2}"'
                f' width="{WIDTH - LEFT - RIGHT + 4}"'
                f' height="{HEIGHT - TOP - BOTTOM + 4}"/></clipPath>'
            ),
            (
                f'<text x="{LEFT}" y="24" font-size="15" font-weight="600"'
                f' fill="#1f2933">{escape(title)}</text>'
            ),
            f'<text x="{LEFT}" y="41" fill="{SLATE}">{escape(below)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _axes(area: _Area, unit: str) -> list[str]:
    out, foot = [], HEIGHT - BOTTOM
    for value in _ticks(area.top, 5):
        y = area.y(value)
        shade = SLATE if value == 0 else GRID
        out.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{shade}"/>'
        )
        out.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end"'
            f' fill="{SLATE}">{_number(value)}</text>'
        )
    for value in _ticks(area.right, 8, whole=True):
        x = area.x(value)
        out.append(
            f'<line x1="{x:.1f}" y1="{foot}" x2="{x:.1f}" y2="{foot + 4}" stroke="{SLATE}"/>'
        )
        out.append(
            f'<text x="{x:.1f}" y="{foot + 17}" text-anchor="middle"'
            f' fill="{SLATE}">{_number(value)}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="{SLATE}">{unit}</text>'
    )
    centre = (TOP + foot) / 2
    out.append(
        f'<text x="16" y="{centre}" text-anchor="middle" fill="{SLATE}" '
        f'transform="rotate(-90 16 {centre})">error (%)</text>'
    )
    return out


def _line(area: _Area, points: Sequence[Point], colour: str, width: float) -> str:
    if len(points) == 1:
        x, y = points[0]
        return (
            f'<circle cx="{area.x(x):.1f}" cy="{area.y(y):.1f}" r="{width + 1:.1f}"'
            f' fill="{colour}"/>'
        )
    path = " ".join(f"{area.x(x):.1f},{area.y(y):.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        'stroke-linejoin="round" stroke-linecap="round" clip-path="url(#area)"/>'
    )


def _ends(
    area: _Area, series: Sequence[tuple[str, Sequence[Point], str, int]]
) -> list[str]:
    """Each curve's name beside its end, moved apart where they would touch."""
    placed = sorted(
        (area.y(points[-1][1]), name, points, colour, weight)
        for name, points, colour, weight in series
        if points
    )
    out: list[str] = []
    floor = -math.inf
    room = [HEIGHT - BOTTOM - 16 * (len(placed) - 1 - i) for i in range(len(placed))]
    for (y, name, points, colour, weight), most in zip(placed, room, strict=True):
        floor = max(min(y, most), floor + 16)
        x = area.x(points[-1][0]) + 8
        out.append(
            f'<text x="{x:.1f}" y="{floor + 4:.1f}" fill="{colour}" font-weight="{weight}">'
            f"{escape(name)} {points[-1][1]:.2f} %</text>"
        )
    return out


def _drop(area: _Area, value: float) -> str:
    x = area.x(value)
    return (
        f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="{SLATE}" '
        'stroke-dasharray="2 4" stroke-opacity="0.7"/>'
    )


def _ceiling(values: Sequence[float]) -> float:
    """A round number over all but the first steep fall: five times the median, at most the largest
    value."""
    if not values:
        return 100.0
    middle = sorted(values)[len(values) // 2]
    wanted = max(1.0, min(max(values), 5 * middle))
    step = _step(wanted, 5)
    return min(100.0, math.ceil(wanted / step) * step)


def _ticks(top: float, about: int, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to `top`; `whole` ones along a run, where half an epoch or iteration is
    nothing to read."""
    step = _step(top, about)
    if whole:
        step = max(1.0, step)
        step = step if step.is_integer() else 2 * step
    return [i * step for i in range(int(top / step + 1e-9) + 1)]


def _step(top: float, about: int) -> float:
    """1, 2, 2.5 or 5 times a power of ten, for about so many steps."""
    raw = top / about
    power = 10.0 ** math.floor(math.log10(raw))
    return next(
        power * digit for digit in (1, 2, 2.5, 5, 10) if raw <= power * digit * 1.0001
    )


def _number(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"

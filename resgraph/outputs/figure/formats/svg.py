"""A scene → SVG that every viewer draws alike: rect, path, circle and one-line text, and no other
element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from math import dist

from ..scene import (
    Circle,
    Curve,
    Line,
    Outline,
    Point,
    Polygon,
    Primitive,
    Rect,
    Scene,
    ShapeGroup,
    Text,
    shaft,
)
from ..style import FONT, PALETTES, Theme
from .pen import Pen

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)


def escape(text: str) -> str:
    """Text as it may stand in XML, in an element or in a quoted attribute."""
    text = _CONTROL.sub("\ufffd", text)
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


@lru_cache(65_536)  # columns and rows say the same again and again
def number(value: float) -> str:
    """At most two digits after the point, none that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def write(scene: Scene, theme: Theme = "light", scale: float = 1.0) -> str:
    """The whole document. `auto` draws light, and dark where the reader's system asks for it."""
    width = number(scene.width)
    height = number(scene.height)
    wide = number(scene.width * scale)
    high = number(scene.height * scale)
    pen = _Pen(theme)
    body = list(pen.all(scene.items))
    ground = Rect(0, 0, scene.width, scene.height, fill=scene.background)
    background = [pen.draw(ground)] if scene.background else []
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}"'
                f' viewBox="0 0 {width} {height}" class="resgraph" role="img"'
                f' aria-labelledby="figure-title figure-description" font-family="{escape(FONT)}">'
            ),
            f'<title id="figure-title">{escape(scene.title)}</title>',
            f'<desc id="figure-description">{escape(scene.description)}</desc>',
            *pen.style(),
            *background,
            *body,
            "</svg>\n",
        ]
    )


def fragment(items: list[Primitive | ShapeGroup]) -> str:
    """Shapes as the inside of an SVG element, coloured by classes alone (`f-` fills, `s-`
    strokes)."""
    return "\n".join(_Pen("auto", plain=False).all(items))


class _Pen(Pen):
    """Writes shapes in the colours of one theme, and remembers which colours a reader may have to
    change."""

    def __init__(self, theme: Theme, *, plain: bool = True) -> None:
        self.plain = plain
        self.palette = PALETTES[theme]
        self.auto = theme == "auto"
        self.used: set[tuple[str, str]] = set()
        self.painted = cache(self._painted)  # few colours, many shapes

    def style(self) -> list[str]:
        """For `auto`, the dark colours as a style sheet that only a dark system reads."""
        if not self.auto:
            return []
        dark = PALETTES["dark"]
        rules = [
            f".resgraph .{kind[0]}-{token}{{{kind}:{dark[token]}}}"
            for kind, token in sorted(self.used)
        ]
        # One query a rule: LibreOffice takes the first rule of a query for a query's and the others
        # for everyone's.
        return [
            "<style>",
            *(
                f"@media (prefers-color-scheme:dark){{{rule}}}"
                for rule in rules
            ),
            "</style>",
        ]

    def paint(self, shape: Primitive) -> str:
        """The attributes that colour a shape."""
        return self.painted(shape.fill, shape.stroke, shape.stroke_width)

    def _painted(self, fill: str, stroke: str, width: float) -> str:
        out = [] if fill else ['fill="none"']
        tokens = [
            (kind, t)
            for kind, t in (("fill", fill), ("stroke", stroke))
            if t
        ]
        if self.plain:
            out += [
                f'{kind}="{self.palette[token]}"' for kind, token in tokens
            ]
        if stroke:
            out.append(f'stroke-width="{number(width)}"')
        if self.auto:
            self.used.update(tokens)
            classes = " ".join(
                f"{kind[0]}-{token}" for kind, token in tokens
            )
            out.append(f'class="{classes}"')
        return " ".join(out)

    def all(self, items: list[Primitive | ShapeGroup]) -> Iterator[str]:
        """One line for each shape, groups opened and closed."""
        for item in items:
            if isinstance(item, ShapeGroup):
                place = (
                    f' data-at="{escape(item.place)}"' if item.place else ""
                )
                yield f'<g id="{escape(item.name)}" class="{escape(item.kind)}"{place}>'
                yield f"<title>{escape(item.title)}</title>"
                yield from map(self.draw, item.shapes)
                yield "</g>"
            else:
                yield self.draw(item)

    def rect(self, shape: Rect) -> str:
        x, y, width, height, radius = map(
            number,
            (shape.x, shape.y, shape.width, shape.height, shape.radius),
        )
        round_ = f' rx="{radius}"' if shape.radius else ""
        size = f'x="{x}" y="{y}" width="{width}" height="{height}"{round_}'
        return f"<rect {size} {self.paint(shape)}/>"

    def circle(self, shape: Circle) -> str:
        x = number(shape.x)
        y = number(shape.y)
        r = number(shape.radius)
        return f'<circle cx="{x}" cy="{y}" r="{r}" {self.paint(shape)}/>'

    def polygon(self, shape: Polygon) -> str:
        return f'<path d="M{"L".join(map(_at, shape.points))}Z" {self.paint(shape)}/>'

    def line(self, shape: Line) -> str:
        # A dash of no length is a dot by the standard, and nothing in Qt.
        dots = (
            ' stroke-dasharray="0.01 4" stroke-linecap="round"'
            if shape.dotted
            else ""
        )
        path = _trace(shaft(shape), shape.radius)
        return f'<path d="{path}" {self.paint(shape)}{dots}/>'

    def text(self, shape: Text) -> str:
        x = number(shape.x)
        y = number(shape.y)
        size = number(shape.size)
        out = f'<text x="{x}" y="{y}" font-size="{size}"'
        # By its name, which every reader knows; a number is as good as normal to some.
        if shape.weight >= 450:
            out += (
                f' font-weight="{"bold" if shape.weight >= 600 else 500}"'
            )
        if shape.italic:
            out += ' font-style="italic"'
        if shape.anchor != "start":
            out += f' text-anchor="{shape.anchor}"'
        if shape.turn:
            out += f' transform="rotate({shape.turn} {x} {y})"'
        return f"{out} {self.paint(shape)}>{escape(shape.text)}</text>"

    def outline(self, shape: Outline) -> str:
        path = "".join(_bent(curve, shape) for curve in shape.curves)
        return f'<path d="{path}" {self.paint(shape)}/>'


def _bent(curve: Curve, about: Outline) -> str:
    """The path data of a closed curve."""
    points = [
        f"{number(about.x + x)} {number(about.y + y)}" for x, y in curve
    ]
    out = [f"M{points[0]}"]
    for start, bend, end in zip(
        points[::2], points[1::2], points[2::2], strict=False
    ):
        out.append(f"L{end}" if bend == start else f"Q{bend} {end}")
    return "".join(out) + "Z"


def _trace(points: tuple[Point, ...], radius: float) -> str:
    """The path data along points, each inner corner rounded as far as its sides allow."""
    out = [f"M{_at(points[0])}"]
    for before, here, after in zip(
        points, points[1:], points[2:], strict=False
    ):
        first = dist(before, here)
        second = dist(here, after)
        bend = min(radius, first / 2, second / 2)
        if bend < 0.01:
            out.append(f"L{_at(here)}")
            continue
        start = _toward(here, before, bend / first)
        end = _toward(here, after, bend / second)
        out.append(f"L{_at(start)}Q{_at(here)} {_at(end)}")
    out.append(f"L{_at(points[-1])}")
    return "".join(out)


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _toward(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share

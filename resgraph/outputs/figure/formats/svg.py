"""A scene → SVG that every viewer draws alike: rect, path, circle and one-line text, and no other
element."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..scene import (
    Circle,
    Group,
    Line,
    Point,
    Polygon,
    Rect,
    Scene,
    Shape,
    Text,
    arrowhead,
    shaft,
)
from ..style import FONT, PALETTES, Theme

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Text as it may stand in XML, in an element or in a quoted attribute."""
    text = _CONTROL.sub("\ufffd", text)
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


def number(value: float) -> str:
    """At most two digits after the point, none that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def write(scene: Scene, theme: Theme = "light") -> str:
    """The whole document. `auto` draws light, and dark where the reader's system asks for it."""
    width, height = number(scene.width), number(scene.height)
    pen = _Pen(theme)
    body = list(pen.all(scene.items))
    background = pen.draw(Rect(0, 0, scene.width, scene.height, fill=scene.background))
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
                f' viewBox="0 0 {width} {height}" class="resgraph" role="img"'
                f' aria-labelledby="figure-title figure-description" font-family="{escape(FONT)}">'
            ),
            f'<title id="figure-title">{escape(scene.title)}</title>',
            f'<desc id="figure-description">{escape(scene.description)}</desc>',
            *pen.style(),
            background,
            *body,
            "</svg>\n",
        ]
    )


def fragment(items: list[Shape | Group]) -> str:
    """Shapes as the inside of an SVG element, coloured by classes alone (`f-` fills, `s-`
    strokes)."""
    return "\n".join(_Pen("auto", plain=False).all(items))


class _Pen:
    """Writes shapes in the colours of one theme, and remembers which colours a reader may have to
    change."""

    def __init__(self, theme: Theme, *, plain: bool = True) -> None:
        self.plain = plain
        self.palette = PALETTES["dark" if theme == "dark" else "light"]
        self.auto = theme == "auto"
        self.used: set[tuple[str, str]] = set()

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
            *(f"@media (prefers-color-scheme:dark){{{rule}}}" for rule in rules),
            "</style>",
        ]

    def paint(self, fill: str, stroke: str = "", width: float = 1) -> str:
        """The attributes that colour a shape."""
        out = [
            f'fill="{self.palette[fill]}"'
            if fill and self.plain
            else ""
            if fill
            else 'fill="none"'
        ]
        if stroke:
            out += [f'stroke="{self.palette[stroke]}"'] * self.plain + [
                f'stroke-width="{number(width)}"'
            ]
        if self.auto:
            kinds = [
                (kind, token)
                for kind, token in (("fill", fill), ("stroke", stroke))
                if token
            ]
            self.used.update(kinds)
            out.append(
                'class="'
                + " ".join(f"{kind[0]}-{token}" for kind, token in kinds)
                + '"'
            )
        return " ".join(filter(None, out))

    def all(self, items: list[Shape | Group]) -> Iterator[str]:
        """One line for each shape, groups opened and closed."""
        for item in items:
            if isinstance(item, Group):
                place = f' data-at="{escape(item.place)}"' if item.place else ""
                yield f'<g id="{escape(item.name)}" class="{escape(item.kind)}"{place}>'
                yield f"<title>{escape(item.title)}</title>"
                yield from (self.draw(shape) for shape in item.shapes)
                yield "</g>"
            else:
                yield self.draw(item)

    def draw(self, shape: Shape) -> str:
        """One shape as one line of SVG."""
        match shape:
            case Rect(x, y, width, height, radius, fill, stroke, stroke_width):
                round_ = f' rx="{number(radius)}"' if radius else ""
                return (
                    f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}"'
                    f' height="{number(height)}"{round_} {self.paint(fill, stroke, stroke_width)}/>'
                )
            case Circle(x, y, radius, fill, stroke, stroke_width):
                return (
                    f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" '
                    f"{self.paint(fill, stroke, stroke_width)}/>"
                )
            case Polygon(points, fill, stroke, stroke_width):
                return f'<path d="{_trace(points, 0)}Z" {self.paint(fill, stroke, stroke_width)}/>'
            case Line():
                return self.line(shape)
            case Text():
                return self.text(shape)

    def line(self, line: Line) -> str:
        """A line, and its arrowhead as a shape of its own."""
        # A dash of no length is a dot by the standard, and nothing in Qt.
        dots = (
            ' stroke-dasharray="0.01 4" stroke-linecap="round"' if line.dotted else ""
        )
        out = (
            f'<path d="{_trace(shaft(line), line.radius)}"'
            f" {self.paint('', line.stroke, line.stroke_width)}{dots}/>"
        )
        return out + "\n" + self.draw(arrowhead(line)) if line.arrow else out

    def text(self, text: Text) -> str:
        """One line of text."""
        anchor = f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
        # By its name, which every reader knows; a number is as good as normal to some.
        weight = (
            ' font-weight="bold"'
            if text.weight >= 600
            else ' font-weight="500"'
            if text.weight >= 450
            else ""
        )
        style = ' font-style="italic"' if text.italic else ""
        x, y = number(text.x), number(text.y)
        turn = f' transform="rotate({text.turn} {x} {y})"' if text.turn else ""
        return (
            f'<text x="{x}" y="{y}" font-size="{number(text.size)}"{weight}{style}{anchor}{turn} '
            f"{self.paint(text.fill)}>{escape(text.text)}</text>"
        )


def _trace(points: tuple[Point, ...], radius: float) -> str:
    """The path data along points, each inner corner rounded as far as its sides allow."""
    out = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        first, second = _distance(before, here), _distance(here, after)
        bend = min(radius, first / 2, second / 2)
        if bend < 0.01:
            out.append(f"L{number(here[0])} {number(here[1])}")
            continue
        start, end = (
            _toward(here, before, bend / first),
            _toward(here, after, bend / second),
        )
        out.append(f"L{number(start[0])} {number(start[1])}")
        out.append(
            f"Q{number(here[0])} {number(here[1])} {number(end[0])} {number(end[1])}"
        )
    out.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(out)


def _distance(a: Point, b: Point) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


def _toward(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share

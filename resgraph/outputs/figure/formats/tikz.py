r"""A scene → a LaTeX document that draws it with TikZ alone: for a paper, in the paper's own fonts.

It compiles with pdfLaTeX, XeLaTeX and LuaLaTeX, and a paper can `\input` it through the
`standalone` package, which leaves the preamble out: what the picture needs stands after
`\begin{document}`."""

from __future__ import annotations

from ....collecting import each_text, of_type
from ....errors import UsageError
from .. import fonts
from ..scene import (
    Circle,
    Curve,
    Line,
    Outline,
    Point,
    Polygon,
    Rect,
    Scene,
    Text,
    shaft,
)
from ..style import PALETTES, Theme
from . import limits, tex_text
from .pen import Pen, flat
from .svg import number

_DOCUMENT = r"""\documentclass[tikz]{standalone}
\usepackage{fix-cm}
\begin{document}
COLOURS
\begin{tikzpicture}[x=UNITpt, y=-UNITpt, line cap=butt]
BODY
\end{tikzpicture}
\end{document}
"""
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def write(scene: Scene, theme: Theme = "light", scale: float = 1.0) -> str:
    """The whole document; at a scale of 1, one pixel of the figure is 0.75 pt, as on a
    screen of 96 dots to the inch.

    Raises `UsageError` for letters that LaTeX's common fonts lack, and for a picture longer than
    TeX can measure."""
    limits.tex(scene.width * scale, scene.height * scale)
    pen = _Pen(PALETTES[theme], limits.POINTS * scale)
    shapes = flat(scene.items)
    texts = each_text(of_type(Text, shapes))
    if lacking := tex_text.lacking(texts):
        raise UsageError(
            f"TeX cannot show {fonts.named(lacking)} with the fonts that every LaTeX has; rename"
            " it, or write SVG or HTML, which the reader's own fonts show"
        )
    ground = Rect(0, 0, scene.width, scene.height, fill=scene.background)
    body = "\n".join(map(pen.draw, [ground, *shapes]))
    colours = "\n".join(
        rf"\definecolor{{{_name(token)}}}{{HTML}}{{{pen.palette[token][1:].upper()}}}"
        for token in sorted(pen.used)
    )
    document = _DOCUMENT.replace("UNIT", f"{pen.unit:.5g}")
    return document.replace("COLOURS", colours).replace("BODY", body)


def _name(token: str) -> str:
    return "rg-" + token


def _at(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


def _bent(curve: Curve, about: Outline) -> str:
    """A closed curve: a bend of degree two is one of degree three with both bends two thirds of the
    way there."""
    points = [(about.x + x, about.y + y) for x, y in curve]
    out = [_at(points[0])]
    for start, bend, end in zip(
        points[::2], points[1::2], points[2::2], strict=False
    ):
        first, second = (
            (a + (b - a) * 2 / 3, c + (d - c) * 2 / 3)
            for (a, c), (b, d) in ((start, bend), (end, bend))
        )
        out.append(
            f"-- {_at(end)}"
            if bend == start
            else f".. controls {_at(first)} and {_at(second)} .. {_at(end)}"
        )
    return " ".join([*out, "-- cycle"])


class _Pen(Pen):
    """Writes shapes as TikZ paths, and remembers which colours they use."""

    def __init__(self, palette: dict[str, str], unit: float) -> None:
        self.palette = palette
        self.unit = unit
        self.used: set[str] = set()

    def options(
        self, shape: Rect | Circle | Polygon | Line, *more: str
    ) -> str:
        """The options of a path."""
        out = []
        if shape.fill:
            self.used.add(shape.fill)
            out.append(f"fill={_name(shape.fill)}")
        if shape.stroke:
            self.used.add(shape.stroke)
            width = number(shape.stroke_width * self.unit)
            out.append(f"draw={_name(shape.stroke)}, line width={width}pt")
        return ", ".join([*out, *more])

    def rect(self, shape: Rect) -> str:
        bend = min(shape.radius, shape.width / 2, shape.height / 2)
        corners = (
            [f"rounded corners={number(bend * self.unit)}pt"]
            if bend
            else []
        )
        start = _at((shape.x, shape.y))
        end = _at((shape.x + shape.width, shape.y + shape.height))
        return rf"\path[{self.options(shape, *corners)}] {start} rectangle {end};"

    def circle(self, shape: Circle) -> str:
        at = _at((shape.x, shape.y))
        radius = number(shape.radius * self.unit)
        return (
            rf"\path[{self.options(shape)}] {at} circle[radius={radius}pt];"
        )

    def polygon(self, shape: Polygon) -> str:
        path = " -- ".join(map(_at, shape.points))
        return rf"\path[{self.options(shape)}] {path} -- cycle;"

    def line(self, shape: Line) -> str:
        more = []
        if shape.radius and len(shape.points) > 2:
            more.append(
                f"rounded corners={number(shape.radius * self.unit)}pt"
            )
        if shape.dotted:
            more.append(
                f"line cap=round, dash pattern=on 0pt off {number(4 * self.unit)}pt"
            )
        path = " -- ".join(map(_at, shaft(shape)))
        return rf"\path[{self.options(shape, *more)}] {path};"

    def outline(self, shape: Outline) -> str:
        self.used.add(shape.fill)
        path = " ".join(_bent(curve, shape) for curve in shape.curves)
        return rf"\path[fill={_name(shape.fill)}] {path};" if path else ""

    def text(self, shape: Text) -> str:
        self.used.add(shape.fill)
        size = number(shape.size * self.unit)
        font = rf"\sffamily\fontsize{{{size}}}{{{size}}}\selectfont"
        font += r"\bfseries" if shape.weight >= 600 else ""
        font += r"\itshape" if shape.italic else ""
        turn = f", rotate={-shape.turn}" if shape.turn else ""
        return (
            rf"\node[anchor={_ANCHORS[shape.anchor]}, inner sep=0pt, text={_name(shape.fill)},"
            rf" font={font}{turn}] "
            rf"at {_at((shape.x, shape.y))} {{{tex_text.escape(shape.text)}}};"
        )

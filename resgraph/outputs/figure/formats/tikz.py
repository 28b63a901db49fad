r"""A scene → a LaTeX document that draws it with TikZ alone: for a paper, in the paper's own fonts.

It compiles with pdfLaTeX, XeLaTeX and LuaLaTeX, and a paper can `\input` it through the
`standalone` package, which leaves the preamble out: what the picture needs stands after
`\begin{document}`."""

from __future__ import annotations

from ....errors import UsageError
from .. import fonts
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
from ..style import PALETTES, Theme
from . import limits, tex_text
from .svg import number

_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def write(scene: Scene, theme: Theme = "light") -> str:
    """The whole document; one pixel of the figure is 0.75 pt, as on a screen of 96 dots to the
    inch.

    Raises `UsageError` for letters that LaTeX's common fonts lack, and for a picture longer than
    TeX can measure."""
    limits.tex(scene.width, scene.height)
    pen = _Pen(PALETTES["dark" if theme == "dark" else "light"])
    shapes = [
        shape
        for item in scene.items
        for shape in (item.shapes if isinstance(item, Group) else [item])
    ]
    if lacking := tex_text.lacking(
        shape.text for shape in shapes if isinstance(shape, Text)
    ):
        raise UsageError(
            f"TeX cannot show {fonts.named(lacking)} with the fonts that every LaTeX has; rename"
            " it, or write SVG or HTML, which the reader's own fonts show"
        )
    body = [
        pen.draw(Rect(0, 0, scene.width, scene.height, fill=scene.background)),
        *map(pen.draw, shapes),
    ]
    colours = [
        rf"\definecolor{{{_name(t)}}}{{HTML}}{{{pen.palette[t][1:].upper()}}}"
        for t in sorted(pen.used)
    ]
    return "\n".join(
        [
            r"\documentclass[tikz]{standalone}",
            r"\usepackage{fix-cm}",
            r"\begin{document}",
            *colours,
            r"\begin{tikzpicture}[x=0.75pt, y=-0.75pt, line cap=butt]",
            *body,
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _name(token: str) -> str:
    return "rg-" + token


def _at(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


class _Pen:
    """Writes shapes as TikZ paths, and remembers which colours they use."""

    def __init__(self, palette: dict[str, str]) -> None:
        self.palette = palette
        self.used: set[str] = set()

    def options(self, fill: str, stroke: str, width: float, *more: str) -> str:
        """The options of a path."""
        out = []
        if fill:
            self.used.add(fill)
            out.append(f"fill={_name(fill)}")
        if stroke:
            self.used.add(stroke)
            out.append(f"draw={_name(stroke)}, line width={number(width * 0.75)}pt")
        return ", ".join([*out, *more])

    def draw(self, shape: Shape) -> str:
        """One shape as one path or node."""
        match shape:
            case Rect(x, y, width, height, radius, fill, stroke, stroke_width):
                bend = min(radius, width / 2, height / 2)
                corners = [f"rounded corners={number(bend * 0.75)}pt"] if bend else []
                return (
                    rf"\path[{self.options(fill, stroke, stroke_width, *corners)}] "
                    f"{_at((x, y))} rectangle {_at((x + width, y + height))};"
                )
            case Circle(x, y, radius, fill, stroke, stroke_width):
                return (
                    rf"\path[{self.options(fill, stroke, stroke_width)}] {_at((x, y))} "
                    f"circle[radius={number(radius * 0.75)}pt];"
                )
            case Polygon(points, fill, stroke, stroke_width):
                return (
                    rf"\path[{self.options(fill, stroke, stroke_width)}]"
                    rf" {' -- '.join(map(_at, points))} -- cycle;"
                )
            case Line():
                return self.line(shape)
            case Text():
                return self.text(shape)

    def line(self, line: Line) -> str:
        """A line, and its arrowhead as a shape of its own."""
        more = (
            [f"rounded corners={number(line.radius * 0.75)}pt"]
            if line.radius and len(line.points) > 2
            else []
        )
        if line.dotted:
            more += ["line cap=round", "dash pattern=on 0pt off 3pt"]
        path = " -- ".join(map(_at, shaft(line)))
        out = (
            rf"\path[{self.options('', line.stroke, line.stroke_width, *more)}] {path};"
        )
        return out + "\n" + self.draw(arrowhead(line)) if line.arrow else out

    def text(self, text: Text) -> str:
        """One line of text on its baseline."""
        self.used.add(text.fill)
        size = number(text.size * 0.75)
        font = rf"\sffamily\fontsize{{{size}}}{{{size}}}\selectfont"
        font += r"\bfseries" if text.weight >= 600 else ""
        font += r"\itshape" if text.italic else ""
        turn = f", rotate={-text.turn}" if text.turn else ""
        return (
            rf"\node[anchor={_ANCHORS[text.anchor]}, inner sep=0pt, text={_name(text.fill)},"
            rf" font={font}{turn}] "
            rf"at {_at((text.x, text.y))} {{{tex_text.escape(text.text)}}};"
        )

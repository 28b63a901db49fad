r"""A scene → a standalone LaTeX document that draws it with TikZ alone: for a paper, in the paper's own fonts.

It compiles with pdfLaTeX, XeLaTeX and LuaLaTeX, and a paper can `\input` it through the `standalone` package, which
leaves out what stands before `\begin{document}`.
"""

from __future__ import annotations

import unicodedata

from ...errors import UsageError
from .letters import lacking_text
from .scene import Circle, Group, Line, Point, Polygon, Rect, Scene, Shape, Text, arrowhead, shaft
from .style import PALETTES, Theme
from .svg import number

_POINTS = 0.75  # of a pixel: 96 to the inch
LARGEST = 16_383.0
"""Points of TeX's longest length (The TeXbook, chapter 10)."""

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "\xa0": "~", "–": "--", "—": "---", "…": r"\dots{}", "‘": "`", "’": "'",
    "“": "``", "”": "''", "¡": "!`", "¿": "?`", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "§": r"\S{}",
    "¶": r"\P{}", "©": r"\copyright{}", "£": r"\pounds{}",
}  # fmt: skip
"""Letters of text that every encoding of LaTeX has a command for."""

_SYMBOLS = (
    r"× \times, → \to, − -, · \cdot, ÷ \div, ⊕ \oplus, ⊗ \otimes, ⊙ \odot, ± \pm, ≤ \leq, ≥ \geq, ≠ \neq, ≈ \approx, "
    r"∞ \infty, √ \surd, ∂ \partial, ∆ \Delta, ∑ \sum, ∏ \prod, ∈ \in, ∘ \circ, ∼ \sim, ← \leftarrow, ↑ \uparrow, "
    r"↓ \downarrow, ↔ \leftrightarrow, ⇒ \Rightarrow, ⇔ \Leftrightarrow, • \bullet, ¬ \neg, µ \mu, ° ^\circ, ² ^2, "
    r"³ ^3, ¹ ^1, ′ \prime, α \alpha, β \beta, γ \gamma, δ \delta, ε \varepsilon, ζ \zeta, η \eta, θ \theta, "
    r"ι \iota, κ \kappa, λ \lambda, μ \mu, ν \nu, ξ \xi, ο o, π \pi, ρ \rho, ς \varsigma, σ \sigma, τ \tau, "
    r"υ \upsilon, φ \varphi, χ \chi, ψ \psi, ω \omega, Γ \Gamma, Δ \Delta, Θ \Theta, Λ \Lambda, Ξ \Xi, Π \Pi, "
    r"Σ \Sigma, Υ \Upsilon, Φ \Phi, Ψ \Psi, Ω \Omega"
)
_MATH = dict(symbol.split(" ") for symbol in _SYMBOLS.split(", "))
"""Letters that TeX has in its mathematics, in whatever fonts."""

_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0331",
                    "`'^~=u.\"rHvdcb", strict=True))  # fmt: skip
"""Accents that LaTeX puts on a letter in every encoding; a Polish ogonek is not among them."""

_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def write(scene: Scene, theme: Theme = "light") -> str:
    """The whole document; one pixel of the figure is 0.75 pt, as on a screen of 96 dots to the inch.

    Raises `UsageError` for a letter that LaTeX's common fonts lack, and for a picture longer than TeX's lengths.
    """
    if max(scene.width, scene.height) * _POINTS > LARGEST:
        raise UsageError(
            f"a picture of {scene.width * _POINTS:,.0f} x {scene.height * _POINTS:,.0f} pt is longer than TeX's "
            f"{LARGEST:,.0f} pt: draw less of the net, with `--view stages` or `--only NAME`"
        )
    pen = _Pen(PALETTES["dark" if theme == "dark" else "light"])
    body = [pen.draw(Rect(0, 0, scene.width, scene.height, fill=scene.background))]
    for item in scene.items:
        shapes = item.shapes if isinstance(item, Group) else [item]
        body += [pen.draw(shape) for shape in shapes]
    colours = [rf"\definecolor{{{_name(t)}}}{{HTML}}{{{pen.palette[t][1:].upper()}}}" for t in sorted(pen.used)]
    return "\n".join(
        [
            f"% {' '.join(scene.title.split())}",
            r"\documentclass[tikz]{standalone}",
            r"\usepackage{fix-cm}",
            r"\begin{document}",
            *colours,
            r"\sffamily",
            r"\begin{tikzpicture}[x=0.75pt, y=-0.75pt, line cap=butt]",
            *body,
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text that LaTeX sets as it stands. Raises `UsageError` with the letters that its common fonts lack."""
    written = {letter: _written(letter) for letter in text}
    if lacking := dict.fromkeys(letter for letter, command in written.items() if not command):
        way_out = "PDF has more letters, SVG those of its reader"
        raise UsageError(f"{lacking_text(lacking, text, 'LaTeX')}; {way_out}")
    return "".join(written[letter] for letter in text)


def _written(letter: str) -> str:
    """One letter as every LaTeX reads it, whatever its fonts; "" where there is none."""
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter in _MATH:
        return f"${_MATH[letter]}$"
    if " " <= letter < "\x7f":
        return letter
    base, *accents = list(unicodedata.normalize("NFD", letter))
    if len(accents) != 1 or accents[0] not in _ACCENTS or not base.isascii():
        return ""
    return f"\\{_ACCENTS[accents[0]]}{{{base}}}"


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
                return rf"\path[{self.options(fill, stroke, stroke_width)}] {' -- '.join(map(_at, points))} -- cycle;"
            case Line():
                return self.line(shape)
            case Text():
                return self.text(shape)

    def line(self, line: Line) -> str:
        """A line, and its arrowhead as a shape of its own."""
        more = [f"rounded corners={number(line.radius * 0.75)}pt"] if line.radius and len(line.points) > 2 else []
        if line.dotted:
            more += ["line cap=round", "dash pattern=on 0pt off 3pt"]
        path = " -- ".join(map(_at, shaft(line)))
        out = rf"\path[{self.options('', line.stroke, line.stroke_width, *more)}] {path};"
        return out + "\n" + self.draw(arrowhead(line)) if line.arrow else out

    def text(self, text: Text) -> str:
        """One line of text on its baseline."""
        self.used.add(text.fill)
        size = number(text.size * 0.75)
        font = rf"\fontsize{{{size}}}{{{size}}}\selectfont"
        font += r"\bfseries" if text.weight >= 600 else ""
        font += r"\itshape" if text.italic else ""
        turn = f", rotate={-text.turn}" if text.turn else ""
        return (
            rf"\node[anchor={_ANCHORS[text.anchor]}, inner sep=0pt, text={_name(text.fill)}, font={font}{turn}] "
            rf"at {_at((text.x, text.y))} {{{escape(text.text)}}};"
        )

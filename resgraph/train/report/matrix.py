"""A confusion matrix → an SVG in the house's style: of few classes counts and names, of many shades
alone."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy
from PIL import Image

from ...outputs.chart import ACCENT, BLUE, FONT, GRID, SLATE, step
from ...outputs.figure.style import mix, rgb
from ...outputs.figure.text import fit, width
from ..data.formats.npy import ArrayValues

COUNTED, NAMED, DRAWN = 16, 56, 2000
"""Up to so many classes cells have numbers, rows have names, and there is a picture."""
SIZE, NAME = 11, 130.0
"""Of letters, and units that a name has."""
SIDE = 640
"""Of the cells of many classes, together."""
WHITE, INK = "#ffffff", "#1f2933"


def confusion(matrix: ArrayValues, names: Sequence[str]) -> str:
    """A row for each true class, a column for each that it was taken for. The diagonal is blue and
    the mistakes are orange, each by its share of its row."""
    total = matrix.sum(1, keepdims=True)
    shares = matrix / numpy.maximum(total, 1)
    cell = 44.0 if len(names) <= COUNTED else max(SIDE / len(names), 1.0)
    if len(names) <= NAMED:
        lead = (
            max(width(fit(name, SIZE, NAME), SIZE) for name in names) + 30
        )
        body = [
            *_cells(matrix, shares, cell, lead),
            *_names(names, cell, lead),
        ]
    else:
        lead = 64.0
        body = [
            _image(shares, cell, lead),
            *_numbers(len(names), cell, lead),
        ]
    side = lead + cell * len(names)
    middle = lead + cell * len(names) / 2
    body += [
        _text(middle, 14, "taken for", "middle"),
        _text(14, middle, "true class", "middle", -90.0),
    ]
    size = f"{side + 6:.0f}"
    said = f"confusion matrix of {len(names)} classes"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
            f' width="{size}" height="{size}" role="img" aria-label="{said}"'
            f' font-family="{FONT}" font-size="{SIZE}" fill="{SLATE}">',
            f"<title>{said}</title>",
            f'<rect width="{size}" height="{size}" fill="{WHITE}"/>',
            *body,
            "</svg>",
        ]
    )


def _shade(share: float, *, diagonal: bool) -> str:
    """Of a share of a row; the least is told from nothing."""
    if not share:
        return WHITE
    return mix(BLUE if diagonal else ACCENT, WHITE, 0.12 + 0.78 * share)


def _cells(
    matrix: ArrayValues, shares: ArrayValues, cell: float, lead: float
) -> list[str]:
    out = []
    side = cell * len(matrix)
    for row, column in zip(*matrix.nonzero(), strict=True):
        share, count = float(shares[row, column]), int(matrix[row, column])
        x, y = lead + cell * column, lead + cell * row
        shade = _shade(share, diagonal=row == column)
        out.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}"'
            f' fill="{shade}"/>'
        )
        if len(matrix) <= COUNTED:
            ink = WHITE if share > 0.6 else INK
            number = _text(
                x + cell / 2, y + cell / 2 + 4, f"{count:,}", "middle"
            )
            out.append(f'<g fill="{ink}">{number}</g>')
    return [
        *out,
        f'<rect x="{lead:.1f}" y="{lead:.1f}" width="{side:.1f}" height="{side:.1f}"'
        f' fill="none" stroke="{GRID}"/>',
    ]


def _names(names: Sequence[str], cell: float, lead: float) -> list[str]:
    """Beside the rows, and upright above the columns."""
    out = []
    for place, name in enumerate(names):
        at = lead + cell * (place + 0.5)
        out += [
            _text(lead - 6, at + 4, name, "end"),
            _text(at + 4, lead - 6, name, turn=-90.0),
        ]
    return out


def _image(shares: ArrayValues, cell: float, lead: float) -> str:
    """A pixel for each cell."""
    table = numpy.array(
        [
            [rgb(_shade(level / 255, diagonal=on)) for level in range(256)]
            for on in (False, True)
        ],
        numpy.uint8,
    )
    # what is there at all is not rounded to nothing
    level = numpy.ceil(shares * 255).astype(numpy.intp)
    pixels = table[numpy.eye(len(shares), dtype=numpy.intp), level]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    side = cell * len(shares)
    place = f'x="{lead:.1f}" y="{lead:.1f}" width="{side:.1f}" height="{side:.1f}"'
    return (
        f'<image {place} style="image-rendering:pixelated"'
        f' href="data:image/png;base64,{data}"/>'
        f'<rect {place} fill="none" stroke="{GRID}"/>'
    )


def _numbers(classes: int, cell: float, lead: float) -> list[str]:
    """Of some classes, beside both sides."""
    out = []
    for place in range(0, classes, max(1, int(step(classes, 10)))):
        at = lead + cell * (place + 0.5)
        out += [
            _text(lead - 6, at + 4, str(place), "end"),
            _text(at + 4, lead - 6, str(place), turn=-90.0),
        ]
    return out


def _text(
    x: float, y: float, text: str, anchor: str = "start", turn: float = 0.0
) -> str:
    """Cut where it is long, and whole in its tooltip."""
    short = fit(text, SIZE, NAME)
    about = f"<title>{escape(text)}</title>" if short != text else ""
    turned = (
        f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
    )
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>'
        f"{about}{escape(short)}</text>"
    )

"""SVG text → PNG or PDF, with pip packages alone: resvg draws the one, typst (which embeds fonts)
the other.

Both are given the fonts that come with resgraph and no others: the same bytes on every machine, and
each letter is drawn or named in an error, where the packages would leave it out (resvg) or change
the font (typst)."""

from __future__ import annotations

import shutil
import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

from ....errors import MissingError, UsageError
from .. import fonts
from . import limits

_INSTALL = "install it with `pip install 'resgraph[figures]'`"

_SVG = "{http://www.w3.org/2000/svg}"
_PAGE = b"""#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: float(sys.inputs.width) * 1pt)
"""


def png(svg: str, scale: float = 2.0, font: Path | None = None) -> bytes:
    """The picture as PNG, `scale` pixels for each of its own; what letters the packaged fonts lack
    are those of `font`.

    Raises `UsageError` for letters that the fonts lack and for pictures too large to open,
    `MissingError` where resvg is not installed."""
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise MissingError(
            f"PNG needs the package resvg-py: {_INSTALL}"
        ) from None
    limits.png(*_size(_checked(svg, "PNG", font)), scale)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            # its own is 0, at which a length in points, as Graphviz has, is none
            dpi=96,
            skip_system_fonts=True,
            font_files=[
                *map(str, [*fonts.packaged(), *filter(None, [font])])
            ],
            sans_serif_family=fonts.FAMILY,
        )
    )


def with_dots(image: bytes, inch: float) -> bytes:
    """A PNG that says how many of its pixels an inch of paper has."""
    # the signature and the chunk of the size, behind which it stands
    head = 33
    metre = round(inch / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", metre, metre, 1)
    ends = struct.pack(">I", 9), struct.pack(">I", crc32(chunk))
    return image[:head] + ends[0] + chunk + ends[1] + image[head:]


def pdf(svg: str, scale: float = 1.0, font: Path | None = None) -> bytes:
    """The picture as one page of PDF, `scale` pixels for each of its own: vectors, with its
    fonts embedded, the same bytes each time.

    Raises `UsageError` for letters that the fonts lack and for pages too large to open,
    `MissingError` where typst is not installed."""
    try:
        import typst
    except ModuleNotFoundError:
        raise MissingError(
            f"PDF needs the package typst: {_INSTALL}"
        ) from None
    root = _checked(svg, "PDF", font)
    width, height = (length * scale for length in _size(root))
    limits.pdf(width, height)
    said = {
        "svg": svg,
        "width": str(width * limits.POINTS),
        "title": root.findtext(f".//{_SVG}title", ""),
    }
    with TemporaryDirectory() as folder:
        if font:  # typst takes folders alone
            shutil.copy(font, folder)
        return bytes(
            typst.compile(
                _PAGE,
                format="pdf",
                sys_inputs=said,
                font_paths=[str(fonts.FOLDER), folder],
                ignore_system_fonts=True,
            )  # type: ignore[call-overload]
        )


def _checked(svg: str, kind: str, font: Path | None) -> ET.Element:
    """A picture whose letters the fonts have. Raises `UsageError` where they lack one."""
    root = ET.fromstring(svg)
    texts = (each.text or "" for each in root.iter(f"{_SVG}text"))
    if lacking := fonts.lacking(texts, font):
        raise UsageError(
            f"{kind} cannot show {fonts.missing(lacking, font)}"
        )
    return root


def _size(root: ET.Element) -> tuple[float, float]:
    return _pixels(root.get("width", "0")), _pixels(root.get("height", "0"))


def _pixels(length: str) -> float:
    """A length of SVG, in pixels or in points."""
    return float(length.removesuffix("pt")) * (
        4 / 3 if length.endswith("pt") else 1
    )

"""SVG text → PNG or PDF, with pip packages alone: resvg draws the one, typst (which embeds fonts) the other."""

from __future__ import annotations

from ...errors import MissingError

_INSTALL = "install it with `pip install 'resgraph[figures]'`"

_PAGE = b"""#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg")
"""


def png(svg: str, scale: float = 2.0) -> bytes:
    """The picture as PNG, `scale` pixels for each of its own. Raises `MissingError` where resvg is not installed."""
    try:
        import resvg_py
    except ImportError:
        raise MissingError(f"PNG needs the package resvg-py: {_INSTALL}") from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale))


def pdf(svg: str, title: str = "") -> bytes:
    """The picture as one page of PDF: vectors, with its fonts embedded, the same bytes each time.

    Raises `MissingError` where typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise MissingError(f"PDF needs the package typst: {_INSTALL}") from None
    return bytes(typst.compile(_PAGE, format="pdf", sys_inputs={"svg": svg, "title": title}))

"""A line of text → the room that it takes, in the font that comes with resgraph or in the widest
that stands for it.

An SVG is shown in the fonts of whoever reads it. A font within the file, and `textLength`, help in
browsers alone: librsvg, Qt and svglib pass over both. So the layout leaves the room that DejaVu
Sans takes, the widest of the fonts that common systems have, and nothing crosses in any of them."""

from __future__ import annotations

from .fonts import advances

_ASCII = range(32, 127)
_DEJAVU = (
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698,
    770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732,
    684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635,
    634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,
    525, 636, 337, 636, 838,
)  # fmt: skip
_DEJAVU_BOLD = (
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696,
    696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734,
    830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812,
    774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716,
    712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652,
    582, 712, 365, 712, 838,
)  # fmt: skip
"""The widths of DejaVu Sans 2.37 from space to tilde, in thousandths of the size; what is medium is
regular there."""
_WIDER = 1.27
"""How much wider than ours other letters and signs (`×`, `−`) are in DejaVu, most of them at
most."""
_OTHER, _EAST_ASIAN = 680.0, 1050.0


def width(text: str, size: float, weight: int = 400) -> float:
    """The room in pixels for `text` at `size`; from 600 on it is bold, from 450 on medium."""
    table = advances(
        "Bold" if weight >= 600 else "Medium" if weight >= 450 else "Regular"
    )
    wide = _DEJAVU_BOLD if weight >= 600 else _DEJAVU
    total = 0.0
    for code in map(ord, text):
        ours = table.get(code, _EAST_ASIAN if code > 0x2E7F else _OTHER)
        total += (
            max(ours, wide[code - 32])
            if code in _ASCII
            else ours * _WIDER
            if code in table
            else ours
        )
    return total * size / 1000


def fit(text: str, size: float, room: float, weight: int = 400) -> str:
    """`text`, cut with an ellipsis where it is wider than `room`."""
    if width(text, size, weight) <= room + 0.01:  # sums of fractions of a pixel
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + "…", size, weight) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"

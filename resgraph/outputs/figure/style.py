"""A theme's name → the colours of a picture: one table of tokens, so that themes differ in nothing
else."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, get_args

from ...ops.base import Family
from ...structs import Frozen

Theme = Literal["light", "dark", "auto", "mono", "slides"]
THEMES: tuple[Theme, ...] = get_args(Theme)
"""`auto` is light, and in SVG and HTML dark where the reader's system asks for it. `mono` is greys
alone, for print; `slides` has the contrasts that a projector leaves readable: 7 for text, 4.5 for
lines."""

FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif"

Colours = tuple[str, str, str, str]
"""A token in the light, the dark, the mono and the slides theme."""
_SLATE: Colours = ("#616e7c", "#97a3b2", "#7a7a7a", "#47525e")
HUES: dict[str, Colours] = {
    "conv": ("#3b6fb6", "#79adf2", "#1f1f1f", "#1f5fb4"),
    "norm": ("#b7791f", "#e0ac55", "#8a8a8a", "#8a5500"),
    "activation": ("#c05673", "#ee8fa9", "#666666", "#b01f4b"),
    "merge": ("#3f8f4f", "#74c98a", "#000000", "#1e7a33"),
    "pool": ("#2f9e8f", "#5ccab9", "#525252", "#0b7469"),
    "dense": ("#8257c4", "#bd9cf2", "#3d3d3d", "#6a35b8"),
    "attention": ("#a23b96", "#e191d6", "#707070", "#8f1f82"),
    "regularize": _SLATE,
    "shape": _SLATE,
    "input": _SLATE,
    "block": _SLATE,
    "broken": ("#b42318", "#f97066", "#000000", "#a8130a"),
}
"""The hue of each family of ops; `block` is a folded block."""

FAMILIES: dict[str, str] = {
    "conv": "convolution",
    "norm": "normalisation",
    "activation": "activation",
    "merge": "equation",
    "pool": "pooling",
    "dense": "fully connected",
    "attention": "attention",
    "regularize": "dropout, scale",
    "shape": "reshape",
    "block": "folded block",
    "broken": "does not fit",
}
"""What the legend calls each family, in the legend's order."""

MARKS = {"added": "+", "removed": "−", "changed": "~"}
"""The sign of each kind of difference, besides its colour."""

_PLAIN: dict[str, Colours] = {
    "surface": ("#ffffff", "#0d1117", "#ffffff", "#ffffff"),
    "card": ("#f6f8fa", "#161b22", "#f5f5f5", "#f1f4f7"),
    "tile": ("#ffffff", "#1a212c", "#ffffff", "#ffffff"),
    "tile-edge": ("#c8d0d9", "#323d4b", "#b0b0b0", "#8b98a8"),
    "ink": ("#1f2933", "#eef2f6", "#000000", "#000000"),
    "muted": ("#5f6b79", "#a3b0bd", "#555555", "#38424d"),
    "rule": ("#e3e8ed", "#262f3b", "#dddddd", "#c8d0d9"),
    "edge": ("#616e7c", "#8b98a8", "#555555", "#38424d"),
    "bar": ("#616e7c", "#9aa7b5", "#555555", "#47525e"),
    "track": ("#e3e8ed", "#2a3441", "#dddddd", "#d5dce3"),
    "accent": ("#c2410c", "#fb923c", "#000000", "#8f2d06"),
    "badge": ("#ffffff", "#1a212c", "#ffffff", "#ffffff"),
    "pill": ("#3b6fb6", "#79adf2", "#404040", "#1c4f94"),
    "on-pill": ("#ffffff", "#0d1117", "#ffffff", "#ffffff"),
    "glyph": ("#e8eef7", "#223040", "#ebebeb", "#d3e0f2"),
    "added": ("#3f8f4f", "#74c98a", "#6b6b6b", "#1e7a33"),
    "removed": ("#b42318", "#f97066", "#000000", "#a8130a"),
    "changed": ("#b7791f", "#e0ac55", "#8a8a8a", "#8a5500"),
}


def mix(hue: str, surface: str, share: float) -> str:
    """`share` of `hue` over `surface`, both `#rrggbb`."""
    parts = zip(rgb(hue), rgb(surface), strict=True)
    return "#" + "".join(
        f"{round(a * share + b * (1 - share)):02x}" for a, b in parts
    )


def rgb(colour: str) -> tuple[int, int, int]:
    """The channels of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


WIDTH_STEPS = 5
"""How many lightnesses tell the widths of convolutions apart in the comparison figure."""


HEAT = (
    "#f7f3c2", "#c8dfa7", "#91cc9b", "#56b699", "#109c9b", "#097d94", "#135f89", "#284270",
    "#2a2850",
)  # fmt: skip
"""The colours of a painted figure from little to much, in OKLab equally far apart in lightness,
which alone tells them apart: in grey, and for whoever sees no red or no green."""
HEAT_STEPS = len(HEAT)


class _Shares(Frozen):
    """How much of its hue is over the tile in a `row`, a `fill`, an outline (`line`), and in the
    lightest and each next one of the widths; and the colours of heat, from near the surface."""

    row: float
    fill: float
    line: float
    width: tuple[float, float]
    heat: tuple[str, ...] = HEAT


def _tokens(side: int, shares: _Shares) -> dict[str, str]:
    """Every token of one theme: plain ones, then for each family its hue, its fill and its
    outline."""
    table = {name: colours[side] for name, colours in _PLAIN.items()}
    tile = table["tile"]
    for family, colours in HUES.items():
        hue = colours[side]
        table[family] = hue
        table[f"{family}-row"] = mix(hue, tile, shares.row)
        table[f"{family}-fill"] = mix(hue, tile, shares.fill)
        table[f"{family}-line"] = mix(hue, tile, shares.line)
    first, step_share = shares.width
    for step in range(WIDTH_STEPS):
        share = first + step_share * step
        table[f"width-{step}"] = mix(HUES["conv"][side], tile, share)
    inks = "#000000", "#ffffff"
    for step, colour in enumerate(shares.heat):
        table[f"heat-{step}"] = colour
        table[f"on-heat-{step}"] = max(
            inks, key=lambda ink: contrast(ink, colour)
        )
    return table


def contrast(first: str, second: str) -> float:
    """The WCAG 2.1 contrast ratio of two colours, 1 to 21."""
    light, dark = sorted(
        (_luminance(first), _luminance(second)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (c / 255 for c in rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def family_of(family: Family) -> str:
    """The token of a family: its own name, or slate for a family without a hue."""
    return family if family in HUES else "shape"


def heat_of(step: int) -> tuple[str, str]:
    """The tokens of a step of heat and of text on it; no colour for a step below 0."""
    return (
        ("", "muted") if step < 0 else (f"heat-{step}", f"on-heat-{step}")
    )


def _grey(colour: str) -> str:
    """The grey of a colour's luminance, and so of its contrasts."""
    linear = _luminance(colour)
    level = (
        linear * 12.92
        if linear <= 0.0031308
        else 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return f"#{round(level * 255):02x}" + f"{round(level * 255):02x}" * 2


_LIGHT = _tokens(0, _Shares(0.18, 0.11, 0.60, (0.14, 0.105)))
PALETTES = MappingProxyType({
    "light": _LIGHT,
    "dark": _tokens(1, _Shares(0.34, 0.20, 0.62, (0.16, 0.09), HEAT[::-1])),
    "auto": _LIGHT,
    "mono": _tokens(2, _Shares(0.24, 0.14, 0.75, (0.08, 0.09), tuple(map(_grey, HEAT)))),
    "slides": _tokens(3, _Shares(0.26, 0.15, 0.85, (0.14, 0.10))),
})  # fmt: skip
"""Every token's colour, by theme."""

"""A theme's name → the colours of a picture: one table of tokens, so that light and dark differ in
nothing else."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from ...ops.base import Family

Theme = Literal["light", "dark", "auto"]
THEMES: tuple[Theme, ...] = ("light", "dark", "auto")

FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif"

HUES: dict[str, tuple[str, str]] = {
    "conv": ("#3b6fb6", "#79adf2"),
    "norm": ("#b7791f", "#e0ac55"),
    "activation": ("#c05673", "#ee8fa9"),
    "merge": ("#3f8f4f", "#74c98a"),
    "pool": ("#2f9e8f", "#5ccab9"),
    "dense": ("#8257c4", "#bd9cf2"),
    "attention": ("#a23b96", "#e191d6"),
    "regularize": ("#616e7c", "#97a3b2"),
    "shape": ("#616e7c", "#97a3b2"),
    "input": ("#616e7c", "#97a3b2"),
    "block": ("#616e7c", "#97a3b2"),
    "broken": ("#b42318", "#f97066"),
}
"""The hue of each family of ops on a light and on a dark surface; `block` is a folded block."""

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

_PLAIN: dict[str, tuple[str, str]] = {
    "surface": ("#ffffff", "#0d1117"),
    "card": ("#f6f8fa", "#161b22"),
    "tile": ("#ffffff", "#1a212c"),
    "tile-edge": ("#c8d0d9", "#323d4b"),
    "ink": ("#1f2933", "#eef2f6"),
    "muted": ("#5f6b79", "#a3b0bd"),
    "rule": ("#e3e8ed", "#262f3b"),
    "edge": ("#616e7c", "#8b98a8"),
    "bar": ("#616e7c", "#9aa7b5"),
    "track": ("#e3e8ed", "#2a3441"),
    "accent": ("#c2410c", "#fb923c"),
    "badge": ("#ffffff", "#1a212c"),
    "pill": ("#3b6fb6", "#79adf2"),
    "on-pill": ("#ffffff", "#0d1117"),
    "glyph": ("#e8eef7", "#223040"),
    "added": ("#3f8f4f", "#74c98a"),
    "removed": ("#b42318", "#f97066"),
    "changed": ("#b7791f", "#e0ac55"),
}


def mix(hue: str, surface: str, share: float) -> str:
    """`share` of `hue` over `surface`, both `#rrggbb`."""
    parts = zip(_channels(hue), _channels(surface), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)


def _channels(colour: str) -> tuple[int, int, int]:
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


def _tokens(side: int) -> dict[str, str]:
    """Every token of one theme: plain ones, then for each family its hue, its fill and its
    outline."""
    table = {name: pair[side] for name, pair in _PLAIN.items()}
    tile = table["tile"]
    for family, pair in HUES.items():
        hue = pair[side]
        table[family] = hue
        table[f"{family}-row"] = mix(hue, tile, (0.18, 0.34)[side])
        table[f"{family}-fill"] = mix(hue, tile, (0.11, 0.20)[side])
        table[f"{family}-line"] = mix(hue, tile, (0.60, 0.62)[side])
    for step in range(WIDTH_STEPS):
        table[f"width-{step}"] = mix(
            HUES["conv"][side], tile, (0.14 + 0.105 * step, 0.16 + 0.09 * step)[side]
        )
    inks = "#000000", "#ffffff"
    for step, colour in enumerate((HEAT, HEAT[::-1])[side]):  # little: near the surface
        table[f"heat-{step}"] = colour
        table[f"on-heat-{step}"] = max(inks, key=lambda ink: contrast(ink, colour))
    return table


def contrast(first: str, second: str) -> float:
    """The WCAG 2.1 contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (c / 255 for c in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def family_of(family: Family) -> str:
    """The token of a family: its own name, or slate for a family without a hue."""
    return family if family in HUES else "shape"


def heat_of(step: int) -> tuple[str, str]:
    """The tokens of a step of heat and of text on it; no colour for a step below 0."""
    return ("", "muted") if step < 0 else (f"heat-{step}", f"on-heat-{step}")


PALETTES = MappingProxyType({"light": _tokens(0), "dark": _tokens(1)})

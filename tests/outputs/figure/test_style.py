"""Both themes can be read: WCAG AA for every text on every surface that it stands on."""

from __future__ import annotations

import pytest

from resgraph.outputs.figure.style import (
    HUES,
    PALETTES,
    WIDTH_STEPS,
    contrast,
    mix,
)

THEMES = ("light", "dark", "mono", "slides")
TEXT = {"light": 4.5, "dark": 4.5, "mono": 4.5, "slides": 7.0}
GRAPHIC = {"light": 3.0, "dark": 3.0, "mono": 3.0, "slides": 4.5}
"""WCAG AA; on slides AAA, as a projector takes much of a contrast away."""


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    c = PALETTES[theme]
    grounds = [
        f"{family}-{kind}" for family in HUES for kind in ("row", "fill")
    ]
    grounds += [f"width-{step}" for step in range(WIDTH_STEPS)] + [
        "surface",
        "card",
        "tile",
        "rule",
    ]
    assert {
        ground: round(contrast(c["ink"], c[ground]), 2)
        for ground in grounds
        if contrast(c["ink"], c[ground]) < TEXT[theme]
    } == {}
    plain = [
        "surface",
        "card",
        "tile",
        *(f"{family}-fill" for family in HUES),
    ]
    assert {
        g: round(contrast(c["muted"], c[g]), 2)
        for g in plain
        if contrast(c["muted"], c[g]) < TEXT[theme]
    } == {}
    for ground in ("surface", "card", "tile", "badge"):
        assert contrast(c["accent"], c[ground]) >= TEXT[theme], ground
    assert contrast(c["on-pill"], c["pill"]) >= TEXT[theme]


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_bars_can_be_seen(theme: str) -> None:
    c = PALETTES[theme]
    for token in [
        *HUES,
        "edge",
        "accent",
        "bar",
        "added",
        "removed",
        "changed",
    ]:
        for ground in ("surface", "card", "tile"):
            assert contrast(c[token], c[ground]) >= GRAPHIC[theme], (
                token,
                ground,
            )


def test_themes_have_the_same_tokens() -> None:
    assert {frozenset(table) for table in PALETTES.values()} == {
        frozenset(PALETTES["light"])
    }


def test_mono_is_greys_that_tell_the_common_families_apart() -> None:
    table = PALETTES["mono"]
    assert all(c[1:3] == c[3:5] == c[5:7] for c in table.values())
    common = ("conv", "norm", "activation", "merge", "pool", "dense")
    assert len({table[f"{family}-row"] for family in common}) == len(common)


@pytest.mark.parametrize("theme", THEMES)
def test_widths_are_told_by_lightness(theme: str) -> None:
    steps = [
        contrast(PALETTES[theme][f"width-{step}"], PALETTES[theme]["tile"])
        for step in range(WIDTH_STEPS)
    ]
    assert steps == sorted(steps)
    assert len(set(steps)) == WIDTH_STEPS


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert mix("#000000", "#ffffff", 0.5) == "#808080"

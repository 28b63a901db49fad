"""Both themes can be read: WCAG AA for every text on every surface that it stands on."""

from __future__ import annotations

import pytest

from resgraph.outputs.figure.style import HUES, PALETTES, WIDTH_STEPS, contrast, mix

THEMES = ("light", "dark")
TEXT = 4.5
GRAPHIC = 3.0


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    c = PALETTES[theme]
    grounds = [f"{family}-{kind}" for family in HUES for kind in ("row", "fill")]
    grounds += [f"width-{step}" for step in range(WIDTH_STEPS)] + [
        "surface",
        "card",
        "tile",
        "rule",
    ]
    assert {
        ground: round(contrast(c["ink"], c[ground]), 2)
        for ground in grounds
        if contrast(c["ink"], c[ground]) < TEXT
    } == {}
    plain = ["surface", "card", "tile", *(f"{family}-fill" for family in HUES)]
    assert {
        g: round(contrast(c["muted"], c[g]), 2)
        for g in plain
        if contrast(c["muted"], c[g]) < TEXT
    } == {}
    for ground in ("surface", "card", "tile", "badge"):
        assert contrast(c["accent"], c[ground]) >= TEXT, ground
    assert contrast(c["on-pill"], c["pill"]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_bars_can_be_seen(theme: str) -> None:
    c = PALETTES[theme]
    for token in [*HUES, "edge", "accent", "bar", "added", "removed", "changed"]:
        for ground in ("surface", "card", "tile"):
            assert contrast(c[token], c[ground]) >= GRAPHIC, (token, ground)


def test_themes_have_the_same_tokens() -> None:
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()


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

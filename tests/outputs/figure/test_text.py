"""Widths grow with text, size and weight; cut text fits; numbers have three digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resgraph.outputs.figure import text
from resgraph.outputs.figure.content import quantity


@given(
    st.text(max_size=40),
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Mn", "Me")),
)
def test_more_text_is_wider(start: str, character: str) -> None:
    assert text.width(start + character, 10) > text.width(start, 10)
    assert text.width(start, 11) >= text.width(start, 10)


@given(
    st.text(
        alphabet=st.characters(min_codepoint=32, max_codepoint=126),
        max_size=60,
    ),
    st.floats(20, 200),
)
def test_cut_text_fits(said: str, room: float) -> None:
    cut = text.fit(said, 10, room)
    # as `fit` says, of sums of fractions
    assert text.width(cut, 10) <= room + 0.01
    assert cut == said or (cut.endswith("…") and said.startswith(cut[:-1]))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"), (999, "999"), (1000, "1.00 k"), (9540, "9.54 k"), (999_499, "999 k"), (999_600, "1.00 M"),
        (118_013_952, "118 M"), (1_903_000_000, "1.90 G"), (25_557_032, "25.6 M"),
        (9_996, "10.0 k"), (3 * 10**12, "3.00 T"),
    ],
)  # fmt: skip
def test_three_digits(number: int, said: str) -> None:
    assert quantity.short(number) == said


@given(st.integers(1000, 10**15))
def test_a_short_number_is_near(number: int) -> None:
    digits, unit = quantity.short(number).split(" ")
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[unit]
    assert float(digits) * scale == pytest.approx(number, rel=0.0051)


def test_shares() -> None:
    assert quantity.percent(0, 10) == "0.0 %"
    assert quantity.percent(2, 10_000) == "0.02 %"
    assert quantity.percent(5, 0) == ""

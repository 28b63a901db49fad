"""Schemes of initialisation as text."""

from __future__ import annotations

import pytest

from resgraph.language.init import Init, Scheme, parse_scheme


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("he", Scheme("he")),
        ("he fan in", Scheme("he", "in")),
        ("he  uniform fan out", Scheme("he", "out", True)),
        ("xavier", Scheme("xavier")),
        ("xavier uniform", Scheme("xavier", uniform=True)),
        ("lecun", Scheme("lecun")),
        ("torch", Scheme("torch")),
        ("normal 0.01", Scheme("normal", std=0.01)),
        ("normal 1e-3", Scheme("normal", std=0.001)),
        ("trunc normal .02", Scheme("trunc normal", std=0.02)),
    ],
)
def test_schemes(text: str, scheme: Scheme) -> None:
    assert parse_scheme(text) == scheme


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hey",
        "he fan",
        "normal",
        "normal -1",
        "normal nan",
        "normal 1e9",
        "lecun fan in",
    ],
)
def test_what_is_no_scheme_is_told_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"`trunc normal 0\.02`"):
        Init(conv=text)


def test_defaults_are_the_papers() -> None:
    assert Init() == Init(conv="he", fc="torch", zero_last=False)

"""Every format comes out of one call, and what cannot be drawn is a mistake with a message.

The formats are those of the registry: a new one is under these laws by its line there."""

from __future__ import annotations

from functools import cache

import pytest
from drawn import plan

from resgraph import UsageError
from resgraph.outputs.figure.formats.graphviz_engine import LAID_OUT
from resgraph.outputs.figure.render import (
    DRAWN,
    FORMATS,
    RenderOptions,
    render,
    render_difference,
)

WHOLE = [kind for kind in FORMATS if kind not in DRAWN]
"""The formats that hold one whole net."""
STARTS = {
    "svg": "<svg ", "pdf": b"%PDF-", "png": b"\x89PNG", "tex": "\\documentclass", "html": "<!doctype html>",
    "dot": "digraph ", "mmd": "---\n",
}  # fmt: skip
NEEDS = {"pdf": "typst", "png": "resvg_py"}
ASKED = {
    "view": "stages",
    "expand": ["conv3.0"],
    "theme": "dark",
    "width": 1000.0,
}


def drawn(kind: str, *names: str, **options: object) -> str | bytes:
    """A picture, whose first bytes are checked where we know them."""
    if kind in NEEDS:
        pytest.importorskip(
            NEEDS[kind], reason="pip install 'resgraph[figures]'"
        )
    out = render(
        [plan(name) for name in names], kind, RenderOptions(**options)
    )  # type: ignore[arg-type]
    assert kind not in STARTS or out.startswith(STARTS[kind])  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize("kind", FORMATS)
def test_nets_are_told_apart(kind: str) -> None:
    one, other = drawn(kind, "residual"), drawn(kind, "plain")
    assert one and other and one != other
    assert drawn(kind, "residual") == one


@cache
def usual(kind: str, view: str | None) -> str | bytes:
    """A picture without other options, for all of them."""
    return drawn(kind, "residual", **({"view": view} if view else {}))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("option", ASKED)
def test_an_option_is_heeded_or_refused(kind: str, option: str) -> None:
    if option in FORMATS[kind].options or kind in DRAWN:
        asked = drawn(kind, "residual", **{option: ASKED[option]})
        assert asked != usual(kind, "ops" if option == "view" else None)
    else:
        with pytest.raises(
            UsageError, match=f"`{kind}` has no use for `--{option}`"
        ):
            drawn(kind, "residual", **{option: ASKED[option]})


@pytest.mark.parametrize("kind", DRAWN)
def test_several_nets(kind: str) -> None:
    assert drawn(kind, "plain", "residual") != drawn(kind, "residual")


@pytest.mark.parametrize("kind", WHOLE)
def test_what_holds_the_whole_net_draws_neither_several_nor_a_part(
    kind: str,
) -> None:
    with pytest.raises(UsageError, match=f"`{kind}` holds one net"):
        drawn(kind, "plain", "residual")
    with pytest.raises(UsageError, match=f"`{kind}` holds the whole net"):
        drawn(kind, "plain", only="conv1")


def test_graphviz_lays_out_what_is_made_of_svg() -> None:
    assert set(LAID_OUT) == {"svg", "pdf", "png"}


def test_mistakes() -> None:
    with pytest.raises(
        UsageError, match="cannot draw `gif`: the formats are svg"
    ):
        drawn("gif", "plain")
    with pytest.raises(UsageError, match="one part of a net"):
        drawn("svg", "plain", "plain", only="conv1")
    with pytest.raises(
        UsageError, match="several nets are drawn side by side in one view"
    ):
        drawn("svg", "plain", "plain", view="ops")
    with pytest.raises(UsageError, match="nothing to compare"):
        render([], "svg")


def test_a_difference() -> None:
    assert render_difference(
        plan("plain"), plan("residual"), "svg"
    ).startswith("<svg ")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a difference is drawn as svg"):
        render_difference(plan("plain"), plan("residual"), "html")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (
            "mmd",
            {"scale": 3},
            "`mmd` has no use for `--scale`: leave it out",
        ),
        ("dot", {"paper": "88mm"}, "`dot` has no use for `--paper`"),
        ("html", {"theme": "mono"}, "opens in light, dark, auto"),
        ("svg", {"paper": "88mm", "scale": 3}, "leave `--scale` out"),
        ("svg", {"paper": "88"}, "`88` is no width on paper"),
        ("tex", {"paper": "9mm"}, "`9mm` is no width on paper"),
        ("svg", {"only": "conv3.0", "view": "blocks"}, "drawn op by op"),
        (
            "svg",
            {"only": "conv3.0", "expand": ["conv3.1"]},
            "drawn op by op",
        ),
    ],
)
def test_what_a_format_would_pass_over_is_said(
    kind: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        drawn(kind, "residual", **options)

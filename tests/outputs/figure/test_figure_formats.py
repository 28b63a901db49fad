"""Every format comes out of one call, and what cannot be drawn is a mistake with a message."""

from __future__ import annotations

import pytest
from drawn import plan

from resgraph import UsageError
from resgraph.outputs.figure.render import FORMATS, Look, render, render_difference

STARTS = {
    "svg": "<svg ", "pdf": b"%PDF-", "png": b"\x89PNG", "tex": "\\documentclass", "html": "<!doctype html>",
    "dot": "digraph ", "mmd": "---\n",
}  # fmt: skip
NEEDS = {"pdf": "typst", "png": "resvg_py"}


def test_the_list_is_whole() -> None:
    assert set(FORMATS) == set(STARTS)


@pytest.mark.parametrize("kind", FORMATS)
def test_one_net(kind: str) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind], reason="pip install 'resgraph[figures]'")
    look = Look() if kind == "html" else Look(view="stages", expand=["conv3.0"])
    out = render([plan("residual")], kind, look)
    assert out.startswith(STARTS[kind])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FORMATS)
def test_several_nets(kind: str) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind], reason="pip install 'resgraph[figures]'")
    nets = [plan("plain"), plan("residual")]
    if kind in ("html", "dot", "mmd"):
        with pytest.raises(UsageError, match=f"`{kind}` holds one net"):
            render(nets, kind)
    else:
        assert render(nets, kind).startswith(STARTS[kind])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["html", "dot", "mmd"])
def test_what_holds_the_whole_net_draws_no_part_of_it(kind: str) -> None:
    with pytest.raises(UsageError, match=f"`{kind}` holds the whole net"):
        render([plan("plain")], kind, Look(only="conv1"))


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="cannot draw `gif`: the formats are svg"):
        render([plan("plain")], "gif")
    with pytest.raises(UsageError, match="one part of a net"):
        render([plan("plain"), plan("plain")], "svg", Look(only="conv1"))
    with pytest.raises(
        UsageError, match="several nets are drawn side by side in one view"
    ):
        render([plan("plain"), plan("plain")], "svg", Look(view="ops"))
    with pytest.raises(UsageError, match="nothing to compare"):
        render([], "svg")


def test_a_difference() -> None:
    assert render_difference(plan("plain"), plan("residual"), "svg").startswith("<svg ")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a difference is drawn as svg"):
        render_difference(plan("plain"), plan("residual"), "html")


@pytest.mark.parametrize(
    ("kind", "look", "said"),
    [
        ("mmd", Look(theme="dark"), "`mmd` has no use for `--theme`: leave it out"),
        ("mmd", Look(width=900), "`mmd` has no use for `--width`"),
        ("dot", Look(width=900), "`dot` has no use for `--width`"),
        ("html", Look(view="ops"), "`html` has no use for `--view`"),
        ("html", Look(expand=["conv3.0"]), "`html` has no use for `--expand`"),
        ("svg", Look(scale=3), "`svg` has no use for `--scale`"),
        ("tex", Look(scale=3), "`tex` has no use for `--scale`"),
        ("svg", Look(only="conv3.0", view="blocks"), "drawn op by op"),
        ("svg", Look(only="conv3.0", expand=["conv3.1"]), "drawn op by op"),
    ],
)
def test_what_a_format_would_pass_over_is_said(
    kind: str, look: Look, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        render([plan("residual")], kind, look)

"""Nets side by side say in what they differ that no strip shows; a whole family stands in one figure."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from resgraph import load, loads
from resgraph.cli import run
from resgraph.outputs.figure.content.differing import differing
from resgraph.outputs.figure.render import render_difference

NET = """
name: net
input: 3x32x32
shortcut: zero-pad
unit: conv bn ACT
blocks:
  b:
    body: [3x3 conv out /stride, 3x3 conv out linearDROP]
    merge: ACT(body + shortcut)
net:
  conv1: 3x3 conv 16
  conv2: 2 x b 16
  head: [global avg pool, fc 10]
"""


def text(act: str = "relu", drop: str = "") -> str:
    return NET.replace("ACT", act).replace("DROP", drop)


def test_activation_merge_and_drop_path_are_told() -> None:
    nets = [
        loads(text()),
        loads(text("silu")),
        loads(text(drop=", drop path 0.2")),
    ]
    assert differing([net.graph for net in nets]) == [
        ["conv-BN-ReLU", "relu(body + shortcut)", "no drop path"],
        ["conv-BN-SiLU", "silu(body + shortcut)", "no drop path"],
        ["conv-BN-ReLU", "relu(body + shortcut)", "drop path 0.2"],
    ]
    assert differing([nets[0].graph, nets[0].graph]) == [[], []]


def test_the_orders_of_a_paper_are_told_apart() -> None:
    """He et al. 2016 (arXiv 1603.05027), Figure 4 (a) to (e)."""
    names = ("original", "bn-after", "relu-before", "relu-only", "full")
    nets = [load(f"activation-orders::{name}").graph for name in names]
    assert [tuple(lines[:2]) for lines in differing(nets)] == [
        ("conv-BN-ReLU", "relu(body + shortcut)"),
        ("conv-BN-ReLU", "body + shortcut, bn, relu"),
        ("conv-BN-ReLU", "body + shortcut"),
        ("ReLU-conv-BN", "body + shortcut"),
        ("BN-ReLU-conv", "body + shortcut"),
    ]


def test_what_is_seen_is_not_said() -> None:
    """A plain net has no sum, and a net without convolutions no unit; a ladder of rates is a range."""
    nets = [load("plain-34").graph, load("resnet-34-a").graph]
    assert differing(nets) == [[], []]
    deep = [
        load("cifar-resnet::resnet-110").graph,
        load("stochastic-depth::resnet-110").graph,
    ]
    # block l of 54 is dropped at 0.5 * l/54
    assert differing(deep) == [
        ["no drop path"],
        ["drop path 0.00926 to 0.5"],
    ]
    three = ["vgg-19", "resnet-18", "mobilenet-v2"]
    told = differing([load(name).graph for name in three])
    assert "no blocks that merge" in told[0]
    assert all(not line.startswith("no ") for line in told[2][:2])


def shown(picture: str | bytes) -> list[str]:
    return [
        each
        for each in ElementTree.fromstring(picture).itertext()
        if each.strip()
    ]


def test_a_difference_shows_what_the_figure_leaves_out_elsewhere() -> None:
    plain, dropped = loads(text()), loads(text(drop=", drop path 0.2"))
    said = shown(render_difference(plain, dropped, "svg"))
    assert "drop path, 0.2" in said
    assert "+ added" in said
    silu = shown(render_difference(plain, loads(text("silu")), "svg"))
    assert "~ changed" in silu


def test_a_family_is_every_variant_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "family.svg"
    assert run(["render", "plain", "--family", "-o", str(out)]) == 0
    assert {"plain-18", "plain-34"} <= set(shown(out.read_text()))
    one = tmp_path / "one.svg"
    assert (
        run(["render", "plain::plain-18", "--family", "-o", str(one)]) == 0
    )
    assert "plain-34" not in shown(one.read_text())
    assert run(["render", "plain", "--family", "--format", "html"]) == 2
    assert "holds one net" in capsys.readouterr().err


def test_what_begins_with_another_path_stands_behind_no_sum() -> None:
    """A path that begins so is no part of the equation, however many blocks it has."""
    spec = """
name: {0} blocks
input: 3x8x8
blocks:
  stage:
    wide:  1x1 conv 8
    deep:  [wide, {0} x basic 8]
    merge: [concat(wide deep), 1x1 conv out]
net: {{one: stage 8}}
"""
    assert differing(
        [loads(spec.format(count)).graph for count in (1, 3)]
    ) == [[], []]

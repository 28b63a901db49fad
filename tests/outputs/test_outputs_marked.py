"""Nets of several outputs in tables, figures, differences and explanations."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import resgraph
from resgraph.cli import run
from resgraph.outputs.figure.content.builder import PartBuilder
from resgraph.outputs.figure.content.parts import Capsule
from resgraph.plan import Plan

TEXT = """
name: pyramid
input: 3x32x32
net:
  c1:   3x3 conv 8 /2
  c2:   basic 16 /2
  p2:   [c2, 1x1 conv 8]
  u1:   upsample to c1
  p1:   [c1 + u1, 3x3 conv 8]
  head: [c2, global avg pool, fc 5]
  aux1: [c1, global avg pool, fc 5]
output: [head, p1, p2]
aux: [aux1]
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(TEXT)
    return resgraph.load("net.yaml")


@pytest.mark.parametrize("view", ["stages", "blocks", "ops"])
def test_the_figure_marks_each_output_beside_its_row(
    net: Plan, view: str
) -> None:
    svg = net.svg(view=view)
    marks = re.findall(r">(output \d|in training)<", svg)
    assert marks == ["output 3", "output 2", "output 1", "in training"]
    assert "head 5, p1 8 × 16 × 16, p2 8 × 8 × 8 out" in svg


def test_nothing_leads_on_from_an_output_that_nothing_reads(
    net: Plan,
) -> None:
    fork = PartBuilder(net.graph, "stages").net()
    assert fork.result == len(fork.units) - 1
    sources = [link.source for link in fork.links]
    names = [getattr(unit, "name", "") for unit in fork.units]
    assert names[-3:] == ["p1", "head", "aux1"]
    assert not {len(names) - 3, len(names) - 2} & {*sources}


def test_a_row_that_is_an_output_has_a_tile_of_its_own() -> None:
    text = "name: n\ninput: 3x8x8\nnet:\n  c: 3x3 conv 4\n  p: 3x3 max pool /2\n  h: [global avg pool, fc 2]\n"
    joined = PartBuilder(resgraph.loads(text).graph, "stages")
    apart = PartBuilder(
        resgraph.loads(text + "output: [h, c]").graph, "stages"
    )
    joined.net(), apart.net()
    assert [[row.name for row in rows] for rows, _ in joined.bands] == [
        ["c", "p"],
        ["h"],
    ]
    assert [[row.name for row in rows] for rows, _ in apart.bands] == [
        ["c"],
        ["p"],
        ["h"],
    ]


@pytest.mark.parametrize("form", ["mmd", "dot"])
def test_diagrams_end_in_a_capsule_for_each(net: Plan, form: str) -> None:
    fork = PartBuilder(net.graph, "stages").net(ends=True)
    capsules = [unit for unit in fork.units if isinstance(unit, Capsule)][
        1:
    ]
    assert [unit.text for unit in capsules] == [
        "head 5",
        "p1 8 × 16 × 16",
        "p2 8 × 8 × 8",
        "aux1 5",
    ]
    assert [unit.caption for unit in capsules] == [
        *["output"] * 3,
        "output in training",
    ]
    ends = {
        fork.units[link.source].name
        for link in fork.links
        if link.target >= len(fork.units) - 4
    }  # type: ignore[union-attr]
    assert ends == {"head", "p1", "p2", "aux1"}
    assert all(unit.text in net.to(form) for unit in capsules)


def test_tables_say_what_comes_out(
    net: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "3 outputs" in net.table() and run(["show", "net.yaml"]) == 0
    assert (
        "gives head, p1, p2; in training aux1 too"
        in capsys.readouterr().out
    )
    facts = json.loads(net.to("json"))
    assert facts["outputs"] == {
        "head": [5],
        "p1": [8, 16, 16],
        "p2": [8, 8, 8],
    }
    assert facts["aux"] == {"aux1": [5]} and facts["output"] == [5]
    assert "outputs" not in json.loads(
        resgraph.load("resnet-18").to("json")
    )


def test_the_depth_is_that_of_the_deepest_output() -> None:
    assert resgraph.load("resnet-50").features("conv2", "conv5").depth == 49


def test_a_difference_of_outputs_alone(
    net: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.yaml").write_text(
        TEXT.replace("[head, p1, p2]", "[head, p2, p1]")
    )
    assert run(["diff", "net.yaml", "other.yaml"]) == 0
    wanted = "output head 5, p1 8 × 16 × 16, p2 8 × 8 × 8, aux1 5 → head 5, p2 8 × 8 × 8"
    assert wanted in capsys.readouterr().out


def test_an_explanation_says_who_reads_an_output(
    net: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", "net.yaml", "p2"]) == 0
    assert (
        "u1, whoever calls the net: it is an output"
        in capsys.readouterr().out
    )

"""A painted figure shows each number once, on a scale that can be read in grey."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from drawn import ALL, plan
from text_laws import clashes

from resgraph import Plan, UsageError, load
from resgraph.outputs.figure.content.builder import PartBuilder
from resgraph.outputs.figure.content.heating import (
    HeatScale,
    Warming,
    scale_of,
    warm,
)
from resgraph.outputs.figure.content.parts import HeatCell, Tile, walk
from resgraph.outputs.figure.render import RenderOptions, render, scene
from resgraph.outputs.figure.style import HEAT_STEPS, PALETTES, contrast
from resgraph.outputs.heat import STATIC, Heat
from resgraph.outputs.heat_csv import read_heat

PAINTED = ("svg", "tex", "dot", "mmd")


def light(colour: str) -> float:
    """The WCAG luminance."""
    return contrast(colour, "#000000") * 0.05 - 0.05


@pytest.mark.parametrize("theme", PALETTES)
def test_the_numbers_can_be_read(theme: str) -> None:
    c = PALETTES[theme]
    for step in range(HEAT_STEPS):
        assert contrast(c[f"heat-{step}"], c[f"on-heat-{step}"]) >= 4.5, (
            step
        )


def seen_by(colour: str, rows: list[list[float]]) -> list[float]:
    """A colour in linear light through a matrix."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in parts
    ]
    return [
        max(0.0, sum(a * b for a, b in zip(row, linear, strict=True)))
        for row in rows
    ]


SIGHT = {
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
    # Machado, Oliveira and Fernandes 2009, severity 1.0
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
}


@pytest.mark.parametrize("sight", SIGHT)
def test_more_is_darker_to_everyone(sight: str) -> None:
    """By the lightness of CIE 1976, at least five of 100 apart."""
    colours = [
        PALETTES["light"][f"heat-{step}"] for step in range(HEAT_STEPS)
    ]
    seen = [seen_by(colour, SIGHT[sight]) for colour in colours]
    luminance = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in seen]
    lightness = [
        116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y
        for y in luminance
    ]
    steps = [a - b for a, b in pairwise(lightness)]
    assert min(steps) >= 5, [round(step, 1) for step in steps]


def test_little_is_near_the_surface() -> None:
    for c in PALETTES.values():
        assert contrast(c["heat-0"], c["surface"]) < contrast(
            c[f"heat-{HEAT_STEPS - 1}"], c["surface"]
        )


@pytest.mark.parametrize("view", ["blocks", "ops"])
@pytest.mark.parametrize("kind", ["params", "macs"])
@pytest.mark.parametrize("name", ALL)
def test_painted_sums_are_the_totals(
    name: str, kind: str, view: str
) -> None:
    """Where nothing is folded, each node is counted in one place."""
    drawn = plan(name)
    heat = STATIC[kind](drawn.graph)
    net = PartBuilder(drawn.graph, view).net()  # type: ignore[arg-type]
    spots = Warming(drawn.graph, heat).of(net)
    total = sum(spot.extent[0] for spot in spots if spot.extent)
    assert total == getattr(drawn, kind)


def cells(drawn: Plan, kind: str) -> dict[str, tuple[HeatCell, ...]]:
    net = PartBuilder(drawn.graph, "stages").net()
    warm([(net, drawn.graph, STATIC[kind](drawn.graph))])
    tiles = [part for part in walk(net) if isinstance(part, Tile)]
    return {row.name: row.heat for tile in tiles for row in tile.rows}


def test_repeats_show_their_range() -> None:
    """conv1: 3x3 at 1 sees 3, its pool 3x3 /2 sees 5 and steps by 2; each 3x3 adds 4, up to block 3."""
    found = cells(plan("residual"), "receptive field")
    assert [cell.text for cell in found["conv1.0"]] == ["3"]
    assert [cell.text for cell in found["conv1.1"]] == ["5"]
    # three equal blocks of two convolutions: the first ends at 9 and 13, the last at 25 and 29
    assert [cell.text for cell in found["conv2.0.body.0"]] == ["9", "25"]
    assert [cell.text for cell in found["conv2.0.body.1"]] == ["13", "29"]
    low, high = found["conv2.0.body.0"]
    assert low.step < high.step


def test_what_adds_up_and_is_nothing_has_no_colour() -> None:
    found = cells(plan("residual"), "params")
    assert found["conv1.1"] == (HeatCell(-1, "0"),)
    # 3·16·9 weights and the norm's 2·16
    assert found["conv1.0"] == (HeatCell(found["conv1.0"][0].step, "464"),)


@pytest.mark.parametrize(
    ("values", "log", "steps"),
    [
        ([1.0, 5.0, 9.0], False, [0, 4, 8]),
        ([1.0, 10.0, 100.0], True, [0, 4, 8]),
        ([-4.0, 0.0, 4.0], False, [0, 4, 8]),
        ([7.0, 7.0], False, [8, 8]),
        ([3.0, math.inf], False, [8, 8]),
    ],
)
def test_scale(values: list[float], log: bool, steps: list[int]) -> None:
    heat = Heat("x", {}, combine="range")
    scale: HeatScale = scale_of(heat, [(value, value) for value in values])
    assert (scale.log, [scale.step(value) for value in values]) == (
        log,
        steps,
    )


def test_numbers_as_they_are_written() -> None:
    said = Heat("x", {}).said
    assert [said(v) for v in (0, 7, 464, 9540, 0.1234, 0.000031, -2.5)] == [
        "0",
        "7",
        "464",
        "9.54 k",
        "0.123",
        "3.1e−5",
        "−2.5",
    ]
    seconds, stored = Heat("t", {}, "s").said, Heat("m", {}, "B").said
    assert [seconds(v) for v in (0, 4.2e-7, 0.0012, 0.0999, 2)] == [
        "0 s",
        "0.42 µs",
        "1.20 ms",
        "99.9 ms",
        "2.00 s",
    ]
    assert [stored(v) for v in (12, 401408)] == ["12 B", "401 kB"]


@pytest.mark.parametrize("kind", PAINTED)
def test_formats(kind: str) -> None:
    net = plan("residual")
    heat = STATIC["params"](net.graph)
    out = str(render([net], kind, RenderOptions(paint=[heat])))
    assert "parameters" in out and "464" in out
    assert out != render([net], kind)
    colour = PALETTES["light"]["heat-0"]
    assert (colour if kind != "tex" else colour[1:].upper()) in out


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("kind", PAINTED)
def test_each_theme_has_its_own_heat(kind: str, theme: str) -> None:
    net = plan("residual")
    look = RenderOptions(theme=theme, paint=[STATIC["macs"](net.graph)])  # type: ignore[arg-type]
    colour = PALETTES[theme][f"heat-{HEAT_STEPS - 1}"]
    assert (colour if kind != "tex" else colour[1:].upper()) in str(
        render([net], kind, look)
    )


def test_the_rows_of_a_tile_have_colours_of_their_own_in_mermaid() -> None:
    """464 numbers learn in the stem's convolution (3·16·9 + 32), and none in its pool."""
    net = plan("residual")
    text = str(
        render(
            [net], "mmd", RenderOptions(paint=[STATIC["params"](net.graph)])
        )
    )
    assert re.search(r'\["3×3 conv 16 · 464"\]:::heat-0', text)
    assert re.search(r'\["3×3 max pool /2 · 0"\]:::pool', text)
    dark = re.findall(rf":::heat-{HEAT_STEPS - 1}$", text, re.MULTILINE)
    # the widest convolution, and the end of the legend
    assert len(dark) >= 2


def test_mermaid_says_which_colour_a_range_has() -> None:
    net = plan("residual")
    ops = {name: float(at) for at, name in enumerate(net.graph.nodes)}
    ranged = Heat("place", ops, combine="last")
    text = str(render([net], "mmd", RenderOptions(paint=[ranged])))
    assert re.search(r"\u00a0to\u00a0\d+\"\]:::heat-", text)
    assert "of a range, the colour of its upper end" in text
    alone = dict.fromkeys(net.graph.nodes, 1.0)
    same = Heat("place", alone, combine="last")
    text = str(render([net], "mmd", RenderOptions(paint=[same])))
    assert "of a range" not in text


def test_a_page_has_no_width_of_its_own() -> None:
    net = plan("residual")
    with pytest.raises(UsageError, match="`html` has no use for `--width`"):
        render([net], "html", RenderOptions(width=900))


def test_several_nets_share_a_scale() -> None:
    nets = [plan("plain"), plan("residual")]
    heats = [STATIC["params"](net.graph) for net in nets]
    out = str(render(nets, "svg", RenderOptions(paint=heats)))
    widest = max(
        node.cost.params
        for net in nets
        for node in net.graph.nodes.values()
    )
    assert widest == 32 * 32 * 9
    assert out.count(">parameters<") == 1
    # 32·32·9 and a norm's 2·32, and once in the legend
    assert out.count("9.28 k") > 2


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def table(net: Plan, **change: str) -> str:
    """A line for each node: its place in the net, but for those of `change`."""
    names = [name for name in net.graph.nodes if name != "input"]
    rows = [
        f"{name},{change.get(name, str(i))}" for i, name in enumerate(names)
    ]
    return "\n".join(["node,score", *rows]) + "\n"


def test_numbers_of_a_file(tmp_path: Path) -> None:
    net = plan("residual")
    path = written(tmp_path, table(net, **{"conv1.0.bn": ""}))
    heat = read_heat(path, "", net.graph)
    assert (heat.name, heat.combine, heat.note) == (
        "score",
        "range",
        "from numbers.csv",
    )
    assert heat.values["conv1.0.conv"] == 0
    assert "conv1.0.bn" not in heat.values
    # a layer's norm has none: it shows those of its convolution and its ReLU
    assert heat.of(["conv1.0.conv", "conv1.0.bn", "conv1.0.relu"]) == (0, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "node,score\nconv1.0.convv,1\nhead.1,2\nconv1.1,3\n",
            "no node `conv1.0.convv`",
        ),
        ("node,score\nconv1.1,1\n", "lacks `conv1.0.conv` and "),
        (
            "node,score\na,1\nb,1\nconv1.1,1\n",
            "of another net: 2 of its 3 nodes",
        ),
        ("node,score\nconv1.1,nan\n", ":2: `nan` has no colour"),
        ("node,score\nconv1.1,-inf\n", ":2: `-inf` has no colour"),
        ("node,score\nconv1.1,much\n", "`much` is no number"),
        (
            "node,score\nconv1.1,1\nconv1.1,2\n",
            ":3 has `conv1.1` a second time",
        ),
        ("node,a,b\nconv1.1,1,2\n", "several columns: name one of a, b"),
        ("node\nconv1.1\n", "has no numbers"),
        ("", "has no numbers"),
        ('node,a\n"conv1.1,1\n', "is no CSV"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("+", r"\+")):
        read_heat(written(tmp_path, text), "", plan("residual").graph)


@pytest.mark.parametrize("view", ["stages", "ops"])
@pytest.mark.parametrize(
    "name",
    [
        "resnet.yaml::resnet-50",
        "res-unet.yaml",
        "densenet.yaml::densenet-121",
    ],
)
def test_no_text_crosses_another(name: str, view: str) -> None:
    net = load(Path(__file__).parents[3] / "specs" / name)
    for kind in ("params", "receptive field", "memory"):
        assert (
            clashes(scene(net, view, paint=[STATIC[kind](net.graph)])) == []
        )  # type: ignore[arg-type]

"""Whatever font a reader of an SVG has, up to DejaVu's widths, no text runs into another or out of its box."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn import ALL, RESIDUAL
from nets import zoo
from text_laws import clashes, struck

from resgraph import load, loads
from resgraph.language.extends import read_file
from resgraph.language.variants import variants_of
from resgraph.outputs.figure import fonts, text
from resgraph.outputs.figure.figures import comparison
from resgraph.outputs.figure.formats.pen import flat
from resgraph.outputs.figure.render import scene
from resgraph.outputs.figure.scene import (
    Line,
    Polygon,
    Rect,
    Scene,
    ShapeGroup,
    Text,
)

SPECS = Path(__file__).parents[3] / "specs"
NETS = [
    "shufflenet-v2.yaml::shufflenet-x1_0", "mobilenet-v2.yaml", "se-resnext-26-d.yaml", "resnet.yaml::resnet-50",
    "res-unet.yaml", "inception-resnet-v2.yaml", "densenet.yaml::densenet-121", "resnet.yaml::resnext-50-32x4d",
    "cifar-highway.yaml::highway-19", "digits.yaml", "convnext.yaml::convnext-tiny", "resnet-t.yaml::resnet-10-t",
]  # fmt: skip
"""Those whose texts crossed in DejaVu, and one of each look."""
LONG = RESIDUAL.replace("Residual", "W" * 80).replace(
    "conv2", "a_name_of_a_row_that_is_very_long_indeed"
)


def dejavu(name: str) -> Path:
    found = next(iter(Path("/usr/share/fonts").rglob(name)), None)
    return found or pytest.skip(f"no {name} on this machine")


@pytest.mark.parametrize(
    ("file", "weight"),
    [("DejaVuSans.ttf", 400), ("DejaVuSans-Bold.ttf", 700)],
)
def test_the_widths_are_those_of_dejavu(file: str, weight: int) -> None:
    theirs = fonts.widths(dejavu(file).read_bytes())
    ours = fonts.advances("Bold" if weight == 700 else "Regular")
    for code in range(32, 127):
        assert text.width(chr(code), 1000, weight) == pytest.approx(
            max(theirs[code], ours[code]), abs=0.5
        )
    for sign in "×−→…÷·–":
        assert text.width(sign, 1000, weight) >= min(theirs[ord(sign)], 838)


@pytest.mark.parametrize(
    "name",
    [
        "googlenet.yaml",
        "inception-v3.yaml",
        "dpn-68.yaml",
        "wavenet.yaml",
        "res2net.yaml::res2net-50",
    ],
)
def test_no_line_runs_through_a_text(name: str) -> None:
    """Equations where columns enter a join from both sides, and shapes beside lines that others
    cross."""
    assert struck(scene(zoo(name), "ops")) == []  # type: ignore[arg-type]


_DEEPEST = 1200
"""Nodes of a net from which on its rows are like those of a smaller one of its family."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_net_of_the_zoo_in_every_view(path: Path) -> None:
    for variant in variants_of(read_file(path)[0]) or [""]:
        net = zoo(f"{path.name}::{variant}".removesuffix("::"))
        deep = len(net.graph.nodes) > _DEEPEST
        for view in ["stages"] if deep else ["stages", "blocks", "ops"]:
            drawn = scene(net, view)  # type: ignore[arg-type]
            assert (variant, view, clashes(drawn)) == (variant, view, [])
            # where HRNet's streams part, a shape stands beside the exit of another stream
            if path.stem != "hrnet":
                assert (variant, view, struck(drawn)) == (variant, view, [])


@pytest.mark.parametrize("view", ["stages", "blocks", "ops"])
@pytest.mark.parametrize("name", NETS)
def test_nets(name: str, view: str) -> None:
    assert clashes(scene(zoo(name), view)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("view", ["stages", "blocks", "ops"])
@pytest.mark.parametrize("spec", [*ALL.values(), LONG], ids=[*ALL, "long"])
def test_small_nets(spec: str, view: str) -> None:
    assert clashes(scene(loads(spec), view)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("only", ["conv3.0", "conv3.0.body", "conv3"])
def test_parts(only: str) -> None:
    assert (
        clashes(scene(load(SPECS / "se-resnext-26-d.yaml"), only=only))
        == []
    )


@pytest.mark.parametrize(
    "pair",
    [("resnet.yaml::resnet-50", "resnet.yaml::resnext-50-32x4d"), NETS[:2]],
)
def test_side_by_side(pair: tuple[str, str]) -> None:
    one, other = (load(SPECS / name) for name in pair)
    assert clashes(comparison.draw([one, other], None)) == []
    assert clashes(comparison.differences(one, other)) == []


def test_the_pill_of_a_repeat_stands_clear_of_the_signs_of_a_difference() -> (
    None
):
    scene = comparison.differences(
        *(
            load(SPECS / f"resnet.yaml::{n}")
            for n in ("resnet-50", "resnext-50-32x4d")
        )
    )
    pills = [
        item
        for item in scene.items
        if isinstance(item, Rect) and item.fill == "pill"
    ]
    groups = [item for item in scene.items if isinstance(item, ShapeGroup)]
    signs = [
        s
        for g in groups
        for s in g.shapes
        if isinstance(s, Text) and s.text == "~"
    ]
    assert len(pills) == 8 and len(signs) > 20
    for pill in pills:
        beside = [
            s
            for s in signs
            if pill.y - 30 < s.y < pill.y + 46 and abs(s.x - pill.x) < 90
        ]
        assert beside
        assert all(
            pill.x + pill.width < s.x - text.width("~", s.size, s.weight)
            for s in beside
        )


STREAMS = """
name: streams
input: 3x32x32
net:
  stage: {a: 3x3 conv 16, b: 3x3 conv 32 /2, gives: [a, b]}
  h1: [stage.a, basic 16]
  h2: {y: [stage.b, bottleneck 64], next: [x, 3x3 conv 64 /2 bias 0], merge: y + next}
"""


@pytest.mark.parametrize(
    ("only", "said"),
    [
        (
            "h2",
            ["x: 16 × 32 × 32", "stage.b: 32 × 16 × 16", "64 × 16 × 16"],
        ),
        (
            "stage",
            [
                "3 × 32 × 32",
                "stage.a: 16 × 32 × 32",
                "stage.b: 32 × 16 × 16",
            ],
        ),
    ],
)
def test_each_stream_of_an_excerpt_has_its_capsule_and_its_wire(
    only: str, said: list[str]
) -> None:
    drawn = scene(loads(STREAMS), only=only)
    capsules = [
        box
        for item in drawn.items
        if isinstance(item, ShapeGroup) and "put" in item.name
        for box in item.shapes
        if isinstance(box, Rect)
    ]
    texts = [
        s
        for item in drawn.items
        if isinstance(item, ShapeGroup)
        for s in item.shapes
    ]
    assert [
        s.text for s in texts if isinstance(s, Text) and s.text in said
    ] == said
    ends = [
        end
        for item in drawn.items
        for line in (
            item.shapes if isinstance(item, ShapeGroup) else [item]
        )
        if isinstance(line, Line)
        for end in (line.points[0], line.points[-1])
    ]
    assert len(capsules) == len(said)
    for box in capsules:
        middle, sides = box.x + box.width / 2, (box.y, box.y + box.height)
        assert any(abs(x - middle) < 0.01 and y in sides for x, y in ends)


def test_the_laws_can_be_broken() -> None:
    scene = Scene(100, 40, "", "")
    group = ShapeGroup("a", "conv", "")
    group.shapes += [
        Rect(10, 10, 30, 15),
        Text(12, 20, "too long for it", 10),
    ]
    scene.add(
        group, Text(60, 20, "beside", 10), Text(90, 35, "over the edge", 10)
    )
    found = clashes(scene)
    assert ("too long for it", "its box") in found
    assert ("too long for it", "beside") in found
    assert ("over the edge", "the edge") in found


def test_the_name_of_a_row_is_smaller_before_it_is_cut() -> None:
    drawn = scene(
        loads(RESIDUAL.replace("conv2", "incre_module1")), "stages"
    )
    said = {
        each.text: each.size
        for each in flat(drawn.items)
        if isinstance(each, Text)
    }
    assert said["incre_module1"] < said["conv3"] == 11


@pytest.mark.parametrize(
    "net",
    [
        "input: 3x16x16\nnet: {a: 3x3 conv 64, b: [upsample 8, 3x3 conv 256]}",
        "input: 3x16x16\nnet: {a: [2x2 conv 512 /2, positions], b: [a, 1 conv 2]}",
        "input: {v: 16, i: 3x8x8}\nnet: {a: [i, upsample 16], b: [v, fc 9], c: [a, 3x3 conv 900]}\noutput: [b, c]",
    ],
    ids=["super-resolution", "a sequence of cells", "a record first"],
)  # fmt: skip
def test_what_is_larger_than_the_input_keeps_to_its_place(net: str) -> None:
    """No box of a map reaches into the numbers beside it."""
    drawn = [*flat(scene(loads(f"name: t\n{net}\n"), "stages").items)]
    channels = [
        each.x
        for each in drawn
        if isinstance(each, Text) and each.size == 12 and each.x < 120
    ]
    boxes = [
        *(max(x for x, _ in each.points) for each in drawn if isinstance(each, Polygon) and each.fill == "glyph"),
        *(each.x + each.width for each in drawn if isinstance(each, Rect) and each.fill == "glyph"),
    ]  # fmt: skip
    assert channels and boxes and max(boxes) < min(channels)

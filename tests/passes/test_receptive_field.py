"""Receptive fields agree with the arithmetic of the literature, and with what a changed pixel changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from resgraph import load, loads
from resgraph.passes.receptive_field import receptive_fields

SPECS = Path(__file__).parents[2] / "specs"


def seen(reference: str, node: str) -> str:
    net = load(f"{SPECS}/{reference}")
    return receptive_fields(net.graph)[node].text()


def test_published_sizes() -> None:
    """Araujo, Norris and Sim 2019, table: ResNet-v1 50, 101 and 152 see 483, 1027 and 1507 pixels, VGG-16 212."""
    net = load(f"{SPECS}/vgg.yaml::vgg-16")
    last = [
        name
        for name, node in net.graph.nodes.items()
        if node.op.family == "pool" and node.shape[1:] == (7, 7)
    ]
    assert receptive_fields(net.graph)[last[0]].text() == "212 px"
    sizes = {"resnet-50": 427, "resnet-101": 971, "resnet-152": 1451}
    for variant, size in sizes.items():
        net = load(f"{SPECS}/resnet.yaml::{variant}")
        rows = {row.name: row.output for row in net.graph.rows}
        assert (
            receptive_fields(net.graph)[rows["conv5"]].text()
            == f"{size} px"
        )
    sizes = {"resnet-50": 483, "resnet-101": 1027, "resnet-152": 1507}
    for variant, size in sizes.items():
        net = load(f"{SPECS}/resnet-v1.yaml::{variant}")
        rows = {row.name: row.output for row in net.graph.rows}
        assert (
            receptive_fields(net.graph)[rows["conv5"]].text()
            == f"{size} px"
        )


def field_of(rows: str, image: str = "3x64x64") -> str:
    net = loads(f"name: t\ninput: {image}\nnet:\n{rows}\n")
    return receptive_fields(net.graph)[net.graph.output].text()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("  a: 3x3 conv 4", "3 px"),
        ("  a: [3x3 conv 4, 3x3 conv 4]", "5 px"),
        ("  a: [3x3 conv 4 /2, 3x3 conv 4]", "7 px"),
        ("  a: 3x3 conv 4 dilation 4", "9 px"),
        ("  a: 3x5 conv 4", "3 × 5 px"),
        ("  a: [2x2 max pool /2, upsample 2, 3x3 conv 4]", "4 px"),
        ("  a: [2x2 max pool /2, 2x2 up conv 4 /2]", "2 px"),
        ("  a: [3x3 conv 4, global avg pool]", "whole image"),
        ("  a: [3x3 conv 4, flatten, fc 3]", "whole image"),
        ("  a: [bn, relu]", "1 px"),
    ],
)
def test_one_rule_at_a_time(rows: str, said: str) -> None:
    assert field_of(rows) == said


def test_what_reads_a_record_alone_sees_no_image() -> None:
    text = "name: t\ninput: {image: 3x8x8, record: 5}\nnet:\n  a: [3x3 conv 8, global avg pool]\n"
    net = loads(text + "  b: [record, fc 8]\n  c: [a + b, fc 2]\n")
    fields = receptive_fields(net.graph)
    said = [fields[row.output].text() for row in net.graph.rows]
    assert said[:2] == ["whole image", "whole input"]


def test_a_gate_leaves_the_window_what_it_is() -> None:
    text = "name: t\ninput: 3x64x64\nblocks:\n  se:\n    s: [global avg pool, fc in sigmoid]\n    merge: x * s\n"
    net = loads(text + "net:\n  a: [3x3 conv 8, se]\n")
    fields = receptive_fields(net.graph)
    assert fields[net.graph.output].text() == "3 px"
    assert fields["a.1.s.0"].whole


def test_the_widest_path_counts() -> None:
    text = "name: t\ninput: 3x64x64\nblocks:\n  b:\n    p: [3x3 conv 8, 3x3 conv 8]\n    q: 7x7 conv 8\n    merge: p + q\n"
    net = loads(text + "net:\n  a: b\n")
    assert receptive_fields(net.graph)[net.graph.output].text() == "7 px"


@pytest.mark.parametrize(
    "row",
    [
        "[3x3 conv 2, 5x5 conv 2 /2, 3x3 conv 2]",
        "[3x3 conv 2 dilation 3, 2x2 max pool /2, 3x3 conv 2]",
        "[7x7 conv 2 /2, 3x3 max pool /2, 3x3 conv 2 /2, 3x3 conv 2]",
        "[2x2 avg pool /2, 4x4 up conv 2 /2, 3x3 conv 2]",
        "[3x1 conv 2, 1x5 conv 2]",
    ],
)
def test_it_is_what_a_place_reads(row: str) -> None:
    """The pixels with a gradient from one place in the middle span what the pass says, at every size of step."""
    torch = pytest.importorskip("torch")
    net = loads(f"name: t\ninput: 1x96x96\nunit: conv\nnet:\n  a: {row}\n")
    module = net.module().double()
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    image = torch.rand(1, 1, 96, 96, dtype=torch.float64)
    spans = []
    # a transposed convolution's places differ: the widest counts
    for shift in (
        0,
        1,
    ):
        image.requires_grad_().grad = None
        out = module(image)
        out[
            0, 0, out.shape[2] // 2 + shift, out.shape[3] // 2 + shift
        ].backward()
        rows, columns = torch.nonzero(image.grad[0, 0], as_tuple=True)
        spans.append(
            (
                int(rows.max() - rows.min()) + 1,
                int(columns.max() - columns.min()) + 1,
            )
        )
    size = receptive_fields(net.graph)[net.graph.output].size
    assert size is not None
    widest = tuple(max(span[axis] for span in spans) for axis in (0, 1))
    seen = tuple(-(-side.numerator // side.denominator) for side in size)
    # a maximum has a gradient at one place of its window
    if "max pool" in row:
        assert all(
            found <= told for found, told in zip(widest, seen, strict=True)
        )
    else:
        assert widest == seen

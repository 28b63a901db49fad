"""Several values side by side, that exchange what they know: rows and blocks of several streams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from small import Basic, conv_bn, stem, tail
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module, load, loads
from resgraph.importing import from_model
from resgraph.importing.matching import matched_nets
from resgraph.importing.variants.family import Member, family

IMAGE = (3, 32, 32)
SPECS = Path(__file__).parents[2] / "specs"


class Module(nn.Module):
    """Wang et al. 2019 (arXiv 1908.07919), Figure 3: each map is summed with all others, brought to
    its size."""

    def __init__(self, widths: Sequence[int], blocks: int = 1) -> None:
        super().__init__()
        self.own = nn.ModuleList(
            nn.Sequential(*(Basic(width, width) for _ in range(blocks)))
            for width in widths
        )
        self.ways = nn.ModuleList(
            nn.ModuleList(
                self.way(widths, a, b) for a in range(len(widths))
            )
            for b in range(len(widths))
        )

    @staticmethod
    def way(widths: Sequence[int], start: int, end: int) -> nn.Module:
        if start > end:
            up = nn.Upsample(scale_factor=2 ** (start - end))
            return nn.Sequential(conv_bn(widths[start], widths[end], 1), up)
        steps = [*([widths[start]] * (end - start)), widths[end]]
        down = [conv_bn(a, b, stride=2) for a, b in pairwise(steps)]
        acts = [nn.ReLU() for _ in down[1:]]
        mixed = [
            layer
            for pair in zip(down, acts, strict=False)
            for layer in pair
        ]
        return nn.Sequential(*mixed, *down[len(acts) :])

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [own(x) for own, x in zip(self.own, maps, strict=True)]
        return [
            F.relu(sum(way(x) for way, x in zip(ways, maps, strict=True)))
            for ways in self.ways
        ]


class Resolutions(nn.Module):
    """A small net of such modules, with so many streams in each of its stages."""

    def __init__(self, stages: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.stem = stem(8)
        self.first = nn.Sequential(conv_bn(8, 8), nn.ReLU())
        most = max(count for count, _ in stages)
        widths = [8 * 2**n for n in range(most)]
        self.more = nn.ModuleList(
            nn.Sequential(conv_bn(a, b, stride=2), nn.ReLU())
            for a, b in pairwise(widths)
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(Module(widths[:count]) for _ in range(times))
            for count, times in stages
        )
        self.last = nn.ModuleList(
            conv_bn(a, b, stride=2) for a, b in pairwise(widths)
        )
        self.head = tail(widths[-1])

    def streams(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = [self.first(x)]
        for stage in self.stages:
            while len(maps) < len(stage[0].own):
                maps.append(
                    self.more[len(maps) - 1](
                        maps[-1] if len(maps) > 1 else x
                    )
                )
            for module in stage:
                maps = module(maps)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        y, *others = self.streams(x)
        for layer, other in zip(self.last, others, strict=True):
            y = F.relu(other + layer(y))
        return self.head(y)


class Backbone(Resolutions):
    """It gives its streams."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.streams(x)


class Taps(Resolutions):
    """It gives what it reads smaller, and a stream of its first stage beside those of its last."""

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = [self.first(x), self.more[0](x)]
        (one,), (other,) = self.stages
        maps = one(maps)
        return [F.max_pool2d(x, 2), maps[0], *other(maps)]


class Levels(Resolutions):
    """It gives its stem's map and one of each stream, as backbones do."""

    def __init__(self, stages: Sequence[tuple[int, int]]) -> None:
        super().__init__(stages)
        self.stem = nn.Sequential(stem(8), Basic(8, 8))

    def forward(self, x: Tensor) -> list[Tensor]:
        own, block = self.stem
        y = own(x)
        z = block(y)
        a, b = self.stages[0][0]([self.first(z), self.more[0](z)])
        return [y, self.last[0](a), b]


class Beside(nn.Module):
    """Two paths that exchange nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = stem(8)
        self.one = nn.Sequential(*(Basic(8, 8) for _ in range(3)))
        self.other = nn.Sequential(*(Basic(8, 8) for _ in range(3)))
        self.head = tail(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(self.one(x) + self.other(x))


class Flat(nn.Module):
    """Two streams of single layers, whose modules say nothing of them."""

    def __init__(self, times: int) -> None:
        super().__init__()
        own = ((8, 8, 3, 1), (16, 16, 3, 1), (16, 8, 1, 1), (8, 16, 3, 2))
        sizes = ((3, 8, 3, 1), (3, 16, 3, 2), *(own * times), (8, 16, 3, 2))
        self.layers = nn.ModuleList(
            conv_bn(a, b, k, stride=s) for a, b, k, s in sizes
        )
        self.head = tail(16)

    def forward(self, x: Tensor) -> Tensor:
        first, second, *layers, last = self.layers
        a, b = F.relu(first(x)), F.relu(second(x))
        while layers:
            one, two, up, down, *layers = layers
            p, q = F.relu(one(a)), F.relu(two(b))
            a = F.relu(p + F.interpolate(up(q), scale_factor=2))
            b = F.relu(down(p) + q)
        return self.head(F.relu(b + last(a)))


class Octave(nn.Module):
    """Chen et al. 2019 (arXiv 1904.05049), Figure 2 (d)."""

    def __init__(self, a: tuple[int, int], b: tuple[int, int]) -> None:
        super().__init__()
        self.ways = nn.ModuleList(
            nn.Conv2d(x, y, 3, padding=1, bias=False) for x in a for y in b
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in b)

    def forward(self, high: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
        same, down, up, still = self.ways
        y = same(high) + F.interpolate(up(low), scale_factor=2)
        z = still(low) + down(F.avg_pool2d(high, 2))
        return F.relu(self.norms[0](y)), F.relu(self.norms[1](z))


class Octaves(nn.Module):
    """A residual net of such layers."""

    def __init__(self) -> None:
        super().__init__()
        self.high, self.low = (
            stem(8),
            nn.Sequential(conv_bn(3, 4, stride=2), nn.ReLU()),
        )
        self.layers = nn.ModuleList(
            Octave((8, 4), (8, 4)) for _ in range(6)
        )
        self.head = tail(12)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.high(x), self.low(x)
        for one, two in zip(
            self.layers[::2], self.layers[1::2], strict=True
        ):
            y, z = two(*one(a, b))
            a, b = F.relu(a + y), F.relu(b + z)
        return self.head(
            torch.cat((a, F.interpolate(b, scale_factor=2)), 1)
        )


def imported(model: nn.Module) -> str:
    found = from_module(model, IMAGE, name="net")
    assert (
        found.proof.gradients is not None and found.proof.gradients <= 1e-9
    )
    return found.text.partition("\n\nexpect")[0]


TWO = """\
name: net
input: 3x32x32

blocks:
  exchange: {reads: [a, b], a1: [a, basic], b1: [b, basic], gives: [y1, y2],
    y1: {b: [b1, 1x1 conv in.0 linear, upsample 2], merge: relu(a1 + b)},
    y2: {a: [a1, 3x3 conv in.1 /2 linear], merge: relu(a + b1)}}

net:
  stem:   3x3 conv 8
  stage1: [{a: 3x3 conv 8, b: 3x3 conv 16 /2, gives: [a, b]}, 3 x exchange]
  last:   [stage1.y1, 3x3 conv 16 /2 linear]
  head:   [relu(stage1.y2 + last), global avg pool, fc 10]"""

WIDE = re.compile(r"(?<=conv )\d+")

BLOCKS = """\
  up: {let: {factor: 2}, body: [1x1 conv out linear, upsample factor]}
  exchange2: {reads: [a, b], a1: [a, basic], b1: [b, basic], gives: [y1, y2],
    y1: {b: [b1, up in.0], merge: relu(a1 + b)},
    y2: {a: [a1, 3x3 conv in.1 /2 linear], merge: relu(a + b1)}}
  exchange3: {reads: [a, b, c], a1: [a, basic], b1: [b, basic], c1: [c, basic], gives: [y1, y2, y3],
    y1: {b: [b1, up in.0], c: [c1, up in.0 factor 4], merge: relu(a1 + b + c)},
    y2: {a: [a1, 3x3 conv in.1 /2 linear], c: [c1, up in.1], merge: relu(a + b1 + c)},
    y3: {a: [a1, 3x3 conv in.0 /2, 3x3 conv in.2 /2 linear], b: [b1, 3x3 conv in.2 /2 linear],
      merge: relu(a + b + c1)}}"""

ROWS = """\
  stem:   3x3 conv 8
  stage1: [{a: 3x3 conv 8, b: 3x3 conv 16 /2, gives: [a, b]}, exchange2]
  stage2: [{reads: [a, b], c: [b, 3x3 conv 32 /2], gives: [a, b, c]}, 2 x exchange3]"""

THREE = f"""\
name: net
input: 3x32x32

blocks:
{BLOCKS}

net:
{ROWS}
  last1:  [stage2.y1, 3x3 conv 16 /2 linear]
  last2:  [relu(stage2.y2 + last1), 3x3 conv 32 /2 linear]
  head:   [relu(stage2.y3 + last2), global avg pool, fc 10]"""

FLAT = """\
name: net
input: 3x32x32

blocks:
  exchange: {reads: [a, b], a1: [a, 3x3 conv in.0], b1: [b, 3x3 conv in.1], gives: [y1, y2],
    y1: {b: [b1, 1x1 conv in.0 linear, upsample 2], merge: relu(a1 + b)},
    y2: {a: [a1, 3x3 conv in.1 /2 linear], merge: relu(a + b1)}}

net:
  streams: [{a: 3x3 conv 8, b: 3x3 conv 16 /2, gives: [a, b]}, 3 x exchange]
  layer15: [streams.y1, 3x3 conv 16 /2 linear]
  head:    [relu(streams.y2 + layer15), global avg pool, fc 10]"""

OCTAVES = """\
name: net
input: 3x32x32

blocks:
  exchange: {reads: [a, b], gives: [y1, y2],
    a1: {a1: [a, 3x3 conv in.0 bare], b1: [b, 3x3 conv in.0 bare, upsample 2],
      merge: [a1 + b1, bn, relu]},
    b1: {b1: [b, 3x3 conv in.1 bare], a1: [a, avg pool /2, 3x3 conv in.1 bare],
      merge: [b1 + a1, bn, relu]},
    a2: {a: [a1, 3x3 conv in.0 bare], b: [b1, 3x3 conv in.0 bare, upsample 2],
      merge: [a + b, bn, relu]},
    b2: {b: [b1, 3x3 conv in.1 bare], a: [a1, avg pool /2, 3x3 conv in.1 bare],
      merge: [b + a, bn, relu]}, y1: relu(a + a2), y2: relu(b + b2)}

net:
  streams: [{a: 3x3 conv 8, b: 3x3 conv 4 /2, gives: [a, b]}, 3 x exchange]
  up:      [streams.y2, upsample 2]
  head:    [concat(streams.y1 up), global avg pool, fc 10]"""


@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param(Resolutions([(2, 3)]), TWO, id="two"),
        pytest.param(Resolutions([(2, 1), (3, 2)]), THREE, id="three"),
        pytest.param(Flat(3), FLAT, id="names that say nothing"),
        pytest.param(Octaves(), OCTAVES, id="several layers between cuts"),
    ],
)
def test_streams_are_rows(model: nn.Module, text: str) -> None:
    assert imported(model) == text


def test_streams_that_come_out() -> None:
    """All that the last row gives need not be named."""
    text = imported(Backbone([(2, 1), (3, 2)]))
    assert (
        text
        == f"name: net\ninput: 3x32x32\n\nblocks:\n{BLOCKS}\n\nnet:\n{ROWS}"
    )


def test_a_stream_that_comes_out_ends_its_row() -> None:
    text = imported(Taps([(2, 1), (2, 1)]))
    assert text.endswith(
        "  stage1: [{a: 3x3 conv 8, b: 3x3 conv 16 /2, gives: [a, b]}, exchange]\n"
        "  stage2: exchange\n"
        "  pool:   [stem, max pool /2]\n\n"
        "output: [pool, stage1.y1, stage2]"
    )


def test_a_backbone_gives_a_map_of_each_stream() -> None:
    text = imported(Levels([(2, 1)]))
    assert text.endswith(
        "  stage1: [{a: 3x3 conv 8, b: 3x3 conv 16 /2, gives: [a, b]}, exchange]\n"
        "  last:   [stage1.y1, 3x3 conv 16 /2 linear]\n\n"
        "output: [stem1, last, stage1.y2]"
    )


def test_paths_that_exchange_nothing_are_a_block() -> None:
    text = imported(Beside())
    assert "reads" not in text and "merge: one + other" in text


def test_a_file_of_streams(tmp_path: Path) -> None:
    model = Resolutions([(2, 3)])
    program = torch.export.export(model.eval(), (torch.zeros(1, *IMAGE),))
    torch.export.save(program, tmp_path / "net.pt2")
    text = from_model(str(tmp_path / "net.pt2")).text
    assert text.split("\n\n")[1:3] == TWO.split("\n\n")[1:3]


def test_a_spec_of_streams_comes_back() -> None:
    own = loads(f"{THREE}\n")
    found = from_module(own.module(), IMAGE, name="net")
    graph = found.plan.graph
    ends = [output.node for output in graph.outputs]
    assert (
        matched_nets(own.graph, graph.nodes, graph.inputs, ends) is not None
    )
    assert "2 x exchange3" in found.text


def test_nets_of_several_widths_are_a_family() -> None:
    wide = WIDE.sub(lambda width: str(2 * int(width[0])), TWO)
    texts = {"narrow": TWO, "wide": wide}
    plans = {name: loads(f"{text}\n") for name, text in texts.items()}
    members = [
        Member(
            name,
            name,
            f"{text}\n\nexpect: {{params: {plans[name].params}}}",
            plans[name],
        )
        for name, text in texts.items()
    ]
    text = family(members)
    assert "let: {wider: 1}" in text and "  wide:   {wider: 2}" in text
    assert (
        "[{a: 3x3 conv 8*wider, b: 3x3 conv 16*wider /2, gives: [a, b]}, 3 x exchange]"
        in text
    )
    assert text.count("\n    y") == 2


@pytest.mark.slow
def test_hrnet_comes_back_with_a_row_a_stage() -> None:
    spec = load(SPECS / "hrnet.yaml")
    text = from_module(spec.module(), spec.input, name="HRNet").text
    assert len(text.splitlines()) <= 40
    assert (
        "{reads: [a, b, c], d: [c, 3x3 conv 144 /2], gives: [a, b, c, d]}, 3 x exchange4]"
        in text
    )

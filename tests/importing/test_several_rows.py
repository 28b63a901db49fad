"""Models that are no one path: several outputs that rest on one another's rows, several inputs, and
rows that run again with their weights."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from small import Basic, conv_bn, lines, proven
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module, loads
from resgraph.cli import run
from resgraph.importing import ImportRefused, from_model

IMAGE = (3, 32, 32)


class Trunk(nn.Module):
    """Three stages, each of which gives its map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.layer1 = nn.Sequential(Basic(8, 8), Basic(8, 8))
        self.layer2 = nn.Sequential(Basic(8, 16, 2), Basic(16, 16))
        self.layer3 = nn.Sequential(Basic(16, 32, 2), Basic(32, 32))

    def forward(self, x: Tensor) -> list[Tensor]:
        one = self.layer1(F.relu(self.stem(x)))
        two = self.layer2(one)
        return [one, two, self.layer3(two)]


class Pyramid(nn.Module):
    """Lin et al. 2016 (arXiv 1612.03144), Figure 3."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.lateral = nn.ModuleList(
            nn.Conv2d(w, 8, 1) for w in (8, 16, 32)
        )
        self.smooth = nn.ModuleList(
            nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [
            layer(y)
            for layer, y in zip(self.lateral, self.trunk(x), strict=True)
        ]
        for place in (1, 0):
            maps[place] = maps[place] + F.interpolate(
                maps[place + 1], scale_factor=2
            )
        return [
            layer(y) for layer, y in zip(self.smooth, maps, strict=True)
        ]


class UNet(nn.Module):
    """Ronneberger et al. 2015 (arXiv 1505.04597), Figure 1, with two levels or more."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        widths = [8 * 2**n for n in range(depth + 1)]
        pairs = [*pairwise(widths)]
        self.first = self.double(3, 8)
        self.down = nn.ModuleList(self.double(a, b) for a, b in pairs)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairs
        )
        self.back = nn.ModuleList(self.double(b, a) for a, b in pairs)
        self.last = nn.Conv2d(8, 2, 1)

    @staticmethod
    def double(width_in: int, width: int) -> nn.Sequential:
        one, two = conv_bn(width_in, width), conv_bn(width, width)
        return nn.Sequential(one, nn.ReLU(), two, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        maps = [self.first(x)]
        for down in self.down:
            maps.append(down(F.max_pool2d(maps[-1], 2)))
        x = maps.pop()
        for up, back in zip(self.up[::-1], self.back[::-1], strict=True):
            x = back(torch.cat((maps.pop(), up(x)), 1))
        return self.last(x)


class Heads(nn.Module):
    """Lin et al. 2017 (RetinaNet, arXiv 1708.02002): a head over all maps."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = Pyramid()
        self.classes = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 4, 3, padding=1),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.classes(y) for y in self.maps(x)]


class Recurrent(nn.Module):
    """A stage's blocks of one width share their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block = conv_bn(3, 8), Basic(8, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for _ in range(4):
            x = self.block(x)
        return self.head(x.mean((2, 3)))


class Siamese(nn.Module):
    """One encoder of two images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *conv_bn(3, 8), nn.ReLU(), Basic(8, 16, 2)
        )
        self.last = nn.Linear(16, 4)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        a, b = self.encoder(one), self.encoder(other)
        return self.last((a * b).mean((2, 3)))


class Record(nn.Module):
    """A vector beside an image."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *conv_bn(3, 8), nn.ReLU(), Basic(8, 16, 2)
        )
        self.head = nn.Linear(16 + 5, 4)

    def forward(self, image: Tensor, record: Tensor) -> Tensor:
        return self.head(
            torch.cat((self.trunk(image).mean((2, 3)), record), 1)
        )


def test_a_pyramid() -> None:
    model = Pyramid()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows["layer2"] == "2 x basic 16 /2"
    assert rows["lateral2"] == "[layer2, 1x1 conv 8 bare bias default]"
    assert rows["sum"] == "lateral2 + up1"
    assert rows["smooth1"].startswith("[lateral1 + up2, 3x3 conv 8 ")
    assert rows["smooth3"].startswith("[lateral3, 3x3 conv 8 ")


def test_its_maps_come_out_in_the_order_of_the_model() -> None:
    assert (
        "output: [smooth1, smooth2, smooth3]"
        in from_module(Pyramid(), IMAGE).text
    )


class Supervised(nn.Module):
    """What is predicted on the way is returned, and heard (Newell et al. 2016, section 3.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.body = nn.Sequential(*(conv_bn(8, 8) for _ in range(4)))
        self.out1, self.out2 = nn.Conv2d(8, 5, 1), nn.Conv2d(8, 5, 1)
        self.heard, self.passed = nn.Conv2d(5, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu(self.stem(x))
        x = x + self.body(x)
        first = self.out1(x)
        x = x + self.heard(first) + self.passed(x)
        return [first, self.out2(x)]


def test_a_sum_stands_behind_all_its_terms() -> None:
    found = from_module(Supervised(), IMAGE)
    assert found.proof.output == 0
    assert (
        found.text.partition("blocks:")[2].partition("expect:")[0]
        == """
  residual:
    body:  4 x 3x3 conv in
    merge: body + x

net:
  stem:   3x3 conv 8 relu
  row:    residual
  out1:   1x1 conv 5 bare bias default
  heard:  1x1 conv 8 bare bias default
  passed: [row, 1x1 conv 8 bare bias default]
  out2:   [row + heard + passed, 1x1 conv 5 bare bias default]

output: [out1, out2]

"""
    )


@pytest.mark.parametrize("depth", [2, 3])
def test_levels_of_a_u_net_are_rows(depth: int) -> None:
    model = UNet(depth)
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows["down1"] == "[max pool /2, 2 x 3x3 conv 16]"
    ups = [said for said in rows.values() if "concat(" in said]
    assert len(ups) == depth and ups[-1].startswith(
        f"[concat(stem join{depth - 1}), "
    )


def test_one_level_is_a_block() -> None:
    """As an hourglass that stands again is: it is called."""
    assert "merge: concat(x body)" in from_module(UNet(1), IMAGE).text


def test_one_head_of_several_maps() -> None:
    model = Heads()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows["classes_2"] == "[smooth2, again classes]", rows
    assert rows["classes_3"] == "[smooth3, again classes]"


def test_a_block_that_runs_again() -> None:
    model = Recurrent()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert list(rows.values()) == [
        "3x3 conv 8", "basic 8", "3 x again conv2", "[global avg pool, fc 4]",
    ]  # fmt: skip


def test_rows_that_run_again_for_another_input() -> None:
    model = Siamese()
    found = from_module(model, {"one": IMAGE, "other": IMAGE})
    text = proven(found, model)
    assert "input: {one: 3x32x32, other: 3x32x32}" in text
    assert (
        sum("[other, again " in said for said in lines(text).values()) == 1
    )


def test_a_vector_beside_an_image() -> None:
    model = Record()
    found = from_module(model, {"image": IMAGE, "record": (5,)})
    rows = lines(proven(found, model))
    assert any(" record), fc 4]" in said for said in rows.values()), rows
    net = found.plan.module().eval()
    net.load_state_dict(found.weights())
    given = torch.randn(2, *IMAGE), torch.randn(2, 5)
    assert torch.allclose(net(*given), model.eval()(*given), atol=1e-5)


def test_a_file_of_several_inputs(tmp_path: Path) -> None:
    plan = loads(
        "name: a\ninput: {image: 3x8x8, record: 5}\n"
        "net: {a: [3x3 conv 8, global avg pool], b: [concat(a record), fc 4]}"
    )
    (tmp_path / "net.pt2").write_bytes(plan.to("pt2"))
    found = from_model(str(tmp_path / "net.pt2"))
    assert dict(found.plan.inputs) == {"image": (3, 8, 8), "record": (5,)}
    assert found.proof.output is not None and found.proof.output <= 1e-9


def test_an_input_that_is_a_word_of_the_language() -> None:
    class Difference(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x - y

    shapes = {"x": IMAGE, "y": IMAGE}
    text = from_module(Difference(), shapes).text
    assert "input: {x1: 3x32x32, y: 3x32x32}" in text and "x1 - y" in text
    with pytest.raises(ImportRefused, match="in the order x, y"):
        from_module(Difference(), {"y": IMAGE, "x": IMAGE})


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (IMAGE, "takes 2 inputs, `image`, `record`: give the size of each"),
        ({"record": (5,), "image": IMAGE}, "in the order image, record"),
        (
            {"a": IMAGE, "b": (5,), "c": (5,)},
            "torch.export cannot follow the model",
        ),
    ],
    ids=["one", "order", "three"],
)
def test_other_inputs_than_the_model_takes(
    shapes: object, said: str
) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(Record(), shapes)  # type: ignore[arg-type]


def test_several_inputs_on_a_command_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "joins.py").write_text(
        "import torch\n"
        "class Both(torch.nn.Module):\n"
        "    def forward(self, a, b):\n"
        "        return torch.cat((a, b), 1).relu()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    given = [
        "import",
        "joins:Both",
        "--input",
        "a=3x8x8",
        "--input",
        "b=5x8x8",
    ]
    assert run(given) == 0
    assert "input: {a: 3x8x8, b: 5x8x8}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a=3x8x8", "a=3x8x8"], "needs a name of its own"),
        (["3x8x8", "a=3x8x8"], "needs a name of its own"),
        (["a=3xx8"], "`3xx8` is no size"),
    ],
)
def test_wrong_inputs_on_a_command_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for each in given for word in ("--input", each)]
    assert run(["import", "timm:resnet18", *words]) == 2
    assert said in capsys.readouterr().err

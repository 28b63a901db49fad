"""A detector's backbone, neck and heads, as YOLOv8 has them (Ultralytics 2023): blocks are classes,
and a row ends with its module."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing import ImportRefused


class Conv(nn.Module):
    def __init__(
        self, into: int, out: int, kernel: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            into, out, kernel, stride, kernel // 2, bias=False
        )
        self.bn, self.act = nn.BatchNorm2d(out), nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(width, width, 3), Conv(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.cv2(self.cv1(x))


class C2f(nn.Module):
    """Each bottleneck reads the one before, and all are read at the end."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        half = width // 2
        self.cv1, self.cv2 = (
            Conv(width, width),
            Conv((2 + count) * half, width),
        )
        self.m = nn.ModuleList(Bottleneck(half) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        parts = [*self.cv1(x).chunk(2, 1)]
        for bottleneck in self.m:
            parts.append(bottleneck(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Sppf(nn.Module):
    """Maxima of three reaches, by one pool."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(width, width // 2), Conv(width * 2, width)
        self.m = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(self.m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.b0, self.b1 = Conv(3, 8, 3, 2), C2f(8, 1)
        self.b2, self.b3 = Conv(8, 16, 3, 2), C2f(16, 2)
        self.b4, self.b5 = Conv(16, 32, 3, 2), C2f(32, 2)
        self.b6, self.up = Sppf(32), nn.Upsample(scale_factor=2)
        self.n1, self.n2, self.n3 = (
            Conv(48, 16, 3),
            C2f(16, 1),
            Conv(16, 32, 3, 2),
        )
        self.det = nn.ModuleList(
            nn.Conv2d(width, 7, 1) for width in (16, 64)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        low = self.b3(self.b2(self.b1(self.b0(x))))
        high = self.b6(self.b5(self.b4(low)))
        wide = self.n2(self.n1(torch.cat([self.up(high), low], 1)))
        deep = torch.cat([self.n3(wide), high], 1)
        return [self.det[0](wide), self.det[1](deep)]


NET = """
  Bottleneck:
    body:  2 x 3x3 conv in
    merge: body + x
  dense:
    pre:   5x5 max pool
    p0:    [pre, 5x5 max pool]
    p1:    [p0, 5x5 max pool]
    merge: concat(x pre p0 p1)
  C2f:
    p0:    1x1 conv in
    p1:    [p0, part 0 of 2]
    p2:    [p0, part 1 of 2]
    body:  [p2, Bottleneck]
    merge: [concat(p1 p2 body), 1x1 conv in]
  C2f-2:
    p0:    1x1 conv in
    p1:    [p0, part 0 of 2]
    p2:    [p0, part 1 of 2]
    p3:    [p2, Bottleneck]
    p4:    [p3, Bottleneck]
    merge: [concat(p1 p2 p3 p4), 1x1 conv in]

net:
  b0:   3x3 conv 8 /2
  b1:   C2f
  b3:   [3x3 conv 16 /2, C2f-2]
  b5:   [3x3 conv 32 /2, C2f-2]
  b6:   [1x1 conv 16, dense, 1x1 conv 32]
  up:   upsample 2
  n2:   [concat(up b3), 3x3 conv 16, C2f]
  n3:   3x3 conv 32 /2
  det2: [concat(n3 b6), 1x1 conv 7 bare bias default]
  det1: [n2, 1x1 conv 7 bare bias default]

output: [det1, det2]
"""


def test_a_detector() -> None:
    found = from_module(Detector(), (3, 32, 32))
    assert found.proof.output == found.proof.gradients == 0
    assert (
        found.text.partition("\nblocks:")[2].partition("\nexpect")[0] == NET
    )


class Closed(nn.Module):
    """Convolutions of two reaches side by side, and one of both."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near, self.far = Conv(width, width, 3), Conv(width, width, 5)
        self.cv = Conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.cv(torch.cat([self.near(x), self.far(x)], 1))


class Apart(Closed):
    """The same without the last."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.cv = nn.Identity()


def test_what_joins_elsewhere_too_is_a_block_of_its_own() -> None:
    closed = [Closed(8) for _ in range(4)]
    found = from_module(nn.Sequential(*closed), (8, 8, 8))
    assert "    merge: [concat(near far), 1x1 conv in]\n" in found.text
    also = from_module(nn.Sequential(*closed, Apart(8)), (8, 8, 8))
    assert "  Closed: [join, 1x1 conv in]\n" in also.text
    assert found.proof.output == also.proof.output == 0


class Joined(Detector):
    """The predictions of all cells of both maps, behind one another: of each `anchors`."""

    def __init__(self, *, first: bool, anchors: int = 1) -> None:
        super().__init__()
        self.first, self.anchors = first, anchors
        self.det = nn.ModuleList(
            nn.Conv2d(width, 7 * anchors, 1) for width in (16, 64)
        )

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        maps = super().forward(x)
        if self.first:  # YOLOv8's
            return torch.cat([each.flatten(2) for each in maps], 2)
        # torchvision's
        parts = (
            each.view(x.shape[0], self.anchors, 7, *each.shape[2:])
            for each in maps
        )
        flat = [
            each.permute(0, 3, 4, 1, 2).reshape(x.shape[0], -1, 7)
            for each in parts
        ]
        return torch.cat(flat, 1)


@pytest.mark.parametrize(
    ("first", "output"), [(True, (7, 80)), (False, (80, 7))]
)
def test_predictions_of_several_maps_behind_one_another(
    *, first: bool, output: tuple[int, ...]
) -> None:
    found = from_module(Joined(first=first), (3, 32, 32))
    assert found.plan.output == output
    assert found.proof.output == found.proof.gradients == 0
    assert found.text.count("positions, transpose") == 2


def test_those_of_anchors_are_refused_with_what_to_return() -> None:
    with pytest.raises(ImportRefused, match="let the net return the maps"):
        from_module(Joined(first=False, anchors=3), (3, 32, 32))


class Counting(Detector):
    """How many are left is known when they are computed."""

    def forward(self, x: Tensor) -> list[Tensor]:
        near, far = super().forward(x)
        return [near[near > 0].view(-1, 1), far]


def test_what_a_detector_keeps_is_no_part_of_a_net() -> None:
    with pytest.raises(
        ImportRefused, match="a spec is one graph; of a detector"
    ):
        from_module(Counting(), (3, 32, 32))

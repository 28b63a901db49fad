"""Decoders and generators: nets that make maps of a vector, as they are written in PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import resgraph
from resgraph import from_module


class Viewed(nn.Module):
    """A decoder whose first layer is seen as maps, in the ways that people have for it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.fc = nn.Linear(10, 8 * 4 * 4)
        self.unflatten = nn.Unflatten(1, (8, 4, 4))
        self.up = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, z: Tensor) -> Tensor:
        z = self.fc(z).relu()
        match self.how:
            case "view":
                z = z.view(-1, 8, 4, 4)
            case "reshape":
                z = z.reshape(z.shape[0], 8, 4, 4)
            case "unflatten":
                z = z.unflatten(1, (8, 4, 4))
            case "module":
                z = self.unflatten(z)
        return self.up(z).tanh()


@pytest.mark.parametrize("how", ["view", "reshape", "unflatten", "module"])
def test_a_vector_as_maps(how: str) -> None:
    found = from_module(Viewed(how), (10,))
    assert "[fc 128 relu, to 4x4, 4x4 up conv 3 /2]" in (found.text)


class OneCell(nn.Module):
    """A generator whose vector is seen as one cell (Radford et al. 2015, arXiv 1511.06434)."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first, self.last = first, nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.first(z.view(z.size(0), -1, 1, 1)))


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (nn.ConvTranspose2d(6, 8, 4), "to 1x1, 4x4 up conv 8 /4"),
        (nn.Conv2d(6, 8, 3, padding=1), "to 1x1, 3x3 conv 8"),
        (nn.Conv2d(6, 8, 1, groups=2), "to 1x1, 1x1 conv 8 groups 2"),
        (
            nn.Sequential(nn.Conv2d(6, 8, 1), nn.Upsample(scale_factor=4)),
            "fc 8, to 1x1, upsample 4",
        ),
    ],
)
def test_a_vector_as_one_cell(first: nn.Module, said: str) -> None:
    assert f"[{said}, 3x3 conv 3]" in from_module(OneCell(first), (6,)).text


@pytest.mark.parametrize(
    ("size", "layer", "said"),
    [
        ((5,), nn.Conv1d(4, 2, 3, padding=1), "fc 20, to 5, 3 conv 2"),
        (
            (2, 3, 3),
            nn.Conv3d(4, 2, 3, padding=1),
            "fc 72, to 2x3x3, 3x3x3 conv 2",
        ),
    ],
)
def test_maps_of_other_axes(
    size: tuple[int, ...], layer: nn.Module, said: str
) -> None:
    places = torch.Size(size).numel()
    net = nn.Sequential(
        nn.Linear(6, 4 * places), nn.Unflatten(1, (4, *size)), layer
    )
    assert f"[{said}]" in from_module(net, (6,)).text


class Autoencoder(nn.Module):
    """With a bottleneck between maps, which is an output too."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, 2, 1)
        self.code, self.back = nn.Linear(64, 6), nn.Linear(6, 64)
        self.up = nn.ConvTranspose2d(4, 1, 2, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.code(self.down(x).relu().flatten(1))
        maps = self.back(code).relu().view(-1, 4, 4, 4)
        return self.up(maps).sigmoid(), code


def test_an_autoencoder() -> None:
    found = from_module(Autoencoder(), (1, 8, 8))
    assert "fc 64 relu, to 4x4, 2x2 up conv 1 /2 sigmoid]" in found.text
    assert resgraph.loads(found.text).outputs == {
        "head": (1, 8, 8),
        "conv1": (6,),
    }

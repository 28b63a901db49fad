"""At which sizes a spec and its model are compared."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing.proof import prove
from resgraph.importing.proof.sizes import proof_sizes
from resgraph.plan import load, loads

SIZES = {
    "resnet": [
        (3, 96, 96),
        (3, 224, 224),
    ],  # a 3x3 kernel on a last map of 3x3
    "dilated-resnet": [
        (3, 80, 80),
        (3, 224, 224),
    ],  # 28x28 maps, and 9 cells wide
    "convnext": [(3, 224, 224)],  # 7x7 kernels on a last map of 7x7
    "inception-v3": [
        (3, 299, 299)
    ],  # maps of 299, 149, 147 cells, all to round alike
}


@pytest.mark.parametrize("name", SIZES)
def test_the_smallest_size_that_shows_all(name: str) -> None:
    assert [size for (size,) in proof_sizes(load(name))] == SIZES[name]


def test_odd_maps_stay_odd() -> None:
    text = "name: a\ninput: 3x{0}x{0}\nnet: {{a: [3x3 conv 4 /2, 3x3 conv 4]}}\n"
    assert next(proof_sizes(loads(text.format(20)))) == [(3, 8, 8)]
    assert next(proof_sizes(loads(text.format(18)))) == [(3, 6, 6)]


class OneSize(nn.Module):
    """Of one size only: its head reads every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, padding=1)
        self.fc = nn.Linear(4 * 16 * 16, 5)
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(x.shape[-1])
        return self.fc(self.conv(x).flatten(1))


def test_a_net_of_one_size_is_compared_at_that() -> None:
    model = OneSize()
    found = from_module(model, (3, 32, 32))
    assert found.proof.output == 0
    model.sizes.clear()
    assert prove(model, found.plan, found.names).gradients is not None
    small = next(proof_sizes(found.plan))[0][1]
    assert small < 32 and model.sizes == [small, 32, 32]

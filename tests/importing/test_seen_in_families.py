"""What nets of timm's families showed: each in a small net, proven equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import Imported
from resgraph.plan import loads

FRAME = "name: a\ninput: 8x16x16\n{}\n"


def again(spec: str) -> Imported:
    """Import of the module that a spec compiles to."""
    return from_module(loads(FRAME.format(spec)).module(), (8, 16, 16))


class Scaled(nn.Conv2d):
    """As timm has it: a batch norm standardizes the filters, `gamma` in the norm's weight."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__(into, out, kernel, padding=kernel // 2)
        self.gain = nn.Parameter(torch.ones(out, 1, 1, 1))
        self.scale = 1.7 * self.weight[0].numel() ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.reshape(1, self.out_channels, -1)
        gain = (self.gain * self.scale).view(-1)
        weight = F.batch_norm(flat, None, None, gain, None, True, 0.0, 1e-6)
        weight = weight.reshape_as(self.weight)
        return F.conv2d(
            x, weight, self.bias, self.stride, self.padding
        ).relu()


def test_the_gamma_of_scaled_filters_is_that_of_all() -> None:
    """Each has its own fan-in, by whose root the gain is divided (as in NFNets)."""
    found = from_module(
        nn.Sequential(
            Scaled(8, 16, 3), Scaled(16, 24, 1), Scaled(24, 8, 3)
        ),
        (8, 16, 16),
    )
    assert "standardize: scaled, gamma: 1.7" in found.text
    assert "[3x3 conv 16, 1x1 conv 24, 3x3 conv 8]" in found.text


class Dropped(nn.Module):
    """Dropout that is a function, and no module."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(x.mean((2, 3)), 0.5, self.training, self.inplace)
        return self.fc(x)


@pytest.mark.parametrize("inplace", [False, True])
def test_dropout_as_a_function_is_random_in_training(inplace: bool) -> None:
    found = from_module(Dropped(inplace), (8, 16, 16))
    assert "dropout 0.5" in found.text
    assert found.proof.output == 0 and found.proof.gradients is None


def test_blocks_without_a_sum_are_apart_from_those_that_project() -> None:
    """Xception's last block has no shortcut, where the first projects."""
    found = again(
        "blocks:\n"
        "  a: {body: [3x3 conv in, 3x3 conv out linear], merge: body + shortcut}\n"
        "  b: {body: [3x3 conv in, 3x3 conv out linear]}\n"
        "net: {r1: [a 16, 2 x a 16], r2: [b 24], r3: [1x1 conv 8]}"
    )
    assert (
        "shortcut: none" not in found.text and "3 x basic 16" in found.text
    )
    assert "B 24" in found.text


def test_a_gate_of_ours_leaves_the_library_its_words() -> None:
    """`se gate hardsigmoid` names an option, beside a block that scales channels too."""
    found = again(
        "blocks:\n"
        "  ours: {g: [global avg pool, fc in/2 relu6, fc in hardsigmoid], merge: x*g}\n"
        "net: {a: [se gate hardsigmoid, 1x1 conv 16, ours, 3x3 conv 8]}"
    )
    assert "se gate hardsigmoid" in found.text and "16, Ours]" in found.text


def test_rows_of_numbered_modules_have_names() -> None:
    """RDNet's stages are lists in lists, and `53` is no name."""

    def stage(width: int) -> nn.Module:
        net = loads(FRAME.format(f"net: {{a: 2 x basic {width}}}")).module()
        return nn.Sequential(nn.Sequential(net))

    model = nn.Sequential(stage(8), nn.MaxPool2d(2), stage(8))
    found = from_module(model, (8, 16, 16))
    assert found.proof.output == 0 and "2 x basic" in found.text
    assert not any(
        line.strip()[:1].isdigit() for line in found.text.splitlines()
    )


def test_blocks_that_no_row_calls_are_left_out() -> None:
    """The inner blocks of what the library has are the library's."""
    found = again("net: {a: [2 x se-basic 8]}")
    assert "blocks:" not in found.text and "2 x se-basic" in found.text
    with torch.no_grad():
        assert found.proof.output == 0

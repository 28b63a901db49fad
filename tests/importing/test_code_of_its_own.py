"""What models' own code does here and there, which random nets have shown: all is read and proven, or
refused by its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import Imported, ImportRefused


class Around(nn.Module):
    """A convolution behind or before some code."""

    def __init__(self, code: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.code = code
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.code(self.conv, x)


def shuffled(x: Tensor) -> Tensor:
    return (
        x.view(x.shape[0], 2, 4, *x.shape[2:])
        .transpose(1, 2)
        .reshape(x.shape)
    )


def imported(code: Callable[..., object]) -> Imported:
    return from_module(Around(code), (8, 6, 6))  # type: ignore[arg-type]


SPELLED: dict[str, Callable[..., object]] = {
    "a square, shuffled": lambda conv, x: conv(shuffled(x.square())),
    "the mean of a square": lambda conv, x: conv(x).square().mean((2, 3)),
    "the mean of a shuffled map": lambda conv, x: shuffled(conv(x)).mean((2, 3)),
    "a vector of a map shuffled three times": (
        lambda conv, x: shuffled(shuffled(shuffled(conv(x)))).flatten(1)
    ),
    "every second cell of four beginnings": (
        lambda conv, x: torch.cat([y[..., i::2, j::2] for y in [conv(x)] for i in (0, 1) for j in (0, 1)], 1)
    ),
    "the mean of columns' means": lambda conv, x: conv(x).mean(3).mean(2),
    "of rows' means, with their axes": (
        lambda conv, x: x * conv(x).mean(2, keepdim=True).mean(3, keepdim=True)
    ),
    "the largest of rows' largest": lambda conv, x: conv(x).amax(-2).max(-1)[0],
    "the largest in a window of all": (
        lambda conv, x: F.max_pool2d(conv(x), x.shape[2:]).flatten(1)
    ),
    "the largest of two, one shuffled": (
        lambda conv, x: torch.maximum(shuffled(conv(x)), x)
    ),
    "a function of a square": lambda conv, x: torch.sqrt(conv(x).square() + 1),
    "stacked before the batch": lambda conv, x: torch.stack([conv(x), x]).sum(0),
    "the largest of a stack": lambda conv, x: torch.stack([conv(x), x], 1).max(1)[0],
    "the largest of two and of channels": (
        lambda conv, x: torch.maximum(conv(x), x) * x.amax(1, keepdim=True)
    ),
    "an activation with an option behind a sum": (
        lambda conv, x: (F.leaky_relu(conv(x) + x, 0.2), conv(x))
    ),
    "the input, too": lambda conv, x: [x, conv(x), x],
    "an output twice": lambda conv, x: {"a": (y := conv(x)), "b": y},
    "an input that is changed in place": (
        lambda conv, x: (conv(F.relu(x, inplace=True)), x)
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", SPELLED.values(), ids=SPELLED)
def test_it_is_read(code: Callable[..., object]) -> None:
    proof = imported(code).proof
    assert proof.output == pytest.approx(0, abs=1e-12)
    assert proof.gradients == pytest.approx(0, abs=1e-9)


def test_what_comes_out_as_it_came_in_has_a_name() -> None:
    found = imported(SPELLED["the input, too"])
    assert "output: [same_input, conv1, same_input_]" in found.text


def dropped(conv: nn.Module, x: Tensor) -> Tensor:
    if conv.training:
        return x + conv(x) * (torch.rand(2, 1, 1, 1) > 1e-6)
    return x + conv(x)


def changed(conv: nn.Module, x: Tensor) -> Tensor:
    """What its gradient needs is overwritten."""
    return conv(x) + F.relu(x, inplace=True)


def with_targets(conv: nn.Module, x: Tensor) -> Tensor:
    assert not conv.training, "targets are missing"
    return x + conv(x)


@pytest.mark.parametrize("code", [dropped, changed, with_targets])
def test_what_training_alone_does_is_compared_in_evaluation(
    code: Callable[..., object],
) -> None:
    assert imported(code).proof.output == 0


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            lambda conv, x: F.pad(conv(x), (1, 1, 1, 1), "circular"),
            "with mode `circular`, which the language has not",
        ),
        (
            lambda conv, x: F.local_response_norm(conv(x), 5),
            "as a local response norm does, which the language has not",
        ),
        (
            lambda conv, x: conv(x).mean(3).relu(),
            "pooled over one of its sides",
        ),
        (
            lambda conv, x: conv(x).mean(3).amax(2),
            "pooled over one of its sides",
        ),
        (
            lambda conv, x: F.pad(conv(x), (1, 1, 1, 1), value=0.5),
            "with the value 0.5, which the language has not",
        ),
    ],
)
def test_it_is_refused_by_its_name(
    code: Callable[..., object], why: str
) -> None:
    with pytest.raises(ImportRefused, match=why):
        imported(code)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        self.norm(x)
        return self.norm(x)


def test_statistics_that_the_model_moves_for_nothing_are_named() -> None:
    with pytest.raises(ImportRefused, match=r"`norm\.running_mean`.*moves"):
        from_module(Twice(), (8, 6, 6))


def test_the_last_of_a_sequence() -> None:
    """Bai et al. 2018 (TCN): the prediction is of the last step."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = (
                nn.Conv1d(4, 8, 3, padding=1),
                nn.Linear(8, 2),
            )

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv(x)[:, :, -1])

    text = from_module(Last(), (4, 16)).text
    assert "[3 conv 8, pad -15:0, flatten, fc 2]" in text

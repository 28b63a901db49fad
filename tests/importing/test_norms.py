"""Norms with all that they may learn, with a part of it and with none: read, or refused by what they lack."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import ImportRefused

INPUT = (3, 9, 9)


class Unshifted(nn.GroupNorm):
    """As MetaFormer's (Yu et al. 2022, arXiv 2210.13452, section 2.2) have it."""

    def __init__(self, groups: int, width: int) -> None:
        super().__init__(groups, width)
        self.register_parameter("bias", None)


def stage(norm: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(3, 3, 3, padding=1, bias=False), norm, nn.ReLU()]


def test_a_group_norm_without_a_shift() -> None:
    norms = [Unshifted(3, 3), nn.GroupNorm(3, 3), Unshifted(3, 3)]
    found = from_module(
        nn.Sequential(*(x for n in norms for x in stage(n))), INPUT
    )
    assert "unit: [conv, gn 3, relu]\nops: {gn: {bias: none}}" in found.text
    assert "3x3 conv 3 bare, gn 3 bias default, relu" in found.text
    assert found.plan.params == 3 * 3 * 3 * 9 + 3 * 3 + 3
    assert (
        found.proof.gradients is not None and found.proof.gradients < 1e-9
    )


def test_one_of_several_group_norms_lacks_its_shift() -> None:
    norms = [Unshifted(3, 3), nn.GroupNorm(3, 3), nn.GroupNorm(3, 3)]
    found = from_module(
        nn.Sequential(*(x for n in norms for x in stage(n))), INPUT
    )
    assert "unit: [conv, gn 3, relu]\n\nnet:" in found.text
    assert "3x3 conv 3 bare, gn 3 bias none, relu" in found.text


class Functional(nn.Module):
    """A norm as a function of `w` and `b`."""

    def __init__(
        self, norm: Callable[[Tensor, Tensor, Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.w, self.b = (
            nn.Parameter(torch.ones(3)),
            nn.Parameter(torch.zeros(3)),
        )
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x, self.w, self.b)


def last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            nn.BatchNorm2d(3, affine=False),
            "`batch_norm`: without a scale and a shift",
        ),
        (nn.GroupNorm(3, 3, affine=False), "`group_norm`: without a scale"),
        (
            Functional(lambda x, w, b: F.group_norm(x, 3, None, b)),
            "without a scale",
        ),
        (
            nn.BatchNorm2d(3, affine=False),
            "without a scale and a shift, or without statistics",
        ),
        (
            Functional(
                lambda x, w, b: F.layer_norm(last(x), (3,), None, b)
            ),
            "`layer_norm`: without a scale",
        ),
        (
            Functional(lambda x, w, b: F.instance_norm(x, weight=w)),
            "a scale without a shift",
        ),
        (
            Functional(
                lambda x, w, b: F.rms_norm(last(x), (3,), None, 1e-6)
            ),
            "`rms_norm`: without a scale",
        ),
        (
            Functional(lambda x, w, b: F.group_norm(x, 3, w * 2, b)),
            "`group_norm`: its `weight` is computed",
        ),
        (
            Functional(
                lambda x, w, b: F.layer_norm(last(x), (3,), w, b * 2)
            ),
            "`layer_norm`: its `bias` is computed",
        ),
        (
            Functional(
                lambda x, w, b: F.conv2d(
                    x, w.view(3, 1, 1, 1), b * 2, groups=3
                )
            ),
            "`conv2d`: its `bias` is computed",
        ),
    ],
)
def test_refused_by_what_it_lacks(model: nn.Module, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(model, INPUT)


class EvoNorm(nn.Module):
    """Liu et al. 2020, Table 3, S0, in the deviation's own precision; without an activation it is
    what is left of it, perhaps with its `deviation`."""

    def __init__(
        self,
        width: int,
        *,
        active: bool = True,
        deviation: bool = False,
        biased: bool = True,
    ) -> None:
        super().__init__()
        self.gamma, self.beta = (
            nn.Parameter(torch.ones(width)),
            nn.Parameter(torch.zeros(width)),
        )
        self.v = nn.Parameter(torch.ones(width)) if active else None
        self.deviation, self.unbiased = active or deviation, not biased

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1, 1, 1)
        if self.deviation:
            parts = x.float().reshape(x.shape[0], 3, -1, *x.shape[2:])
            variance = parts.var(
                (2, 3, 4), unbiased=self.unbiased, keepdim=True
            )
            deviation = (
                (variance + 1e-5).sqrt().to(x.dtype).expand(parts.shape)
            )
            swish = (
                x
                if self.v is None
                else x * (x * self.v.view(shape)).sigmoid()
            )
            x = swish / deviation.reshape(x.shape)
        return x * self.gamma.view(shape) + self.beta.view(shape)


def evonormed(*norms: nn.Module) -> nn.Module:
    layers = [
        nn.Conv2d(3, 6, 3, bias=False),
        norms[0],
        nn.Conv2d(6, 6, 1, bias=False),
    ]
    return nn.Sequential(*layers, *norms[1:])


def test_a_norm_that_is_an_activation() -> None:
    linear = EvoNorm(6, active=False, deviation=True)
    net = evonormed(EvoNorm(6), linear, EvoNorm(6, active=False))
    found = from_module(net, INPUT)
    assert "evonorm 3 ungated" in found.text
    assert "evonorm 3" in found.text, found.text
    assert "scale shift 0" in found.text
    assert (
        found.proof.gradients is not None and found.proof.gradients < 1e-9
    )
    assert found.plan.params == 6 * 27 + 36 + 3 * 6 + 2 * 2 * 6


def test_of_another_deviation_it_is_refused() -> None:
    with pytest.raises(
        ImportRefused, match="`var`: of anything but groups of channels"
    ):
        from_module(evonormed(EvoNorm(6, biased=False), EvoNorm(6)), INPUT)

"""A plan and a reference module with the same layers in the same order → whether they are the same function, in
evaluation and in training."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from meta import meta
from torch import Tensor, nn

import resgraph

SPECS = Path(__file__).parents[2] / "specs"
PART = 8  # of the widths that a net has as its numbers are compared


def thin(name: str, *overrides: str) -> resgraph.Plan:
    """A net of the zoo with an eighth of its widths."""
    text = (SPECS / f"{name}.yaml").read_text()
    widths = r"\b(64|128|256|512|1024|2048)\b"
    text = re.sub(widths, lambda found: str(int(found[0]) // PART), text)
    return resgraph.loads(text, overrides=overrides)


def agreeing(
    plan: resgraph.Plan, reference: nn.Module, *inputs: Tensor
) -> nn.Module:
    """The plan's module with random weights, in float64, after every difference was refused: in what comes out (1e-9),
    in the gradients of every parameter, and in what a training step leaves in the norms."""
    torch.manual_seed(0)
    ours, theirs = plan.module().double(), reference.double()
    for value in theirs.state_dict().values():
        if value.is_floating_point():
            value.copy_(_start(value))
    ours.load_state_dict(
        dict(
            zip(
                ours.state_dict(), theirs.state_dict().values(), strict=True
            )
        )
    )
    values = [value.double() for value in inputs]
    for training in (False, True):
        given = [
            _listed(net.train(training)(*values)) for net in (ours, theirs)
        ]
        _same(*given)
        if training:
            for out in given:
                sum(
                    (value**2).sum() * (place + 1)
                    for place, value in enumerate(out)
                ).backward()
    _same(
        [p.grad for p in ours.parameters()],
        [p.grad for p in theirs.parameters()],
    )
    _same([*ours.state_dict().values()], [*theirs.state_dict().values()])
    assert sum(p.numel() for p in ours.parameters()) == plan.params
    return ours


def _start(value: Tensor) -> Tensor:
    """Numbers that keep the scale of what flows through."""
    if value.dim() == 1:
        return 0.5 + torch.rand_like(value)
    return torch.randn_like(value) * value[0].numel() ** -0.5


def _listed(output: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [output] if isinstance(output, Tensor) else [*output]


def _same(
    ours: Sequence[Tensor | None], theirs: Sequence[Tensor | None]
) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (
            one is not None
            and other is not None
            and one.shape == other.shape
        )
        scale = other.double().abs().max().clamp(min=1e-3)
        assert ((one - other).abs().max() / scale).item() < 1e-9


def sized(
    plan: resgraph.Plan, make: Callable[[], nn.Module], *inputs: Tensor
) -> None:
    """Refuses entries of other shapes and other costs than the reference's, which has no numbers here."""
    with meta():
        ours, theirs = plan.module(device="meta"), make()
    assert [value.shape for value in ours.state_dict().values()] == [
        value.shape for value in theirs.state_dict().values()
    ]
    assert plan.params == sum(p.numel() for p in theirs.parameters())
    assert plan.macs == macs(theirs, *inputs)


def macs(reference: nn.Module, *inputs: Tensor) -> int:
    """The multiply-adds of a module's convolutions and linear layers for one image, counted as they are called."""
    total = 0

    def count(
        module: nn.Module, given: tuple[Tensor, ...], out: Tensor
    ) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, Tensor)
        # what is up-sampled is multiplied, else what comes out is summed
        up = isinstance(module, nn.ConvTranspose2d)
        total += (given[0] if up else out)[0].numel() * weight[0].numel()

    hooks = [
        m.register_forward_hook(count)
        for m in reference.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    with torch.no_grad():
        reference.to("meta").eval()(*(value.to("meta") for value in inputs))
    for hook in hooks:
        hook.remove()
    return total

"""A module, a state dict and how they match → the module with those values."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .align import UNLEARNED, AlignmentError
from .matching import Match, matched

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_aligned(
    module: nn.Module,
    state: Mapping[str, Tensor],
    settled: Mapping[str, str] = {},
) -> dict[str, str]:
    """Give a module all values of a state dict with other names, and nothing else; returns the
    names. `settled` maps some of ours to theirs. Raises `AlignmentError`."""
    match = one_to_one(matched(module.state_dict(), state, settled))
    need_numbers(state, match)
    take(module, state, match)
    return match.kept


def one_to_one(match: Match) -> Match:
    """A match in which nothing differs but the counters that old checkpoints lack. Raises
    `AlignmentError`."""
    differing = {
        "has another width in the state dict": match.new,
        "has another number of channels in the state dict": match.adapted,
        "is not in the state dict": match.missing,
        "is in the state dict only": match.unused,
    }
    for said, keys in differing.items():
        for key in keys:
            if not key.endswith(UNLEARNED):
                raise AlignmentError(
                    f"`{key}` {said}; all must match here, and a part of them is what"
                    " `train.weights` starts from"
                )
    return match


def need_numbers(state: Mapping[str, Tensor], match: Match) -> None:
    """Raises `AlignmentError` where what is taken holds none: the first loss would be NaN, and the
    learning rate be blamed. What is quantized or sparse would have to be unpacked, and of whole
    numbers the fractions are lost."""
    for key, theirs in (match.kept | match.adapted).items():
        if key.endswith(UNLEARNED):
            continue
        if odd := _no_weight(state[theirs]):
            raise AlignmentError(
                f"`{key}` is {odd} in the state dict; save it as float32"
            )
        # as the net holds it, in which a large float64 is infinite
        if not state[theirs].float().isfinite().all():
            raise AlignmentError(
                f"`{key}` is NaN or infinite in the state dict, as where a run diverged; take an"
                " earlier checkpoint"
            )


def _no_weight(value: Tensor) -> str:
    """What a tensor is that does not hold its floats one by one; else ""."""
    if value.is_meta:
        return "without values"
    if value.layout is not torch.strided:
        return "sparse"
    kind = str(value.dtype).removeprefix("torch.")
    return "" if value.dtype in _FLOATS else f"of {kind}"


def take(
    module: nn.Module, state: Mapping[str, Tensor], match: Match
) -> None:
    """Give a module what matches; what is new or missing stays as it is."""
    own = module.state_dict()
    values = {
        key: state[theirs].reshape(own[key].shape)
        for key, theirs in match.kept.items()
    }
    for key, theirs in match.adapted.items():
        values[key] = of_channels(state[theirs], own[key].shape[1])
    module.load_state_dict({**own, **values})


def of_channels(weight: Tensor, channels: int) -> Tensor:
    """A first convolution for images of another number of channels, as timm 1.0's
    `adapt_input_conv`: grey is the sum over the colours; more are the colours again and again, as
    strong together as three."""
    whole = weight.float()
    if channels == 1:
        return whole.sum(1, keepdim=True).to(weight.dtype)
    colours = weight.shape[1]
    repeats = -(-channels // colours)
    again = torch.cat([whole] * repeats, 1)[:, :channels]
    return (again * (colours / channels)).to(weight.dtype)

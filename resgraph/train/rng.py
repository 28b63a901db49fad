"""(key, index, draw) → random numbers: a counter-based random number generator (RNG), so that the
random stream of a sample depends on its seed and index alone, not on workers, ranks or a resume.

The mixing is SplitMix64's finalizer (Steele, Lea, Flood 2014), on 64-bit integers that wrap around.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor


def key(*words: int | str) -> int:
    """A 63-bit key from a seed, an epoch, a purpose, …: different words, unrelated keys."""
    text = "\0".join(f"{type(word).__name__}:{word}" for word in words)
    return (
        int.from_bytes(
            hashlib.blake2b(text.encode(), digest_size=8).digest()
        )
        >> 1
    )


def manual_seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, but on a CPU of its generator alone: for an accelerator that is not
    started, torch writes out the stack of each call, which takes 0.2 to 0.3 ms."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def uniform(key: int, index: Tensor, draws: int) -> Tensor:
    """`draws` numbers in [0, 1) for each index: (n,) int64 → (n, draws) float32, on the device of
    `index`."""
    draw = torch.arange(draws, device=index.device, dtype=torch.int64)
    counter = _mix(index[:, None] * _signed(0x9E3779B97F4A7C15) + key)
    return (
        _shift(_mix(counter + draw * _signed(0xD1B54A32D192ED03)), 40).to(
            torch.float32
        )
        * 2.0**-24
    )


def normal(key: int, index: Tensor, draws: int) -> Tensor:
    """`draws` standard normal numbers for each index (Box and Muller 1958): (n,) → (n, draws)."""
    first, second = uniform(key, index, 2 * draws).chunk(2, dim=1)
    return torch.sqrt(-2 * torch.log1p(-first)) * torch.cos(
        2 * math.pi * second
    )


def permutation(key: int, count: int) -> Tensor:
    """0 … count-1 in the order that the key says, on the CPU."""
    return torch.randperm(
        count, generator=torch.Generator().manual_seed(key)
    )


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shift(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shift(x, 31)


def _shift(x: Tensor, bits: int) -> Tensor:
    """To the right, with zeros coming in (torch's own shift brings the sign in)."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >= 1 << 63 else word

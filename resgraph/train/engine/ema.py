"""Weights after each step → their exponential moving average (EMA), in a module that can be
evaluated.

`torch.optim.swa_utils.AveragedModel` has neither a decay that warms up nor sharded tensors; a test
holds this one against it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ...language.recipe.steps import Ema
from ..parallel.sharding import local_shard


class EmaModel:
    """A copy of a net whose floating-point state follows the net's; counters are copied as they
    are, and what is `frozen` is not touched."""

    def __init__(
        self,
        recipe: Ema,
        net: nn.Module,
        frozen: frozenset[str] = frozenset(),
    ) -> None:
        self.recipe = recipe
        self.frozen = frozen
        self.net = copy.deepcopy(net).requires_grad_(False)
        self.updates = 0

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """After step number `step`, counted from 1; the first updates lean on the net, as it has no
        history yet."""
        if step % self.recipe.every:
            return
        self.updates += 1
        decay = min(
            self.recipe.decay, (1 + self.updates) / (10 + self.updates)
        )
        mine, theirs = self._moving(self.net), self._moving(net)
        floating = [
            i for i, value in enumerate(mine) if value.is_floating_point()
        ]
        torch._foreach_lerp_(
            [mine[i] for i in floating],
            [theirs[i] for i in floating],
            1 - decay,
        )
        for value, other in zip(mine, theirs, strict=True):
            if not value.is_floating_point():
                value.copy_(other)

    def _moving(self, net: nn.Module) -> list[Tensor]:
        entries = (*net.named_parameters(), *net.named_buffers())
        return [
            local_shard(value.detach())
            for name, value in entries
            if name not in self.frozen
        ]

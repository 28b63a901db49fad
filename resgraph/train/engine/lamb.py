"""Parameters and gradients → LAMB's step (You et al. 2020, arXiv 1904.00962, algorithm 2), which
torch has not.

As timm's `lamb`, by which "ResNet strikes back" was trained: with bias correction, decay as a part
of the step whose length is set, and AdamW's plain step for tensors that do not decay. A largest
norm of the gradient is the recipe's `clip`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class LambOptimizer(torch.optim.Optimizer):
    """The optimizer of `optimizer: lamb`."""

    def __init__(
        self, params: Iterable[dict[str, Any]], **options: Any
    ) -> None:
        super().__init__(params, options)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            learned = [p for p in group["params"] if p.grad is not None]
            if learned:
                self._step(learned, group)

    def _step(self, params: list[Tensor], group: dict[str, Any]) -> None:
        grads: list[Tensor] = [p.grad for p in params if p.grad is not None]
        states = [*map(self._state, params)]
        means = [state["exp_avg"] for state in states]
        squares = [state["exp_avg_sq"] for state in states]
        first, second = group["betas"]
        count = int(states[0]["step"].item())
        torch._foreach_lerp_(means, grads, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, grads, grads, value=1 - second)
        spread = torch._foreach_sqrt(squares)
        torch._foreach_div_(spread, (1 - second**count) ** 0.5)
        torch._foreach_add_(spread, group["eps"])
        steps = torch._foreach_div(means, 1 - first**count)
        torch._foreach_div_(steps, spread)
        if decay := group["weight_decay"]:
            torch._foreach_add_(steps, params, alpha=decay)
            lengths = torch._foreach_norm(steps)
            ratios = map(_ratio, torch._foreach_norm(params), lengths)
            torch._foreach_mul_(steps, list(ratios))
        torch._foreach_add_(params, steps, alpha=-group["lr"])

    def _state(self, parameter: Tensor) -> dict[str, Tensor]:
        """Of one parameter, with this step counted."""
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        return state


def _ratio(weight: Tensor, step: Tensor) -> Tensor:
    """What makes a step as long as the weight; 1 where either is nothing."""
    return torch.where((weight > 0) & (step > 0), weight / step, 1.0)

"""Matrices and gradients → Muon's step (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the
momentum with all its singular values brought near 1, by a few iterations of Newton and Schulz.

torch's own refuses weights of four axes. Here each of them is a matrix, a row for each filter, as
in the authors' runs on CIFAR-10; on matrices the numbers are torch's, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

FACTORS = 3.4445, -4.7750, 2.0315
"""Of the polynomial: as steep at 0 as convergence allows."""
LEAST = 1e-7
"""The least norm that is divided by."""
ADJUST: dict[str, Callable[[int, int], float]] = {
    "rows": lambda rows, columns: math.sqrt(max(1.0, rows / columns)),
    "adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "plain": lambda rows, columns: 1.0,
}
"""What the learning rate of a matrix is multiplied by."""


class MuonOptimizer(torch.optim.Optimizer):
    """The optimizer of the matrices in `optimizer: muon`."""

    def __init__(
        self, params: Iterable[dict[str, Any]], **options: Any
    ) -> None:
        super().__init__(params, options)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._step(weight, weight.grad, group)

    def _step(
        self, weight: Tensor, grad: Tensor, group: dict[str, Any]
    ) -> None:
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer, momentum = state["momentum_buffer"], group["momentum"]
        buffer.lerp_(grad, 1 - momentum)
        update = (
            grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        )
        matrix = update.reshape(len(update), -1)
        step = orthogonal(matrix, group["iterations"]).reshape(weight.shape)
        if group["unit"]:
            weight.mul_(len(weight) ** 0.5 / weight.norm().clamp(min=LEAST))
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(
            step,
            alpha=-group["lr"] * ADJUST[group["adjust"]](*matrix.shape),
        )


def orthogonal(matrix: Tensor, iterations: int) -> Tensor:
    """(rows, columns) → the same in bf16, with its singular values near 1: between 0.7 and 1.2
    after five iterations, but for those that were nearly nothing."""
    a, b, c = FACTORS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(torch.bfloat16, copy=True)
    if tall:
        x = x.T
    x.div_(x.norm().clamp(min=LEAST))
    for _ in range(iterations):
        square = x @ x.T
        x = torch.addmm(
            x,
            torch.addmm(square, square, square, beta=b, alpha=c),
            x,
            beta=a,
        )
    return x.T if tall else x

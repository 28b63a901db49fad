"""Optimizers of different parameters → one that steps them all, as torch's schedulers, checkpoints
and scalers know one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ...collecting import flatten


class Together(torch.optim.Optimizer):
    """Optimizers of different parameters as one: their groups in a row, their state in one
    place."""

    def __init__(self, parts: Iterable[torch.optim.Optimizer]) -> None:
        self.parts = tuple(parts)
        super().__init__(
            [*flatten(part.param_groups for part in self.parts)],
            {},
        )
        self._share()

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of each."""
        for part in self.parts:
            part.step()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._share()

    def _share(self) -> None:
        """Groups and state were made anew: each part looks at its own of them."""
        begin = 0
        for part in self.parts:
            end = begin + len(part.param_groups)
            part.param_groups, part.state = (
                self.param_groups[begin:end],
                self.state,
            )
            begin = end

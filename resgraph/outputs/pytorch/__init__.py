"""Plan → PyTorch: source that depends on torch alone, and the module which is that source,
executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .emit import source

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ...plan import Plan

__all__ = ["module", "source"]


def module(
    plan: Plan,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    *,
    inplace: bool = True,
) -> nn.Module:
    """The net as a module whose weights were initialised once, on `device` (see `build.build`)."""
    from .build import build

    return build(plan, device, dtype, inplace=inplace)

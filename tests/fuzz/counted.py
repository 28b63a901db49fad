"""Multiply-adds as torch sees them, whatever module or function asked for them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def counted_attention() -> AbstractContextManager[None]:
    """Attention as products of matrices: torch 2.13 counts nothing for a CPU's fused one."""
    return sdpa_kernel(SDPBackend.MATH)


class MultiplyAdds(TorchDispatchMode):
    """Adds up those of convolutions and products of matrices while it is in force."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out) // 2
        return out

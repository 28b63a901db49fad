"""A net whose code asks for float32 → run in float64 all the same: the precision that a norm is
taken in is no part of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Float64(TorchFunctionMode):
    """What asks for float32 is given float64, which it can be compared in."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = {
            name: _wide(value) for name, value in (kwargs or {}).items()
        }
        func = Tensor.double if func is Tensor.float else func
        return func(*map(_wide, args), **named)


def _wide(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value

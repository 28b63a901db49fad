"""A net whose code asks for float32 or less → run in float64 all the same: the precision that a
layer is taken in is no part of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...collecting import each_value

_CASTS = frozenset((Tensor.float, Tensor.half, Tensor.bfloat16))
_TYPES = frozenset((torch.float32, torch.float16, torch.bfloat16))


class Float64(TorchFunctionMode):
    """What asks for another precision is given float64, which it can be compared in."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = each_value(_wide, kwargs or {})
        func = Tensor.double if func in _CASTS else func
        if func is torch.tensor and isinstance(args[0], float):
            named.setdefault("dtype", torch.float64)
        return func(*map(_wide, args), **named)


def _wide(value: Any) -> Any:
    is_narrow = isinstance(value, torch.dtype) and value in _TYPES
    return torch.float64 if is_narrow else value

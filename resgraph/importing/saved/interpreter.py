"""A program and its tensors → a module that does what it says, with ATen's own kernels: what a file
is proven against.

Only ops that import can read are run; what else a file calls is never looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...collecting import by_key, each_name
from ..aten import handler_of
from ..captured import ImportRefused
from ..program import MADE_AS, AtenCall, AtenProgram, meant

_SAME = frozenset(
    ["to", "_to_copy", "type_as", "contiguous", "clone", "lift_fresh_copy"]
)
"""Copies, which would bring another dtype than the one that is proven in."""


class Interpreted(nn.Module):
    """A program's parameters and buffers, by their keys, and its calls one after another. Raises
    `ImportRefused` for tensors that are not those of the program."""

    def __init__(
        self, program: AtenProgram, tensors: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        self.program = program
        used = {each.key: each for each in program.parameters.values()}
        for key, each in used.items():
            if key not in tensors or tuple(tensors[key].shape) != each.axes:
                raise ImportRefused(
                    f"`{key}` is not in the file, or of another size"
                )
        keys = by_key((each.learned, key) for key, each in used.items())
        self.learned, self.fixed = keys[True], keys[False]
        floats = [tensors[key].clone().float() for key in self.learned]
        self.parameter_list = nn.ParameterList(map(nn.Parameter, floats))
        self.buffer_list = nn.Module()
        for number, key in enumerate(self.fixed):
            self.buffer_list.register_buffer(
                f"b{number}", tensors[key].clone()
            )

    def named_parameters(
        self, *_: Any, **__: Any
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """By the keys of the file, which no module need have."""
        return zip(self.learned, self.parameter_list, strict=True)

    def named_buffers(
        self, *_: Any, **__: Any
    ) -> Iterator[tuple[str, Tensor]]:
        """As `named_parameters`."""
        return zip(self.fixed, self.buffer_list.buffers(), strict=True)

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        tensors = {
            **dict(self.named_parameters()),
            **dict(self.named_buffers()),
        }
        program = self.program
        values = {
            name: tensors[each.key]
            for name, each in program.parameters.items()
        }
        # it may be written in views of the file
        batch = program.inputs[0].axes[0]
        return by_batches(
            images, batch, lambda xs: self._once(dict(values), xs)
        )

    def _once(
        self, values: dict[str, Any], images: Sequence[Tensor]
    ) -> list[Tensor]:
        values |= zip(self.program.names, images, strict=True)
        for call in self.program.calls:
            made = _run(call, values)
            found = made if call.several else [made]
            for output, value in zip(call.outputs, found, strict=False):
                values[output.name] = value
        return [values[name] for name in self.program.outputs]


def by_batches(
    images: Sequence[Tensor],
    size: int,
    once: Callable[[Sequence[Tensor]], list[Tensor]],
) -> tuple[Tensor, ...]:
    """What comes out for images of a net that takes so many at once; zeros fill the last."""
    count = len(images[0])
    missing = (x.new_zeros(-count % size, *x.shape[1:]) for x in images)
    whole = map(torch.cat, zip(images, missing, strict=True))
    parts = zip(*(torch.split(each, size) for each in whole), strict=True)
    made = zip(*map(once, parts), strict=True)
    return tuple(torch.cat(each)[:count] for each in made)


def _run(call: AtenCall, values: Mapping[str, Any]) -> Any:
    given = {
        k: meant(v, values)
        for k, v in call.given.items()
        if k not in MADE_AS
    }
    if call.word in _SAME:
        # as a view behind it needs
        return next(iter(given.values())).contiguous()
    op = aten(call.word, call.overload)
    if op is not None:
        return op(**given)
    if any(each_name(call.outputs)):
        raise ImportRefused(
            f"`{call.word}` is not in the language", call.module
        )
    return [None] * len(call.outputs)


def aten(word: str, overload: str) -> Any:
    """An op of ATen that import can read; None for all else."""
    if handler_of(word) is None:
        return None
    op = getattr(
        getattr(torch.ops.aten, word, None), overload or "default", None
    )
    return op if isinstance(op, torch._ops.OpOverload) else None

"""A net → the same net with activation checkpointing: chosen blocks drop their activations and
recompute them in the backward pass (the option `--checkpointing`).

`torch.utils.checkpoint` runs a block's forward pass twice, and so its batch norms would count every
batch twice. Here the second run writes its statistics where nobody reads them: weights, running
statistics and counts come out bit for bit as without (Chen et al. 2016, arXiv 1604.06174, for the
idea of recomputing)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ...collecting import of_type
from ...outputs.pytorch.compile import Around, Run

Buffers = dict[str, Tensor | None]


def blocks_of(net: nn.Module) -> dict[str, nn.Module]:
    """What can be recomputed by itself, by name: each row, and the blocks of a row that is a
    list."""
    found: dict[str, nn.Module] = {}
    for name, row in net.named_children():
        found[name] = row
        if isinstance(row, nn.Sequential):
            found |= {
                f"{name}.{place}": block
                for place, block in row.named_children()
            }
    return found


def checkpoint_blocks(net: nn.Module, names: Collection[str]) -> None:
    """Activation checkpointing of the blocks of these names, in training. State-dict keys stay; a
    copy of the net has none."""
    blocks = blocks_of(net)
    for name in names:
        block = blocks[name]
        # what `nn.Module.compile` sets, and copies and pickles leave out
        block._compiled_call_impl = CheckpointedCall(
            block._call_impl, (block,)
        )


def around_chunks(net: nn.Module, names: Collection[str]) -> Around:
    """For `compile_blocks`: a compiled chunk with one of these blocks in it is recomputed as a
    whole."""
    known = blocks_of(net)
    chosen = {
        id(part)
        for name in names
        for part in (known[name], *known[name].children())
    }

    def around(run: Run, blocks: Sequence[nn.Module]) -> Run:
        return (
            CheckpointedCall(run, blocks)
            if any(id(block) in chosen for block in blocks)
            else run
        )

    return around


class CheckpointedCall(Struct):
    """A call that keeps its arguments only, where a backward pass will follow; else the call as it
    is."""

    call: Callable[..., Any]
    blocks: Sequence[nn.Module]
    spare: list[tuple[_BatchNorm, Buffers]] | None = None

    def __call__(self, *args: Tensor) -> Any:
        if not torch.is_grad_enabled():
            return self.call(*args)
        return checkpoint(
            self.call, *args, use_reentrant=False, context_fn=self._contexts
        )

    def _contexts(
        self,
    ) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        if self.spare is None:
            self.spare = [
                (
                    norm,
                    {
                        name: None if value is None else value.clone()
                        for name, value in norm._buffers.items()
                    },
                )
                for block in self.blocks
                for norm in of_type(_BatchNorm, block.modules())
            ]
        return nullcontext(), _with_buffers(self.spare)


@contextmanager
def _with_buffers(
    spare: Sequence[tuple[_BatchNorm, Buffers]],
) -> Iterator[None]:
    """Meanwhile these norms have other buffers: in training they only write to them."""
    own = [norm._buffers for norm, _ in spare]
    for norm, buffers in spare:
        norm._buffers = buffers
    try:
        yield
    finally:
        for (norm, _), buffers in zip(spare, own, strict=True):
            norm._buffers = buffers

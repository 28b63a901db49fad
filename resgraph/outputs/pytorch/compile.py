"""A net → the same net, compiled: one graph where it is shallow, else chunks of blocks, of which
like ones share one.

Dynamo keeps at most eight graphs for a code object and then falls back to eager without a word; all
blocks of a class have one code object. So every structure gets a code object of its own, and a net
of any depth a handful of graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from types import FunctionType
from typing import Any

import torch
from torch import nn

LARGEST = 8
"""Blocks in one graph: fewer cost calls between graphs, more cost time to compile."""

SHALLOW = 64
"""Blocks up to which one graph takes little longer to compile than chunks do.

Measured on a CPU: ResNet-110 (54 blocks), cold, takes 1.12 of the time of chunks as one graph. But
a step of ResNet-20 takes 0.74 of eager's time as one graph, and 1.08 in chunks, as images change
their layout at the seams."""

Run = Callable[..., torch.Tensor]
Around = Callable[[Run, Sequence[nn.Module]], Run]


def compile_blocks(
    net: nn.Module,
    *,
    whole: bool = False,
    around: Around | None = None,
    **options: Any,
) -> int:
    """Compile a net in place, and return how many different graphs that makes: one, of a shallow
    net, if `whole` is fine; else its rows in chunks of blocks.

    `around(run, blocks)` may wrap the call of a compiled chunk (activation checkpointing does).
    `options` are those of `torch.compile`. State-dict keys and pickles stay as they were; a copy is
    not compiled."""
    rows = list(net.children())
    shallow = sum(len(_blocks(row)) for row in rows) <= SHALLOW
    graphs = 0
    for row in [net] if whole and shallow else rows:
        codes: dict[tuple[str, ...], Any] = {}
        runs: list[Run] = []
        for blocks in chunks(_blocks(row)):
            kind = tuple(map(repr, blocks))
            if kind not in codes:
                name = f"chunk_{graphs + len(codes)}"
                codes[kind] = _chunk.__code__.replace(co_name=name)
            # the row's own call comes to be what is made here
            parts = blocks if blocks[0] is not row else [row.forward]
            run = torch.compile(
                _run(codes[kind], parts),
                **{"dynamic": False, "fullgraph": True, **options},
            )
            runs.append(around(run, blocks) if around else run)
        graphs += len(codes)
        # what `nn.Module.compile` sets, and copies and pickles leave out
        row._compiled_call_impl = partial(_chunk, parts=runs)
    return graphs


def _blocks(row: nn.Module) -> list[nn.Module]:
    """The modules of a row that calls them one after another, else the row itself."""
    plain = getattr(type(row), "forward", None) is nn.Sequential.forward
    return list(row) if plain and isinstance(row, nn.Sequential) else [row]


def chunks(blocks: Sequence[nn.Module]) -> list[list[nn.Module]]:
    """Blocks in order, at most eight together, a long run of equal ones so that its chunks are
    equal."""
    found: list[list[nn.Module]] = []
    loose: list[nn.Module] = []
    for _, group in groupby(blocks, key=repr):
        run = list(group)
        size = min(
            range(LARGEST, LARGEST - 3, -1),
            key=lambda size: len(run) % size,
        )
        rest = len(run) % size if len(run) > LARGEST else len(run)
        loose += run[:rest]
        if rest < len(run):
            found += _cut(loose, LARGEST) + _cut(run[rest:], size)
            loose = []
    return found + _cut(loose, LARGEST)


def _cut(blocks: list[nn.Module], size: int) -> list[list[nn.Module]]:
    """So many together; the last may be fewer."""
    return [blocks[at : at + size] for at in range(0, len(blocks), size)]


def _chunk(
    x: torch.Tensor, *others: torch.Tensor, parts: Sequence[Run]
) -> torch.Tensor:
    for part in parts:
        x = part(x, *others)
    return x


def _run(code: Any, parts: Sequence[Run]) -> Run:
    """A chunk as a function of its own code object."""
    run = FunctionType(code, globals(), "chunk")
    run.__kwdefaults__ = {"parts": tuple(parts)}
    return run

"""A train state that each process holds whole → the same under FSDP (fully sharded data parallel):
each process holds its share of the weights, gradients and optimizer state (Rajbhandari et al. 2020,
arXiv 1910.02054, stage 3; Zhao et al. 2023, arXiv 2304.11277).

A block's weights are gathered when its turn comes, and freed after it. What leaves the processes (a
checkpoint, the exported weights) is whole, so that a run can be resumed with or without sharding,
on any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...collecting import each_value


def shard(
    net: nn.Module,
    device: torch.device,
    size: int,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    compiled: bool = False,
) -> None:
    """Divides a net that is the same in all `size` processes, and the state of its optimizer, in
    place.

    The net's shares come to `device`, wherever it was.
    """
    # half a second, which few runs need to spend
    from torch.distributed.device_mesh import (
        init_device_mesh,
    )
    from torch.distributed.fsdp import fully_shard

    before = dict(net.named_parameters())
    mesh = init_device_mesh(device.type, (size,))
    if compiled:
        _called_by_forward(net)
    for unit in units(net, compiled=compiled):
        fully_shard(unit, mesh=mesh)
    fully_shard(net, mesh=mesh)
    if optimizer:
        _follow(
            optimizer,
            {before[name]: share for name, share in net.named_parameters()},
        )


def units(net: nn.Module, *, compiled: bool) -> Iterator[nn.Module]:
    """What is gathered at a time: a block, or where chunks of blocks are compiled, a row."""
    for row in net.children():
        parts = (
            list(row)
            if isinstance(row, nn.Sequential) and not compiled
            else [row]
        )
        yield from (
            part for part in parts if any(True for _ in part.parameters())
        )


def _called_by_forward(net: nn.Module) -> None:
    """The gathering hangs on a module's call, which a compiled call goes around; but not around
    `forward`."""
    for row in net.children():
        row.forward, row._compiled_call_impl = row._compiled_call_impl, None  # type: ignore[assignment]


def gathered(tree: Any) -> Any:
    """Dicts and lists with every share made whole, on the CPU; all processes must call it alike."""
    if isinstance(tree, Tensor) and hasattr(tree, "full_tensor"):
        return tree.full_tensor().cpu()
    if isinstance(tree, dict):
        return each_value(gathered, tree)
    if isinstance(tree, list):
        return [*map(gathered, tree)]
    return tree


def local_shard(value: Tensor) -> Tensor:
    """This process's share of a tensor; all of one that is not shared."""
    return value.to_local() if hasattr(value, "to_local") else value


def _follow(
    optimizer: torch.optim.Optimizer, shares: dict[Any, Any]
) -> None:
    """Puts shares in place of the whole parameters and states of an optimizer."""
    from torch.distributed.tensor import distribute_tensor

    for group in optimizer.param_groups:
        group["params"] = [
            shares[parameter] for parameter in group["params"]
        ]
    for whole in list(optimizer.state):
        share, values = shares[whole], optimizer.state.pop(whole)
        optimizer.state[share] = {
            name: (
                distribute_tensor(
                    value,
                    share.device_mesh,
                    share.placements,
                    src_data_rank=None,
                )
                if isinstance(value, Tensor) and value.shape == whole.shape
                else value
            )
            for name, value in values.items()
        }

"""A net → the same with batch statistics over all processes."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...errors import UsageError

_CONVERTED = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
)


def with_sync_bn(net: nn.Module) -> nn.Module:
    """The net with a SyncBatchNorm for each batch norm.

    Raises `UsageError` for a norm that is more: torch makes a SyncBatchNorm of every subclass, and
    what an op of a package adds to it would be lost without a word."""
    for name, module in net.named_modules():
        if (
            isinstance(module, _BatchNorm)
            and type(module) not in _CONVERTED
        ):
            raise UsageError(
                f"train.sync_bn: `{name}` is a {type(module).__name__}, of which a SyncBatchNorm"
                " would keep the batch norm alone; take sync_bn out"
            )
    made: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(net)  # type: ignore[no-untyped-call]
    return made

"""Normalizations, and the batch norm on filters by which they are standardized."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ...ops import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from ..program import AtenCall
from .axes import equal_parts, flat
from .convolutions import bias_of, channels_last, tensors_of
from .reader import Arguments, ForeignValue, Reader, StateTensor, reads
from .spelled import Spelled


@reads("batch_norm")
def batch_norm(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x, weight = given["input"], given["weight"]
    if isinstance(x, StateTensor):
        return _filters(x, weight, given["eps"])
    if not all(given[role] for role in ("weight", "bias", "running_mean")):
        raise reader.no(
            "without a scale and a shift, or without statistics: the language's has all of them;"
            " `affine=True` begins with ones and zeros, and computes the same"
        )
    op = BatchNorm(eps=given["eps"], momentum=given["momentum"] or 0.1)
    return reader.kept(op, reader.channelled(x), tensors_of(reader, given))


def _filters(x: StateTensor, gain: Any, eps: float) -> StateTensor:
    """Each filter as a channel of its own, without its mean and with a variance of one."""
    if isinstance(gain, StateTensor):
        return replace(
            x,
            standardized="scaled",
            eps=eps,
            gain=gain.key,
            factor=gain.factor,
        )
    return replace(x, standardized="weight", eps=eps)


@reads("group_norm")
def group_norm(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    if not given["weight"]:
        raise reader.no("without a scale")
    eps, bias = given["eps"], bias_of(given)
    op = GroupNorm(groups=given["num_groups"], eps=eps, bias=bias)
    step = reader.plain(given["input"])
    return reader.add(op, step, tensors=tensors_of(reader, given))


@reads("instance_norm")
def instance_norm(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    if given["running_mean"] or bool(given["weight"]) != bool(
        given["bias"]
    ):
        raise reader.no("with statistics, or a scale without a shift")
    affine = bool(given["weight"])
    x = reader.value(given["input"])
    if len(x.axes) == 2 and not affine and len(reader.shape(x)) > 2:
        return _by_groups(reader, x, given["eps"])
    op = InstanceNorm(affine=affine, eps=given["eps"])
    step = reader.plain(given["input"])
    return reader.add(
        op, step, tensors=tensors_of(reader, given) if affine else None
    )


def _by_groups(reader: Reader, x: ForeignValue, eps: float) -> Spelled:
    """Of groups of channels that lie in a row each: as ONNX spells a group norm."""
    groups = equal_parts(x.axes[0], reader.shape(x)[0])
    if not groups:
        raise reader.no("of anything but groups of channels")
    return Spelled("grouped", reader.lying(x.step), eps, groups=groups)


@reads("layer_norm")
def layer_norm(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    x = _over_channels(reader, given)
    if not given["weight"]:
        raise reader.no("without a scale")
    op = LayerNorm(eps=given["eps"], bias=bias_of(given))
    return reader.kept(op, x, tensors_of(reader, given))


@reads("rms_norm")
def rms_norm(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    x = _over_channels(reader, given)
    if not given["weight"] or not given["eps"]:
        raise reader.no("without a scale, or without an eps")
    return reader.kept(
        RmsNorm(eps=given["eps"]), x, tensors_of(reader, given)
    )


def _over_channels(reader: Reader, given: Arguments) -> ForeignValue:
    """What is normed over its last axes, which are the channels, perhaps with the one cell that
    there is (GCNet)."""
    x = reader.value(channels_last(reader, reader.placed(given["input"])))
    normed = x.axes[-len(given["normalized_shape"]) :]
    if flat(normed) != reader.own_axes(x)[0]:
        raise reader.no(_NOT_CHANNELS)
    return x


_NOT_CHANNELS = (
    "over anything but the channels; of channels and cells together the language has `gn 1`:"
    " `nn.GroupNorm(1, channels)` norms the same numbers, with a scale and a shift for each channel"
)

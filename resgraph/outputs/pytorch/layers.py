"""What torch.nn lacks → one small class each, which exported source takes along as it stands.

A class here needs nothing but torch, nn and F, so its text can be copied. What has parameters or
buffers makes them in `__init__` and fills them in `reset_parameters`, as torch's own layers do,
so that a net can be made on the meta device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class DropPath(nn.Module):
    """Stochastic depth: in training an image is dropped with probability `rate`, the rest grow."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)

    def extra_repr(self) -> str:
        return f"{self.rate}"


class DropBlock(nn.Module):
    """In training, squares of `size` cells (stretches, cubes) are dropped, each channel's by
    themselves, a number with probability `rate`; the rest grow."""

    def __init__(self, rate: float, size: int = 7) -> None:
        super().__init__()
        self.rate = rate
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return x
        sides = x.shape[2:]
        axes, size = len(sides), min(self.size, *sides)
        first = x.new_empty(*x.shape[:2], *(n - size + 1 for n in sides))
        places = first.shape[2:].numel()  # where a square lies on the map
        first.bernoulli_(self.rate * sides.numel() / (size**axes * places))
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
        drawn = pool(F.pad(first, [size - 1] * 2 * axes), size, stride=1)
        kept = 1 - drawn.to(x.dtype)  # autocast pools volumes in float32
        return x * kept * (kept.numel() / (kept.sum() + 1e-6))

    def extra_repr(self) -> str:
        return f"{self.rate}, size={self.size}"


class QuickGelu(nn.Module):
    """GELU by its approximation with a sigmoid."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class BlurPool(nn.Module):
    """A binomial blur, then every stride-th cell; `mode` says what F.pad puts beyond the edges."""

    kernel: torch.Tensor

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        mode: str = "reflect",
    ) -> None:
        super().__init__()
        if isinstance(kernel_size, int):
            kernel_size = (kernel_size, kernel_size)
        if isinstance(padding, int):
            padding = (padding,) * len(kernel_size)
        if len(padding) == len(kernel_size):
            padding = tuple(cells for side in reversed(padding) for cells in (side, side))
        self.kernel_size = kernel_size
        self.mode = mode
        self.stride = stride
        self.padding = padding
        self.register_buffer("kernel", torch.empty(1, 1, *self.kernel_size), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        kernel = torch.ones(())
        for size in self.kernel_size:
            row = [1]
            for _ in range(size - 1):
                row = [a + b for a, b in zip([0, *row], [*row, 0], strict=True)]
            kernel = kernel[..., None] * torch.tensor([n / 2 ** (size - 1) for n in row])
        self.kernel.copy_(kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, self.padding, mode=self.mode)
        kernel = self.kernel.expand(x.shape[1], *self.kernel.shape[1:])
        conv = (F.conv1d, F.conv2d, F.conv3d)[len(self.kernel_size) - 1]
        return conv(x, kernel, stride=self.stride, groups=x.shape[1])

    def extra_repr(self) -> str:
        said = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return said if self.mode == "reflect" else f"{said}, mode={self.mode!r}"


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class GlobalMaxPool(nn.Module):
    """The largest of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax((2, 3))


class GlobalAvgPool1d(nn.Module):
    """The average of each channel: a sequence becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(2)


class GlobalMaxPool1d(nn.Module):
    """The largest of each channel: a sequence becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax(2)


class GlobalAvgPool3d(nn.Module):
    """The average of each channel: a volume becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3, 4))


class GlobalMaxPool3d(nn.Module):
    """The largest of each channel: a volume becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax((2, 3, 4))


class CellsToDepth(nn.Module):
    """A stretch or cube of `factor` cells along each axis becomes a cell with as many channels."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = x.dim() - 2
        cells = [part for n in x.shape[2:] for part in (n // self.factor, self.factor)]
        outer, inner = range(2, 2 + 2 * axes, 2), range(3, 3 + 2 * axes, 2)
        parts = x.reshape(*x.shape[:2], *cells).permute(0, 1, *inner, *outer)
        return parts.flatten(1, 1 + axes)

    def extra_repr(self) -> str:
        return f"{self.factor}"


class DepthToCells(nn.Module):
    """The way back: channels become `factor` cells along each axis."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = x.dim() - 2
        parts = x.reshape(x.shape[0], -1, *(self.factor,) * axes, *x.shape[2:])
        order = [place for n in range(axes) for place in (2 + axes + n, 2 + n)]
        size = [n * self.factor for n in x.shape[2:]]
        return parts.permute(0, 1, *order).reshape(x.shape[0], -1, *size)

    def extra_repr(self) -> str:
        return f"{self.factor}"


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of a map, at each place by itself."""

    def __init__(self, width: int, eps: float = 1e-5, bias: bool = True) -> None:
        super().__init__(width, eps, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.movedim(1, -1)
        y = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)


class RmsNorm(nn.RMSNorm):
    """RMS normalization over the channels, at each place of a map by itself."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__(width, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(self.weight.dtype)  # under autocast, the mean square in float32
        x = x.movedim(1, -1)
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps).movedim(-1, 1)


class ScaledGroupNorm(nn.GroupNorm):
    """Group normalization with a scale for each channel, and no shift."""

    def __init__(self, norm_groups: int, width: int, eps: float = 1e-5) -> None:
        super().__init__(norm_groups, width, eps)
        self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)


class EvoNorm(nn.Module):
    """A swish with a learned slope for each channel, or (`ungated`) what comes in, over the
    deviation of each of so many parts of the channels; then a scale and a shift."""

    def __init__(
        self, norm_groups: int, width: int, eps: float = 1e-5, ungated: bool = False
    ) -> None:
        super().__init__()
        self.norm_groups = norm_groups
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))
        self.slope = None if ungated else nn.Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        if self.slope is not None:
            nn.init.ones_(self.slope)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = (1,) * (x.dim() - 2)
        parts = x.reshape(x.shape[0], self.norm_groups, -1)
        variance = parts.var(2, correction=0, keepdim=True)
        if self.slope is not None:
            x = x * torch.sigmoid(x * self.slope.view(-1, *axes))
        out = (x.reshape(parts.shape) / (variance + self.eps).sqrt()).reshape(x.shape)
        return out * self.weight.view(-1, *axes) + self.bias.view(-1, *axes)

    def extra_repr(self) -> str:
        said = f"{self.norm_groups}, {self.weight.shape[0]}, eps={self.eps}"
        return said if self.slope is not None else f"{said}, ungated=True"


class ResponseNorm(nn.Module):
    """Global response normalization: a channel's norm over the map, as a share of their mean."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = tuple(range(2, x.dim()))
        response = torch.linalg.vector_norm(x, dim=places, keepdim=True)
        share = response / (response.mean(1, keepdim=True) + self.eps)
        weight, bias = (p.view(-1, *(1,) * len(places)) for p in (self.weight, self.bias))
        out: torch.Tensor = x + weight * (x * share) + bias
        return out

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"


class ChannelScale(nn.Module):
    """A learned factor per channel, of a map with so many axes or (`axes=0`) of a vector."""

    def __init__(self, width: int, start: float = 1.0, axes: int = 2) -> None:
        super().__init__()
        self.start = start
        self.weight = nn.Parameter(torch.empty(width, *(1,) * axes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.start)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, start={self.start}"


class ChannelAffine(nn.Module):
    """A learned factor per channel, and a learned number that is added, of a map with so many axes
    or (`axes=0`) of a vector."""

    def __init__(self, width: int, shift: float, start: float = 1.0, axes: int = 2) -> None:
        super().__init__()
        self.start = start
        self.shift = shift
        self.weight = nn.Parameter(torch.empty(width, *(1,) * axes))
        self.bias = nn.Parameter(torch.empty(width, *(1,) * axes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.start)
        nn.init.constant_(self.bias, self.shift)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, shift={self.shift}, start={self.start}"


class Gain(nn.Module):
    """One learned factor, and with `shift` a learned number that is added."""

    def __init__(self, start: float = 1.0, shift: float | None = None) -> None:
        super().__init__()
        self.start = start
        self.shift = shift
        self.weight = nn.Parameter(torch.empty(1))
        self.bias = None if shift is None else nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.start)
        if self.bias is not None and self.shift is not None:
            nn.init.constant_(self.bias, self.shift)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * self.weight
        return x if self.bias is None else x + self.bias

    def extra_repr(self) -> str:
        said = f"start={self.start}"
        return said if self.shift is None else f"{said}, shift={self.shift}"


class ChannelConv(nn.Conv1d):
    """A convolution along the channels of a vector, one filter for all; their number is kept."""

    def __init__(self, kernel_size: int, bias: bool = False) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv1d(x.unsqueeze(1), self.weight, self.bias, padding=self.padding).squeeze(1)


class Attention(nn.Module):
    """Multi-head attention over all cells; the channels are queries, keys and values."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.reshape(x.shape[0], 3, self.heads, -1, x[0, 0].numel()).transpose(-2, -1)
        q, k, v = parts.unbind(1)
        out = F.scaled_dot_product_attention(q, k, v)
        return out.transpose(-2, -1).reshape(x.shape[0], -1, *x.shape[2:])

    def extra_repr(self) -> str:
        return f"{self.heads}"


class RelativeAttention(nn.Module):
    """Multi-head attention over the cells of a map, in which a query also weighs the distances down
    and across, learned for each."""

    def __init__(self, heads: int, head_width: int, height: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.size = (height, width)
        self.down = nn.Parameter(torch.empty(2 * height - 1, head_width))
        self.across = nn.Parameter(torch.empty(2 * width - 1, head_width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for weight in (self.down, self.across):
            nn.init.trunc_normal_(weight, std=weight.shape[1] ** -0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2:] != self.size:
            raise ValueError(f"made for {self.size} cells, and {tuple(x.shape[2:])} came in")
        parts = x.reshape(x.shape[0], 3, self.heads, -1, *self.size)
        q, k, v = (part.flatten(3).transpose(2, 3) for part in parts.unbind(1))
        places = q.reshape(*q.shape[:2], *self.size, -1)
        down = self.distances(places.transpose(2, 3), self.down).transpose(2, 3)
        across = self.distances(places, self.across)
        weights = (down[..., None] + across[..., None, :]).flatten(4).flatten(2, 3)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=weights)
        return out.transpose(2, 3).reshape(x.shape[0], -1, *self.size)

    def distances(self, places: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """What each place along the last axis but one says of each other place."""
        side = places.shape[-2]
        said = places @ weight.t()  # of all distances, from 1 - side to side - 1
        place = torch.arange(side, device=said.device)
        index = place - place[:, None] + side - 1
        return said.gather(-1, index.expand(*said.shape[:-2], -1, -1))

    def extra_repr(self) -> str:
        return f"{self.heads}, size={self.size}"


class Position(nn.Module):
    """A learned number is added for each channel and cell; stored with the channels last."""

    def __init__(self, width: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.empty(*size, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2:] != self.size:
            raise ValueError(f"made for {self.size} cells, and {tuple(x.shape[2:])} came in")
        return x + self.weight.movedim(-1, 0)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[-1]}, size={self.size}"


class Token(nn.Module):
    """A learned vector is put before a sequence."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.weight[:, None].expand(x.shape[0], -1, -1), x], dim=2)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}"


class TokenMean(nn.Module):
    """The mean of a sequence is put before it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean(2, keepdim=True), x], dim=2)


class TakeToken(nn.Module):
    """The token that stands first in a sequence, as a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 0]


class Transpose(nn.Module):
    """A sequence with its channels and places in each other's place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


class Part(nn.Module):
    """One of `parts` equal parts of the channels, counted from 0."""

    def __init__(self, which: int, parts: int) -> None:
        super().__init__()
        self.which = which
        self.parts = parts

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.chunk(self.parts, dim=1)[self.which]

    def extra_repr(self) -> str:
        return f"{self.which} of {self.parts}"


class ChannelSlice(nn.Module):
    """The channels from `start`, up to `stop` and without it."""

    def __init__(self, start: int, stop: int | None = None) -> None:
        super().__init__()
        self.start = start
        self.stop = stop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, self.start : self.stop]

    def extra_repr(self) -> str:
        return f"{self.start}:{'' if self.stop is None else self.stop}"


class CellSoftmax(nn.Module):
    """A softmax over the cells of each channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2).softmax(2).view_as(x)


class PartSoftmax(nn.Module):
    """A softmax across `parts` equal parts of the channels, number by number."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.reshape(x.shape[0], self.parts, -1, *x.shape[2:])
        return parts.softmax(1).flatten(1, 2)

    def extra_repr(self) -> str:
        return f"{self.parts}"


class SpaceToDepth(nn.Module):
    """Each square of `factor` x `factor` cells becomes one; a cell's channels stay together."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pixel_unshuffle(x, self.factor)
        parts = x.reshape(x.shape[0], -1, self.factor**2, *x.shape[2:])
        return parts.transpose(1, 2).flatten(1, 2)

    def extra_repr(self) -> str:
        return f"{self.factor}"


class DepthToSpace(nn.Module):
    """`factor` squared channels become a square of cells: those of a cell stand together before."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.reshape(x.shape[0], self.factor**2, -1, *x.shape[2:])
        return F.pixel_shuffle(parts.transpose(1, 2).flatten(1, 2), self.factor)

    def extra_repr(self) -> str:
        return f"{self.factor}"


class ZeroPadShortcut(nn.Module):
    """Every stride-th cell, with zero channels after the last, or `centered`, half of them before
    the first: a shortcut that learns nothing.

    `axes` are those of a map, 2; a vector has 0."""

    def __init__(
        self,
        width_in: int,
        width: int,
        stride: int | tuple[int, ...] = 1,
        axes: int = 2,
        centered: bool = False,
    ) -> None:
        super().__init__()
        self.more = width - width_in
        self.before = self.more // 2 if centered else 0
        self.stride = stride
        self.axes = axes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride != 1:
            if self.axes == 1:
                x = F.avg_pool1d(x, 1, self.stride)
            elif self.axes == 2:
                x = F.avg_pool2d(x, 1, self.stride)
            elif self.axes == 3:
                x = F.avg_pool3d(x, 1, self.stride)
        return F.pad(x, [0, 0] * self.axes + [self.before, self.more - self.before])

    def extra_repr(self) -> str:
        return f"{self.more} more channels, stride={self.stride}"


class StandardizedConv2d(nn.Conv2d):
    """A convolution whose filters are standardized before use: mean 0, variance 1."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(width_in, width, kernel_size, stride, padding, dilation, groups, bias)
        self.eps = eps

    def filters(self) -> torch.Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        return (self.weight - mean) * (variance + self.eps).rsqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.filters()
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


class ScaledStandardizedConv2d(nn.Conv2d):
    """A convolution of filters that are standardized, divided by the root of their fan-in, and
    multiplied by `gamma` and a learned gain."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(width_in, width, kernel_size, stride, padding, dilation, groups, bias)
        self.gain = nn.Parameter(torch.ones(width, 1, 1, 1))
        self.factor = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if hasattr(self, "gain"):  # not yet when nn.Conv2d calls this
            nn.init.ones_(self.gain)

    def filters(self) -> torch.Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        scale: torch.Tensor = self.gain * self.factor * (variance + self.eps).rsqrt()
        return (self.weight - mean) * scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.filters()
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


class PaddedConv2d(nn.Conv2d):
    """A convolution of a map with `padding` around it: cells before and after, as F.pad takes them;
    `mode` says what they are."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        mode: str = "constant",
    ) -> None:
        super().__init__(width_in, width, kernel_size, stride, 0, dilation, groups, bias)
        self.edges = (padding,) * 4 if isinstance(padding, int) else padding
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, self.edges, mode=self.mode)
        w = self.weight
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        return f"{said}, stride={self.stride}, edges={self.edges}, mode={self.mode!r}"


class MixedConv2d(nn.ModuleList):
    """Depthwise convolutions of equal parts of the channels, each with a kernel of its own; what is
    left over is the first part's. Each padding is as PaddedConv2d takes it."""

    def __init__(
        self,
        width: int,
        kernel_sizes: tuple[int | tuple[int, int], ...],
        paddings: tuple[int | tuple[int, ...], ...],
        stride: int | tuple[int, int] = 1,
        bias: bool = True,
        mode: str = "constant",
    ) -> None:
        super().__init__()
        parts = len(kernel_sizes)
        self.widths = [width // parts] * parts
        self.widths[0] += width % parts
        for own, kernel, padding in zip(self.widths, kernel_sizes, paddings, strict=True):
            if isinstance(padding, int) and mode == "constant":
                conv = nn.Conv2d(own, own, kernel, stride, padding, groups=own, bias=bias)
            else:
                conv = PaddedConv2d(own, own, kernel, stride, padding, 1, own, bias, mode)
            self.append(conv)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = torch.split(x, self.widths, 1)
        return torch.cat([conv(part) for conv, part in zip(self, parts, strict=True)], 1)


class PaddedStandardizedConv2d(StandardizedConv2d):
    """A standardized convolution of a map with `padding` around it, as F.pad takes it."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        mode: str = "constant",
        eps: float = 1e-8,
    ) -> None:
        super().__init__(width_in, width, kernel_size, stride, 0, dilation, groups, bias, eps)
        self.edges = (padding,) * 4 if isinstance(padding, int) else padding
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, self.edges, mode=self.mode)
        w = self.filters()
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        return f"{said}, stride={self.stride}, edges={self.edges}, mode={self.mode!r}"


class PaddedScaledStandardizedConv2d(ScaledStandardizedConv2d):
    """A scaled and standardized convolution of a map with `padding` around it, as F.pad takes
    it."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        mode: str = "constant",
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            width_in, width, kernel_size, stride, 0, dilation, groups, bias, gamma, eps
        )
        self.edges = (padding,) * 4 if isinstance(padding, int) else padding
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, self.edges, mode=self.mode)
        w = self.filters()
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        return f"{said}, stride={self.stride}, edges={self.edges}, mode={self.mode!r}"


class PaddedMaxPool2d(nn.MaxPool2d):
    """The largest of each window of a map with `padding` around it, as F.pad takes it: no number is
    less, or what `mode` says."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, ...] = 0,
        mode: str = "constant",
    ) -> None:
        super().__init__(kernel_size, stride)
        self.edges = (padding,) * 4 if isinstance(padding, int) else padding
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = float("-inf") if self.mode == "constant" else None
        return F.max_pool2d(F.pad(x, self.edges, self.mode, value), self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, edges={self.edges}, mode={self.mode!r}"


class PaddedAvgPool2d(nn.AvgPool2d):
    """The average of each window of a map with `padding` around it, as F.pad takes it; or of those
    cells of it that are the map's."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, ...] = 0,
        count_include_pad: bool = True,
        mode: str = "constant",
    ) -> None:
        super().__init__(kernel_size, stride, count_include_pad=count_include_pad)
        self.edges = (padding,) * 4 if isinstance(padding, int) else padding
        self.mode = mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size, stride = self.kernel_size, self.stride
        mean = F.avg_pool2d(F.pad(x, self.edges, mode=self.mode), size, stride)
        if self.count_include_pad:
            return mean
        own = F.pad(torch.ones_like(x[:1, :1]), self.edges)
        return mean / F.avg_pool2d(own, size, stride)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, edges={self.edges}, mode={self.mode!r}"


class ToSizeOf(nn.Module):
    """Brings a map to the size of another, which it is given too."""


class UpsampleTo(ToSizeOf):
    """Each cell repeated, or `bilinear` between cells' centres, up to the size of another map."""

    def __init__(
        self, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        super().__init__()
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        size, align_corners = like.shape[2:], self.align_corners
        return F.interpolate(x, size, mode=self.mode, align_corners=align_corners)

    def extra_repr(self) -> str:
        return self.mode


class AvgPoolTo(ToSizeOf):
    """The average of as many windows as another map has cells."""

    def forward(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool2d(x, (like.shape[2], like.shape[3]))


class MaxPoolTo(ToSizeOf):
    """The largest of each of as many windows as another map has cells."""

    def forward(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return F.adaptive_max_pool2d(x, (like.shape[2], like.shape[3]))


class SizedSequential(nn.Sequential):
    """A Sequential that hands the maps whose sizes it needs to the modules that need them, in
    order."""

    def forward(self, x: torch.Tensor, *like: torch.Tensor) -> torch.Tensor:
        sizes = iter(like)
        for module in self:
            x = module(x, next(sizes)) if isinstance(module, ToSizeOf) else module(x)
        return x


class StreamSequential(nn.Sequential):
    """A Sequential through which several tensors flow side by side, as many as each module takes
    and gives."""

    def forward(
        self, *streams: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        for module in self:
            out = module(*streams)
            streams = out if isinstance(out, tuple) else (out,)
        return streams if len(streams) > 1 else streams[0]

"""Blocks with several paths, against the same block written out by hand over `torch.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import resgraph


@dataclass(frozen=True)
class Weights:
    """The entries of a state dict below `row.`, and the layers that they belong to."""

    entries: dict[str, Tensor]

    def conv(
        self, name: str, x: Tensor, stride: int = 1, dilation: int = 1
    ) -> Tensor:
        """A convolution that keeps the size at stride 1; its groups follow from the shapes."""
        weight = self.entries[f"row.{name}.weight"]
        bias = self.entries.get(f"row.{name}.bias")
        pad = dilation * (weight.shape[-1] // 2)
        groups = x.shape[1] // weight.shape[1]
        return F.conv2d(x, weight, bias, stride, pad, dilation, groups)

    def bn(self, name: str, x: Tensor) -> Tensor:
        mean, var, weight, bias = (
            self.entries[f"row.{name}.{key}"]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, var, weight, bias)

    def unit(
        self, name: str, x: Tensor, stride: int = 1, dilation: int = 1
    ) -> Tensor:
        """conv bn"""
        return self.bn(
            f"{name}.bn", self.conv(f"{name}.conv", x, stride, dilation)
        )

    def fc(self, name: str, x: Tensor) -> Tensor:
        return F.linear(
            x,
            self.entries[f"row.{name}.weight"],
            self.entries.get(f"row.{name}.bias"),
        )


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def mean(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def over(x: Tensor, gate: Tensor) -> Tensor:
    return x * gate[:, :, None, None]


def bottleneck(w: Weights, x: Tensor) -> Tensor:
    y = relu(w.unit("body.1", relu(w.unit("body.0", x)), 2, 3))
    return relu(w.unit("body.2", y) + w.unit("shortcut", x, 2))


def preact_basic(w: Weights, x: Tensor) -> Tensor:
    pre = relu(w.bn("pre.0", x))
    y = w.conv("body.1.conv", pre, 2)
    y = w.conv("body.2.conv", relu(w.bn("body.2.bn", y)))
    return y + w.conv("shortcut.1.conv", pre, 2)


def zero_pad(w: Weights, x: Tensor) -> Tensor:
    y = w.unit("body.1", relu(w.unit("body.0", x, 2)))
    short = torch.zeros_like(y)
    short[:, : x.shape[1]] = x[:, :, ::2, ::2]
    return relu(y + short)


def se(w: Weights, x: Tensor) -> Tensor:
    return over(x, w.fc("s.2", relu(w.fc("s.1", mean(x)))).sigmoid())


def eca(w: Weights, x: Tensor) -> Tensor:
    kernel = w.entries["row.s.1.weight"].flatten()
    reach = len(kernel) // 2
    padded = F.pad(mean(x), (reach, reach))
    gate = sum(
        kernel[k] * padded[:, k : k + x.shape[1]]
        for k in range(len(kernel))
    )
    assert isinstance(gate, Tensor)
    return over(x, gate.sigmoid())


def dense_layer(w: Weights, x: Tensor) -> Tensor:
    y = w.conv("body.0.conv", relu(w.bn("body.0.bn", x)))
    return torch.cat(
        [x, w.conv("body.1.conv", relu(w.bn("body.1.bn", y)))], 1
    )


def highway(w: Weights, x: Tensor) -> Tensor:
    gate = w.conv("T.conv", x).sigmoid()
    return relu(w.conv("H.conv", x)) * gate + x * (1 - gate)


def res2net(w: Weights, x: Tensor) -> Tensor:
    p0, p1, p2, p3 = relu(w.unit("cut", x)).chunk(4, 1)
    y0 = relu(w.unit("y0.2", p0))
    y1 = relu(w.unit("y1.1", y0 + p1))
    y2 = relu(w.unit("y2.1", y1 + p2))
    return relu(w.unit("body.1", torch.cat([y0, y1, y2, p3], 1)) + x)


def res2net_first(w: Weights, x: Tensor) -> Tensor:
    *parts, last = relu(w.unit("cut", x)).chunk(4, 1)
    ys = [relu(w.unit(f"y{k}.2", part, 2)) for k, part in enumerate(parts)]
    ys.append(F.avg_pool2d(last, 3, 2, 1))
    return relu(
        w.unit("body.1", torch.cat(ys, 1)) + w.unit("shortcut", x, 2)
    )


def weighed(w: Weights, u: tuple[Tensor, Tensor]) -> Tensor:
    """Two maps, weighed by a softmax between their channels."""
    squeezed = relu(
        w.bn("a.3", w.fc("a.2", mean(u[0] + u[1]))[:, :, None, None])
    ).flatten(1)
    first, second = w.fc("a.5", squeezed).chunk(2, 1)
    weight = torch.exp(first) / (torch.exp(first) + torch.exp(second))
    return over(u[0], weight) + over(u[1], 1 - weight)


def split_attention(w: Weights, x: Tensor) -> Tensor:
    first, second = relu(w.unit("both", x)).chunk(2, 1)
    return weighed(w, (first, second))


def selective_kernel(w: Weights, x: Tensor) -> Tensor:
    return weighed(
        w, (relu(w.unit("u0", x, 2)), relu(w.unit("u1", x, 2, 2)))
    )


def inverted_residual(w: Weights, x: Tensor) -> Tensor:
    y = relu(w.unit("body.1", relu(w.unit("body.0", x))))
    return w.unit("body.2", y) + x


def mbconv(w: Weights, x: Tensor) -> Tensor:
    y = F.silu(w.unit("gated.1", F.silu(w.unit("gated.0", x))))
    gate = w.fc(
        "gated.2.s.2", F.silu(w.fc("gated.2.s.1", mean(y)))
    ).sigmoid()
    return w.unit("gated.3", over(y, gate)) + x


def convnext(w: Weights, x: Tensor) -> Tensor:
    y = w.conv("body.0.conv", x)
    y = (y - y.mean(1, keepdim=True)) / (
        y.var(1, keepdim=True, unbiased=False) + 1e-5
    ).sqrt()
    y = (
        over(y, w.entries["row.body.1.weight"][None])
        + w.entries["row.body.1.bias"][:, None, None]
    )
    y = w.conv("body.3.conv", F.gelu(w.conv("body.2.conv", y)))
    return over(y, w.entries["row.body.4.weight"].flatten()[None]) + x


def shuffle_unit(w: Weights, x: Tensor) -> Tensor:
    kept, half = x.chunk(2, 1)
    y = w.unit("body.2", relu(w.unit("body.1", half)))
    # channel by channel, one of each
    both = torch.stack([kept, relu(w.unit("body.3", y))], 2)
    return both.flatten(1, 2)


def repvgg(w: Weights, x: Tensor) -> Tensor:
    return relu(w.unit("body", x) + w.unit("point", x) + w.bn("kept.1", x))


def blur_basic(w: Weights, x: Tensor) -> Tensor:
    y = relu(w.unit("body.0", x))
    row = torch.tensor([0.25, 0.5, 0.25], dtype=y.dtype)
    kernel = torch.outer(row, row).expand(y.shape[1], 1, 3, 3)
    y = F.conv2d(
        F.pad(y, (1, 1, 1, 1), mode="reflect"),
        kernel,
        stride=2,
        groups=y.shape[1],
    )
    return relu(w.unit("body.2", y) + w.unit("shortcut", x, 2))


MAP = "64x9x8"
BLOCKS: list[tuple[str, str, Callable[[Weights, Tensor], Tensor]]] = [
    ("bottleneck 128 /2 dilation 3", "", bottleneck),
    ("preact-basic 128 /2", "", preact_basic),
    ("basic 128 /2", "shortcut: zero-pad\n", zero_pad),
    ("se", "", se),
    ("eca", "", eca),
    ("dense-layer growth 12", "", dense_layer),
    ("highway", "", highway),
    ("res2net 64", "", res2net),
    ("res2net-first 128 /2", "", res2net_first),
    ("split-attention 64", "", split_attention),
    ("selective-kernel 96 /2", "", selective_kernel),
    ("inverted-residual 64", "", inverted_residual),
    ("mbconv 64 kernel 5", "", mbconv),
    ("convnext", "", convnext),
    ("shuffle-unit", "", shuffle_unit),
    ("repvgg 64", "", repvgg),
    ("blur-basic 128 /2", "", blur_basic),
]


@pytest.mark.parametrize(
    ("call", "head", "by_hand"), BLOCKS, ids=[call for call, _, _ in BLOCKS]
)
def test_block_computes_what_it_does_by_hand(
    call: str, head: str, by_hand: Callable[[Weights, Tensor], Tensor]
) -> None:
    torch.manual_seed(0)
    net = (
        resgraph.loads(
            f"name: one block\ninput: {MAP}\n{head}net:\n  row: {call}\n"
        )
        .module()
        .double()
        .eval()
    )
    for name, entry in net.state_dict().items():
        if entry.is_floating_point():
            torch.nn.init.uniform_(
                entry,
                0.5 if name.endswith("var") else -0.5,
                1.5 if name.endswith("var") else 0.5,
            )
    x = torch.randn(2, 64, 9, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(
            net(x), by_hand(Weights(net.state_dict()), x)
        )

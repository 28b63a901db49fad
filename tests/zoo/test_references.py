"""Nets of the zoo against the paper written in torch by hand: parameters, multiply-adds, and in float64 the output, its
gradients and the statistics of a batch, in evaluation and in training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import resgraph

from .agreement import PART, SPECS, sized, thin


class Residual(nn.Module):
    """SRResNet's: conv bn prelu conv bn, and the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.PReLU()
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn2(self.second(self.act(self.bn1(self.first(x)))))


class SRResNet(nn.Module):
    """Ledig et al. 2016, Figure 4."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, width, 9, padding=4), nn.PReLU()
        )
        self.body = nn.Sequential(
            *(Residual(width) for _ in range(16)),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.up = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(width, 4 * width, 3, padding=1),
                    nn.PixelShuffle(2),
                    nn.PReLU(),
                )
                for _ in range(2)
            )
        )
        self.last = nn.Conv2d(width, 3, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return self.last(self.up(first + self.body(first)))


def unit(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )


class Fractal(nn.Module):
    """Larsson et al. 2016, section 3: three columns; joins that meet are one mean."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.a1, self.a2, self.b1 = (
            unit(into, out),
            unit(out, out),
            unit(into, out),
        )
        self.a3, self.a4, self.b2 = (unit(out, out) for _ in range(3))
        self.c = unit(into, out)

    def forward(self, x: Tensor) -> Tensor:
        join = torch.stack([self.a2(self.a1(x)), self.b1(x)]).mean(0)
        ends = [self.a4(self.a3(join)), self.b2(join), self.c(x)]
        return torch.stack(ends).mean(0)


def fractalnet(part: int = 1) -> nn.Module:
    """Without dropout, which has no reference; the spec's rates are set to 0."""
    widths = [3, *(w // part for w in (64, 128, 256, 512, 512))]
    blocks = (
        nn.Sequential(Fractal(into, out), nn.MaxPool2d(2))
        for into, out in pairwise(widths)
    )
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(widths[-1], 10))


class Generator(nn.Module):
    """Zhu et al. 2017, section 7.2: c7s1-64, d128, d256, R256 nine times, u128, u64, c7s1-3."""

    def __init__(self, part: int = 1) -> None:
        super().__init__()
        a, b, c = (width // part for width in (64, 128, 256))
        down = [
            c for w in (a, b) for c in normed(nn.Conv2d(w, 2 * w, 3, 2, 1))
        ]
        up = [
            c
            for w in (c, b)
            for c in normed(
                nn.ConvTranspose2d(w, w // 2, 3, 2, 1, output_padding=1)
            )
        ]
        self.first = nn.Sequential(
            nn.ReflectionPad2d(3), *normed(nn.Conv2d(3, a, 7))
        )
        self.down = nn.Sequential(*down)
        self.body = nn.ModuleList(
            nn.Sequential(
                nn.ReflectionPad2d(1),
                *normed(nn.Conv2d(c, c, 3)),
                nn.ReflectionPad2d(1),
                *normed(nn.Conv2d(c, c, 3))[:2],
            )
            for _ in range(9)
        )
        self.up = nn.Sequential(*up)
        self.last = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(a, 3, 7), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(self.first(x))
        for block in self.body:
            x = x + block(x)
        out: Tensor = self.last(self.up(x))
        return out


def normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]


class Maxout(nn.Module):
    """Goodfellow et al. 2013 (arXiv 1302.4389), section 2: the larger of two affine maps."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.a, self.b = (
            nn.Conv2d(into, out, 3, padding=1) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.a(x), self.b(x)]).amax(0)


MAXOUT = """\
name: maxout
input: 3x12x10
unit: conv
blocks: {maxout: {a: 3x3 conv out, b: 3x3 conv out, merge: max(a b)}}
net:
  one:  maxout 8
  two:  [maxout 16, 2x2 max pool /2]
  head: [global avg pool, fc 5]
"""


def maxout() -> nn.Module:
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(
        Maxout(3, 8),
        Maxout(8, 16),
        nn.MaxPool2d(2),
        pool,
        nn.Flatten(),
        nn.Linear(16, 5),
    )


GRN = """\
name: grn as an equation
input: 3x12x10
unit: conv
blocks:
  response:                      # Woo et al. 2023, Algorithm 1; the norms' common factor cancels
    n:     sqrt(mean(x*x over cells))
    share: n / (mean(n over channels) + 1e-9)
    y:     [x*share, 1x1 depthwise conv]
    merge: y + x
net:
  one:  [3x3 conv 8, response, 3x3 conv 4]
  head: [global avg pool, fc 5]
"""


class Response(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(width, 1, 1, 1))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        gx = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        nx = gx / gx.mean(1, keepdim=True)
        return self.gamma[:, 0] * (x * nx) + self.beta[:, None, None] + x


def grn() -> nn.Module:
    one, two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(
        one, Response(8), two, pool, nn.Flatten(), nn.Linear(4, 5)
    )


NETS: dict[
    str, tuple[Callable[[], resgraph.Plan], Callable[[], nn.Module], float]
] = {
    "srresnet": (
        lambda: thin("srresnet", "input=3x8x8"),
        lambda: SRResNet(64 // PART),
        1e-9,
    ),
    "cyclegan": (
        lambda: thin("cyclegan", "input=3x16x20"),
        lambda: Generator(PART),
        1e-9,
    ),
    "fractalnet": (
        lambda: thin("fractalnet", "let.rate=0"),
        lambda: fractalnet(PART),
        1e-9,
    ),
    "maxout": (lambda: resgraph.loads(MAXOUT), maxout, 1e-9),
    "grn": (lambda: resgraph.loads(GRN), grn, 1e-7),
}


class Causal(nn.Module):
    """Bai et al. 2018, Figure 1: two dilated convolutions that see what came before, with batch norm."""

    def __init__(self, into: int, out: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.first = nn.Conv1d(into, out, 3, dilation=reach, bias=False)
        self.bn1 = nn.BatchNorm1d(out)
        self.second = nn.Conv1d(out, out, 3, dilation=reach, bias=False)
        self.bn2 = nn.BatchNorm1d(out)
        self.skip, self.bn3 = nn.Identity(), nn.Identity()
        if into != out:
            self.skip = nn.Conv1d(into, out, 1, bias=False)
            self.bn3 = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv, bn in ((self.first, self.bn1), (self.second, self.bn2)):
            before = y.new_zeros(*y.shape[:2], 2 * self.reach)
            y = bn(conv(torch.cat([before, y], 2))).relu()
        return (y + self.bn3(self.skip(x))).relu()


def causal() -> nn.Module:
    blocks = [
        Causal(12, 32, 1),
        Causal(32, 32, 2),
        Causal(32, 64, 4),
        Causal(64, 64, 8),
    ]
    return nn.Sequential(*blocks, nn.Conv1d(64, 5, 1))


NETS["tcn"] = (
    lambda: resgraph.load(SPECS / "tcn.yaml", ["input=12x40"]),
    causal,
    1e-9,
)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("fractalnet", fractalnet),
        ("srresnet", SRResNet),
        ("cyclegan", Generator),
    ],
)
def test_a_net_has_the_papers_size(
    name: str, make: Callable[[], nn.Module]
) -> None:
    plan = resgraph.load(SPECS / f"{name}.yaml")
    sized(plan, make, torch.randn(1, *plan.input))


def test_a_causal_net_sees_nothing_that_comes_later() -> None:
    net = filled(resgraph.load(SPECS / "tcn.yaml").module()).eval()
    x = torch.randn(1, 12, 256, dtype=torch.double).requires_grad_()
    (seen,) = torch.autograd.grad(net(x)[0, :, 100].sum(), x)
    places = seen.abs().sum((0, 1)).nonzero().flatten()
    assert (places.min(), places.max()) == (100 - 60, 100), (
        "61 cells, its receptive field"
    )


def filled(net: nn.Module) -> nn.Module:
    """A net in float64 with numbers that are none of those that it starts with."""
    torch.manual_seed(0)
    for entry in net.state_dict().values():
        if entry.is_floating_point():
            low = 0.5 if entry.dim() < 2 else -1.0
            scale = (
                (3 / entry[0].numel()) ** 0.5 if entry.dim() > 1 else 1.0
            )
            nn.init.uniform_(entry, low * scale, scale)
    return net.double()


def given(net: nn.Module, x: Tensor) -> list[Tensor]:
    """The output, the gradients of what comes in and of every parameter, and the statistics."""
    x = x.clone().requires_grad_()
    output = net(x)
    factors = torch.linspace(-1, 1, output.numel(), dtype=torch.double)
    gradients = torch.autograd.grad(
        (output.flatten() * factors).sum(), [x, *net.parameters()]
    )
    return [output, *gradients, *net.buffers()]


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_the_papers(name: str) -> None:
    make, reference, tolerance = NETS[name]
    plan, theirs = make(), filled(reference())
    ours = plan.module().double()
    entries = theirs.state_dict()
    assert [e.shape for e in ours.state_dict().values()] == [
        e.shape for e in entries.values()
    ]
    ours.load_state_dict(
        dict(zip(ours.state_dict(), entries.values(), strict=True))
    )
    assert plan.params == sum(p.numel() for p in theirs.parameters())
    with FlopCounterMode(display=False) as counter:
        theirs.eval()(torch.zeros(1, *plan.input, dtype=torch.double))
    # what our GRN writes as a convolution
    more = 8 * 12 * 10 if name == "grn" else 0
    assert plan.macs == counter.get_total_flops() // 2 + more
    x = torch.randn(2, *plan.input, dtype=torch.double)
    for training in (False, True):
        both = [given(net.train(training), x) for net in (ours, theirs)]
        for one, other in zip(*both, strict=True):
            close = torch.allclose(
                one, other, rtol=tolerance, atol=tolerance / 1000
            )
            # counters of batches
            assert close or not one.is_floating_point()

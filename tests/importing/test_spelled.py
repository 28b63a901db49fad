"""What PyTorch code spells out, or says in several ways, is one word of the language, and equal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import Imported, ImportRefused

INPUT = (8, 16, 16)


class Calls(nn.Module):
    """A function of a module's tensors, between two convolutions."""

    def __init__(self, function, width: int = 8, **tensors: Tensor) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.function = function
        self.one, self.two = nn.Conv2d(8, 8, 1), nn.Conv2d(width, 4, 1)
        for name, tensor in tensors.items():
            setattr(self, name, nn.Parameter(tensor))

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.function(self, self.one(x)))


def imported(model: nn.Module) -> Imported:
    found = from_module(model, INPUT, name="net")
    proof = found.proof
    assert proof.output is not None and proof.output < 1e-12
    assert proof.gradients is not None and proof.gradients < 1e-7
    return found


def response(net: nn.Module, x: Tensor) -> Tensor:
    """Woo et al. 2023, Algorithm 1, as timm has it."""
    norm = x.norm(p=2, dim=(2, 3), keepdim=True)
    share = norm / (norm.mean(1, keepdim=True) + 1e-6)
    weight, bias = net.weight.view(1, -1, 1, 1), net.bias.view(1, -1, 1, 1)
    return x + torch.addcmul(bias, weight, x * share)


def root_mean_square(net: nn.Module, x: Tensor) -> Tensor:
    scale = torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6)
    return x * scale * net.weight.reshape(1, -1, 1, 1)


def last(net: nn.Module, x: Tensor) -> Tensor:
    return F.rms_norm(x.movedim(1, -1), (8,), net.weight, 1e-6).movedim(
        -1, 1
    )


def standardized(net: nn.Module, x: Tensor) -> Tensor:
    variance, mean = torch.var_mean(
        net.weight, (1, 2, 3), correction=0, keepdim=True
    )
    return F.conv2d(
        x, (net.weight - mean) * (variance + 1e-8).rsqrt(), net.bias
    )


def squares(net: nn.Module, x: Tensor) -> Tensor:
    """Ridnik et al. 2020 (TResNet), section 3.1: a cell's channels stay together."""
    b, c, h, w = x.shape
    x = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(b, 4 * c, h // 2, w // 2)


def sub_pixels(net: nn.Module, x: Tensor) -> Tensor:
    """Shi et al. 2016, equation 4."""
    b, c, h, w = x.shape
    x = x.view(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(b, c // 4, 2 * h, 2 * w)


def unshifted(net: nn.Module, x: Tensor) -> Tensor:
    return F.layer_norm(x.movedim(1, 3), (8,), net.weight).movedim(3, 1)


ONES, SHIFT = torch.ones(8), torch.zeros(8)
FILTERS = {"weight": torch.randn(8, 8, 1, 1), "bias": SHIFT}
FORMS = {
    "quick gelu": lambda net, x: x * torch.sigmoid(1.702 * x),
    "silu": lambda net, x: x * torch.sigmoid(x),
    "hardswish": lambda net, x: x * F.hardsigmoid(x),
    "hardswish ": lambda net, x: x * F.relu6(x + 3, inplace=True) / 6,
    "hardswish  ": lambda net, x: x * (F.relu6(x + 3) / 6),
    "hardsigmoid": lambda net, x: F.relu6(3 + x) * (1 / 6),
    "gelu ": lambda net, x: F.gelu(x.float()).to(x.dtype),
    "relu6": lambda net, x: x.clamp(0, 6),
    "relu": lambda net, x: x.clamp(min=0),
    "mish": lambda net, x: x * torch.tanh(F.softplus(x)),
    "gelu": lambda net, x: F.gelu(x),
    "gelu tanh": lambda net, x: F.gelu(x, approximate="tanh"),
    "cell softmax": lambda net, x: F.softmax(x.flatten(2), 2).reshape(
        x.shape
    ),
    "instance norm": lambda net, x: F.instance_norm(x),
}


@pytest.mark.parametrize("word", FORMS)
def test_a_form_without_weights(word: str) -> None:
    found = imported(Calls(FORMS[word]))
    assert word.strip() in found.text and "blocks:" not in found.text


def channels_first(net: nn.Module, x: Tensor) -> Tensor:
    """Liu et al. 2022 (ConvNeXt), in the authors' code."""
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt(variance + 1e-6)
    return net.weight[:, None, None] * x + net.bias[:, None, None]


def energy(net: nn.Module, x: Tensor) -> Tensor:
    """Yang et al. 2021 (SimAM), in the authors' code."""
    apart = (x - x.mean(dim=[2, 3], keepdim=True)).pow(2)
    variance = apart.sum(dim=[2, 3], keepdim=True) / (
        x.shape[2] * x.shape[3] - 1
    )
    return x * torch.sigmoid(apart / (4 * (variance + 1e-4)) + 0.5)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda net, x: torch.max(x.tanh(), x), "merge: max(body x)"),
        (lambda net, x: torch.minimum(x.tanh(), x), "merge: min(body x)"),
        (
            lambda net, x: torch.stack([x.tanh(), x]).mean(0),
            "merge: mean(body x)",
        ),
        (
            lambda net, x: torch.stack([x.tanh(), x], 1).amax(1),
            "merge: max(body x)",
        ),
        (
            lambda net, x: x * x.sum((2, 3), keepdim=True),
            "*sum(conv1 over cells)",
        ),
        (
            lambda net, x: x * x.sum(1, keepdim=True),
            "*sum(conv1 over channels)",
        ),
        (lambda net, x: x + torch.sqrt(x.sigmoid()), "sqrt(body)"),
        (lambda net, x: x + torch.exp(-x.tanh().abs()), "exp("),
        (energy, "p0*p0"),
    ],
)
def test_an_equation_of_tensors(form: Any, said: str) -> None:
    text = imported(Calls(form)).text
    assert said in text, text


def test_a_layer_norm_by_hand() -> None:
    text = imported(Calls(channels_first, weight=ONES, bias=SHIFT)).text
    assert (
        "[1x1 conv 8, ln, 1x1 conv 4]" in text and "ln: {eps: 1e-6}" in text
    ), text


def test_one_cell_becomes_a_map() -> None:
    """Radford et al. 2016 (DCGAN), Figure 1, and how its critic ends."""
    first, last = nn.ConvTranspose2d(8, 4, 4), nn.Conv2d(4, 1, 4)
    found = from_module(
        nn.Sequential(first, nn.Tanh(), last, Vector()), (8, 1, 1)
    )
    assert (
        "4x4 up conv 4 /4" in found.text and "output: 1}" in found.text
    ), found.text


class Vector(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, 1).squeeze(1)


def test_a_clamp_from_0_is_a_relu6_of_a_multiple() -> None:
    """As in the gates of Han et al. 2020 (GhostNet)."""
    text = imported(Calls(lambda net, x: x.sigmoid() * x.clamp(0, 1))).text
    assert "merge: relu6(6*x)/6*body" in text, text
    with pytest.raises(ImportRefused, match="from another number than 0"):
        from_module(Calls(lambda net, x: x.clamp(-1, 1)), INPUT)


def shuffled(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(8), nn.PReLU(8)])
def test_what_learns_of_each_channel_follows_a_shuffle(
    layer: nn.Module,
) -> None:
    word = "bn" if isinstance(layer, nn.BatchNorm2d) else "prelu"
    net = nn.Sequential(nn.Conv2d(8, 8, 1), Shuffled(), layer)
    assert f"shuffle 2, {word}" in imported(net).text


class Shuffled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return shuffled(x)


def test_a_batch_norm_of_a_flat_map() -> None:
    layers = nn.Flatten(), nn.BatchNorm1d(2048), nn.Linear(2048, 4)
    assert "flatten, bn, fc 4" in imported(nn.Sequential(*layers)).text


@pytest.mark.parametrize("last", [nn.ReLU(), nn.LogSoftmax(1)])
def test_a_map_of_one_cell_comes_out(last: nn.Module) -> None:
    """Iandola et al. 2016 (SqueezeNet) end so."""
    text = imported(
        nn.Sequential(nn.Conv2d(8, 4, 1), nn.AvgPool2d(16), last)
    ).text
    assert "avg pool /16" in text and "output: 4x1x1" in text


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Calls(response, weight=ONES, bias=SHIFT), "grn"),
        (Calls(root_mean_square, weight=ONES), "rms norm"),
        (Calls(last, weight=ONES), "rms norm"),
        (Calls(standardized, **FILTERS), "standardize weight"),
        (Calls(squares, 32), "space to depth 2 blockwise"),
        (Calls(sub_pixels, 2), "depth to space 2"),
        (
            Calls(
                lambda net, x: F.relu(x) * net.scale + net.shift,
                scale=torch.ones(1),
                shift=torch.zeros(1),
            ),
            "gain shift 0",
        ),
        (Calls(lambda net, x: F.prelu(x, net.slope), slope=ONES / 4), "prelu"),
        (Calls(unshifted, weight=ONES), "ln: {bias: none}"),
        (Calls(lambda net, x: F.prelu(x, net.slope), slope=ONES[:1] / 4), "prelu shared"),
        (
            Calls(
                lambda net, x: F.instance_norm(x, weight=net.weight, bias=net.bias),
                weight=ONES, bias=SHIFT,
            ),
            "instance norm affine",
        ),
        (Calls(lambda net, x: F.interpolate(x, size=(24, 20))), "upsample to 24x20"),
        (Calls(lambda net, x: F.pad(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), [0] * 4)),
         "upsample 2 bilinear align_corners, 1x1 conv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_form_with_weights_or_sizes(model: nn.Module, said: str) -> None:
    found = imported(model)
    assert said in found.text and "blocks:" not in found.text
    assert found.plan.params == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda net, x: x * torch.rsqrt(x.pow(2).mean() + 1e-6),
            "`mean`: over the batch",
        ),
        (
            lambda net, x: x * torch.var_mean(net.weight)[1],
            "`var_mean`: of anything but filters, each by itself",
        ),
        (
            lambda net, x: F.softmax(x, 2),
            "`softmax`: over anything but the channels, or all cells",
        ),
        (
            lambda net, x: F.prelu(x, net.weight.view(-1) * 2),
            "`prelu`: its slope is computed",
        ),
    ],
)
def test_a_form_that_is_nearly_one(function: Any, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(Calls(function, weight=torch.ones(8, 1, 1, 1)), INPUT)


def test_a_square_is_a_product_with_itself() -> None:
    """StarReLU (Yu et al. 2022, arXiv 2210.13452, section 3.2)."""
    numbers = {"gain": torch.ones(1), "shift": torch.zeros(1)}
    found = imported(
        Calls(
            lambda net, x: net.gain * F.relu(x) ** 2 + net.shift, **numbers
        )
    )
    assert "[conv1*conv1, gain shift 0" in found.text
    alone = imported(Calls(lambda net, x: x.square()))
    assert "conv1*conv1" in alone.text


def test_unequal_parts_of_the_channels() -> None:
    def cut(net: nn.Module, x: Tensor) -> Tensor:
        few, more = torch.split(x, [2, 6], 1)
        return torch.cat([few.relu(), more, x[:, 1:4].tanh(), x[:, -2:]], 1)

    found = imported(Calls(cut, 13))
    for part in (
        "part 0 of 4",
        "part from 2",
        "part from 1 to 4",
        "part 3 of 4",
    ):
        assert part in found.text


def test_cells_around_a_map_are_the_convolutions() -> None:
    """As TensorFlow pads: nothing before an even map, where the stride is 2."""

    class Same(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(F.pad(x, (0, 1, 0, 1)))

    net = nn.Sequential(
        Same(8, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU()
    )
    assert "ops: {conv: {pad: same}}" in imported(net).text
    net = nn.Sequential(
        nn.ReflectionPad2d(1), nn.Conv2d(8, 8, 3), nn.ReLU()
    )
    assert "3x3 conv 8 reflect" in imported(net).text


def test_what_is_in_force_in_most_places_is_said_once() -> None:
    norms = [nn.BatchNorm2d(8, eps=eps) for eps in (1e-3, 1e-3, 1e-5)]
    convs = [nn.Conv2d(8, 8, 3, padding=1) for _ in norms]
    acts = [nn.ReLU() for _ in norms]
    net = nn.Sequential(
        *(m for each in zip(convs, norms, acts, strict=True) for m in each)
    )
    text = imported(net).text
    assert "ops: {conv: {bias: default}, bn: {eps: 0.001}}" in text
    assert "[2 x 3x3 conv 8, 3x3 conv 8 bare, bn eps 1e-5, relu]" in text


class Block(nn.Module):
    def __init__(self, act: type[nn.Module]) -> None:
        super().__init__()
        self.one, self.two = (
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
        )
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.two(self.act(self.one(x))))


def test_blocks_that_differ_in_their_activation_are_one() -> None:
    acts = (nn.Hardswish, nn.ReLU, nn.Hardswish)
    net = nn.Sequential(
        nn.Conv2d(8, 8, 1), nn.Hardswish(), *map(Block, acts)
    )
    text = imported(net).text
    assert text.count("merge:") == 1 and "let:   {act: hardswish}" in text
    assert "[Block, Block act relu, Block]" in text


def test_layers_that_are_alike_and_read_the_same() -> None:
    """The equation's order is another than the model's: what follows them tells them apart."""

    def gated(net: nn.Module, x: Tensor) -> Tensor:
        gate, own = F.conv2d(x, net.a), F.conv2d(x, net.b)
        return own.relu() * gate.sigmoid()

    filters = {name: torch.randn(8, 8, 1, 1) for name in "ab"}
    found = imported(Calls(gated, **filters))
    assert {"a", "b"} < set(found.names.values())


@pytest.mark.parametrize("mean", [False, True])
def test_maps_of_one_cell_that_are_read_as_maps(mean: bool) -> None:
    """Chen et al. 2017 (DeepLabv3), section 3.3: the image's features, as large as the map."""

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own, self.all = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            pooled = (
                x.mean((2, 3), keepdim=True)
                if mean
                else F.adaptive_avg_pool2d(x, 1)
            )
            whole = self.all(pooled).relu()
            whole = F.interpolate(whole, x.shape[-2:], mode="bilinear")
            return torch.cat([self.own(x).relu(), whole], 1)

    text = imported(Pooled()).text
    assert "[avg pool to 1, 1x1 conv 4, upsample 16 bilinear]" in text


@pytest.mark.parametrize("spelled", ["mean", "pool"])
def test_a_cell_that_is_convolved_in_groups(spelled: str) -> None:
    """Zhang et al. 2020 (ResNeSt), section 3.1, with a radix of 1: groups have gates of their own."""

    def gated(net: nn.Module, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        cell = pooled if spelled == "pool" else x.mean((2, 3), keepdim=True)
        cell = F.conv2d(
            F.conv2d(cell, net.down, groups=2).relu(), net.up, groups=2
        )
        return x * cell.sigmoid()

    filters = {
        "down": torch.randn(4, 4, 1, 1),
        "up": torch.randn(8, 2, 1, 1),
    }
    ends = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    text = imported(nn.Sequential(Calls(gated, **filters), ends)).text
    assert (
        "[avg pool to 1, 1x1 conv in/2 relu bias none groups 2," in text
    ), text
    assert "1x1 conv 4, global avg pool, fc 3]" in text, text


@pytest.mark.parametrize("axes", [1, 3])
def test_sequences_and_volumes(axes: int) -> None:
    conv, norm = (
        (nn.Conv1d, nn.BatchNorm1d)
        if axes == 1
        else (nn.Conv3d, nn.BatchNorm3d)
    )
    pool = nn.MaxPool1d(2) if axes == 1 else nn.MaxPool3d(2)
    net = nn.Sequential(
        conv(8, 16, 3, padding=1, bias=False), norm(16), nn.ReLU(), pool
    )
    found = from_module(net, (8, *(8,) * axes), name="net")
    size = "x".join("3" * axes)
    assert f"[{size} conv 16, max pool /2]" in found.text


def test_a_weight_of_two_layers_is_one() -> None:
    """What an evaluation cannot tell from two equal weights."""
    conv = nn.Conv2d(8, 8, 1)
    net = nn.Sequential(
        conv, nn.ReLU(), conv, nn.ReLU(), nn.Conv2d(8, 4, 1)
    )
    text = imported(net).text
    assert "1x1 conv 8\n" in text and "conv1_2: again conv1\n" in text, text


def test_a_random_path_that_no_graph_shows() -> None:
    """As stochastic depth (Huang et al. 2016) has one: in evaluation it is the identity."""

    class Path(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            return x * torch.rand_like(x)

    found = from_module(nn.Sequential(nn.Conv2d(8, 8, 1), Path()), INPUT)
    assert found.proof.output == 0 and found.proof.gradients is None


def test_parts_of_blocks_of_several_widths_are_said_alike() -> None:
    """Half of the channels of one is a third of another's (as in DPN, Chen et al. 2017)."""

    class Dual(nn.Module):
        def __init__(self, into: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(into, 12, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return torch.cat([x[:, :8] + y[:, :8], x[:, 8:], y[:, 8:]], 1)

    text = imported(
        nn.Sequential(nn.Conv2d(8, 16, 1), Dual(16), Dual(20))
    ).text
    assert text.count("merge:") == 1 and "2 x " in text
    assert "pre:   part to 8" in text and "p1:    part from 8" in text


def test_causal_pads_that_differ() -> None:
    """Bai et al. 2018 (TCN), Figure 1: what comes later is not seen."""

    class Causal(nn.Module):
        def __init__(self, dilation: int) -> None:
            super().__init__()
            self.before = 2 * dilation
            self.conv = nn.Conv1d(8, 8, 3, dilation=dilation)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(F.pad(x, (self.before, 0))).relu()

    found = from_module(
        nn.Sequential(Causal(1), Causal(2)), (8, 16), name="net"
    )
    assert (
        'padding: "2:0"' in found.text
        and "dilation 2 padding 4:0" in found.text
    )

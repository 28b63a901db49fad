"""What torch lacks and layers.py has: each class against a plain reading of its definition, and in every use."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resgraph.outputs.pytorch import layers
from resgraph.outputs.pytorch.support import support_needed

MAP, VECTOR = (2, 8, 6, 7), (2, 8)

MADE: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "DropPath": (lambda: layers.DropPath(0.3), MAP),
    "BlurPool": (lambda: layers.BlurPool(3, stride=2, padding=1), MAP),
    "BlurPool 5x3": (
        lambda: layers.BlurPool((5, 3), stride=(1, 2), padding=(2, 0)),
        MAP,
    ),
    "BlurPool with zeros": (
        lambda: layers.BlurPool(3, stride=2, padding=1, mode="constant"),
        MAP,
    ),
    "DropBlock": (lambda: layers.DropBlock(0.3, size=3), MAP),
    "QuickGelu": (lambda: layers.QuickGelu(), MAP),
    "RmsNorm": (lambda: layers.RmsNorm(8), MAP),
    "RmsNorm of a vector": (lambda: layers.RmsNorm(8, eps=1e-5), VECTOR),
    "ScaledGroupNorm": (lambda: layers.ScaledGroupNorm(2, 8), MAP),
    "ResponseNorm": (lambda: layers.ResponseNorm(8), MAP),
    "SpaceToDepth": (lambda: layers.SpaceToDepth(2), (2, 8, 6, 4)),
    "DepthToSpace": (lambda: layers.DepthToSpace(2), MAP),
    "Attention": (lambda: layers.Attention(2), (2, 12, 3, 4)),
    "Attention over a sequence": (lambda: layers.Attention(1), (2, 6, 5)),
    "RelativeAttention": (
        lambda: layers.RelativeAttention(2, 2, 3, 4),
        (2, 12, 3, 4),
    ),
    "Position": (lambda: layers.Position(8, (6, 7)), MAP),
    "Position in a sequence": (lambda: layers.Position(8, (5,)), (2, 8, 5)),
    "Token": (lambda: layers.Token(8), (2, 8, 5)),
    "TokenMean": (lambda: layers.TokenMean(), (2, 8, 5)),
    "Transpose": (lambda: layers.Transpose(), (2, 8, 5)),
    "TakeToken": (lambda: layers.TakeToken(), (2, 8, 5)),
    "GlobalAvgPool": (lambda: layers.GlobalAvgPool(), MAP),
    "GlobalMaxPool": (lambda: layers.GlobalMaxPool(), MAP),
    "GlobalAvgPool1d": (lambda: layers.GlobalAvgPool1d(), (2, 8, 9)),
    "GlobalMaxPool1d": (lambda: layers.GlobalMaxPool1d(), (2, 8, 9)),
    "GlobalAvgPool3d": (lambda: layers.GlobalAvgPool3d(), (2, 8, 3, 4, 5)),
    "GlobalMaxPool3d": (lambda: layers.GlobalMaxPool3d(), (2, 8, 3, 4, 5)),
    "CellsToDepth": (lambda: layers.CellsToDepth(3), (2, 8, 9)),
    "DepthToCells": (lambda: layers.DepthToCells(2), (2, 8, 3, 4, 5)),
    "ChannelNorm": (lambda: layers.ChannelNorm(8, eps=1e-6), MAP),
    "ChannelScale": (lambda: layers.ChannelScale(8, start=0.1), MAP),
    "ChannelScale of a vector": (
        lambda: layers.ChannelScale(8, axes=0),
        VECTOR,
    ),
    "Gain": (lambda: layers.Gain(start=0.5), MAP),
    "ChannelConv": (lambda: layers.ChannelConv(3, bias=True), VECTOR),
    "Part": (lambda: layers.Part(1, 2), MAP),
    "ChannelSlice": (lambda: layers.ChannelSlice(3), MAP),
    "ChannelSlice with an end": (lambda: layers.ChannelSlice(2, 5), VECTOR),
    "EvoNorm without a gate": (
        lambda: layers.EvoNorm(2, 8, ungated=True),
        MAP,
    ),
    "EvoNorm": (lambda: layers.EvoNorm(2, 8), MAP),
    "CellSoftmax": (lambda: layers.CellSoftmax(), MAP),
    "PartSoftmax": (lambda: layers.PartSoftmax(4), MAP),
    "ZeroPadShortcut": (
        lambda: layers.ZeroPadShortcut(8, 12, stride=2),
        MAP,
    ),
    "ZeroPadShortcut of a vector": (
        lambda: layers.ZeroPadShortcut(8, 12, axes=0),
        VECTOR,
    ),
    "StandardizedConv2d": (
        lambda: layers.StandardizedConv2d(8, 6, 3, stride=2, padding=1),
        MAP,
    ),
    "ScaledStandardizedConv2d": (
        lambda: layers.ScaledStandardizedConv2d(
            8, 6, 3, groups=2, gamma=1.7
        ),
        MAP,
    ),
    "PaddedConv2d": (
        lambda: layers.PaddedConv2d(
            8, 6, 3, stride=2, padding=(0, 1, 0, 1)
        ),
        MAP,
    ),
    "MixedConv2d": (
        lambda: layers.MixedConv2d(8, (3, 5, 7), (1, 2, 3)),
        MAP,
    ),
    "PaddedStandardizedConv2d": (
        lambda: layers.PaddedStandardizedConv2d(
            8, 6, 3, padding=1, groups=2, mode="reflect"
        ),
        MAP,
    ),
    "PaddedScaledStandardizedConv2d": (
        lambda: layers.PaddedScaledStandardizedConv2d(
            8, 6, 3, padding=(2, 0, 0, 1)
        ),
        MAP,
    ),
    "PaddedMaxPool2d": (
        lambda: layers.PaddedMaxPool2d(3, 2, (0, 1, 0, 1)),
        MAP,
    ),
    "PaddedAvgPool2d": (
        lambda: layers.PaddedAvgPool2d(
            2, 1, (0, 1, 0, 1), count_include_pad=False
        ),
        MAP,
    ),
    "ChannelAffine": (lambda: layers.ChannelAffine(8, 0.25), MAP),
    "Gain with a shift": (lambda: layers.Gain(shift=0.25), MAP),
}
every_layer = pytest.mark.parametrize(
    ("make", "shape"), MADE.values(), ids=MADE
)


def some(
    shape: tuple[int, ...], dtype: torch.dtype = torch.double
) -> Tensor:
    return torch.randn(
        shape, generator=torch.Generator().manual_seed(1), dtype=dtype
    )


def made(make: Callable[[], nn.Module]) -> nn.Module:
    """A layer in double precision and in evaluation, its numbers no longer those that it starts with."""
    layer = make().double().eval()
    with torch.no_grad():
        for place, parameter in enumerate(layer.parameters()):
            parameter.add_(some(parameter.shape), alpha=0.1 + place / 10)
    return layer


def test_every_class_is_here() -> None:
    classes = {
        name
        for name, value in vars(layers).items()
        if inspect.isclass(value)
    }
    of_two_maps = {
        "ToSizeOf",
        "UpsampleTo",
        "AvgPoolTo",
        "MaxPoolTo",
        "SizedSequential",
        "StreamSequential",
    }
    assert classes - of_two_maps == {name.split()[0] for name in MADE}


# -- what they compute --------------------------------------------------------------------------------


def test_blur_pool_is_the_binomial_filter_with_reflected_edges() -> None:
    x = some(MAP)
    filters = (
        torch.tensor(
            [[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=torch.double
        ).expand(8, 1, 3, 3)
        / 16
    )
    expected = F.conv2d(
        F.pad(x, (1, 1, 1, 1), mode="reflect"), filters, stride=2, groups=8
    )
    assert torch.allclose(
        layers.BlurPool(3, stride=2, padding=1).double()(x), expected
    )
    assert torch.equal(
        layers.BlurPool((1, 5)).kernel,
        torch.tensor([[[[1.0, 4, 6, 4, 1]]]]) / 16,
    )
    assert torch.allclose(
        layers.BlurPool(7, padding=3)(torch.ones(1, 1, 4, 4)),
        torch.ones(1, 1, 4, 4),
    )


def test_a_blur_pool_with_zeros_is_the_filter_with_zero_padding() -> None:
    x, row = some(MAP), torch.tensor([1.0, 2, 1], dtype=torch.double) / 4
    expected = F.conv2d(
        x,
        torch.outer(row, row).expand(8, 1, 3, 3),
        stride=2,
        padding=1,
        groups=8,
    )
    pool = layers.BlurPool(3, stride=2, padding=1, mode="constant").double()
    assert torch.allclose(pool(x), expected)


def test_drop_block_drops_squares() -> None:
    """Ghiasi et al. 2018, Algorithm 1: of each channel squares that lie on the map; the mean is kept."""
    torch.manual_seed(0)
    layer, x = layers.DropBlock(0.2, size=3), torch.ones(40, 6, 12, 13)
    y = layer(x)
    dropped = y == 0
    assert y.unique().numel() == 2
    assert y.mean().item() == pytest.approx(1, abs=1e-4)
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=0.03)
    # whole ones
    squares = F.avg_pool2d(dropped.float(), 3, stride=1) > 1 - 1e-6
    assert torch.equal(
        F.conv_transpose2d(
            squares.float(), torch.ones(6, 1, 3, 3), groups=6
        )
        > 0,
        dropped,
    )
    assert not torch.equal(dropped[:, 0], dropped[:, 1])
    assert layer.eval()(x) is x
    assert layers.DropBlock(0.0).train()(x) is x


@pytest.mark.parametrize("sides", [(40,), (14, 15, 16)])
def test_drop_block_drops_stretches_and_cubes(
    sides: tuple[int, ...],
) -> None:
    torch.manual_seed(0)
    layer, x = layers.DropBlock(0.2, size=3), torch.ones(40, 6, *sides)
    y = layer(x)
    dropped = (y == 0).float()
    axes = len(sides)
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
    wider = (
        F.conv_transpose1d,
        F.conv_transpose2d,
        F.conv_transpose3d,
    )[axes - 1]
    assert y.mean().item() == pytest.approx(1, abs=1e-4)
    assert dropped.mean().item() == pytest.approx(0.2, abs=0.03)
    whole = (pool(dropped, 3, stride=1) > 1 - 1e-6).float()
    found = wider(whole, torch.ones(6, 1, *(3,) * axes), groups=6) > 0
    assert torch.equal(found.float(), dropped)
    assert not torch.equal(dropped[:, 0], dropped[:, 1])


def test_drop_block_on_a_map_that_is_smaller_drops_all_of_a_channel() -> (
    None
):
    torch.manual_seed(0)
    y = layers.DropBlock(0.5, size=7)(torch.ones(50, 8, 3, 3))
    assert set(y.flatten(2).std(2).unique().tolist()) == {0.0}
    assert (y == 0).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_rms_norm_is_over_the_channels_at_each_place() -> None:
    x, layer = some(MAP), made(lambda: layers.RmsNorm(8))
    root = (x.square().mean(1, keepdim=True) + 1e-6).sqrt()
    assert torch.allclose(
        layer(x), x / root * layer.weight.view(1, 8, 1, 1)
    )


def test_global_response_norm() -> None:
    """Woo et al. 2023, Algorithm 1."""
    x, layer = some(MAP), made(lambda: layers.ResponseNorm(8))
    gx = x.square().sum((2, 3), keepdim=True).sqrt()
    nx = gx / (gx.mean(1, keepdim=True) + 1e-6)
    gamma, beta = (p.view(1, 8, 1, 1) for p in (layer.weight, layer.bias))
    assert torch.allclose(layer(x), gamma * (x * nx) + beta + x)
    assert torch.equal(layers.ResponseNorm(8).double()(x), x)


def test_quick_gelu() -> None:
    x = some(MAP)
    assert torch.allclose(
        layers.QuickGelu()(x), x / (1 + torch.exp(-1.702 * x))
    )


def test_a_cells_channels_stay_together() -> None:
    """As tf.nn.space_to_depth of maps with the channels last."""
    x = some((2, 8, 6, 4))
    y = layers.SpaceToDepth(2)(x)
    for down in (0, 1):
        for across in (0, 1):
            start = (down * 2 + across) * 8
            part = y[:, start : start + 8]
            assert torch.equal(part, x[:, :, down::2, across::2])
    assert torch.equal(layers.DepthToSpace(2)(y), x)


def test_what_was_made_for_another_size_says_so() -> None:
    for layer in (
        layers.Position(6, (3, 4)),
        layers.RelativeAttention(1, 2, 3, 4),
    ):
        with pytest.raises(
            ValueError, match=r"made for \(3, 4\) cells, and \(4, 4\) came"
        ):
            layer(torch.zeros(1, 6, 4, 4))


def test_global_pools_are_those_of_torch() -> None:
    x = some(MAP)
    assert torch.allclose(
        layers.GlobalAvgPool()(x), F.adaptive_avg_pool2d(x, 1).flatten(1)
    )
    assert torch.equal(
        layers.GlobalMaxPool()(x), F.adaptive_max_pool2d(x, 1).flatten(1)
    )


def test_channel_norm_is_over_the_channels_at_each_place() -> None:
    x, layer = some(MAP), made(lambda: layers.ChannelNorm(8, eps=1e-6))
    mean = x.mean(1, keepdim=True)
    variance = x.var(1, correction=0, keepdim=True)
    weight, bias = (p.view(1, 8, 1, 1) for p in layer.parameters())
    assert torch.allclose(
        layer(x), (x - mean) / (variance + 1e-6).sqrt() * weight + bias
    )


def test_factors() -> None:
    x, v = some(MAP), some(VECTOR)
    assert torch.equal(layers.Gain(0.0).double()(x), torch.zeros_like(x))
    scale = made(lambda: layers.ChannelScale(8))
    assert torch.equal(scale(x), x * scale.weight.view(1, 8, 1, 1))
    assert list(layers.ChannelScale(8, start=1e-6).weight.shape) == [
        8,
        1,
        1,
    ]
    assert list(layers.ChannelScale(8, axes=0).double()(v).shape) == list(
        VECTOR
    )


def test_channel_conv_slides_along_the_channels() -> None:
    v, layer = some(VECTOR), made(lambda: layers.ChannelConv(3))
    a, b, c = layer.weight.flatten()
    padded = F.pad(v, (1, 1))
    assert torch.allclose(
        layer(v),
        a * padded[:, :-2] + b * padded[:, 1:-1] + c * padded[:, 2:],
    )


def test_parts() -> None:
    x = some(MAP)
    assert torch.equal(
        torch.cat([layers.Part(which, 4)(x) for which in range(4)], 1), x
    )
    cut = [layers.ChannelSlice(0, 3)(x), layers.ChannelSlice(3)(x)]
    assert torch.equal(torch.cat(cut, 1), x)
    assert torch.equal(layers.ChannelSlice(2, 5)(x), x[:, [2, 3, 4]])
    y = layers.PartSoftmax(2)(x)
    assert y.shape == x.shape
    assert torch.allclose(
        layers.Part(0, 2)(y) + layers.Part(1, 2)(y),
        torch.ones_like(x[:, :4]),
    )
    assert torch.allclose(
        layers.Part(0, 2)(y), torch.sigmoid(x[:, :4] - x[:, 4:])
    )


def test_the_zero_pad_shortcut_takes_every_second_cell_and_adds_zeros_last() -> (
    None
):
    x, v = some(MAP), some(VECTOR)
    y = layers.ZeroPadShortcut(8, 12, stride=2)(x)
    assert torch.equal(y[:, :8], x[:, :, ::2, ::2])
    assert torch.equal(
        y[:, 8:], torch.zeros(2, 4, 3, 4, dtype=torch.double)
    )
    assert torch.equal(layers.ZeroPadShortcut(8, 8)(x), x)
    halves = layers.ZeroPadShortcut(8, 13, stride=2, centered=True)(x)
    assert torch.equal(halves, F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 3)))
    assert torch.equal(
        layers.ZeroPadShortcut(8, 9, axes=0)(v),
        torch.cat([v, torch.zeros(2, 1, dtype=torch.double)], 1),
    )


def test_standardized_filters() -> None:
    """As BiT's code has it: (w - mean) / sqrt(var + eps), the variance over all of a filter, not unbiased."""
    x = some(MAP)
    layer = made(lambda: layers.StandardizedConv2d(8, 6, 3, padding=1))
    rows = layer.weight.reshape(6, -1)
    rows = (rows - rows.mean(1, keepdim=True)) / (
        rows.var(1, correction=0, keepdim=True) + 1e-8
    ).sqrt()
    assert torch.allclose(
        layer(x),
        F.conv2d(x, rows.view_as(layer.weight), layer.bias, padding=1),
    )


def test_scaled_standardized_filters() -> None:
    """As NFNet's paper has it: gain * gamma * (w - mean) / (sqrt(fan-in) * sigma)."""
    x = some(MAP)
    layer = made(
        lambda: layers.ScaledStandardizedConv2d(
            8, 6, 3, groups=2, gamma=1.7
        )
    )
    rows = layer.weight.reshape(6, -1)
    deviation = (rows.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    rows = (
        layer.gain.view(6, 1)
        * 1.7
        * (rows - rows.mean(1, keepdim=True))
        / (36**0.5 * deviation)
    )
    assert torch.allclose(
        layer(x),
        F.conv2d(x, rows.view_as(layer.weight), layer.bias, groups=2),
    )


def test_scaled_standardization_keeps_the_variance() -> None:
    """What it is for (Brock et al. 2021, section 3): variance 1 in, variance gamma² out."""
    torch.manual_seed(0)
    layer = layers.ScaledStandardizedConv2d(
        256, 512, 3, bias=False, gamma=1.5
    )
    variance = layer(torch.randn(4, 256, 12, 12)).var().item()
    assert variance == pytest.approx(1.5**2, rel=0.05)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("axes", "stride"),
    [(0, 1), (1, 2), (2, 2), (2, (1, 2)), (3, (1, 2, 3))],
)
def test_the_zero_pad_shortcut_can_be_scripted(
    axes: int, stride: int | tuple[int, ...]
) -> None:
    layer = layers.ZeroPadShortcut(8, 12, stride, axes)
    x = some((2, 8, *(7,) * axes))
    steps = (stride,) * axes if isinstance(stride, int) else stride
    cells = x[
        (slice(None), slice(None), *(slice(None, None, n) for n in steps))
    ]
    assert torch.equal(layer(x)[:, :8], cells)
    assert torch.equal(torch.jit.script(layer)(x), layer(x))


def test_drop_path_drops_whole_images_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer, x = layers.DropPath(0.25), torch.ones(20_000, 2, 3)
    y = layer(x)
    assert y.unique().tolist() == [0, pytest.approx(1 / 0.75)]
    assert all(len(image.unique()) == 1 for image in y[:100])
    assert y.mean().item() == pytest.approx(1, abs=0.02)
    assert layer.eval()(x) is x
    assert layers.DropPath(0.0).train()(x) is x


# -- where they are used --------------------------------------------------------------------------------


@every_layer
def test_gradients(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """Of one image: no layer mixes two in evaluation. Along random directions, and not for each number."""
    image = some((1, *shape[1:])).requires_grad_()
    assert torch.autograd.gradcheck(made(make), image, fast_mode=True)


@every_layer
def test_copies_pickles_and_state(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    layer, x = made(make), some(shape)
    fresh = make().double().eval()
    fresh.load_state_dict(layer.state_dict())
    for other in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        fresh,
    ):
        assert torch.equal(other(x), layer(x))
    # no buffer is saved
    assert len(list(layer.state_dict())) == len(list(layer.parameters()))


@every_layer
def test_the_meta_device(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """Made without memory, then filled: as if made in the ordinary way."""
    torch.manual_seed(0)
    expected = make().eval()
    with torch.device("meta"):
        layer = make().eval()
    assert {
        t.device.type for t in (*layer.parameters(), *layer.buffers())
    } <= {"meta"}
    assert (
        layer(torch.empty(shape, device="meta")).shape
        == expected(some(shape, torch.float)).shape
    )
    layer.to_empty(device="cpu")
    torch.manual_seed(0)
    for part in layer.modules():
        owns = [
            *part.parameters(recurse=False),
            *part.buffers(recurse=False),
        ]
        if owns:
            for tensor in owns:
                nn.init.constant_(tensor, float("nan"))
            part.reset_parameters()  # type: ignore[operator]
    for name, tensor in (
        *expected.named_parameters(),
        *expected.named_buffers(),
    ):
        filled = (
            layer.get_parameter(name)
            if isinstance(tensor, nn.Parameter)
            else layer.get_buffer(name)
        )
        assert torch.equal(filled, tensor)


@every_layer
def test_half_precision(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    layer, x = make().eval(), some(shape, torch.float)
    expected = layer(x).detach()
    slack = 0.05 * max(1.0, float(expected.abs().max()) / 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(
            layer(x).float(), expected, rtol=0.05, atol=slack
        )
        assert torch.allclose(
            layer(x.bfloat16()).float(), expected, rtol=0.05, atol=slack
        )
    whole = copy.deepcopy(layer).bfloat16()(x.bfloat16())
    assert whole.dtype == torch.bfloat16
    assert torch.allclose(whole.float(), expected, rtol=0.05, atol=slack)


class Beside(nn.Module):
    """Every layer, each with its own input: what torch does for a program it does once, and not for each."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(made(make) for make, _ in MADE.values())

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        return [
            layer(x) for layer, x in zip(self.layers, inputs, strict=True)
        ]


INPUTS = [some(shape) for _, shape in MADE.values()]


def unlike(found: list[Tensor], expected: list[Tensor]) -> list[str]:
    """The names of the layers that gave something else."""
    given = zip(MADE, found, expected, strict=True)
    return [name for name, a, b in given if not torch.allclose(a, b)]


def test_export() -> None:
    layers = Beside().eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(
        layers,
        (*INPUTS,),
        dynamic_shapes=(tuple({0: batch} for _ in INPUTS),),
    )
    more = [torch.cat([x, x + 1, x - 1]) for x in INPUTS]
    assert unlike(program.module()(*more), layers(*more)) == []


def test_compiles_without_a_break() -> None:
    layers = Beside().train()
    compiled = torch.compile(layers, fullgraph=True, backend="aot_eager")
    shapes = [y.shape for y in layers(*INPUTS)]
    assert [y.shape for y in compiled(*INPUTS)] == shapes
    with torch.no_grad():  # the way back was traced above
        found = compiled.eval()(*INPUTS)
        assert unlike(found, layers.eval()(*INPUTS)) == []


@every_layer
def test_the_text_of_a_class_stands_alone(
    make: Callable[[], nn.Module],
    shape: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copied into a file with torch, nn and F, and the classes that it needs, it is the same class."""
    torch.manual_seed(0)
    ours = make().eval()
    name = type(ours).__name__
    space = {"torch": torch, "nn": nn, "F": F, "__name__": "model"}
    for definition in support_needed([name]):
        exec(definition.text, space)
    monkeypatch.setattr(layers, name, space[name])
    torch.manual_seed(0)
    copied = make().eval()
    assert type(copied).__module__ == "model"
    x = some(shape, torch.float)
    assert torch.equal(copied(x), ours(x))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DropPath", "DropPath(0.3)"),
        (
            "BlurPool",
            "BlurPool(kernel_size=(3, 3), stride=2, padding=(1, 1, 1, 1))",
        ),
        (
            "BlurPool with zeros",
            "BlurPool(kernel_size=(3, 3), stride=2, padding=(1, 1, 1, 1), mode='constant')",
        ),
        ("Attention", "Attention(2)"),
        ("RelativeAttention", "RelativeAttention(2, size=(3, 4))"),
        ("Position", "Position(8, size=(6, 7))"),
        ("Token", "Token(8)"),
        ("DropBlock", "DropBlock(0.3, size=3)"),
        ("ResponseNorm", "ResponseNorm(8, eps=1e-06)"),
        ("SpaceToDepth", "SpaceToDepth(2)"),
        ("DepthToSpace", "DepthToSpace(2)"),
        ("ChannelScale", "ChannelScale(8, start=0.1)"),
        ("Gain", "Gain(start=0.5)"),
        ("ChannelAffine", "ChannelAffine(8, shift=0.25, start=1.0)"),
        ("Gain with a shift", "Gain(start=1.0, shift=0.25)"),
        (
            "PaddedConv2d",
            "PaddedConv2d(8, 6, kernel_size=(3, 3), stride=(2, 2), edges=(0, 1, 0, 1), mode='constant')",
        ),
        ("Part", "Part(1 of 2)"),
        ("ChannelSlice", "ChannelSlice(3:)"),
        ("ChannelSlice with an end", "ChannelSlice(2:5)"),
        (
            "EvoNorm without a gate",
            "EvoNorm(2, 8, eps=1e-05, ungated=True)",
        ),
        ("EvoNorm", "EvoNorm(2, 8, eps=1e-05)"),
        ("PartSoftmax", "PartSoftmax(4)"),
        ("ZeroPadShortcut", "ZeroPadShortcut(4 more channels, stride=2)"),
    ],
)
def test_how_it_prints(name: str, text: str) -> None:
    assert repr(MADE[name][0]()) == text

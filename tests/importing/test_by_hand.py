"""Blocks as their authors' own code has them, or as it is copied from one repository to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph.importing import ImportRefused, from_model, from_module


class SelfAttention(nn.Module):
    """Zhang et al. 2018 (SAGAN, arXiv 1805.08318), Figure 2: queries and keys have an eighth of the
    channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            nn.Conv2d(width, n, 1) for n in (width // 8, width // 8, width)
        )
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, across = x.shape
        query = self.query(x).view(batch, -1, height * across)
        key = self.key(x).view(batch, -1, height * across)
        shares = torch.bmm(query.permute(0, 2, 1), key).softmax(-1)
        value = self.value(x).view(batch, -1, height * across)
        out = torch.bmm(value, shares.permute(0, 2, 1))
        return self.gamma * out.view(batch, width, height, across) + x


def test_queries_with_fewer_channels_than_values_are_padded() -> None:
    model = small.chain(SelfAttention(16))
    text = small.proven(from_module(model, (3, 8, 8)), model)
    assert "query: [1x1 conv in/8 bare, zero-pad in]" in text
    assert "attention heads 1, gain]" in text


class Fewer(SelfAttention):
    """Keys and values of a pooled map, as BigGAN has them."""

    def forward(self, x: Tensor) -> Tensor:
        query, key = self.query(x).flatten(2), self.key(x)
        key = F.max_pool2d(key, 2).flatten(2)
        value = F.max_pool2d(self.value(x), 2).flatten(2)
        shares = torch.bmm(query.transpose(1, 2), key).softmax(-1)
        return torch.bmm(value, shares.transpose(1, 2)).view_as(x) + x


class Wider(SelfAttention):
    """Values of fewer channels than their queries."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.value = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            layer(x).flatten(2).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        return ((query @ key.transpose(1, 2)).softmax(-1) @ value).mean(1)


class ContextPool(nn.Module):
    """Cao et al. 2019 (GCNet, arXiv 1904.11492), Figure 4 (d): its norm is over the channels of the
    one cell."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.add = nn.Sequential(
            nn.Conv2d(width, 4, 1),
            nn.LayerNorm([4, 1, 1]),
            nn.ReLU(),
            nn.Conv2d(4, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.add(F.adaptive_avg_pool2d(x, 1))


class SelectiveKernel(nn.Module):
    """Li et al. 2019 (SKNet, arXiv 1903.06586), Figure 1, on an axis of branches, which grows as a
    list of them is walked (`grown`) or is a view of all channels."""

    def __init__(self, width: int, *, grown: bool) -> None:
        super().__init__()
        self.grown = grown
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d)
            for d in (1, 2)
        )
        self.squeeze = nn.Linear(width, 4)
        self.excite = nn.ModuleList(nn.Linear(4, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        both = self.joined([conv(x) for conv in self.convs])
        z = self.squeeze(both.sum(1).mean(-1).mean(-1))
        a = self.joined([excite(z) for excite in self.excite])
        a = a.softmax(1).unsqueeze(-1).unsqueeze(-1)
        return (both * a).sum(dim=1)

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        if not self.grown:
            batch, *size = parts[0].shape
            return torch.cat([*parts], 1).view(batch, len(parts), *size)
        whole = parts[0].unsqueeze(1)
        for part in parts[1:]:
            whole = torch.cat([whole, part.unsqueeze(1)], 1)
        return whole


@pytest.mark.parametrize("grown", [True, False])
def test_branches_on_an_axis_of_their_own_are_paths(grown: bool) -> None:
    model = small.chain(SelectiveKernel(16, grown=grown))
    text = small.proven(from_module(model, (3, 8, 8)), model)
    assert "fc in/4, join 2*in, softmax parts 2]" in text
    assert "merge: p0*p2 + p1*p3" in text


def test_a_layer_norm_of_one_cell_is_one_of_channels() -> None:
    model = small.chain(ContextPool(16))
    text = small.proven(from_module(model, (3, 8, 8)), model)
    assert "body:  [global avg pool, fc in/4, ln, relu, fc in]" in text


class Heartbeats(nn.Module):
    """Hannun et al. 2019, Extended Data Figure 1: windows of 16 samples, and channels that grow."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, 8, 16, padding="same")
        self.conv = nn.Conv1d(8, 16, 16, padding="same", dilation=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return torch.relu(self.conv(x) + F.pad(x, (0, 0, 0, 8)))


def test_same_of_an_even_window_is_said() -> None:
    model = Heartbeats()
    text = small.proven(from_module(model, (4, 64)), model)
    assert "ops: {conv: {pad: same" in text
    assert "16 conv out dilation 3" in text
    assert "shortcut: zero-pad" in text


class Table(nn.Module):
    """Vectors whose shortcut adds zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(
            self.two(torch.relu(self.one(x))) + F.pad(x, (0, 8))
        )


def test_zeros_behind_a_vector_are_option_a() -> None:
    model = Table()
    text = small.proven(from_module(model, (8,)), model)
    assert "shortcut: zero-pad\n" in text and "fc-basic 16" in text


def test_equal_cells_around_an_even_window_are_numbers() -> None:
    """`pad same` would be other cells where the size is odd."""
    found = from_module(nn.Conv2d(3, 4, 4, stride=2, padding=1), (3, 8, 8))
    assert "4x4 conv 4 /2 pad 1" in found.text


class Patches(nn.Module):
    """Dosovitskiy et al. 2020 (ViT), section 3.1, its patches cut by views, as einops does."""

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.order = (
            (0, 2, 4, 3, 5, 1) if channels_last else (0, 2, 4, 1, 3, 5)
        )
        self.norm, self.embed = nn.LayerNorm(48), nn.Linear(48, 8)
        self.position = nn.Parameter(torch.randn(1, 4, 8))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, across = x.shape
        x = x.reshape(batch, width, height // 4, 4, across // 4, 4)
        x = x.permute(self.order).reshape(batch, -1, 48)
        return (self.embed(self.norm(x)) + self.position).mean(1)


@pytest.mark.parametrize(
    ("channels_last", "said"),
    [(True, "space to depth 4 blockwise"), (False, "space to depth 4")],
)
def test_patches_that_a_view_cuts_are_channels(
    channels_last: bool, said: str
) -> None:
    model = Patches(channels_last=channels_last)
    text = small.proven(from_module(model, (3, 8, 8)), model)
    assert f"[{said}, ln, 1x1 conv 8, position]" in text


class TokenMixing(nn.Module):
    """Tolstikhin et al. 2021 (MLP-Mixer), Figure 1, with convolutions that read places as channels."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8)
        self.mix = nn.Sequential(
            nn.Conv1d(4, 12, 1), nn.GELU(), nn.Conv1d(12, 4, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        return x + self.mix(self.norm(x))


def test_a_convolution_over_places_mixes_tokens() -> None:
    model = TokenMixing()
    text = small.proven(from_module(model, (3, 8, 8)), model)
    assert "[ln, transpose, 1 conv" in text, text


class Features(nn.Module):
    """In training it gives what a loss reads beside its output."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(3, 3, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Any:
        first = self.one(x)
        second = self.two(first)
        return [first, second] if self.training else second


def test_what_training_alone_gives_is_not_compared() -> None:
    found = from_module(Features(), (3, 8, 8))
    assert found.proof.output == 0 and found.proof.gradients is None


class CoordinateAttention(nn.Module):
    """Hou et al. 2021 (arXiv 2103.02907), Figure 2 (c)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.both = nn.Conv2d(width, 4, 1)
        self.down, self.across = (nn.Conv2d(4, width, 1) for _ in "hw")

    def forward(self, x: Tensor) -> Tensor:
        sizes = x.shape[2:]
        h, w = (F.adaptive_avg_pool2d(x, n) for n in ((None, 1), (1, None)))
        y = torch.cat([h, w.transpose(2, 3)], 2)
        h, w = torch.split(self.both(y), sizes, 2)
        return x * self.down(h).sigmoid() * self.across(w.mT).sigmoid()


class AcrossCells(CoordinateAttention):
    """The same with a layer for each side."""

    def forward(self, x: Tensor) -> Tensor:
        h = F.adaptive_avg_pool2d(x, (None, 1))
        return x * self.down(self.both(h)).sigmoid()


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.rnn(x.transpose(1, 2))[0]


class Looked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.table(x.long())


class Compared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(3, 8, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return F.cosine_similarity(self.one(x), self.two(x))


class Rolled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.roll(torch.relu(x), 1, 2)


class Windows(nn.Module):
    """Liu et al. 2021 (Swin), section 3.2: attention within windows of 4x4 cells."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.qkv = nn.Conv2d(3, 8, 1), nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        x = x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5)
        q, k, v = self.qkv(x.reshape(-1, 16, c)).chunk(3, -1)
        return (q @ k.transpose(1, 2)).softmax(-1) @ v


REFUSED = {
    "fewer keys": (
        small.chain(Fewer(16)),
        (3, 8, 8),
        "of 64 queries and 16 keys: .* no word",
    ),
    "wider queries": (
        nn.Sequential(small.stem(16), Wider(16)),
        (3, 8, 8),
        "of values of 1 channels a head, and queries and keys of 2",
    ),
    "coordinates": (
        small.chain(CoordinateAttention(16)),
        (3, 8, 8),
        "`cat`: along the height or width of maps, as coordinate attention",
    ),
    "one side": (
        small.chain(AcrossCells(16)),
        (3, 8, 8),
        "of 16x8x8 and 16x8x1: maps of one size meet",
    ),
    "over time": (Recurrent(), (8, 20), "`lstm` .* `--partial` writes"),
    "a table": (Looked(), (3,), "`embedding` .* take what the table gives"),
    "a distance": (Compared(), (3, 8, 8), "belongs to the loss"),
    "rolled": (Rolled(), (3, 8, 8), "as of shifted windows"),
    "windows": (Windows(), (3, 8, 8), "attention in windows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_word_is_told_in_the_fields(name: str) -> None:
    model, shape, said = REFUSED[name]
    with pytest.raises(ImportRefused, match=said):
        from_module(model, shape)


class Norm(nn.Module):
    """A layer norm with its channels first, as ConvNeXt's authors write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.weight, self.bias = (
            nn.Parameter(torch.rand(8)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Mish(nn.Module):
    """Misra 2019, as it was written before torch had it; the exporter spells the softplus."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * torch.tanh(F.softplus(x))


def exported(model: nn.Module, shape: Sequence[int], folder: Path) -> str:
    pytest.importorskip("onnx")
    path = folder / "net.onnx"
    images = (torch.randn(1, *shape),)
    torch.onnx.export(model.eval(), images, path, dynamo=True)
    return from_model(str(path)).text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "said"), [(Norm(), ", ln]"), (Mish(), "conv mish")]
)
def test_onnx_spells_out_what_is_one_word(
    model: nn.Module, said: str, tmp_path: Path
) -> None:
    assert said in exported(model, (3, 8, 8), tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_onnx_has_the_same_words_for_a_recurrent_layer(
    tmp_path: Path,
) -> None:
    with pytest.raises(ImportRefused, match="runs over time"):
        exported(Recurrent(), (8, 20), tmp_path)


class Pyramid(nn.Module):
    """Lin et al. 2016 (FPN, arXiv 1612.03144), Figure 3, whose levels one head reads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.c2 = nn.Conv2d(3, 8, 3, 2, 1), small.Basic(8, 8)
        self.c3, self.c4 = small.Basic(8, 16, 2), small.Basic(16, 32, 2)
        self.lateral = nn.ModuleList(
            nn.Conv2d(width, 12, 1) for width in (8, 16, 32)
        )
        self.head = nn.Conv2d(36, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        c2 = self.c2(self.stem(x))
        c3 = self.c3(c2)
        p4 = self.lateral[2](self.c4(c3))
        p3 = self.lateral[1](c3) + sized(p4, c3)
        p2 = self.lateral[0](c2) + sized(p3, c2)
        return self.head(torch.cat([p2, sized(p3, c2), sized(p4, c2)], 1))


def sized(x: Tensor, other: Tensor) -> Tensor:
    return F.interpolate(x, other.shape[2:], mode="nearest")


def test_a_pyramid_that_one_head_reads_is_rows() -> None:
    model = Pyramid()
    text = small.proven(from_module(model, (3, 32, 32)), model)
    rows = small.lines(text)
    assert [rows[name] for name in ("c2", "c3", "c4")] == [
        "basic 8",
        "basic 16 /2",
        "basic 32 /2",
    ]
    assert rows["lateral2"].startswith("[c3, 1x1 conv 12"), text


class Halves(nn.Module):
    """Ma et al. 2018 (ShuffleNet v2, arXiv 1807.11164), Figure 3 (c) and (d), each a class."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        half = width // 2
        inner = half if stride == 1 else width_in
        self.body = nn.Sequential(
            small.conv_bn(inner, half, 1),
            nn.ReLU(),
            small.conv_bn(half, half, stride=stride, groups=half),
            small.conv_bn(half, half, 1),
            nn.ReLU(),
        )

    def joined(self, kept: Tensor, x: Tensor) -> Tensor:
        return F.channel_shuffle(torch.cat([kept, self.body(x)], 1), 2)


class Unit(Halves):
    def __init__(self, width: int) -> None:
        super().__init__(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.joined(*x.chunk(2, 1))


class Down(Halves):
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__(width_in, width, 2)
        self.side = nn.Sequential(
            small.conv_bn(width_in, width_in, stride=2, groups=width_in),
            small.conv_bn(width_in, width // 2, 1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.joined(self.side(x), x)


def test_what_ends_with_a_shuffle_is_the_librarys() -> None:
    model = small.chain(
        *(Down(16, 24), Unit(24), Unit(24)),
        *(Down(24, 48), Unit(48), Unit(48)),
        Down(48, 64),
        width=64,
    )
    text = small.proven(from_module(model, (3, 32, 32)), model)
    assert "[shuffle-down 24 /2, 2 x shuffle-unit]" in text, text
    assert "blocks:" not in text


class Twice(nn.Sequential):
    def __init__(self, width_in: int, width: int) -> None:
        layers = [small.conv_bn(n, width) for n in (width_in, width)]
        super().__init__(layers[0], nn.ReLU(), layers[1], nn.ReLU())


class Larger(nn.Sequential):
    def __init__(self, width_in: int, width: int) -> None:
        conv = small.conv_bn(width_in, width)
        super().__init__(nn.Upsample(scale_factor=2), conv, nn.ReLU())


class AttentionGate(nn.Module):
    """Oktay et al. 2018 (Attention U-Net, arXiv 1804.03999), Figure 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_gate, self.of_skip = (
            small.conv_bn(width, width // 2, 1) for _ in range(2)
        )
        self.psi = nn.Conv2d(width // 2, 1, 1)

    def forward(self, gate: Tensor, skip: Tensor) -> Tensor:
        both = F.relu(self.of_gate(gate) + self.of_skip(skip))
        return skip * torch.sigmoid(self.psi(both))


class AttentionUNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (8, 16, 24, 32)
        self.down = nn.ModuleList(
            Twice(a, b) for a, b in zip((3, *widths), widths, strict=False)
        )
        steps = [*pairwise(widths)]
        self.larger = nn.ModuleList(Larger(b, a) for a, b in steps)
        self.gates = nn.ModuleList(AttentionGate(a) for a, _ in steps)
        self.up = nn.ModuleList(Twice(2 * a, a) for a, _ in steps)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for n, twice in enumerate(self.down):
            x = twice(F.max_pool2d(x, 2) if n else x)
            skips.append(x)
        x = skips.pop()
        for n in reversed(range(len(self.up))):
            x, skip = self.larger[n](x), skips[n]
            x = self.up[n](torch.cat([self.gates[n](x, skip), x], 1))
        return x


def test_what_lies_in_two_modules_is_no_block() -> None:
    """A level of a U-Net and what enlarges its map stand one behind the other three times."""
    model = AttentionUNet()
    text = small.proven(from_module(model, (3, 32, 32)), model)
    assert "  Twice: 2 x 3x3 conv out\n" in text
    assert text.count("[upsample 2, 3x3 conv ") == 3, text


class Temporal(nn.Module):
    """Bai et al. 2018 (TCN, arXiv 1803.01271), Figure 1 (b): convolutions that pad both sides, of
    which the end is cut off."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.cut = 2 * dilation
        self.one, self.two = (
            nn.Conv1d(8, 8, 3, padding=self.cut, dilation=dilation)
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)[:, :, : -self.cut].contiguous().relu()
        y = self.two(y)[:, :, : -self.cut].contiguous().relu()
        return torch.relu(x + y)


def test_a_convolution_whose_end_is_cut_off_is_causal() -> None:
    model = nn.Sequential(*(Temporal(2**n) for n in range(3)))
    text = small.proven(from_module(model, (8, 32)), model)
    assert "body:  2 x 3 conv in dilation dilation pad padding\n" in text
    assert "Temporal dilation 2 padding 4:0" in text


class Sides(nn.Module):
    """More is cut off than the convolution puts there, or what is cut is read whole, too."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.conv, self.whole = nn.Conv1d(8, 8, 3, padding=1), whole

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        return (y[:, :, :-1], y) if self.whole else y[:, :, :-2]


@pytest.mark.parametrize("whole", [True, False])
def test_other_cuts_stay(whole: bool) -> None:
    model = Sides(whole=whole)
    text = small.proven(from_module(model, (8, 32)), model)
    assert "pad 0:-" in text


def test_what_is_frozen_is_told() -> None:
    """EDSR's shift of the mean, or a backbone that is fine-tuned later."""
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 8, 3))
    assert "#" not in from_module(model, (3, 8, 8)).text
    model[0].requires_grad_(requires_grad=False)
    text = from_module(model, (3, 8, 8)).text
    assert text.startswith(
        "# 2 of the model's tensors ask for no gradient,"
    )
    assert "`0.weight` first" in text

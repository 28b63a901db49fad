"""What cannot be said, or is not equal, is refused with the op and the module that runs it."""

from __future__ import annotations

import pytest
import small
import torch
from msgspec.structs import astuple
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import resgraph.importing as importing
from resgraph.importing import ImportRefused, from_module
from resgraph.importing.aten import Reader
from resgraph.importing.fx import capture
from resgraph.importing.proof import names, prove

INPUT = (3, 16, 16)


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(1).values


class ByValue(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Pair(nn.Module):
    def forward(self, x: Tensor, y: Tensor, scale: float = 2.0) -> Tensor:
        return x + scale * y


class Reversed(nn.Module):
    """In place on a view: what was read before is changed too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y.permute(0, 2, 3, 1).relu_()
        return y + 1


def test_an_unknown_op_is_named_with_its_module() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU(), Sorted())
    )
    with pytest.raises(
        ImportRefused, match="`sort` is not in the language"
    ) as refused:
        from_module(net, INPUT)
    assert refused.value.module == "1.1"


class Conditional(nn.Module):
    """Yang et al. 2019 (CondConv), section 3: each image has a mixture of filters of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.filters = (
            nn.Linear(3, 2),
            nn.Parameter(torch.randn(2, 12)),
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, across = x.shape
        w = torch.matmul(self.mix(x.mean((2, 3))).sigmoid(), self.filters)
        y = x.reshape(1, batch * width, height, across)
        y = nn.functional.conv2d(
            y, w.view(4 * batch, 3, 1, 1), groups=batch
        )
        return y.view(batch, 4, height, across)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ByValue(), "torch.export cannot follow the model"),
        (
            Pair(),
            "the model takes 2 inputs, `x`, `y`: give the size of each",
        ),
        (nn.Identity(), "returns its input"),
        (nn.LayerNorm([3, 16, 16]), "over anything but the channels"),
        (nn.InstanceNorm2d(3, track_running_stats=True), "with statistics"),
        (Conditional(), "its filters are made anew for each image"),
        (nn.Softmax(2), "over anything but the channels"),
        (nn.ConstantPad2d(1, 0.5), "pad"),
        (
            nn.Upsample(scale_factor=2, mode="bicubic"),
            "`upsample_bicubic2d`",
        ),
        (weight_norm(nn.Conv2d(3, 4, 1)), "`_weight_norm` .*: merge"),
        (spectral_norm(nn.Conv2d(3, 4, 1)), "remove_parametrizations"),
    ],
    ids=lambda value: (
        type(value).__name__ if isinstance(value, nn.Module) else ""
    ),
)
def test_refused(model: nn.Module, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(model, INPUT)


def last(*layers: nn.Module) -> nn.Module:
    """Layers on a map with its channels last."""
    return Channels(nn.Sequential(*layers))


class Channels(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.conv, self.inner = nn.Conv2d(3, 8, 3, padding=1), inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.conv(x).permute(0, 2, 3, 1))


class Back(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


def test_with_channels_last_layers_over_the_channels_are_read() -> None:
    layers = nn.LayerNorm(8), nn.Linear(8, 4), nn.PReLU(), nn.Dropout(0.1)
    found = from_module(last(*layers, Back()), INPUT)
    assert "unit: [conv, prelu shared]" in found.text
    assert "ln, 1x1 conv 4, dropout 0.1]" in found.text


def test_moved_axes_have_a_fix() -> None:
    with pytest.raises(ImportRefused, match="return it as it was before"):
        from_module(last(nn.Linear(8, 4)), INPUT)
    with pytest.raises(
        ImportRefused, match="axes were moved; with its channels last, lay"
    ):
        from_module(last(nn.Conv2d(16, 4, 3), Back()), INPUT)


class Channelwise(nn.Module):
    """A vector as cells with the channels last, which are moved to the front."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv = nn.Linear(768, 64), nn.Conv2d(4, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        cells = self.fc(x.flatten(1)).view(-1, 4, 4, 4)
        return self.conv(cells.permute(0, 3, 1, 2))


def test_a_vector_in_another_order_has_a_fix() -> None:
    with pytest.raises(ImportRefused, match="viewed as maps, one after an"):
        from_module(Channelwise(), INPUT)


class Normalized(nn.Module):
    """With its mean in a buffer, as many a model has it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.rand(3, 1, 1))
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x - self.mean)


def test_a_tensor_that_has_no_word_is_named() -> None:
    with pytest.raises(
        ImportRefused,
        match="`sub`: with the buffer `mean`, which is no scale of channels",
    ):
        from_module(Normalized(), INPUT)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("word", ["weight_norm", "spectral_norm"])
def test_an_older_hook_has_a_merge_of_its_own(word: str) -> None:
    net = getattr(nn.utils, word)(nn.Conv2d(3, 4, 1))
    with pytest.raises(
        ImportRefused, match=rf"by `torch\.nn\.utils\.remove_{word}\("
    ):
        Reader(capture(net, INPUT)).read()


def test_torch_says_no_more_than_the_refusal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImportRefused, match="cannot follow the model"):
        from_module(nn.Sequential(nn.Conv2d(3, 4, 1), ByValue()), INPUT)
    assert capfd.readouterr() == ("", "")


def test_a_size_with_its_batch_is_told() -> None:
    with pytest.raises(
        ImportRefused, match=r"without the batch axis: was 3x16x16"
    ):
        from_module(nn.Conv2d(3, 4, 1), (1, 3, 16, 16))


def test_what_is_done_in_place_on_a_view_is_seen() -> None:
    found = from_module(Reversed(), INPUT)
    assert "relu" in found.text and found.proof.output == 0


def test_other_numbers_are_refused() -> None:
    """The proof can fail: a net that is run with another slope than it was captured with."""

    class Leaky(nn.Module):
        slope = 0.1

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.leaky_relu(x, self.slope)

    model = Leaky()
    found = from_module(model, INPUT)
    model.slope = 0.1001
    with pytest.raises(
        ImportRefused, match="other numbers than the model: 1e-04 apart"
    ):
        prove(model, found.plan, found.names)


def test_other_numbers_in_training_are_refused() -> None:
    class Momentum(nn.Module):
        def __init__(self, momentum: float) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3, momentum=momentum)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x)

    found = from_module(Momentum(0.1), INPUT)
    with pytest.raises(ImportRefused, match="in training"):
        prove(Momentum(0.2), found.plan, found.names)


def test_another_net_is_refused() -> None:
    """A spec whose graph is another one is noticed before a number is computed."""
    found = from_module(small.stages(small.Basic), INPUT)
    other = Reader(capture(small.stages(small.OptionA), INPUT)).read()
    with pytest.raises(ImportRefused, match="another net"):
        names(found.plan, other)


def test_a_wrong_page_is_never_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = importing.write

    def wrong(head: object) -> str:
        return written(head).replace("2 x basic 32", "3 x basic 32")

    monkeypatch.setattr(importing, "write", wrong)
    with pytest.raises(ImportRefused):
        from_module(small.stages(small.Basic), INPUT)


def test_a_proof_is_not_turned_off_by_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Above the limit structure is still compared, and the proof says what it is."""
    monkeypatch.setattr("resgraph.importing.proof.LARGEST", 10)
    proof = from_module(small.stages(small.Basic), INPUT).proof
    assert astuple(proof) == (None, None, None)
    assert (
        str(proof)
        == "too large to be run: structure, shapes and parameters are equal"
    )


def test_random_numbers_of_the_caller_stay() -> None:
    model = nn.Conv2d(3, 4, 1)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    from_module(model, INPUT)
    assert torch.equal(torch.rand(1), expected)

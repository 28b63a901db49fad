"""A weight of two layers that are not one, as of an autoencoder's two halves: no word of the language
says it, so the refusal says what is shared, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import ImportRefused, from_model


class Matrix(nn.Module):
    """Vincent et al. 2010, section 2.3: the decoder's matrix is the encoder's, turned over."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(20, 6)
        self.bias = nn.Parameter(torch.zeros(20))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(
            self.encoder(x).relu(), self.encoder.weight.t(), self.bias
        )


class Filters(nn.Module):
    """Masci et al. 2011: so are its filters."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 8, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            self.encoder(x).relu(), self.encoder.weight, None, 2
        )


class Assigned(nn.Module):
    """A parameter of two modules, of which each has a bias of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x).relu())


class Dilated(nn.Module):
    """Li et al. 2019 (TridentNet, arXiv 1901.01892): one weight, three reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        far = F.conv2d(x, self.conv.weight, None, 1, 2, 2)
        return self.conv(x) + far


CASES = [
    (
        Matrix,
        (20,),
        "`encoder.weight` is the weight of `fc 6` in `encoder` and of `fc 20`, there turned over: ",
        "`nn.Parameter(encoder.weight.t().detach().clone())`",
    ),
    (
        Filters,
        (3, 8, 8),
        "`encoder.weight` is the weight of `2x2 conv 8 /2` in `encoder` and of"
        " `2x2 up conv 3 /2`, another layer: ",
        "`nn.Parameter(encoder.weight.detach().clone())`",
    ),
    (
        Assigned,
        (8,),
        "`one.weight` is the weight of `fc 8` in `one` and of `fc 8` in `two`, which has another"
        " bias: ",
        "`nn.Parameter(one.weight.detach().clone())`",
    ),
    (
        Dilated,
        (3, 8, 8),
        "and of `3x3 conv 3 dilation 2`, another layer: ",
        "`nn.Parameter(conv.weight.detach().clone())`",
    ),
]


@pytest.mark.parametrize(
    ("kind", "shape", "said", "copied"),
    CASES,
    ids=[case[0].__name__ for case in CASES],
)
def test_what_is_shared_is_named(
    tmp_path: Path,
    kind: type[nn.Module],
    shape: tuple[int, ...],
    said: str,
    copied: str,
) -> None:
    with pytest.raises(ImportRefused) as refused:
        from_module(kind(), shape)
    assert said in str(refused.value) and copied in str(refused.value)
    file = tmp_path / "net.pt2"
    net = torch.export.export(kind().eval(), (torch.zeros(2, *shape),))
    torch.export.save(net, file)
    with pytest.raises(ImportRefused) as also:
        from_model(str(file))
    assert also.value.what == refused.value.what


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        (Filters, (3, 8, 8), "`encoder.weight`, the weight of `2x2 conv 8 /2` in `encoder` and"),
        (Dilated, (3, 8, 8), "`conv.weight`, the weight of "),
    ],
)  # fmt: skip
def test_onnx_makes_two_of_it_and_says_so(
    tmp_path: Path, kind: type[nn.Module], shape: tuple[int, ...], said: str
) -> None:
    pytest.importorskip("onnx")
    file, images = tmp_path / "net.onnx", (torch.zeros(2, *shape),)
    torch.onnx.export(
        kind().eval(), images, file, dynamo=True, verbose=False
    )
    found = from_model(str(file))
    assert found.parted[0].startswith(said) and len(found.parted) == 1
    assert said.split(",")[0] in found.text.partition("name:")[0]


class Square(nn.Module):
    """A matrix and itself turned over are two layers, though they are as large."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(8, 8, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.one(x).relu(), self.one.weight.t())


def test_a_square_matrix_is_not_the_layer_again() -> None:
    with pytest.raises(ImportRefused, match="there turned over: `again`"):
        from_module(Square(), (8,))


def test_a_copy_is_imported() -> None:
    """As the refusal says."""
    model = Assigned()
    model.two.weight = nn.Parameter(model.one.weight.detach().clone())
    found = from_module(model, (8,))
    assert found.proof.output == found.proof.gradients == 0


class OneModule(nn.Module):
    """A module that has two names is one layer, and said by `again`."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(8, 8)
        self.two = self.one

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x).relu())


def test_a_module_of_two_names() -> None:
    found = from_module(OneModule(), (8,))
    assert "again" in found.text and found.plan.params == 72


def test_modules_of_which_all_is_one() -> None:
    """As where each parameter is assigned."""
    model = Assigned()
    model.two.bias = model.one.bias
    found = from_module(model, (8,))
    assert "again" in found.text and found.plan.params == 72
    assert found.proof.output == found.proof.gradients == 0

"""Attention as people write it is the op that it is, with what is learned for places; what is another
attention is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module, loads
from resgraph.importing import Imported, ImportRefused, from_model
from resgraph.importing.aten.places import moved_numbers
from resgraph.importing.program import AtenCall, CallResult

WIDTH, HEADS = 12, 3
INPUT = (3, 8, 8)
Core = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]


class Vit(nn.Module):
    """Dosovitskiy et al. 2020, Figure 1, around one layer."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 2, 2)
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.places = nn.Parameter(torch.zeros(1, 17, WIDTH))
        self.norm, self.attention = nn.LayerNorm(WIDTH), attention
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = (
            torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
            + self.places
        )
        x = x + self.attention(self.norm(x))
        return self.head(x[:, 0])


class Fused(nn.Module):
    """Queries, keys and values of one layer, apart by `split`, and what is made of them."""

    def __init__(self, split: str, core: Core) -> None:
        super().__init__()
        self.qkv, self.out = (
            nn.Linear(WIDTH, 3 * WIDTH),
            nn.Linear(WIDTH, WIDTH),
        )
        self.split, self.core = split, core

    def forward(self, x: Tensor) -> Tensor:
        b, n, _ = x.shape
        if self.split == "unbind":
            parts = (
                self.qkv(x)
                .reshape(b, n, 3, HEADS, -1)
                .permute(2, 0, 3, 1, 4)
            )
            q, k, v = parts.unbind(0)
        else:
            q, k, v = (
                part.view(b, n, HEADS, -1).transpose(1, 2)
                for part in self.qkv(x).chunk(3, -1)
            )
        return self.out(
            self.core(self, q, k, v).transpose(1, 2).reshape(b, n, -1)
        )


class Apart(nn.Module):
    """A layer for each."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (
            nn.Linear(WIDTH, WIDTH) for _ in range(4)
        )
        self.core = core

    def forward(self, x: Tensor) -> Tensor:
        b, n, _ = x.shape
        parts = (
            layer(x).view(b, n, HEADS, -1).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        return self.out(
            self.core(self, *parts).transpose(1, 2).reshape(b, n, -1)
        )


class Torch(nn.Module):
    """`nn.MultiheadAttention` of a tensor with itself."""

    def __init__(self, first: bool, weights: bool) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(WIDTH, HEADS, batch_first=first)
        self.first, self.weights = first, weights

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.first else x.transpose(0, 1)
        x = self.own(x, x, x, need_weights=self.weights)[0]
        return x if self.first else x.transpose(0, 1)


def called(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v)


def spelled(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Vaswani et al. 2017, equation 1."""
    return F.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, -1) @ v


def scaled_before(
    net: nn.Module, q: Tensor, k: Tensor, v: Tensor
) -> Tensor:
    q = q * q.shape[-1] ** -0.5
    return (q @ k.transpose(-2, -1)).softmax(-1) @ v


def divided(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = torch.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5
    return torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), v)


def other_way(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Values stand before their shares."""
    shares = F.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, -1)
    return (v.transpose(-2, -1) @ shares.transpose(-2, -1)).transpose(
        -2, -1
    )


def imported(
    model: nn.Module, shape: tuple[int, int, int] = INPUT
) -> Imported:
    found = from_module(model, shape, name="net")
    proof = found.proof
    assert proof.output is not None and proof.output < 1e-12
    assert proof.gradients is not None and proof.gradients < 1e-7
    return found


@pytest.mark.parametrize("split", ["unbind", "chunk"])
@pytest.mark.parametrize(
    "core", [called, spelled, scaled_before, divided, other_way]
)
def test_queries_keys_and_values_of_one_layer(
    core: Core, split: str
) -> None:
    found = imported(Vit(Fused(split, core)))
    assert "2x2 conv 12 /2, positions, token, position" in found.text
    assert "[ln, 1 conv 3*in, attention heads 3, 1 conv in]" in found.text
    assert "take token, fc 5" in found.text
    assert found.names["conv1.2.weight"] == "token"


@pytest.mark.parametrize("core", [called, spelled])
def test_a_layer_for_each(core: Core) -> None:
    found = imported(Vit(Apart(core)))
    assert (
        "concat(" in found.text
        and "attention heads 3, 1 conv" in found.text
    )


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_torchs_own(first: bool, weights: bool) -> None:
    found = imported(Vit(Torch(first, weights)))
    assert "[ln, 1 conv 3*in, attention heads 3, 1 conv in]" in found.text


class Maps(nn.Module):
    """Attention over the cells of a map with one head, by any scale (Wang et al. 2018, "Non-local
    Neural Networks", arXiv 1711.07971, Figure 2)."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(3, 4, 1) for _ in range(3))
        self.out, self.scale = nn.Conv2d(4, 3, 1), scale

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).flatten(2) for layer in (self.q, self.k, self.v)
        )
        shares = torch.bmm(q.transpose(1, 2) * self.scale, k).softmax(-1)
        y = torch.bmm(shares, v.transpose(1, 2)).transpose(1, 2)
        return x + self.out(y.reshape(x.shape[0], 4, *x.shape[2:]))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_another_scale_is_one_of_the_queries(scale: float) -> None:
    found = imported(Maps(scale))
    assert "attention heads 1" in found.text
    assert ("2.0*" in found.text or "2*" in found.text) == (scale == 1)


def causal(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def without_softmax(
    net: nn.Module, q: Tensor, k: Tensor, v: Tensor
) -> Tensor:
    return q @ k.transpose(-2, -1) @ v


def over_queries(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-2, -1)).softmax(-2) @ v


def of_channels(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    shares = (q.transpose(-2, -1) @ k).softmax(-1)
    return (shares @ v.transpose(-2, -1)).transpose(-2, -1)


def dropped(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    shares = F.softmax(q @ k.transpose(-2, -1), -1)
    return F.dropout(shares, 0.1, net.training) @ v


def normed(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return called(net, F.layer_norm(q, (WIDTH // HEADS,)), k, v)


def fewer_keys(net: nn.Module, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return called(net, q, k[:, :, 1:], v[:, :, 1:])


@pytest.mark.parametrize(
    ("core", "said"),
    [
        (
            causal,
            "`scaled_dot_product_attention`: with dropout, a causal mask",
        ),
        (without_softmax, "`matmul`: .* without a softmax over its keys"),
        (over_queries, "`softmax`: .* over anything but its keys"),
        (of_channels, "`matmul`: over anything but all cells"),
        (dropped, "`dropout`: it reads the scores of an attention"),
        (normed, "`layer_norm`: over anything but the channels"),
        (fewer_keys, "`slice`"),
    ],
)
def test_another_attention_is_refused(core: Core, said: str) -> None:
    with pytest.raises(ImportRefused, match=said) as refused:
        imported(Vit(Fused("unbind", core)))
    assert refused.value.module == "attention" and "ops were read" in str(
        refused.value
    )


RELATIVE = """
name: a
input: 6x4x8
blocks:
  bot:
    body:  [1x1 conv 3*in bare, attention heads 2 relative, bn]
    merge: relu(body + shortcut)
net: {a: 2 x bot 6, b: 1x1 conv 4}
"""


def test_what_queries_say_of_distances(tmp_path: Path) -> None:
    """Ramachandran et al. 2019, section 3.2, by the places of our own source."""
    plan = loads(RELATIVE)
    found = imported(plan.module(), (6, 4, 8))
    assert "attention heads 2 relative" in found.text
    assert found.names["a.1.body.1.down"] == "a.1.body.1.down"
    (tmp_path / "net.pt2").write_bytes(plan.to("pt2"))
    again = from_model(str(tmp_path / "net.pt2"))
    assert again.proof.output is not None and again.proof.output < 1e-12


class Shifted(nn.Module):
    """The same by zeros that shift each row by one more (Srinivas et al. 2021, appendix; timm)."""

    def __init__(self, back: int = 0) -> None:
        super().__init__()
        self.qkv, self.back = nn.Conv2d(6, 18, 1), back
        self.down = nn.Parameter(torch.zeros(7, 3))
        self.across = nn.Parameter(torch.zeros(15, 3))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = (
            p.reshape(2 * b, 3, h * w) for p in self.qkv(x).chunk(3, 1)
        )
        q, v = q.transpose(1, 2), v.transpose(1, 2)
        places = q.reshape(2 * b, h, w, 3)
        across = self.between(places, self.across)
        down = self.between(places.transpose(1, 2), self.down)
        more = down.permute(0, 3, 1, 4, 2) + across.permute(0, 1, 3, 2, 4)
        scores = q @ k * 3**-0.5 + more.reshape(2 * b, h * w, h * w)
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, c, h, w)

    def between(self, places: Tensor, table: Tensor) -> Tensor:
        b, rows, side, _ = places.shape
        said = (places @ table.t()).reshape(-1, side, 2 * side - 1)
        said = F.pad(F.pad(said, (0, 1)).flatten(1), (0, side - 1))
        said = said.reshape(-1, side + 1, 2 * side - 1)
        said = said[
            :, :side, side - 1 - self.back : 2 * side - 1 - self.back
        ]
        other = said.reshape(b, rows, 1, side, side)
        return other.expand(-1, -1, rows, -1, -1)


def test_distances_by_shifted_rows() -> None:
    found = imported(
        nn.Sequential(Shifted(), nn.Conv2d(6, 2, 1)), (6, 4, 8)
    )
    assert "attention heads 2 relative" in found.text
    assert {"0.down", "0.across"} <= {*found.names.values()}


def test_other_distances_are_refused() -> None:
    net = nn.Sequential(Shifted(back=1), nn.Conv2d(6, 2, 1))
    with pytest.raises(
        ImportRefused, match="other distances than those down and across"
    ):
        imported(net, (6, 4, 8))


@pytest.mark.parametrize(
    ("overload", "given", "said"),
    [
        ("", {"end": 10**12}, "1000000000000 numbers are moved"),
        ("", {"end": "a"}, "arange"),
        ("nothing", {"end": 3}, "it has no form `nothing`"),
        ("__class__", {"end": 3}, "it has no form"),
    ],
)
def test_numbers_of_a_file_are_bounded(
    overload: str, given: dict[str, Any], said: str
) -> None:
    call = AtenCall(
        "arange", given, (CallResult("a", (3,)),), overload=overload
    )
    with pytest.raises(ValueError, match=said):
        moved_numbers(call, given)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_program_of_so_many_images(batch: int, tmp_path: Path) -> None:
    """Its views have their number, and move them among other axes."""
    model = Vit(Torch(first=False, weights=True)).eval()
    program = torch.export.export(model, (torch.zeros(batch, *INPUT),))
    torch.export.save(program, tmp_path / "net.pt2")
    found = from_model(str(tmp_path / "net.pt2"))
    assert found.proof.output is not None and found.proof.output < 1e-12
    assert "[ln, 1 conv 3*in, attention heads 3, 1 conv in]" in found.text


class Context(nn.Module):
    """One distribution over the cells for all channels (Cao et al. 2019, "GCNet", arXiv 1904.11492,
    Figure 4), which is a softmax over cells."""

    def __init__(self) -> None:
        super().__init__()
        self.ask, self.more = nn.Conv2d(3, 1, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        shares = self.ask(x).flatten(2).softmax(-1).transpose(1, 2)
        return x + self.more((x.flatten(2) @ shares)[..., None])


class Resampled(nn.Module):
    """Positions that timm's code brings to the size of the map, but for those of the token."""

    def __init__(self, *, inside_out: bool = False) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(57, 3))
        self.inside_out = inside_out

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(1, keepdim=True), x], 1)
        token, rest = self.places[None, :1], self.places[None, 1:]
        rest = rest.float().reshape(1, 8, 7, -1).permute(0, 3, 1, 2)
        rest = F.interpolate(
            rest, (height, width), mode="bicubic", antialias=True
        )
        rest = rest.permute(0, 2, 3, 1).reshape(1, -1, 3)
        both = [rest, token] if self.inside_out else [token, rest]
        return (x + torch.cat(both, 1))[:, 0]


def test_positions_that_are_cut_and_put_together() -> None:
    text = imported(Resampled(), (3, 8, 7)).text
    assert "[positions, token mean, position, take token]" in text, text


def test_other_parts_of_a_parameter_are_refused() -> None:
    with pytest.raises(
        ImportRefused, match="parts that are not a whole parameter"
    ):
        from_module(Resampled(inside_out=True), (3, 8, 7))
    with pytest.raises(ImportRefused, match="the language has only"):
        from_module(Resampled(), (3, 4, 14))


class Turned(Context):
    """The same with the shares first."""

    def forward(self, x: Tensor) -> Tensor:
        shares = self.ask(x).flatten(2).softmax(-1)
        seen = shares @ x.flatten(2).transpose(1, 2)
        return x + self.more(seen.transpose(1, 2)[..., None])


@pytest.mark.parametrize(
    "model", [Context(), Turned()], ids=["cells", "shares"]
)
def test_a_global_context(model: nn.Module) -> None:
    text = imported(model, (3, 8, 7)).text
    assert "[1x1 conv 1, cell softmax]" in text and "sum(x*" in text, text


class First(nn.Module):
    """Positions with their channels first, a matrix that no layer holds, and a bias behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, 3, 8, 7))
        self.more = nn.Parameter(torch.zeros(5, 56))
        self.matrix, self.bias = (
            nn.Parameter(torch.zeros(n)) for n in ((3, 5), 5)
        )
        self.last = nn.Parameter(torch.zeros(5, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = (x + self.places).flatten(2).transpose(1, 2)
        x = x @ self.matrix + self.bias
        return (x.transpose(1, 2) + self.more).mean(2) @ self.last


def test_numbers_that_lie_otherwise_than_ours() -> None:
    found = imported(First(), (3, 8, 7))
    assert "[position, 1x1 conv 5, position]" in found.text
    assert found.plan.params == 3 * 56 + 3 * 5 + 5 + 5 * 56 + 25
    model = First()
    for each in model.parameters():
        nn.init.normal_(each)
    again = from_module(model, (3, 8, 7))
    ours = again.plan.module().eval()
    ours.load_state_dict(again.weights())
    x = torch.randn(2, 3, 8, 7)
    assert torch.allclose(ours(x), model(x), atol=1e-5)


class SquarePlaces(nn.Module):
    """As many channels as cells: only the order of the axes says which are which."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.places, self.order = (
            nn.Parameter(torch.zeros(1, 9, 3, 3)),
            order,
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.places.permute(self.order)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 3, 2)])
def test_an_order_is_not_guessed_from_sizes(order: tuple[int, ...]) -> None:
    found = imported(SquarePlaces(*order), (9, 3, 3))
    assert "conv1: position" in found.text


def test_a_sum_with_less_than_a_number_for_each_place_is_refused() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.places = nn.Parameter(torch.zeros(1, 3, 8, 1))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.places

    with pytest.raises(
        ImportRefused,
        match="`add`: with the parameter `places`, which is no scale",
    ):
        imported(Rows())

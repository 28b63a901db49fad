"""`upsample to c4`, `avg pool to c4`: a map brought to the size of another, at any size of the input."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from nets import mistakes, plan, pointed, spec
from torch import Tensor

from resgraph.passes.memory import kept_outputs
from resgraph.passes.paths import paths
from resgraph.passes.receptive_field import receptive_fields

NET = """
c1: 3x3 conv 8 /2
c2: 3x3 conv 16 /2
c3: 3x3 conv 16 /2
{row}
"""
RESIZED = {
    "upsample to c1": lambda x, like: F.interpolate(x, like),
    "upsample to c1 bilinear": lambda x, like: F.interpolate(
        x, like, mode="bilinear"
    ),
    "avg pool to c1": F.adaptive_avg_pool2d,
    "max pool to c1": F.adaptive_max_pool2d,
}


@pytest.mark.parametrize("label", RESIZED)
@pytest.mark.parametrize("side", [(30, 46), (17, 64)])
def test_it_is_torchs(label: str, side: tuple[int, int]) -> None:
    made = plan(
        NET.format(row=f"last: [c3, {label}]"), top="output: [last, c3, c1]"
    )
    net = made.module().double().eval()
    last, c3, c1 = net(torch.randn(2, 16, *side, dtype=torch.double))
    assert torch.equal(last, RESIZED[label](c3, c1.shape[2:]))
    assert made.graph.nodes["last.1"].inputs == ("c3.relu", "c1.relu")
    assert made.outputs["last"] == (16, 16, 16)


def test_a_block_reads_the_size_of_its_paths() -> None:
    """DeepLab's image pooling (Chen et al. 2017, arXiv 1706.05587, section 3.3): the mean, back on
    every cell."""
    block = "blocks:\n  aspp:\n    pool: [avg pool to 1x1, 1x1 conv out bare, upsample to x bilinear]\n    merge: concat(x pool)"
    net = plan("c1: aspp 8", top=block).module().double()
    x = torch.randn(2, 16, 5, 7, dtype=torch.double)
    weight = net.state_dict()["c1.pool.1.conv.weight"]
    mean = F.conv2d(x.mean((2, 3), keepdim=True), weight).expand(
        -1, -1, 5, 7
    )
    assert torch.allclose(net(x), torch.cat([x, mean], 1), atol=1e-12)


def test_a_block_of_one_path_does_too() -> None:
    block = (
        "blocks:\n  pooled: [avg pool to 1x1, 1x1 conv out, upsample to x]"
    )
    net = plan("c1: 2 x pooled 16", top=block).module().eval()
    assert net(torch.randn(1, 16, 6, 9)).shape == (1, 16, 6, 9)
    assert next(iter(net.state_dict())) == "c1.0.1.conv.weight"


def test_only_the_size_is_read() -> None:
    deep = "deep: 3x3 conv 16 /2 bare\nlast: [c1, avg pool to deep]"
    made = plan(NET.format(row=deep))
    graph = made.graph
    assert graph.nodes["last.1"].depth == graph.nodes["c1.relu"].depth == 1
    assert paths(graph).longest == 1
    # the mean of 8x8 cells of c1, which sees 3 pixels at a distance of 2
    fields = receptive_fields(graph)
    assert fields["c1.relu"].text() == "3 px"
    assert fields["last.1"].text() == f"{3 + (8 - 1) * 2} px"
    assert fields["last.1"].step == (16, 16)
    assert "c1.relu" in kept_outputs(
        graph
    ) and "deep.conv" not in kept_outputs(graph)


def test_a_fixed_size_is_said_in_numbers() -> None:
    made = plan("c1: upsample to 40x50 bilinear")
    x = torch.randn(1, 16, 32, 32)
    assert torch.equal(
        made.module()(x), F.interpolate(x, (40, 50), mode="bilinear")
    )
    assert 'nn.Upsample(size=(40, 50), mode="bilinear")' in made.source()


def test_a_let_of_that_name_is_a_number() -> None:
    made = plan(
        "c1: 3x3 conv 8\nc2: upsample to side", top="let: {side: 48}"
    )
    assert made.output == (8, 48, 48)


def test_gradients_are_those_of_the_hand_written_net() -> None:
    made = plan(
        NET.format(
            row="u: upsample to c1\nl: [c1, 1x1 conv 16 bare]\np: l + u"
        )
    )
    net = made.module().double().train()
    x = torch.randn(2, 16, 21, 19, dtype=torch.double, requires_grad=True)

    def by_hand(x: Tensor) -> Tensor:
        c1 = net.c1(x)
        u = F.interpolate(net.c3(net.c2(c1)), c1.shape[2:])
        return F.conv2d(c1, net.state_dict()["l.1.conv.weight"]) + u

    ours, theirs = (
        torch.autograd.grad(f(x).square().sum(), x)[0]
        for f in (net, by_hand)
    )
    assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("row", "code", "place", "said"),
    [
        ("u: upsample to c4\nc4: 3x3 conv 8", "E030", "c4", "nothing above is called `c4`"),
        ("u: upsample to u", "E030", "u", "nothing above is called `u`"),
        ("u: upsample to cc1", "E030", "cc1", "nothing above is called `cc1`"),
        ("v: global avg pool\nu: [c3, upsample to v]", "E044", "upsample to v", "`v` is a vector"),
        ("u: upsample", "E021", "upsample", "`upsample` needs a number"),
        ("u: upsample 2 to c1", "E035", "upsample 2 to c1", "a factor does not go with it"),
        ("u: upsample 2 align_corners", "E035", "upsample 2 align_corners", "goes with `bilinear`"),
        ("u: avg pool /2 to c1", "E035", "avg pool /2 to c1", "`to` fixes the size"),
        ("u: [global avg pool, upsample to c1]", "E044", "upsample to c1", "needs a map"),
    ],
)  # fmt: skip
def test_what_has_no_size(
    row: str, code: str, place: str, said: str
) -> None:
    (problem,) = mistakes(spec(NET.format(row=row)))
    assert (problem.code, pointed(problem)) == (code, place)
    assert said in problem.message and (
        problem.help or code == "E021" or code == "E035"
    )


def test_a_row_whose_size_is_read_is_read() -> None:
    text = spec(
        "c1: 3x3 conv 8\nsize: 3x3 conv 4 /2\nlast: [c1, avg pool to size]"
    )
    assert mistakes(text) == []

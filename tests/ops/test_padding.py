"""What stands around a map: zeros, the map mirrored, its edge cells again; of one side, or by TensorFlow's rule. Outputs
and gradients in float64 against cells that are laid there one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from msgspec.structs import replace
from torch import Tensor

import resgraph
from resgraph.errors import Source, SpecError
from resgraph.language.format import reformat
from resgraph.ops import (
    BlurPool,
    Conv,
    DepthwiseConv,
    Op,
    Pad,
    Pool,
    Shape,
    ShapeError,
    UpConv,
)

from .build import module, numbers

Sides = list[tuple[int, int]]


def around(
    x: Tensor, sides: Sides, kind: str = "", zero: float = 0.0
) -> Tensor:
    """The map with cells before and after each of its axes."""
    for axis, (before, after) in enumerate(sides, 2):
        n, cells = x.shape[axis], []
        for place in range(-before, n + after):
            inside = min(max(place, 0), n - 1)
            if kind == "reflect":
                inside = abs(place) if place < n else 2 * (n - 1) - place
            cell = x.select(axis, inside)
            outside = not kind and inside != place
            cells.append(torch.full_like(cell, zero) if outside else cell)
        x = torch.stack(cells, axis)
    return x


def windows(x: Tensor, kernel: Shape, stride: Shape) -> Tensor:
    """The cells of each window, in the last axis."""
    for axis, (k, s) in enumerate(zip(kernel, stride, strict=True), 2):
        x = x.unfold(axis, k, s)
    return x.flatten(2 + len(kernel))


def convolved(op: Any, x: Tensor, weight: Tensor) -> Tensor:
    conv = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
    return conv(
        x,
        weight,
        None,
        op.stride,
        0,
        op.dilation,
        x.shape[1] // weight.shape[1],
    )


def pooled(op: Any, x: Tensor, sides: Sides, kind: str) -> Tensor:
    if op.op == "max pool":
        padded = around(x, sides, kind, -torch.inf)
        return windows(padded, op.kernel, op.stride).amax(-1)
    cells = windows(around(x, sides, kind), op.kernel, op.stride)
    if not op.inner:
        return cells.mean(-1)
    own = windows(around(torch.ones_like(x), sides), op.kernel, op.stride)
    return cells.sum(-1) / own.sum(-1)


def blurred(op: Any, x: Tensor, sides: Sides, kind: str) -> Tensor:
    kernel = torch.ones((), dtype=x.dtype)
    for k in op.kernel:
        row = {1: [1.0], 3: [0.25, 0.5, 0.25]}[k]
        kernel = kernel[..., None] * torch.tensor(row, dtype=x.dtype)
    cells = windows(around(x, sides, kind), op.kernel, op.stride)
    return (cells * kernel.flatten()).sum(-1)


LONG, MAP, VOLUME = (4, 9), (4, 7, 6), (4, 4, 5, 6)
ONE, UP = ((0, 1), (0, 1)), (3, 3)
CASES: list[tuple[Op, Shape, Sides, str]] = [
    (Conv(width=6, kernel=UP, stride=2, pad=ONE), MAP, [(0, 1), (0, 1)], ""),
    (Conv(width=6, kernel=UP, pad=((2, 0), 1), groups=2), MAP, [(2, 0), (1, 1)], ""),
    (Conv(width=6, kernel=UP, reflect=True), MAP, [(1, 1), (1, 1)], "reflect"),
    (Conv(width=6, kernel=UP, pad=(2, (0, 3)), reflect=True), MAP, [(2, 2), (0, 3)], "reflect"),
    (Conv(width=6, kernel=UP, pad=2, replicate=True), MAP, [(2, 2), (2, 2)], "replicate"),
    (Conv(width=6, kernel=(3,), dilation=(2,), pad=((4, 0),)), LONG, [(4, 0)], ""),
    (Conv(width=6, kernel=(3,), pad=((2, 0),), replicate=True), LONG, [(2, 0)], "replicate"),
    (Conv(width=6, kernel=(3, 1, 3), pad=((2, 0), 0, 1)), VOLUME, [(2, 0), (0, 0), (1, 1)], ""),
    (Conv(width=6, kernel=(3, 3, 3), reflect=True), VOLUME, [(1, 1)] * 3, "reflect"),
    (DepthwiseConv(kernel=(4, 4), pad=((1, 2), (1, 2))), MAP, [(1, 2), (1, 2)], ""),
    (DepthwiseConv(kernel=UP, reflect=True), MAP, [(1, 1), (1, 1)], "reflect"),
    (Pool(op="max pool", kernel=UP, stride=2, pad=ONE), MAP, [(0, 1), (0, 1)], ""),
    (Pool(op="max pool", kernel=UP, replicate=True), MAP, [(1, 1), (1, 1)], "replicate"),
    (Pool(op="max pool", kernel=(3,), pad=((2, 0),)), LONG, [(2, 0)], ""),
    (Pool(op="max pool", kernel=(2, 2, 2), pad=((0, 1), 0, (1, 0))), VOLUME, [(0, 1), (0, 0), (1, 0)], ""),
    (Pool(op="avg pool", kernel=UP, stride=2, pad=ONE), MAP, [(0, 1), (0, 1)], ""),
    (Pool(op="avg pool", kernel=UP, stride=2, pad=ONE, inner=True), MAP, [(0, 1), (0, 1)], ""),
    (Pool(op="avg pool", kernel=UP, reflect=True), MAP, [(1, 1), (1, 1)], "reflect"),
    (Pool(op="avg pool", kernel=(3,), pad=((2, 0),), inner=True), LONG, [(2, 0)], ""),
    (BlurPool(kernel=UP, stride=2, pad=((0, 2), 1)), MAP, [(0, 2), (1, 1)], "reflect"),
    (BlurPool(kernel=UP, stride=2, replicate=True), MAP, [(1, 1), (1, 1)], "replicate"),
    (BlurPool(kernel=(3,), pad=((0, 2),), zeros=True), LONG, [(0, 2)], ""),
    (Pad(cells=((0, 1), (2, 0))), MAP, [(0, 1), (2, 0)], ""),
    (Pad(cells=((3, 1), 2), reflect=True), MAP, [(3, 1), (2, 2)], "reflect"),
    (Pad(cells=((0, 4),), replicate=True), LONG, [(0, 4)], "replicate"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "shape", "sides", "kind"),
    CASES,
    ids=[f"{c[0]} on {len(c[1])}" for c in CASES],
)
def test_outputs_and_gradients(
    op: Op, shape: Shape, sides: Sides, kind: str
) -> None:
    made, x = module(op, shape).double(), numbers(shape)
    weights = list(made.parameters())
    if isinstance(op, Pool):
        expected = pooled(op, x, sides, kind)
    elif isinstance(op, BlurPool):
        expected = blurred(op, x, sides, kind)
    else:
        expected = around(x, sides, kind)
        expected = (
            convolved(op, expected, weights[0]) if weights else expected
        )
    found = made(x)
    assert tuple(found.shape[1:]) == op.infer(shape)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)
    factors = torch.linspace(
        -1, 1, found.numel(), dtype=torch.double
    ).view_as(found)
    both = [
        torch.autograd.grad((y * factors).sum(), [x, *weights])
        for y in (found, expected)
    ]
    for ours, theirs in zip(*both, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("standardize", ["weight", "scaled"])
def test_standardized_filters_see_the_same_cells(standardize: Any) -> None:
    op = Conv(width=6, kernel=3, pad=(2, (0, 1)), standardize=standardize)
    bare = replace(op, pad=(0, 0))
    made, x = module(op, MAP).double(), numbers(MAP)
    padded = around(x, [(2, 2), (0, 1)])
    other = module(bare, tuple(padded.shape[1:])).double()
    other.load_state_dict(made.state_dict())
    assert torch.equal(made(x), other(padded))


@pytest.mark.parametrize(
    ("k", "s", "d"), [*product((1, 2, 3, 5, 7), (1, 2, 3), (1, 2))]
)
def test_same_is_tensorflows_rule(k: int, s: int, d: int) -> None:
    """As many windows as every s-th cell, with the fewest cells that do, and the odd one after."""
    for n in range(1, 15):
        op = Conv(
            width=2, kernel=(k,), stride=(s,), dilation=(d,), pad="same"
        )
        fitted = op.fitted((4, n))
        (edge,) = fitted.padding
        before, after = edge if isinstance(edge, tuple) else (edge, edge)
        assert fitted.infer((4, n)) == (2, -(-n // s))
        assert after - before in (0, 1)
        if before + after:
            reach = d * (k - 1) + 1
            assert (before + n + after - 1 - reach) // s + 1 < -(-n // s)


@pytest.mark.filterwarnings("ignore:Using padding")
def test_same_at_stride_1_is_torchs() -> None:
    op = Conv(width=6, kernel=(4, 3), pad="same").fitted(MAP)
    made, x = module(op, MAP).double(), numbers(MAP)
    theirs = F.conv2d(x, next(made.parameters()), padding="same")
    assert torch.allclose(made(x), theirs, rtol=1e-12)


def net(label: str, shape: str = "3x32x32") -> str:
    return f"name: N\ninput: {shape}\nnet:\n  a: [{label}]\n"


@pytest.mark.parametrize(
    ("label", "shape", "made"),
    [
        ("3x3 conv 8 /2 pad same", "3x32x32", "3x3 conv 8 /2 pad 0:1"),
        ("3x3 conv 8 /2 pad same", "3x33x33", "3x3 conv 8 /2"),
        ("3x3 conv 8 /2 pad same", "3x32x33", "3x3 conv 8 /2 pad 0:1x1"),
        ("3x3 conv 8 pad same", "3x32x32", "3x3 conv 8"),
        ("3x3 max pool /2 pad same", "3x32x32", "3x3 max pool /2 pad 0:1"),
        ("2x2 avg pool /1 pad same inner", "3x8x8", "2x2 avg pool pad 0:1 inner"),
        ("3x3 conv 8 pad 2x0:1 reflect", "3x32x32", "3x3 conv 8 pad 2x0:1 reflect"),
        ("3x3 conv 8 pad 1:1", "3x32x32", "3x3 conv 8 pad 1"),
        ("{op: conv, kernel: 3x3, width: 8, pad: [2, [0, 1]]}", "3x9x9", "3x3 conv 8 pad 2x0:1"),
        ("{op: conv, kernel: 3x3, width: 8, pad: [[0, 1]]}", "3x9x9", "3x3 conv 8 pad 0:1"),
        ("{op: conv, kernel: 3x3, width: 8, pad: [0, 3]}", "3x9x9", "3x3 conv 8 pad 0x3"),
        ("pad 0:1 replicate", "3x9x9", "pad 0:1 replicate"),
        ('{op: pad, cells: "0:1"}', "3x9x9", "pad 0:1"),
        ("5 conv 8 dilation 2 pad 2*4:0", "3x64", "5 conv 8 dilation 2 pad 8:0"),
        ("pad -1:1", "3x9x9", "pad -1:1"),
        ("pad -1x0", "3x9x9", "pad -1x0"),
        ("pad 0:-1x2", "3x9x9", "pad 0:-1x2"),
        ("{op: pad, cells: [[-1, 1], 0]}", "3x9x9", "pad -1:1x0"),
    ],
)  # fmt: skip
def test_what_a_label_makes(label: str, shape: str, made: str) -> None:
    graph = resgraph.loads(net(label, shape)).graph
    ops = [
        str(node.op)
        for node in graph.nodes.values()
        if node.op.family in ("conv", "pool", "shape")
    ]
    assert ops == [made]


def test_a_let_and_the_ops_of_a_file() -> None:
    text = (
        net("3x3 conv 8 pad p, 3x3 conv 8 /2", "3x33x33")
        + 'let: {p: "1:0"}\n'
    )
    graph = resgraph.loads(text + "ops: {conv: {pad: same}}\n").graph
    convs = [str(n.op) for n in graph.nodes.values() if n.op.op == "conv"]
    assert convs == ["3x3 conv 8 pad 1:0", "3x3 conv 8 /2 pad 0:1"]


@pytest.mark.parametrize(
    ("label", "code", "said"),
    [
        ("pad same", "E030", "nothing here is called `same`"),
        ("2x2 up conv 8 /2 pad same", "E022", "`pad` cannot be `same`"),
        ("2x2 up conv 8 /2 pad 0:1", "E035", "`pad` must be"),
        ("3x3 conv 8 pad :1", "E010", "`:1` is not how a pad is written"),
        (
            "3x3 conv 8 pad 0:1:2",
            "E010",
            "`0:1:2` is not how a pad is written",
        ),
        (
            "3x3 conv 8 pad 0:1x1x1",
            "E046",
            "`0:1x1x1` is a pad along three axes",
        ),
        ("3x3 conv 8 dilation 0:1", "E031", "a number is needed here"),
        ("3x3 conv 8 reflect replicate", "E035", "exclude each other"),
        (
            "3x3 conv 8 pad 40 reflect",
            "E043",
            "too small to reflect 40 cells",
        ),
        ("3x3 conv 8 pad -1", "E035", "`pad` must be at least 0"),
        (
            "pad -1:1 reflect",
            "E035",
            "`reflect` adds cells, and takes none away",
        ),
        ("pad -20:-12", "E043", "leaves nothing of"),
        ("3x3 max pool pad 3:0", "E035", "less than the kernel"),
        (
            "3x3 max pool /2 pad same ceil",
            "E035",
            "`ceil` goes with zeros alone",
        ),
        (
            "3x3 avg pool inner reflect",
            "E035",
            "`inner` leaves the padding out",
        ),
        ("global avg pool, 3x3 conv 8 pad same", "E044", "needs a map"),
    ],
)
def test_what_is_refused(label: str, code: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(net(label))
    (problem,) = caught.value.diagnostics
    assert (problem.code, said in problem.message) == (code, True), problem


def test_yaml_reads_a_pad_otherwise_and_the_help_says_how() -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(net("{op: conv, kernel: 3x3, width: 8, pad: 0:1}"))
    (problem,) = caught.value.diagnostics
    assert problem.code == "E007"
    assert '`[[0, 1]]`; if text is meant, write `"0:1"`' in problem.help


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("3x3 conv 8 pad 0:1", '{op: conv, kernel: 3x3, width: 8, pad: "0:1"}'),
        ("3x3 conv 8 pad 2x0:1 reflect", '{op: conv, kernel: 3x3, width: 8, pad: "2x0:1", reflect: true}'),
        ("3x3 conv 8 /2 pad same", "{op: conv, kernel: 3x3, width: 8, stride: 2, pad: same}"),
        ("pad 1:0", '{op: pad, cells: "1:0"}'),
    ],
)  # fmt: skip
def test_both_forms(short: str, long: str) -> None:
    text = net(short)
    assert reformat(Source("a", text), "long") == net(long)
    assert reformat(Source("a", net(long)), "short") == text
    assert (
        resgraph.loads(net(long)).graph.cost
        == resgraph.loads(text).graph.cost
    )


def test_lists_are_written_short_too() -> None:
    long = net("{op: conv, kernel: 3x3, width: 8, pad: [2, [0, 1]]}")
    assert reformat(Source("a", long), "short") == net(
        "3x3 conv 8 pad 2x0:1"
    )


def test_records_refuse_what_labels_do() -> None:
    with pytest.raises(ValueError):
        UpConv(width=4, kernel=2, stride=2, pad=((0, 1), 0))  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        Conv(width=4, kernel=3, pad=((0, 1, 2), 0))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="too small to reflect 2:0x0"):
        Pad(cells=((2, 0), 0), reflect=True).infer((3, 2, 9))

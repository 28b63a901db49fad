"""Functions of tensors in equations: their values, shapes, gradients and dtypes are those of the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import resgraph
from resgraph import SpecError
from resgraph.ops import (
    AMONG,
    POINTWISE,
    Div,
    Op,
    Over,
    Ref,
    Shape,
    ShapeError,
    Total,
)
from resgraph.outputs.pytorch.text import flat
from resgraph.outputs.pytorch.tree import piece

MAP, VECTOR = (4, 3, 5), (4,)
HEAD = "name: net\ninput: 4x6x8\nblocks:\n  b:\n    a: 3x3 conv 4\n    c: 1x1 conv 4\n"


class Case(NamedTuple):
    """An op, its inputs, and its definition."""

    op: Op
    shapes: list[Shape]
    reference: Callable[..., Tensor]

    def name(self) -> str:
        return f"{self.op.label()} of {len(self.shapes)} on {len(self.shapes[0])} axes"


def largest(*terms: Tensor) -> Tensor:
    return torch.stack(terms).max(0).values


def smallest(*terms: Tensor) -> Tensor:
    return torch.stack(terms).min(0).values


CASES = [
    Case(POINTWISE["abs"], [MAP], lambda x: torch.where(x < 0, -x, x)),
    Case(POINTWISE["exp"], [VECTOR], lambda x: torch.e**x),
    Case(POINTWISE["sqrt"], [MAP], lambda x: x**0.5),
    Case(AMONG["mean"], [MAP] * 3, lambda *t: torch.stack(t).mean(0)),
    Case(AMONG["max"], [MAP] * 2, largest),
    Case(AMONG["max"], [VECTOR] * 3, largest),
    Case(AMONG["min"], [MAP] * 3, smallest),
    Case(Over(op="mean", over="cells"), [MAP], lambda x: x.sum((2, 3)) / 15),
    Case(Over(op="max", over="cells"), [MAP], lambda x: x.flatten(2).max(2).values),
    Case(Over(op="min", over="cells"), [MAP], lambda x: x.flatten(2).min(2).values),
    Case(Over(op="mean", over="channels"), [MAP], lambda x: x.sum(1, keepdim=True) / 4),
    Case(Over(op="max", over="channels"), [MAP], lambda x: x.max(1, keepdim=True).values),
    Case(Over(op="mean", over="channels"), [VECTOR], lambda x: x.sum(1, keepdim=True) / 4),
    Case(Total(over="cells"), [MAP], lambda x: x.flatten(2) @ torch.ones(15, dtype=x.dtype)),
    Case(Total(over="channels"), [MAP], lambda x: sum(x.split(1, 1))),
    Case(Div(), [MAP, MAP], lambda a, b: a * b**-1),
    Case(Div(), [MAP, VECTOR], lambda a, b: a * b.view(2, 4, 1, 1) ** -1),
    Case(Div(), [VECTOR, (1,)], lambda a, b: a * b**-1),
]  # fmt: skip


def some(shape: Shape, seed: int) -> Tensor:
    """A batch of normal numbers: none is 0, and no two are alike."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, *shape, generator=generator, dtype=torch.double)
    return x.requires_grad_()


def calculate(op: Op, tensors: list[Tensor], shapes: list[Shape]) -> Tensor:
    names = [f"t{place}" for place in range(len(tensors))]
    text = flat(piece(op.expression([Ref(name) for name in names], shapes)))
    value: Tensor = eval(
        text, {"torch": torch, **dict(zip(names, tensors, strict=True))}
    )
    return value


@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_values_shapes_and_gradients(case: Case) -> None:
    positive = case.op.op in ("sqrt", "div")
    given = [some(shape, place) for place, shape in enumerate(case.shapes)]
    if positive:
        given = [(t.detach().abs() + 0.1).requires_grad_() for t in given]
    ours = calculate(case.op, given, case.shapes)
    theirs = case.reference(*given)
    assert tuple(ours.shape[1:]) == case.op.infer(*case.shapes)
    assert torch.allclose(ours, theirs, rtol=1e-12)
    weights = some(tuple(ours.shape[1:]), 9).detach()
    both = [
        torch.autograd.grad((y * weights).sum(), given)
        for y in (ours, theirs)
    ]
    for one, other in zip(*both, strict=True):
        assert torch.allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_what_the_backward_pass_keeps(case: Case) -> None:
    """By which memory is estimated, against torch's own autograd."""
    given = [some(shape, place) for place, shape in enumerate(case.shapes)]
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.data_ptr()) or t, lambda t: t
    ):
        out = calculate(case.op, given, case.shapes)
    assert case.op.saves_output == (out.data_ptr() in kept)
    keeps = case.op.keeps_inputs or case.op.gates
    if not case.op.saves_output:
        assert keeps == bool({t.data_ptr() for t in given} & {*kept})


@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_the_dtype_under_autocast(case: Case) -> None:
    """On a CPU nothing widens; on CUDA `exp` and `sum` do, by PyTorch's autocast op reference."""
    low = [
        some(shape, 0).detach().abs().bfloat16() for shape in case.shapes
    ]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = calculate(case.op, low, case.shapes)
    assert out.dtype == torch.bfloat16
    assert (case.op.autocast == "widens") == (case.op.op in ("exp", "sum"))


def test_shapes_that_differ() -> None:
    with pytest.raises(ShapeError) as caught:
        AMONG["max"].infer(MAP, (4, 3, 4))
    assert caught.value.code == "E040"
    assert caught.value.said == (
        "`max` needs tensors of one shape, and these are 4x3x5 and 4x3x4"
    )
    with pytest.raises(ShapeError) as caught:
        Over(op="mean", over="cells").infer(VECTOR)
    assert caught.value.code == "E044"


@pytest.mark.parametrize(
    ("merge", "nodes", "text"),
    [
        ("max(a c)", ["max"], "torch.maximum(self.a(x), self.c(x))"),
        ("min(a c x)", ["min"], "torch.minimum(torch.minimum(self.a(x), self.c(x)), x)"),
        ("mean(a c)", ["mean"], "(self.a(x) + self.c(x)) / 2"),
        ("a / (1 + exp(c))", ["exp", "add", "div"], "self.a(x) / (1 + torch.exp(self.c(x)))"),
        ("a * sqrt(abs(c))", ["abs", "sqrt", "mul"], "self.a(x) * torch.sqrt(torch.abs(self.c(x)))"),
        ("a * max(c over channels)", ["max", "mul"], "self.a(x) * torch.amax(self.c(x), dim=1, keepdim=True)"),
        ("a * mean(c over cells)", ["mean", "mul"],
         "self.a(x) * torch.mean(self.c(x), dim=(2, 3))[:, :, None, None]"),
        ("a * sum(a*c over cells)", ["mul", "sum", "mul2"],
         "a * torch.sum(a * self.c(x), dim=(2, 3))[:, :, None, None]"),
        ("max(a, c) - mean(a, c)", ["max", "mean", "sub"], "torch.maximum(a, c) - (a + c) / 2"),
    ],
)  # fmt: skip
def test_how_it_is_read_and_written(
    merge: str, nodes: list[str], text: str
) -> None:
    plan = resgraph.loads(f"{HEAD}    merge: {merge}\nnet: {{row: b}}\n")
    made = [
        name for name in plan.graph.nodes if name.startswith("row.merge.")
    ]
    assert made == [f"row.merge.{word}" for word in nodes]
    assert text in " ".join(plan.source().split())
    plan.module()(torch.zeros(1, 4, 6, 8))


def test_functions_of_numbers_stay() -> None:
    """Also where values have the names that stand behind a function."""
    text = "name: net\ninput: 4x6x8\nlet: {over: 3, cells: 5}\nnet:\n  row: 3x3 conv 4\n  b: row * max(2 over cells)\n"
    (node,) = (
        n
        for n in resgraph.loads(text).graph.nodes.values()
        if n.op.op == "mul"
    )
    assert node.op.label() == "* 5"


@pytest.mark.parametrize(
    ("merge", "code", "said"),
    [
        ("max(a)", "E010", "`max` joins two or more tensors"),
        ("max(a 3)", "E010", "`max` joins two or more tensors"),
        ("mean(3 4) * a", "E010", "`mean` joins two or more tensors"),
        ("sum(a c over cells)", "E010", "`sum` over cells is of one tensor"),
        ("sum(a) * c", "E030", "no function `sum` of tensors"),
        ("log2(a) * c", "E030", "no function `log2` of tensors"),
        ("exp(a c)", "E010", "`exp` takes one tensor"),
        ("exp(3) * a", "E010", "`exp` takes one tensor"),
        ("mean(a c over cells)", "E010", "`mean` over cells is of one tensor"),
        ("c * mean(a over cell)", "E030", "`cell` is nothing that a function goes over"),
        ("1 / a", "E040", "a number cannot be divided by a tensor"),
        ("a / 0", "E032", "division by zero"),
        ("max(a x)", "E040", "`a` is 6x6x8 and `x` is 4x6x8, which cannot be joined"),
    ],
)  # fmt: skip
def test_what_cannot_be(merge: str, code: str, said: str) -> None:
    head = (
        HEAD.replace("a: 3x3 conv 4", "a: 3x3 conv 6")
        if "a x" in merge
        else HEAD
    )
    rest = "" if " c" in merge else " + max(0 1)*c"
    with pytest.raises(SpecError) as caught:
        resgraph.loads(f"{head}    merge: {merge}{rest}\nnet: {{row: b}}\n")
    found = [(one.code, one.message) for one in caught.value.diagnostics]
    assert (code, said) in found

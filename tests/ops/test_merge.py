"""Equations over tensors: what joins has torch's shape, what does not has an error, brackets are where they must be."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from resgraph.ops import (
    SYMBOLS,
    Activation,
    Add,
    Call,
    Concat,
    Div,
    Mul,
    Op,
    Ref,
    Shape,
    ShapeError,
    Sub,
    TorchExpr,
)
from resgraph.outputs.pytorch.text import flat
from resgraph.outputs.pytorch.tree import piece

from .build import numbers

MAP, VECTOR, GATE, WIDE = (4, 3, 5), (4,), (1, 3, 5), (6, 3, 5)


a, b, c, t, v, w, x, y = map(Ref, "abctvwxy")
TOTAL, LESS = Call("+", (a, b)), Call("-", (c, Ref("d")))
PRODUCT, OTHER = Call("*", (a, b)), Call("*", (c, Ref("d")))
SCALE = Call("self.s", (TOTAL,))


def calculate(
    expression: TorchExpr, **values: torch.Tensor
) -> torch.Tensor:
    """The value of an expression of an op."""
    space = {"torch": torch, "F": F, **values}
    exec(f"value = {flat(piece(expression))}", space)
    return space["value"]


@pytest.mark.parametrize("op", [Add(), Sub(), Mul(), Div()])
@pytest.mark.parametrize(
    ("a", "b"), list(product([MAP, VECTOR, GATE], repeat=2))
)
def test_what_joins(op: Op, a: Shape, b: Shape) -> None:
    x, y = numbers(a), numbers(b, seed=1)
    value = calculate(op.expression([Ref("x"), Ref("y")], [a, b]), x=x, y=y)
    assert tuple(value.shape[1:]) == op.infer(a, b)
    wide = [
        t.view(2, 4, 1, 1) if t.dim() == 2 and {a, b} != {VECTOR} else t
        for t in (x, y)
    ]
    function = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
    }[op.symbol]  # type: ignore[attr-defined]
    assert torch.equal(value, function(*wide))


@pytest.mark.parametrize(
    ("a", "b", "help_"),
    [
        (
            (64, 56, 56),
            (256, 56, 56),
            "the channels differ: end both paths with the same width",
        ),
        (
            (64, 56, 56),
            (64, 28, 28),
            "the sizes differ: give both paths the same strides",
        ),
        ((64, 56, 56), (128, 28, 28), "channels and sizes differ"),
        ((1, 56, 56), (64, 28, 28), "channels and sizes differ"),
        ((16,), (64, 28, 28), "a vector meets a map channel by channel"),
        ((1,), (64, 28, 28), "a vector meets a map channel by channel"),
        ((16,), (2,), "the channels differ"),
    ],
)
@pytest.mark.parametrize("op", [Add(), Sub(), Mul()])
def test_what_does_not_join(op: Op, a: Shape, b: Shape, help_: str) -> None:
    for one, other in ((a, b), (b, a)):
        with pytest.raises(ShapeError) as caught:
            op.infer(one, other)
        assert caught.value.code == "E040"
        texts = ["x".join(map(str, shape)) for shape in (one, other)]
        assert (
            caught.value.said
            == f"`{op.label()}` cannot join {texts[0]} and {texts[1]}"
        )
        assert caught.value.hint.startswith(help_)


def test_concat_joins_channels() -> None:
    assert Concat().infer(MAP, WIDE, GATE) == (11, 3, 5)
    assert Concat().infer(VECTOR, (3,)) == (7,)
    x, y = numbers(MAP), numbers(WIDE)
    assert torch.equal(
        calculate(
            Concat().expression([Ref("x"), Ref("y")], [MAP, WIDE]), x=x, y=y
        ),
        torch.cat([x, y], 1),
    )
    for a, b in ((MAP, (4, 3, 4)), (MAP, VECTOR), (VECTOR, MAP)):
        with pytest.raises(
            ShapeError, match="`concat` cannot join"
        ) as caught:
            Concat().infer(a, b)
        assert caught.value.code == "E040"
        assert caught.value.hint


@pytest.mark.parametrize(
    ("op", "terms", "shapes", "text"),
    [
        (Add(), [a, b], [MAP, MAP], "a + b"),
        (Sub(), [TOTAL, LESS], [MAP, MAP], "a + b - (c - d)"),
        (Mul(), [TOTAL, Call("-", (c,))], [MAP, MAP], "(a + b) * -c"),
        (Mul(), [PRODUCT, OTHER], [MAP, MAP], "a * b * (c * d)"),
        (Mul(), [SCALE, x], [MAP, MAP], "self.s(a + b) * x"),
        (
            Mul(),
            [x, SCALE],
            [MAP, VECTOR],
            "x * self.s(a + b)[:, :, None, None]",
        ),
        (Mul(), [TOTAL, x], [VECTOR, MAP], "(a + b)[:, :, None, None] * x"),
        (
            Mul(),
            [Call("-", (v,)), x],
            [VECTOR, MAP],
            "(-v)[:, :, None, None] * x",
        ),
        (Mul(), [v, w], [VECTOR, VECTOR], "v * w"),
        (Sub(left=1), [t], [MAP], "1 - t"),
        (Sub(left=1), [Call("-", (a, b))], [MAP], "1 - (a - b)"),
        (Add(right=0.5), [t], [VECTOR], "t + 0.5"),
        (Mul(left=2), [TOTAL], [MAP], "2 * (a + b)"),
        (Mul(left=-1), [TOTAL], [MAP], "-(a + b)"),
        (Mul(left=-1), [PRODUCT], [MAP], "-(a * b)"),
        (Div(right=2), [PRODUCT], [MAP], "a * b / 2"),
        (Concat(), [TOTAL, c], [MAP, MAP], "torch.cat([a + b, c], dim=1)"),
    ],
)
def test_how_it_is_written(
    op: Op, terms: list[TorchExpr], shapes: list[Shape], text: str
) -> None:
    assert flat(piece(op.expression(terms, shapes))) == text


@dataclass(frozen=True)
class Tree:
    """An equation as ops write it, and what it comes to."""

    expression: TorchExpr
    value: Callable[[], torch.Tensor]


LEAVES = {
    name: numbers(MAP, seed=place) for place, name in enumerate("abc")
}
leaves = st.sampled_from(
    [Tree(Ref(name), lambda t=t: t) for name, t in LEAVES.items()]
)  # type: ignore[misc]
constants = st.sampled_from([-1.0, -0.5, 0.25, 2.0])
signs: dict[str, Callable[..., torch.Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": torch.div,
}


def _joined(symbol: str, left: Tree | float, right: Tree | float) -> Tree:
    sides = [
        None if isinstance(side, Tree) else side for side in (left, right)
    ]
    terms = [
        side.expression for side in (left, right) if isinstance(side, Tree)
    ]
    op = SYMBOLS[symbol](left=sides[0], right=sides[1])

    def value() -> torch.Tensor:
        one, other = (
            side.value()
            if isinstance(side, Tree)
            else torch.tensor(side, dtype=torch.double)
            for side in (left, right)
        )
        return signs[symbol](one, other)

    return Tree(op.expression(terms, [MAP] * len(terms)), value)


def _grown(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    symbols = st.sampled_from("+-*")
    return (
        st.builds(_joined, symbols, trees, trees)
        | st.builds(_joined, symbols, constants, trees)
        | st.builds(_joined, st.sampled_from("+-*/"), trees, constants)
    )


@given(st.recursive(leaves, _grown, max_leaves=8))
def test_brackets_stand_where_they_are_needed(tree: Tree) -> None:
    written = calculate(tree.expression, **LEAVES)
    assert torch.allclose(written, tree.value(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            (Add, {"left": 1.0, "right": 2.0}),
            "one side of an equation over tensors is a tensor",
        ),
        (
            (Div, {"left": 1.0}),
            "a tensor is divided, by a tensor or a number",
        ),
        ((Div, {"right": 0.0}), "by a tensor or a number other than 0"),
        ((Mul, {"left": float("nan")}), "finite number"),
    ],
)
def test_what_makes_no_sense(
    fields: tuple[type[Op], dict[str, float]], message: str
) -> None:
    op, values = fields
    with pytest.raises(ValueError, match=message):
        op(**values)


def test_only_products_and_quotients_gate() -> None:
    assert [
        op.gates for op in (Add, Sub, Mul, Div, Concat, Activation)
    ] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_labels() -> None:
    labels = [
        op.label()
        for op in (
            Add(),
            Sub(left=1),
            Mul(right=0.5),
            Div(right=2),
            Concat(),
        )
    ]
    assert labels == ["+", "1 -", "* 0.5", "/ 2", "concat"]

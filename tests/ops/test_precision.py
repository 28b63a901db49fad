"""What comes out in the low precision under autocast, against torch's own autocast."""

from __future__ import annotations

import pytest
import torch

import resgraph
from resgraph.ops import Add, Concat, Div, Mul, Op, Pad, Sub
from resgraph.ops.base import Ref
from resgraph.outputs.pytorch.text import flat
from resgraph.outputs.pytorch.tree import piece
from resgraph.passes.precision import low_precision

from .build import module, numbers
from .rows import OWN, ROWS, Row

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(
                not torch.cuda.is_available(), reason="needs a CUDA device"
            ),
        ],
    ),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("row", ROWS + OWN, ids=Row.name)
def test_an_op_has_the_dtype_that_is_said(row: Row, device: str) -> None:
    """What widens does so on a GPU, but for pads, which do on a CPU; of our own ops that is so by PyTorch's autocast op
    reference."""
    made = module(row.op, row.x).to(device)
    x = numbers(row.x).detach().to(device)
    low, wide = torch.bfloat16, torch.float32
    for training in (True, False):
        made.train(training)
        with torch.autocast(device, dtype=low):
            found = made(x.to(low)).dtype, made(x.to(wide)).dtype
        expected = {
            "lowers": (low, low),
            "keeps": (low, wide),
            "widens": (wide, wide),
        }
        ours = (
            device == "cuda" and row in ROWS and not isinstance(row.op, Pad)
        )
        if row.op.autocast != "widens" or ours:
            assert found == expected[row.op.autocast]
        else:
            assert found[1] == wide, "it says that it may widen, and lowers"


@pytest.mark.parametrize(
    "op", [Add(), Sub(), Mul(), Div(right=2), Concat()]
)
def test_what_joins_tensors_keeps_their_dtype(op: Op) -> None:
    assert op.autocast == "keeps"
    low, wide = (
        torch.ones(1, 2, 3, 3, dtype=d)
        for d in (torch.bfloat16, torch.float32)
    )
    terms = [Ref("a")] if isinstance(op, Div) else [Ref("a"), Ref("b")]
    text = flat(piece(op.expression(terms, [(2, 3, 3)] * len(terms))))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for one in (low, wide):
            joined = eval(text, {"a": one, "b": one, "torch": torch})
            assert joined.dtype == one.dtype


def test_one_wide_term_makes_all_that_reads_it_wide() -> None:
    text = """
name: net
input: 4x8x8
net:
  a: 3x3 conv 4
  b: [a + a, 3x3 max pool, scale, relu]
  c: [a + b, relu]
  d: [input + c, 3x3 conv 4, gn 2, relu]
  e: [3x3 conv 4, global avg pool]
"""
    assert low_precision(resgraph.loads(text).graph) == {
        *(
            "a.conv",
            "a.bn",
            "a.relu",
            "b.0.add",
            "b.1",
            "d.1.conv",
            "d.1.bn",
            "d.1.relu",
        ),
        *("e.0.conv", "e.0.bn", "e.0.relu", "e.1"),
    }

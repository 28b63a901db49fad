"""What comes out in the low precision under autocast, against torch's own autocast."""

from __future__ import annotations

import pytest
import torch

import resgraph
from resgraph.ops import VOCABULARY
from resgraph.passes.precision import KEPT, LOWERED, low_precision

from .build import module, numbers
from .rows import ROWS, Row

SAID = [row for row in ROWS if row.op.op in LOWERED | KEPT]
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
@pytest.mark.parametrize("row", SAID, ids=[row.label for row in SAID])
def test_an_op_has_the_dtype_that_is_said(row: Row, device: str) -> None:
    made, x = module(row.op, row.x).to(device), numbers(row.x).detach().to(device)
    given = (
        [torch.bfloat16, torch.float32] if row.op.op in LOWERED else [torch.bfloat16]
    )
    for training in (True, False):
        made.train(training)
        with torch.autocast(device, dtype=torch.bfloat16):
            assert [made(x.to(dtype)).dtype for dtype in given] == [
                torch.bfloat16
            ] * len(given)


def test_what_is_said_is_said_of_ops() -> None:
    merges = {"add", "sub", "mul", "div", "concat", "zero-pad"}  # and these have no row
    assert (LOWERED | KEPT) - merges == {row.op.op for row in SAID}
    assert merges - {"zero-pad"} <= KEPT
    assert not LOWERED & KEPT
    assert (LOWERED | KEPT) - merges <= set(VOCABULARY)


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

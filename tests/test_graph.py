"""A graph as text: the IR, one line a node."""

from __future__ import annotations

import resgraph

SPEC = """
name: net
input: 8x16x16
ops: {bn: {momentum: 0.01}}
blocks:
  gate:
    let: {k: 3}
    T: [global avg pool, fc out sigmoid]
    F: 3x3 conv k*out /stride groups 2 linear
    merge: (1 - T)*F
net:
  stem: 7x5 conv 16 /2x1 pad 3x2
  body: {pool: 3x3 avg pool inner, merge: relu(pool - x) + x/2}
  gates: gate k 1
  head: [global avg pool, fc 10 bias none]
"""


def test_a_graph_prints_one_line_a_node() -> None:
    assert (
        str(resgraph.loads(SPEC).graph)
        == """\
input             = input 8x16x16 → 8x16x16
stem.conv         = 7x5 conv 16 /2x1 pad 3x2 (input) → 16x8x16
stem.bn           = bn momentum 0.01 (stem.conv) → 16x8x16
stem.relu         = relu (stem.bn) → 16x8x16
body.pool         = 3x3 avg pool inner (stem.relu) → 16x8x16
body.merge.sub    = - (body.pool, stem.relu) → 16x8x16
body.merge.relu   = relu (body.merge.sub) → 16x8x16
body.merge.div    = / 2 (stem.relu) → 16x8x16
body.merge.add    = + (body.merge.relu, body.merge.div) → 16x8x16
gates.T.0         = global avg pool (body.merge.add) → 16
gates.T.1         = fc 16 (gates.T.0) → 16
gates.T.1_sigmoid = sigmoid (gates.T.1) → 16
gates.F.conv      = 3x3 conv 16 groups 2 (body.merge.add) → 16x8x16
gates.F.bn        = bn momentum 0.01 (gates.F.conv) → 16x8x16
gates.merge.sub   = 1 - (gates.T.1_sigmoid) → 16
gates.merge.mul   = * (gates.merge.sub, gates.F.bn) → 16x8x16
head.0            = global avg pool (gates.merge.mul) → 16
head.1            = fc 10 bias none (head.0) → 10
return head.1"""
    )

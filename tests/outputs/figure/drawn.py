"""Small specs for the tests of figures: each says one thing that the language can."""

from __future__ import annotations

import random

from resgraph import Plan, loads

RESIDUAL = """
name: Residual
input: 3x32x32
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: [3x3 conv 16, 3x3 max pool /2]
  conv2: 3 x pair 16
  conv3: 4 x pair 32 /2
  head:  [global avg pool, fc 10]
"""
DENSE = """
name: Dense
input: 3x32x32
unit: bn relu conv
blocks:
  dense:
    body:  [1x1 conv 4*k, 3x3 conv k]
    let:   {k: 12}
    merge: concat(x body)
net:
  conv1: 3x3 conv 24 bare
  dense1: 6 x dense
  head:  [bn, relu, global avg pool, fc 10]
"""
HIGHWAY = """
name: Highway
input: 50
blocks:
  highway:
    H:     fc out relu
    T:     fc out sigmoid bias -2
    merge: H*T + x*(1 - T)
net:
  first: fc 20 relu
  deep:  5 x highway
  last:  fc 10
"""
GATED = """
name: Gated
input: 3x32x32
blocks:
  se:
    s:     [global avg pool, fc in/4 relu, fc in sigmoid]
    merge: x * s
  fan:
    a:     [1x1 conv out/2, 3x3 conv out]
    b:     [1x1 conv out/2, 3x3 conv out, 3x3 conv out]
    c:     [avg pool kernel 3 pad 1, 1x1 conv out]
    merge: [a + b + c, se]
net:
  stem: 3x3 conv 16
  fans: 2 x fan 16
  head: [global avg pool, fc 10]
"""
LADDER = """
name: Ladder
input: 3x32x32
blocks:
  pair: [3x3 conv out, 3x3 conv out]
net:
  enc1: pair 8
  enc2: [2x2 max pool /2, pair 16]
  deep: [2x2 max pool /2, pair 32, upsample 2]
  dec2: [concat(deep enc2), pair 16, upsample 2]
  dec1: [concat(dec2 enc1), pair 8]
  mask: 1x1 conv 1 bare
"""
PLAIN = """
name: Plain
input: 3x32x32
net:
  conv1: 2 x 3x3 conv 16
  pool1: 2x2 max pool /2
  conv2: 6 x 3x3 conv 32
  head:  [global avg pool, fc 10]
"""
ALL = {
    "residual": RESIDUAL,
    "dense": DENSE,
    "highway": HIGHWAY,
    "gated": GATED,
    "ladder": LADDER,
    "plain": PLAIN,
}


def plan(name: str) -> Plan:
    return loads(ALL[name])


def random_spec(seed: int) -> str:
    """A net of blocks whose paths read each other at random, and of rows that read earlier rows."""
    rng = random.Random(seed)
    names = [f"p{index}" for index in range(rng.randint(1, 5))]
    read: set[str] = set()

    def equation(known: list[str]) -> str:
        terms = rng.sample(known, rng.randint(1, min(3, len(known))))
        read.update(terms)
        if len(terms) == 1:
            return terms[0]
        sum_ = " + ".join(terms)
        return rng.choice(
            [
                sum_,
                " * ".join(terms),
                f"{terms[0]} * (1 - {terms[1]})",
                f"relu({sum_})",
            ]
        )

    paths = []
    for index, name in enumerate(names):
        items = [
            rng.choice(["3x3 conv in", "1x1 conv in", "relu"])
            for _ in range(rng.randint(1, 3))
        ]
        if index and rng.random() < 0.6:
            items = [
                equation([*names[:index], "x"]),
                *items[rng.randint(0, 1) :],
            ]
        paths.append(f"    {name}: [{', '.join(items)}]")
    ends = [name for name in names if name not in read]
    ends += [
        name
        for name in [*names, "x"]
        if (name in read or name == "x") and rng.random() < 0.4
    ]
    rows = ["  r0: 3x3 conv 8"]
    for index in range(1, rng.randint(2, 6)):
        skip = index > 1 and rng.random() < 0.5
        rows.append(
            f"  r{index}: "
            + (
                f"[r{rng.randint(0, index - 2)} + r{index - 1}, b]"
                if skip
                else f"{rng.randint(1, 3)} x b"
            )
        )
    body = "\n".join(paths)
    return (
        f"name: Random {seed}\ninput: 3x16x16\nblocks:\n  b:\n{body}\n    merge: {' + '.join(ends)}\nnet:\n"
        + "\n".join(rows)
        + "\n"
    )

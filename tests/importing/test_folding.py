"""What a net says again is said once, as a person would fold it; each case is proven equal."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing.turns import taking_turns
from resgraph.plan import loads

FRAME = "name: a\ninput: 16x16x16\n{}\n"
HALVES = """
unit: [conv, bn, leaky relu]
blocks:
  halves:
    let:   {n: 3}
    p:     [part 0 of 2]
    body:  [part 1 of 2, n x basic, 1x1 conv in/2]
    merge: concat(p body)
net: {stem: 3x3 conv 32, one: halves, two: [3x3 conv 64 /2, halves n 5], head: 1x1 conv 8}"""
MIXER = """
unit: [conv, relu, bn]
blocks:
  mixer: {sum: {body: 3x3 depthwise conv, merge: body + x}, merge: [sum, 1x1 conv in]}
net: {stem: 3x3 conv 32 /2, mixing: 6 x mixer, head: [global avg pool, fc 8]}"""
GATES_IN_TURN = """
blocks:
  mix:  {body: 3x3 depthwise conv, merge: body + x}
  mlp:  {body: [1x1 conv 2*in, 1x1 conv in linear], merge: body + x}
  both: [mix, se, mlp, mix, mlp]
net:
  stem: 3x3 conv 16
  one:  [both, mix, mlp]
  two:  [3x3 conv 32 /2, 1x1 conv 32 linear, 5 x both, mix, mlp]
  head: 1x1 conv 8"""
SEPARABLE = """
net:
  stem: 3x3 conv 16
  one:  [3x3 depthwise conv, 1x1 conv 24]
  two:  [3x3 depthwise conv /2, 1x1 conv 48, 3x3 depthwise conv, 1x1 conv 48]
  last: [5x5 depthwise conv, 1x1 conv 48, 5x5 depthwise conv, 1x1 conv 48]
  head: [global avg pool, fc 8]"""
FIRE = """
blocks: {fire: {pre: 1x1 conv out/8, a: [pre, 1x1 conv out/2], b: [pre, 3x3 conv out/2], merge: concat(a b)}}
net: {stem: 3x3 conv 16, one: [2 x fire 32, fire 48], two: [3x3 max pool /2, 2 x fire 64], head: fire 96}"""
STAGES = """
blocks: {mix: {body: [3x3 depthwise conv, 1x1 conv in linear], merge: body + x}}
net:
  one:   [3x3 conv 24 /2, 1x1 conv 32 linear, mix]
  two:   [3x3 conv 32 /2, 1x1 conv 48 linear, mix]
  three: [3x3 conv 48 /2, 1x1 conv 64 linear, mix]
  head:  1x1 conv 8"""
TWO_GATES = """
blocks:
  gate: {let: {act: relu}, s: [global avg pool, fc in/4 act, fc in/4, fc in hardsigmoid], merge: x*s}
  m:
    let:   {act: relu}
    body:  [1x1 conv 2*in act, 3x3 depthwise conv act, gate act act, 1x1 conv in linear]
    merge: body + x
net: {stem: 3x3 conv 16, one: 2 x m, two: [3x3 conv 32 /2, 2 x m act hardswish], head: 1x1 conv 8}"""
LESS_LINES = """
unit: conv bn hardswish
blocks:
  gate: {s: [global avg pool, fc in/4 relu, fc in hardsigmoid], merge: x*s}
  m:
    let:      {act: hardswish, w: 144, k: 5, gates: 1}
    body:     [1x1 conv w act, depthwise conv /stride act kernel k, gates x gate, 1x1 conv out linear]
    shortcut: none
    merge:    body + shortcut
net:
  stem: 3x3 conv 16
  one:  [m 16 /2 act relu w 40 k 3 gates 0, m 16 act relu w 56 k 3 gates 0]
  two:  [m 24 /2 w 64, 2 x m 24, 2 x m 24 w 72]
  head: 1x1 conv 8"""
AFFINE = """
unit: [conv, bn, relu, gain shift 0]
net: {stem: 3x3 conv 32 /2, two: [1x1 conv 64 linear, 5x5 depthwise conv], head: 1x1 conv 8}"""
REZERO = """
blocks:
  rezero: {body: [3x3 conv in, 3x3 conv in linear, gain], merge: relu(body + x)}
net: {stem: 3x3 conv 32, one: 4 x rezero, head: 1x1 conv 8}"""
PARTS = """
unit: conv
blocks:
  mix:
    a:     part 0 of 2
    b:     [part 1 of 2, 3x3 depthwise conv]
    body:  [concat(a b), bn, 1x1 conv 2*in gelu, 1x1 conv in]
    merge: body + x
net: {stem: [4x4 conv 32 /4, bn], one: 2 x mix, head: 1x1 conv 8}"""
SCALED = """
unit: silu conv
blocks:
  nf:
    body:     [1x1 conv out/2, 3x3 conv out/2 /stride, 1x1 conv out]
    shortcut: [avg pool /stride, 1x1 conv out bare]
    merge:    0.2*body + shortcut
net: {stem: 3x3 conv 32 bare, one: 2 x nf 64 /2, two: 2 x nf 96 /2, head: 1x1 conv 8}"""
DEEP = """
blocks:
  wide:  {let: {w: 16}, s: [global avg pool, fc w relu, fc w relu, fc in sigmoid], merge: x*s}
  outer: {let: {w: 16}, body: [3x3 conv in, wide w w, 3x3 conv in linear], merge: relu(body + x)}
net: {stem: 3x3 conv 32, one: [wide, 2 x outer], two: [3x3 conv 64 /2, outer w 40], head: 1x1 conv 8}"""
SHARES = """
blocks:
  g:
    let:   {w: 16}
    body:  [1x1 conv w, 3x3 conv w groups w/8, 1x1 conv 3*w, 1x1 conv in linear]
    merge: relu(body + x)
net: {stem: 3x3 conv 20, one: [g, g w 24, g w 48], head: 1x1 conv 8}"""
ENLARGED = """
blocks:
  gate:
    let:   {size: 16}
    body:  [avg pool /2, 3x3 conv in sigmoid, upsample to size]
    merge: body*x
net: {stem: 3x3 conv 20, one: gate, two: [4x4 conv 20 pad 0, 1x1 conv 20, gate size 13], head: 1x1 conv 8}"""

ACTED = """
unit: conv bn
blocks:
  rep:  {a: 1x1 conv out /stride, b: 3x3 conv out /stride, merge: a + b}
  wide: {body: [rep 2*in, relu, 3x3 depthwise conv relu, rep in], merge: body + x}
net: {stem: 3x3 conv 16 relu, one: 3 x wide, two: [rep 32 /2, 3 x wide], head: 1x1 conv 8}"""


@cache
def text(spec: str) -> str:
    """Import of the module that a spec compiles to."""
    found = from_module(loads(FRAME.format(spec)).module(), (16, 16, 16))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (HALVES, ("let:   {depth: 3}", "depth x basic", "depth 5")),
        (MIXER, ("unit: conv relu bn", "Mixer: [MixerSum, 1x1 conv in]", "6 x Mixer")),
        (GATES_IN_TURN, ("series: [Mix, se, MLP, Mix, MLP]",
                         "5 x series, Mix, MLP]")),
        (SEPARABLE, ("body: [depthwise conv /stride kernel k, 1x1 conv out]", "conv2: down 24\n",
                     "conv3: [2 x down 48 /2, 2 x down 48 k 5]")),
        (FIRE, ("Fire: [1x1 conv out/8, join out]", "32, Fire 48]", "2 x Fire 64")),
        (STAGES, ("[down 48 /2, Mix]", "down 64 /2, Mix")),
        (TWO_GATES, ("body:  [global avg pool, fc in/4 act, fc in/4, fc in hardsigmoid]", " act act, 1x1 conv in linear]",
                     "act: ", "2 x ")),
        (LESS_LINES, ("gates x Gate", "act relu width 40 k 3 gates 0")),
        (AFFINE, ("unit: [conv, bn, relu, gain shift 0]", "1x1 conv 64 linear, 5x5")),
        (REZERO, ("3x3 conv in linear, gain]", "4 x Rezero")),
        (PARTS, ("[4x4 conv 32 /4, bn", "2 x ")),
        (SCALED, ("shortcut: [avg pool /stride, 1x1 conv out bare]", "0.2*body + shortcut")),
        (DEEP, ("[Wide, 2 x Outer]", "Outer width 40")),
        (SHARES, ("groups width/8, 1x1 conv 3*width",)),
        (ENLARGED, ("upsample to x", "one:  Gate", "1x1 conv 20, Gate]")),
        (ACTED, ("body:  [Rep 2*in, relu, 3x3 depthwise conv relu, Rep in]", "Rep 32 /2")),
        ("net: {stem: [2 x 3x3 conv 16, 3x3 conv 16 /2], head: 1x1 conv 8}", ("[2 x 3x3",)),
    ],
    ids=["depth", "pair", "series", "separable", "fire", "stages", "gates", "lines", "unit", "rezero", "parts", "scaled", "deep", "shares", "sizes", "acted", "layers"],
)  # fmt: skip
def test_it_is_said_once(spec: str, said: tuple[str, ...]) -> None:
    written = text(spec)
    assert [each for each in said if each not in written] == [], written


def test_blocks_that_are_alike_are_one_wherever_they_stand() -> None:
    assert text(DEEP).count("global avg pool") == 1


def test_what_stands_in_turn_once_stays_as_it_is() -> None:
    spec = MIXER.replace("6 x mixer", "2 x mixer")
    assert "pair" not in text(spec)


def test_turns_are_found_within_turns() -> None:
    once = ["a", "b", "a", "b", "c"]
    rows, blocks = taking_turns(
        [["s /2", *4 * once], ["t /2", *3 * ["a", "b"], "2 x d"]]
    )
    assert rows == [["s /2", "4 x series"], ["t /2", "3 x pair", "2 x d"]]
    assert [(each.name, *map(str, each.paths)) for each in blocks] == [
        ("pair", "[a, b]"),
        ("series", "[2 x pair, c]"),
    ]


def test_the_activation_of_the_unit_is_called_so() -> None:
    spec = """
unit: [conv, bn, leaky relu 0.1]
blocks:
  own: {a: 3x3 conv in linear, b: 5x5 conv in linear, merge: act(a + b + x)}
net: {stem: 3x3 conv 16, one: 3 x own, head: 1x1 conv 8}"""
    found = from_module(loads(FRAME.format(spec)).module(), (16, 16, 16))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert "merge: act(a + b + x)" in found.text, found.text


def test_what_strides_is_in_no_turn() -> None:
    row = 4 * ["a 8 /2", "b"]
    assert taking_turns([row]) == ([row], [])


def test_an_activation_with_a_number_is_no_option() -> None:
    slopes = [
        f"{{body: [3x3 conv in bare, bn, {act}], merge: body + x}}"
        for act in ("elu", "leaky relu 0.2")
    ]
    spec = f"blocks: {{a: {slopes[0]}, b: {slopes[1]}}}\nnet: {{one: [2 x a, 2 x b], head: 1x1 conv 8}}"
    assert "leaky relu 0.2" in text(spec)


def test_a_block_does_not_hold_an_output() -> None:
    rows = (
        "[3x3 depthwise conv, 1x1 conv 24]\n  two:  [",
        "3x3 depthwise conv\n  two:  [1x1 conv 24, ",
    )
    plan = loads(
        FRAME.format(SEPARABLE.replace(*rows) + "\noutput: [head, one]")
    )
    found = from_module(plan.module(), (16, 16, 16))
    assert [*found.plan.outputs.values()] == [(8,), (16, 16, 16)]


def test_a_long_row_goes_on_in_the_next_line() -> None:
    widths = ", ".join(
        f"3x3 conv {width} linear" for width in (24, 32, 40, 48, 56)
    )
    spec = f"net: {{stem: 3x3 conv 16, one: [{widths}], head: 1x1 conv 8}}"
    assert text(spec).split("net:\n")[1].splitlines()[:2] == [
        "  conv1: [3x3 conv 16 relu, 3x3 conv 24, 3x3 conv 32, 3x3 conv 40, 3x3 conv 48, 3x3 conv 56,",
        "          1x1 conv 8 relu]",
    ]


class Called(nn.Module):
    """A sum within a sum, each with an activation, which is no block of the library."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.one = nn.Conv2d(8, 8, 3, padding=1)
        self.other, self.act = nn.Conv2d(8, 8, 5, padding=2), act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.one(x) + self.act(self.other(x) + x) * x)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (nn.Hardswish, "merge: hardswish(x*hardswish(other + x) + one)"),
        (nn.LeakyReLU, "merge: [x*p0 + one, leaky relu]"),
        (lambda: nn.LeakyReLU(0.1), "p0:    [other + x, leaky relu 0.1]"),
        (
            lambda: nn.GELU(approximate="tanh"),
            "merge: [x*p0 + one, gelu tanh]",
        ),
    ],
)
def test_an_activation_that_no_equation_can_call(
    act: Callable[[], nn.Module], said: str
) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1), Called(act()), Called(act()))
    found = from_module(net, (3, 16, 16))
    assert (
        found.proof.gradients is not None and found.proof.gradients <= 1e-9
    )
    assert said in found.text, found.text

"""Nets without norms (Brock et al. 2021), whose numbers follow from where their blocks stand."""

from __future__ import annotations

import math

import pytest

from resgraph import from_module
from resgraph.importing.numbers.decimals import divisors
from resgraph.importing.numbers.decimals import written as short
from resgraph.plan import loads

NF = """name: a
input: 3x16x16
unit: conv relu
ops: {conv: {standardize: scaled}}
blocks:
  nf:
    let:      {variance: 1 + 0.04*row_index}
    pre:      relu(x)/sqrt(variance)
    body:     [pre, 1x1 conv out/2, 3x3 conv out/2 /stride, 1x1 conv out linear]
    shortcut: [pre, avg pool /stride ceil, 1x1 conv out linear]
    merge:    0.2*body + shortcut
net:
  stem: 3x3 conv 16 linear
  one:  3 x nf 32
  two:  [nf 48 /2 variance 1.12, 3 x nf 48]
  head: [relu, global avg pool, fc 8]
"""
PLAIN = NF.replace("ops: {conv: {standardize: scaled}}\n", "")
"""The same numbers, without a dozen calls for each convolution's filters."""
FACTOR = PLAIN.replace("relu(x)/sqrt(variance)", "factor*relu(x)")
FACTOR = FACTOR.replace("variance: 1 + 0.04*row_index", "factor: {}")
FACTOR = FACTOR.replace("variance 1.12", "factor {}")


def text(spec: str) -> str:
    """Import of the module that a spec compiles to."""
    found = from_module(loads(spec).module(), (3, 16, 16))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


def blocks(spec: str) -> str:
    """Its blocks and rows, as import names them."""
    rows = spec.partition("blocks:")[2].replace("nf", "NF")
    return rows.partition("\n\nexpect")[0].replace("\n\n", "\n").rstrip()


def test_it_is_writtenas_its_author_would() -> None:
    assert blocks(text(NF)) == blocks(NF)


@pytest.mark.parametrize(
    ("usual", "first"),
    [("1 - 0.1*row_index", "0.3"), ("0.5 + row_index", "0.25")],
)
def test_a_number_is_a_formula_of_its_place(usual: str, first: str) -> None:
    spec = FACTOR.replace("{}", usual, 1).replace("{}", first, 1)
    assert blocks(text(spec)) == blocks(spec)


def test_numbers_that_follow_no_rule_are_said() -> None:
    spec = PLAIN.replace(
        "3 x nf 48]", "nf 48 variance 1.3, nf 48 variance 1.1, nf 48]"
    )
    written = text(spec.replace("3 x nf 32", "nf 32"))
    assert "row_index" not in written
    assert "variance 1.3" in written and "/sqrt(variance)" in written


def test_a_line_through_two_places_is_no_rule() -> None:
    spec = PLAIN.replace("3 x nf 32", "2 x nf 32")
    spec = spec.replace(
        "[nf 48 /2 variance 1.12, 3 x nf 48]", "2 x nf 48 /2"
    )
    assert "2 x nf" in spec
    written = text(spec)
    assert "row_index" not in written and "1.04" in written


def test_places_are_those_of_rows() -> None:
    """In another block they are its caller's."""
    blocks = "  three: [nf out, nf out variance 1.04, nf out variance 1.08]\nnet:\n"
    spec = PLAIN.replace("net:\n", blocks).replace(
        "3 x nf 32", "3 x three 32"
    )
    assert "row_index" not in text(
        spec.replace(": 1 + 0.04*row_index", ": 1")
    )


def test_a_product_of_what_else_is_read_is_no_beginning() -> None:
    """The activation stays where the equation of a block reads it."""
    spec = PLAIN.replace(
        "0.2*body + shortcut", "0.2*body + shortcut*sigmoid(shortcut)"
    )
    assert "shortcut" in text(spec)


def test_a_number_alone_begins_a_row() -> None:
    spec = PLAIN.replace("[relu, global", "[1.7*relu(two), global")
    assert "head:    [1.7*to_head, global avg pool, fc 8]" in text(spec)


def test_numbers_are_said_without_what_rounding_added() -> None:
    assert [*map(short, (0.1 + 0.2, 1 / 3, 1e-20, 0.0))] == [
        0.3,
        1 / 3,
        1e-20,
        0.0,
    ]


def test_one_divides_by_a_root_where_that_is_shorter() -> None:
    assert divisors([1.0, 1 / math.sqrt(1.04)]) == [1.0, 1.04]
    assert divisors([1 / math.sqrt(2)]) == [2.0]
    assert (
        divisors([0.5])
        == divisors([1 / 3])
        == divisors([-1 / math.sqrt(2)])
        == []
    )
    assert (
        divisors([1 / math.sqrt(2), 0.3])
        == divisors([1 / math.sqrt(2), None])
        == []
    )
    assert divisors([1e-200]) == divisors([1.7e200]) == []
    assert divisors([1 / math.sqrt(2) * (1 + 1e-9)]) == []


def test_a_gate_is_the_librarys_whatever_the_file_says_of_convolutions() -> (
    None
):
    spec = NF.replace(
        "1x1 conv out linear]\n    shortcut",
        "1x1 conv out linear, se reduction 4]\n    shortcut",
    )
    written = text(spec)
    assert (
        "se reduction 4]" in written
        and "global avg pool, fc in" not in written
    )


def test_an_activation_that_no_equation_names_is_a_path_of_its_own() -> (
    None
):
    spec = NF.replace(
        "pre:      relu(x)/sqrt(variance)",
        "a:  leaky relu 0.1\n    pre:      a/sqrt(variance)",
    )
    written = text(spec)
    assert "pre:      leaky relu 0.1" in written
    assert "variance: 1 + 0.04*row_index" in written


def test_what_is_read_before_a_norm_is_taken_in_too() -> None:
    spec = NF.replace(
        "pre:      relu(x)/sqrt(variance)",
        "a:  [bn, relu]\n    pre:      a/sqrt(variance)",
    )
    written = text(spec)
    assert "pre:      [bn, relu]" in written and "3 x NF 48]" in written


def test_an_activation_that_is_an_output_is_no_blocks() -> None:
    rows = "  act:  relu\n  two:  [{body: [avg pool /2, 1x1 conv 48 bare], p: 3x3 conv 48 /2 bare, merge: body + p}, 3 x nf 48]\n"
    head, _, tail = NF.partition("  two:")
    spec = head + rows + tail.partition("\n")[2] + "output: [head, act]\n"
    found = from_module(loads(spec).module(), (3, 16, 16))
    assert [*found.plan.outputs.values()] == [(8,), (32, 16, 16)]


def test_the_shortest_way_is_the_shortcut_where_last_paths_are_alike() -> (
    None
):
    """As in NF-RegNet, whose gate is doubled in the middle of the body."""
    spec = NF.replace(
        "1x1 conv out linear]\n    short",
        "se]\n    p0:       [2*body, 1x1 conv out linear]\n    short",
    )
    written = text(spec.replace("0.2*body", "0.2*p0"))
    assert (
        "shortcut: [pre, avg pool /stride ceil, 1x1 conv out linear]"
        in written
    )
    assert "body:     [2*p0, 1x1 conv out linear]" in written
    assert "merge:    0.2*body + shortcut" in written

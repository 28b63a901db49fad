"""Numbers and equations as text → trees and exact values, or a mistake at the very characters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resgraph.language.grammar.arithmetic import (
    FUNCTIONS,
    NameValue,
    evaluate,
    spec_text,
)
from resgraph.language.grammar.expression import (
    ExpressionError,
    names_in,
    parse_expression,
)

NAMES: dict[str, NameValue] = {
    "in": Fraction(64), "out": Fraction(256), "zero": Fraction(0), "reps": tuple(map(Fraction, (3, 4, 6, 3))),
    "grid": ((Fraction(1), Fraction(2)), (Fraction(3),)), "word": "bottleneck",
}  # fmt: skip


def value(text: str) -> NameValue:
    return evaluate(parse_expression(text), lambda name: NAMES[name.name])


def mistake(text: str) -> tuple[str, str]:
    """The code of the mistake in a text, and the characters that it points at."""
    with pytest.raises(ExpressionError) as caught:
        value(text)
    return caught.value.code, text[caught.value.start : caught.value.end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64", 64),
        ("25_557_032", 25_557_032),
        ("0.1", Fraction(1, 10)),
        ("1e-6", Fraction(1, 10**6)),
        ("2.5E2", 250),
        ("0", 0),
        ("0.5", Fraction(1, 2)),
        ("0e1", 0),
        ("-3", -3),
        ("1 + 2*3", 7),
        ("(1 + 2)*3", 9),
        ("12/2/3", 2),
        ("12/(2*3)", 2),
        ("2*out/4", 128),
        ("10 - 2 - 3", 5),
        ("10 - (2 - 3)", 11),
        ("-in + 1", -63),
        ("2*-3", -6),
        ("2 - -3", 5),
        ("1/3", Fraction(1, 3)),
        ("1/3*3", 1),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("reps.0", 3),
        ("reps.3", 3),
        ("reps.1*2", 8),
        ("grid.1.0", 3),
        ("grid.0.1", 2),
        ("word", "bottleneck"),
        ("reps", NAMES["reps"]),
    ],
)
def test_values_are_exact(text: str, expected: NameValue | int) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("floor(7/2)", 3),
        ("floor(-7/2)", -4),
        ("ceil(7/2)", 4),
        ("ceil(-7/2)", -3),
        ("round(1/2)", 0),
        ("round(3/2)", 2),
        ("round(5/2)", 2),
        ("round(-5/2)", -2),
        ("round(2.6)", 3),
        ("min(3 1 2)", 1),
        ("max(8 in/4)", 16),
        ("max(8, in/4)", 16),
        ("max(8)", 8),
        ("max(3 -1)", 2),  # `-` between two values is minus
        ("max(3, -1)", 3),
        ("max((1) (2))", 2),
        ("log2(8)", 3),
        ("log2(1/4)", -2),
        ("sqrt(16)", 4),
        ("sqrt(1/9)", Fraction(1, 3)),
        ("make_divisible(37 8)", 40),
        ("make_divisible(36 8)", 40),  # half-way goes up
        ("make_divisible(3 8)", 8),  # never under the divisor
        ("make_divisible(35 32)", 32),
        ("make_divisible(47 32)", 64),  # 32 is under 0.9 x 47
        ("floor(max(2 min(10 in))/4)", 2),
    ],
)
def test_functions(text: str, expected: NameValue | int) -> None:
    assert value(text) == expected


def test_inexact_functions_are_near() -> None:
    assert float(value("sqrt(2)")) == pytest.approx(2**0.5, abs=1e-15)  # type: ignore[arg-type]
    assert float(value("log2(3)")) == pytest.approx(
        1.584962500721156, abs=1e-15
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "E010", ""),
        ("1 +", "E010", "+"),
        ("* 2", "E010", "*"),
        ("(1 + 2", "E010", "("),
        ("max(1 2", "E010", "("),
        ("1 + 2)", "E010", ")"),
        ("max(1, , 2)", "E010", ","),
        ("max(1 2,)", "E010", ","),
        ("--1", "E010", "-"),
        ("1 2", "E010", "2"),
        ("in.", "E010", "in."),
        ("reps.x", "E010", "reps.x"),
        ("1 = 2", "E010", "="),
        ("a b", "E010", "b"),
        ("1__0", "E010", "__0"),
        ("010", "E007", "010"),
        ("2*007", "E007", "007"),
        ("٣", "E010", "٣"),
        ("max()", "E010", "max()"),
        ("floor(1 2)", "E010", "floor(1 2)"),
        ("make_divisible(8)", "E010", "make_divisible(8)"),
        ("ceiling(2)", "E030", "ceiling"),
        ("word*2", "E031", "word"),
        ("2*reps", "E031", "reps"),
        ("in.0", "E031", "in.0"),
        ("reps.4", "E031", "reps.4"),
        ("reps.0.0", "E031", "reps.0.0"),
        ("out/zero", "E032", "zero"),
        ("out/(in - 64)", "E032", "(in - 64)"),
        ("sqrt(-1)", "E032", "sqrt(-1)"),
        ("log2(0)", "E032", "log2(0)"),
        ("make_divisible(8 0)", "E032", "make_divisible(8 0)"),
        ("1e30*10", "E004", "1e30*10"),
        ("1e100", "E004", "1e100"),
        ("1" * 41, "E004", "1" * 41),
        ("+".join("1" * 101), "E004", "+".join("1" * 101)),
        ("(" * 40 + "1" + ")" * 40, "E004", "(" * 40 + "1" + ")" * 40),
    ],
)
def test_mistakes_point_at_their_characters(
    text: str, code: str, at: str
) -> None:
    assert mistake(text) == (code, at)


def test_limits_allow_what_nets_need() -> None:
    assert value("+".join("1" * 100)) == 100
    assert value("(" * 20 + "1" + ")" * 20) == 1


def test_names_come_in_reading_order() -> None:
    tree = parse_expression("relu(body + x*(1 - T)) - reps.1")
    assert [(name.name, name.index) for name in names_in(tree)] == [
        ("body", ()),
        ("x", ()),
        ("T", ()),
        ("reps", (1,)),
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(64), "64"),
        (Fraction(1, 10), "0.1"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 10**6), "1e-06"),
        ((Fraction(3), "relu"), "[3, relu]"),
    ],
)
def test_values_are_written_as_in_a_spec(
    number: NameValue, text: str
) -> None:
    assert spec_text(number) == text


@given(
    st.integers(-(10**6), 10**6),
    st.integers(-(10**6), 10**6),
    st.integers(1, 10**6),
)
def test_arithmetic_is_that_of_rationals(a: int, b: int, c: int) -> None:
    assert value(f"({a} + {b})/{c} - {b}*{a}") == Fraction(a + b, c) - a * b


@given(st.integers(1, 10_000), st.sampled_from([1, 8, 16, 32]))
def test_make_divisible_keeps_its_promise(width: int, divisor: int) -> None:
    made = value(f"make_divisible({width} {divisor})")
    assert isinstance(made, Fraction)
    assert made % divisor == 0
    assert made >= max(divisor, Fraction(9, 10) * width)
    assert made - divisor <= max(
        Fraction(9, 10) * width, width - Fraction(divisor, 2), 0
    )


@given(st.text(max_size=60))
def test_any_text_is_a_tree_or_a_mistake_within_it(text: str) -> None:
    problem = _problem(lambda: parse_expression(text))
    assert problem is None or (
        0 <= problem.start <= problem.end <= max(1, len(text))
    )
    assert problem is None or problem.code in ("E004", "E007", "E010")


@given(st.text(alphabet="0123456789.+-*/(), inoutmaxrepsE", max_size=40))
def test_any_expression_has_a_value_or_a_mistake(text: str) -> None:
    problem = _problem(
        lambda: evaluate(
            parse_expression(text),
            lambda name: NAMES.get(name.name, Fraction(2)),
        )
    )
    assert problem is None or (
        problem.said
        and 0 <= problem.start <= problem.end <= max(1, len(text))
    )


def _problem(action: Callable[[], object]) -> ExpressionError | None:
    try:
        action()
    except ExpressionError as problem:
        return problem
    return None


def test_every_function_is_tested_above() -> None:
    assert set(FUNCTIONS) == {
        "floor",
        "ceil",
        "round",
        "min",
        "max",
        "log2",
        "sqrt",
        "make_divisible",
    }

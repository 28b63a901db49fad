"""Texts of small specs → plans, and the facts of a plan that tests speak of."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import resgraph
from resgraph.errors import Diagnostic, SpecError
from resgraph.plan import Plan, loads

ZOO = Path(__file__).parents[1] / "specs"


@cache
def zoo(reference: Path | str) -> Plan:
    """The net of a file of the zoo or of a variant there, `resnet.yaml::resnet-50`: expanded once for all tests."""
    return resgraph.load(ZOO / reference)


@cache
def short(reference: str) -> Plan:
    """The net of a file of the zoo, or of a variant there, with two blocks in a row at most, and half as wide: every
    kind of block that it has, and each of them once more."""
    file, _, variant = reference.partition("::")
    text = (ZOO / file).read_text()
    text = re.sub(
        r"reps: *\[([^\]]*)\]",
        lambda found: re.sub(r"\d+", _two_at_most, found[0]),
        text,
    )
    text = re.sub(r"\b(64|128|256|512|1024|2048)\b", _half, text)
    text = re.sub(r"\b(n|depth): *\d+\b", r"\1: 2", text)
    return loads(
        re.sub(r"(?<![.\w])\d+(?= x )", _two_at_most, text), variant or None
    )


def _half(width: re.Match[str]) -> str:
    return str(int(width[0]) // 2)


def _two_at_most(count: re.Match[str]) -> str:
    return str(min(int(count[0]), 2))


def spec(net: str, *, input: str = "16x32x32", top: str = "") -> str:
    """The text of a spec from its rows, a line each, and what stands above them."""
    rows = "\n".join(f"  {line}" for line in net.strip().splitlines())
    return f"name: test\ninput: {input}\n{top}\nnet:\n{rows}\n"


def plan(
    net: str,
    *,
    input: str = "16x32x32",
    top: str = "",
    variant: str | None = None,
) -> Plan:
    return loads(spec(net, input=input, top=top), variant)


def ops(of: Plan) -> dict[str, str]:
    """Every node but the input, and the label of its op."""
    return {
        name: node.op.label()
        for name, node in of.graph.nodes.items()
        if name != "input"
    }


def shapes(of: Plan) -> dict[str, tuple[int, ...]]:
    """Every node and its shape."""
    return {name: node.shape for name, node in of.graph.nodes.items()}


def mistakes(
    text: str, variant: str | None = None, overrides: tuple[str, ...] = ()
) -> list[Diagnostic]:
    """What is wrong with a spec's text; nothing where it plans."""
    try:
        return loads(text, variant, overrides).unmet()
    except SpecError as problem:
        return list(problem.diagnostics)


def told(
    text: str, variant: str | None = None, overrides: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """The code of each mistake, and the characters that its caret stands below."""
    return [
        (problem.code, pointed(problem))
        for problem in mistakes(text, variant, overrides)
    ]


def pointed(problem: Diagnostic) -> str:
    """The characters that a diagnostic points at."""
    span = problem.span
    assert span is not None
    end = span.end_column - 1 if span.line == span.end_line else None
    return span.source.line(span.line)[span.column - 1 : end]

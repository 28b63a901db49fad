"""A layer, or an op over its terms → its text, as a label or an equation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..collecting import present
from ..ops import Op, Over
from ..ops.base import value_text
from ..ops.merge import Binary
from .cells import Cell
from .regions.structure import StepTree


def label_of(
    cell: Cell, value: Callable[[str], str | None], act: str = ""
) -> str:
    """The label of a cell, its options as `value` gives them, and `act` its activation."""
    op = cell.op
    if act and op.role == "activation":
        return act
    head, number, stride, options = [op.op], "", "", []
    for key in cell.options:
        text = value(key)
        if text is None:
            continue
        if key == "kernel" and (kernel := _kernel(op, text)):
            head.insert(0, kernel)
        elif key == "stride":
            stride = f"/{text}"
        elif key == op.number:
            number = _number(op, text)
        else:
            options.append(key if text == "True" else f"{key} {text}")
    return " ".join(
        filter(None, [*head, number, stride, act or cell.mode, *options])
    )


def _kernel(op: Any, text: str) -> str:
    """As it stands before an op, `3x3`; "" where it is an option, as a `let`."""
    if not isinstance(op.kernel, tuple) or not text[0].isdigit():
        return ""
    return _each_side(op.kernel, text)


def _number(op: Any, text: str) -> str:
    """As it stands behind an op; the sides of what comes out in full."""
    sides = getattr(op, op.number)
    return (
        _each_side(sides, text) if op.resizes and text.isdigit() else text
    )


def _each_side(sides: Sequence[Any], text: str) -> str:
    """A size in full: `7x7` of two equal sides."""
    return text if "x" in text else "x".join([text] * len(sides))


def said(cell: Cell, key: str, value: Any) -> bool:
    """Whether a label has to say an option."""
    if key == "kernel":
        return cell.op.says(key)
    # a quiet option and a bias are there only where the file says otherwise
    unusual = key in cell.op.quiet or key == "bias"
    default = cell.op.fields()[key].default
    return value is not None and (unusual or side(value) != side(default))


def plain(cell: Cell) -> str:
    """A layer of a row, with its numbers as they are."""

    def value(key: str) -> str | None:
        own = cell.options[key]
        return value_text(own) if said(cell, key, own) else None

    return label_of(cell, value)


def folded(labels: Iterable[str]) -> Iterator[str]:
    """Labels, equal neighbours as `2 x 3x3 conv 64`; one that strides stands alone, as a repeat
    strides once, and one that says how often it stands there."""
    for label, group in groupby(labels):
        count = len(list(group))
        if " /" in label or " x " in label:
            yield from [label] * count
        else:
            yield f"{count} x {label}" if count > 1 else label


def side(value: Any) -> Any:
    """One number for sizes that are equal."""
    square = isinstance(value, tuple) and len(set(value)) == 1
    return value[0] if square else value


def equation(op: Any, texts: Sequence[str]) -> str:
    """An op over its terms: `a + b`, `concat(a b)`, `relu(a)`."""
    if isinstance(op, Over):
        return f"{op.op}({texts[0]} over {op.over})"
    if not isinstance(op, Binary):
        return f"{op.op}({' '.join(texts)})"
    first, *rest = texts
    symbol = op.symbol
    loose = {"+": "+-", "-": "+-", "*": "+-*/", "/": "+-*/"}[symbol]
    held = [first if symbol in "+-" else _bracketed(first, "+-")]
    held += [_bracketed(text, loose) for text in rest]
    return (f" {symbol} " if symbol in "+-" else symbol).join(held)


def tree_text(tree: StepTree, named: Mapping[str, str]) -> str:
    """An equation over values, by what they are called."""
    if isinstance(tree, str):
        return named[tree]
    step, terms = tree
    left, right = (map(value_text, numbers_at([step.op], s)) for s in SIDES)
    texts = (tree_text(term, named) for term in terms)
    return equation(step.op, [*left, *texts, *right])


SIDES = ("left", "right")


def numbers_at(ops: Iterable[Op], side: str) -> list[float]:
    """The numbers that stand on one side of equations."""
    found = (getattr(op, side, None) for op in ops)
    return present(found)


def _bracketed(text: str, signs: str) -> str:
    depth = 0
    for character in text:
        depth += (character in "(") - (character in ")")
        if depth == 0 and character in signs:
            return f"({text})"
    return text


RENAMED = {
    "stride": "step",
    "pad": "padding",
    "kernel": "k",
    "to": "size",
    "of": "parts",
}
"""What a `let` for an option is called, where that is a word of the language."""

"""An equation over tensors → nodes: `relu(body + shortcut)` is an add and a relu below its path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ...collecting import all_of_type, any_of_type
from ...graph import Equation
from ...language.grammar.arithmetic import FUNCTIONS
from ...language.grammar.expression import (
    OVER,
    Apply,
    Axes,
    BinaryOp,
    Expression,
    Name,
    Negative,
    NumberLiteral,
    axes_of,
    other_axes,
)
from ...language.grammar.records import TensorExpr
from ...ops import (
    AMONG,
    POINTWISE,
    SYMBOLS,
    Add,
    Binary,
    Concat,
    Mul,
    Op,
    Shape,
    Sub,
    reduction,
)
from ...ops.base import is_map
from .equation_errors import EquationErrors, reads_input
from .graph_builder import (
    Builder,
    Draft,
    Nothing,
    Poisoned,
    Streams,
    Tensor,
)
from .names import Names
from .place import Place
from .streams import part_of
from .unit import Worded

_OF_SEVERAL = {"concat": Concat(), **AMONG}
Term = Tensor | Nothing | Fraction


class EquationBuilder:
    """Makes the nodes of one equation, in reading order."""

    def __init__(
        self,
        builder: Builder,
        names: Names,
        place: Place,
        name: str,
        equation: TensorExpr,
    ) -> None:
        self.builder, self.names, self.place = builder, names, place
        self.name, self.equation = name, equation
        self.origin = place.at(equation.span)
        self.errors = EquationErrors(equation, place)
        self.nodes: list[str] = []
        self.seen: Counter[str] = Counter()
        # the words that were written for others: `act` for `relu`
        self.named: dict[str, str] = {}

    def build(self) -> tuple[Equation, Tensor | Nothing]:
        """The scope of the equation and the value that it comes to. Raises `Fault`."""
        value = self.term(self.equation.tree)
        if isinstance(value, Fraction):
            raise self.errors.no_tensor()
        value = value.whole()
        text, nodes = self.equation.text, tuple(self.nodes)
        if self.named:
            text = re.sub(
                r"\b\w+(?=\s*\()",
                lambda word: self.named.get(word[0], word[0]),
                text,
            )
        return Equation(
            self.name, text, nodes, value.node, self.origin
        ), value

    def term(self, tree: Expression) -> Term:
        """The value of a part of the equation: a tensor, `none` or a number."""
        return _TERMS[type(tree)](self, tree)

    def literal(self, tree: NumberLiteral) -> Term:
        return tree.value

    def read(self, tree: Name) -> Term:
        value = self.place.value(tree.name)
        if value is not None:
            if tree.stream:
                return part_of(
                    value, tree.name, tree.stream, self.errors.span(tree)
                )
            if tree.index:
                raise self.errors.no_elements(tree)
            return value
        if self.place.env.find(tree.name) is None:
            self.builder.report(self.errors.unknown(tree), self.origin)
            return Poisoned()  # the other names are looked at too
        number = self.place.env.value_of(tree, self.equation.span)
        if not isinstance(number, Fraction):
            raise self.errors.no_number(tree)
        return number

    def number(self, tree: Apply | BinaryOp) -> Fraction:
        """The value of arithmetic on numbers alone."""
        return self.place.env.value_of(tree, self.equation.span)  # type: ignore[return-value]

    def negated(self, tree: Negative) -> Term:
        return self.negative(self.term(tree.operand), tree.operand)

    def negative(self, value: Term, tree: Expression) -> Term:
        if isinstance(value, Fraction):
            return -value
        return self.node(Worded("mul", Mul(left=-1.0)), [value], [tree])

    def apply(self, tree: Apply) -> Term:
        activation = self.activation(tree)
        if axes := self.over(tree):
            return self.reduced(tree, axes)
        terms = [*map(self.term, tree.arguments)]
        if activation is not None:
            if not _is_one_tensor(terms):
                raise self.errors.not_one_tensor(tree)
            if activation.op.op != tree.function:
                self.named[tree.function] = activation.op.op
            return self.node(activation, terms, tree.arguments)
        numbers = all_of_type(Fraction, terms)
        if tree.function in FUNCTIONS and numbers:
            return self.number(tree)
        return self.function(tree, terms)

    def function(self, tree: Apply, terms: Sequence[Term]) -> Term:
        """A function of one tensor, or of several."""
        tensors = all_of_type(Tensor, terms)
        if tree.function in POINTWISE:
            if not _is_one_tensor(terms):
                raise self.errors.not_one_tensor(tree)
            op = POINTWISE[tree.function]
        elif tree.function in _OF_SEVERAL:
            if len(terms) < 2 or not tensors:
                raise self.errors.not_two_tensors(tree)
            op = _OF_SEVERAL[tree.function]
        else:
            raise self.errors.no_function(tree)
        return self.node(Worded(tree.function, op), terms, tree.arguments)

    def over(self, tree: Apply) -> Axes | None:
        """`cells` or `channels` of `mean(x over cells)`, unless `over` is a name here."""
        axes, other = axes_of(tree), other_axes(tree)
        if (
            not (axes or other)
            or self.place.value(OVER)
            or self.place.env.find(OVER)
        ):
            return None
        if other:
            raise self.errors.no_axes(other)
        return axes

    def reduced(self, tree: Apply, axes: Axes) -> Term:
        """A function of what one tensor has over its cells or channels."""
        trees = tree.arguments[:-2]
        terms = [*map(self.term, trees)]
        if not _is_one_tensor(terms):
            raise self.errors.not_one_over(tree, axes)
        op = reduction(tree.function, axes)
        return self.node(Worded(tree.function, op), terms, trees)

    def activation(self, tree: Apply) -> Worded | None:
        """The activation that is applied, None for another function. Raises `Fault` for a name that
        is a value."""
        if self.place.value(tree.function) is not None:
            raise self.errors.no_product(tree)
        span = self.errors.function(tree)
        found = self.names.function(tree.function, span, self.place)
        if found is None and self.place.env.find(tree.function) is not None:
            raise self.errors.no_product(tree)
        return found

    def binary(self, tree: BinaryOp) -> Term:
        left, right = self.term(tree.left), self.term(tree.right)
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return self.number(tree)
        if isinstance(left, Nothing) or isinstance(right, Nothing):
            return self.without(tree, left, right)
        if tree.symbol == "/":
            self.errors.refuse_quotient(tree, left, right)
        op = _binary_op(tree.symbol, _number(left), _number(right))
        return self.node(
            Worded(op.word, op), [left, right], [tree.left, tree.right]
        )

    def without(self, tree: BinaryOp, left: Term, right: Term) -> Term:
        """A sum leaves out what is none; a product of it means nothing."""
        if tree.symbol in "*/":
            raise self.errors.no_factor(tree)
        if not isinstance(left, Nothing):
            return left
        return (
            self.negative(right, tree.right)
            if tree.symbol == "-"
            else right
        )

    def node(
        self,
        worded: Worded,
        terms: Sequence[Term],
        trees: Sequence[Expression],
    ) -> Tensor | Nothing:
        """The node of an op over terms, of which numbers are a part of the op; `none` of `none`."""
        read = [*self.tensors(terms, trees)]
        if any_of_type(Nothing, terms):
            return Nothing()
        word, op = worded.word, worded.op
        self.seen[word] += 1
        name = f"{self.name}.{word}{self.seen[word] if self.seen[word] > 1 else ''}"
        if any(tensor.shape is None for _, tensor in read):
            return Poisoned(self.joined(op, read))
        made = self.builder.node(
            Draft(
                name, op, self.origin, self.place.shortcut, worded.source
            ),
            [tensor for _, tensor in read],
            lambda problem: self.errors.unjoined(problem, read),
        )
        if made.node:
            self.nodes.append(name)
        return made

    def tensors(
        self, terms: Sequence[Term], trees: Sequence[Expression]
    ) -> Iterator[tuple[Expression, Tensor]]:
        """The tensors among terms, each with what was written. Raises `Fault` for streams."""
        for term, written in zip(terms, trees, strict=True):
            if isinstance(term, Streams):
                raise self.errors.several(written, term)
            if isinstance(term, Tensor):
                yield written, term

    def joined(
        self, op: Op, terms: list[tuple[Expression, Tensor]]
    ) -> Shape | None:
        """What a sum or product comes to where an earlier mistake hides a term: a map has the shape
        of the whole.

        Unless it is `x` where the call changes the shape: then that is another mistake.
        """
        maps = [
            (tree, tensor.shape)
            for tree, tensor in terms
            if tensor.shape and is_map(tensor.shape) and tensor.shape[0] > 1
        ]
        if not maps or not isinstance(op, Add | Sub | Mul):
            return None
        tree, shape = maps[0]
        call = self.place.call
        return (
            None if call and call.changes and reads_input(tree) else shape
        )


_TERMS: dict[type[Expression], Callable[[EquationBuilder, Any], Term]] = {
    NumberLiteral: EquationBuilder.literal, Name: EquationBuilder.read,
    Negative: EquationBuilder.negated, BinaryOp: EquationBuilder.binary,
    Apply: EquationBuilder.apply,
}  # fmt: skip


@lru_cache(256)
def _binary_op(
    symbol: str, left: float | None, right: float | None
) -> Binary:
    return SYMBOLS[symbol](left=left, right=right)  # type: ignore[call-arg]  # `op` has a default


def _number(term: Term) -> float | None:
    return float(term) if isinstance(term, Fraction) else None


def _is_one_tensor(terms: Sequence[Term]) -> bool:
    return len(terms) == 1 and not isinstance(terms[0], Fraction)

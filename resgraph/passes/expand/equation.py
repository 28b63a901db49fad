"""An equation over tensors → nodes: `relu(body + shortcut)` is an add and a relu below its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fractions import Fraction

from ...errors import Fault, Hint, Related, Span, fault, write
from ...graph import Equation as EquationScope
from ...graph import Origin
from ...language.diagnose.misspelled import functions_of_tensors
from ...language.diagnose.nearest import known_here, meant, op_meant
from ...language.environment import Environment
from ...language.foreign import CONCATS, SIGNS, TENSORS
from ...language.grammar.arithmetic import FUNCTIONS
from ...language.grammar.expression import (
    Apply,
    Binary,
    Expression,
    Name,
    Negative,
    Number,
)
from ...language.grammar.records import Equation
from ...language.grammar.words import COUNTERS
from ...ops import (
    SYMBOLS,
    VOCABULARY,
    Add,
    Concat,
    Mul,
    Op,
    Shape,
    ShapeError,
    Sub,
    shape_text,
)
from .graph_builder import Builder, Flow, Nothing

_ROWS = "an equation in a row reads `input` and the rows above"

Term = Flow | Nothing | Fraction
Values = Callable[[str], Flow | Nothing | None]


class EquationBuilder:
    """Makes the nodes of one equation, in reading order."""

    def __init__(
        self, builder: Builder, name: str, equation: Equation, values: Values, known: set[str],
        env: Environment, origin: Origin, *, shortcut: bool = False, changes: bool = False,
        written: Span | None = None, activation: Callable[[str, Span], Op | None],
    ) -> None:  # fmt: skip
        self.builder, self.name, self.equation = builder, name, equation
        self.values, self.known, self.env = values, known, env
        self.origin, self.shortcut, self.changes = origin, shortcut, changes
        self.written = written  # where the shortcut stands that is read here
        self.activation = activation  # the op that a function's name stands for
        self.named: dict[
            str, str
        ] = {}  # the words that were written for others: `act` for `relu`
        self.nodes: list[str] = []
        self.seen: dict[str, int] = {}

    def build(self) -> tuple[EquationScope, Flow | Nothing]:
        """The scope of the equation and the value that it comes to."""
        value = self.term(self.equation.tree)
        if isinstance(value, Fraction):
            hint = "read `x` or a path" if "x" in self.known else _ROWS
            raise self.wrong(
                self.equation.tree, "E030", "this equation reads no tensor", hint
            )
        output = value.node if isinstance(value, Flow) else ""
        text = re.sub(
            r"\b\w+(?=\s*\()",
            lambda word: self.named.get(word[0], word[0]),
            self.equation.text,
        )
        scope = EquationScope(self.name, text, tuple(self.nodes), output, self.origin)
        return scope, value

    def term(self, tree: Expression) -> Term:
        if isinstance(tree, Name):
            return self.read(tree)
        if isinstance(tree, Negative):
            value = self.term(tree.operand)
            return (
                -value
                if isinstance(value, Fraction)
                else self.node("mul", Mul(left=-1.0), [value], [tree.operand])
            )
        if isinstance(tree, Apply):
            return self.apply(tree)
        if isinstance(tree, Binary):
            return self.binary(tree, self.term(tree.left), self.term(tree.right))
        return tree.value

    def read(self, tree: Name) -> Term:
        value = self.values(tree.name)
        if value is not None and not tree.index:
            return value
        if value is not None:
            hint = (
                f"`[{tree.name}, part {tree.index[0]} of n]` is a path that takes a part of its"
                " channels"
            )
            raise self.wrong(
                tree, "E031", f"`{tree.name}` is a tensor and has no elements", hint
            )
        if self.env.find(tree.name) is None:
            known = [
                *sorted(self.known),
                *sorted(self.env.names() - self.known - COUNTERS),
            ]
            plain = TENSORS.get(tree.name.lower(), "")
            near = (
                meant(plain, sure=False)
                if plain in self.known
                else op_meant(tree.name, known, VOCABULARY)
            )
            near = near or known_here(known)
            # what is no name of a tensor may have meant any
            names = () if near.write in self.known else known
            said = f"nothing above is called `{tree.name}`"
            problem = self.wrong(tree, "E030", said, near, about=tree.name, names=names)
            if tree.name == "x":
                problem = self.wrong(
                    tree,
                    "E030",
                    "`x` is the input of a block, and this is a row",
                    _ROWS,
                )
            self.builder.report(problem, self.origin)
            return Flow()  # the other names are looked at too
        number = self.env.value_of(tree, self.equation.span)
        if not isinstance(number, Fraction):
            raise self.wrong(
                tree, "E031", f"`{tree.name}` is neither a tensor nor a number"
            )
        return number

    def apply(self, tree: Apply) -> Term:
        place = self.equation.span.part(tree.start, tree.start + len(tree.function))
        op = (
            self.activation(tree.function, place)
            if self.values(tree.function) is None
            else None
        )
        if op is not None:
            values = [self.term(argument) for argument in tree.arguments]
            if len(values) != 1 or isinstance(values[0], Fraction):
                raise self.wrong(
                    tree,
                    "E010",
                    f"`{tree.function}` takes one tensor",
                    self.signed(tree, values),
                )
            self.named[tree.function] = op.op
            return self.node(op.op.replace(" ", "_"), op, values, tree.arguments)
        if (
            self.values(tree.function) is not None
            or self.env.find(tree.function) is not None
        ):
            product = (
                f"{tree.function}*{self.text(tree)[len(tree.function) :].lstrip()}"
            )
            said, hint = (
                f"`{tree.function}` is no function",
                f"a product has its sign: `{product}`",
            )
            if isinstance(named := self.env.find(tree.function), str):
                said = f"`{tree.function}` is `{named}`, which is no activation"
                hint = (
                    "functions of tensors are"
                    f" {', '.join(f'`{name}`' for name in sorted(functions_of_tensors()))}"
                )
            raise self.wrong(tree, "E030", said, hint)
        values = [self.term(argument) for argument in tree.arguments]
        if tree.function == "concat":
            if len(values) < 2 or not all(isinstance(value, Flow) for value in values):
                raise self.wrong(tree, "E010", "`concat` joins two or more tensors")
            return self.node("concat", Concat(), values, tree.arguments)
        if tree.function in FUNCTIONS and all(
            isinstance(value, Fraction) for value in values
        ):
            number = self.env.value_of(tree, self.equation.span)
            assert isinstance(number, Fraction)
            return number
        raise self.wrong(
            tree,
            "E030",
            f"no function `{tree.function}` of tensors",
            self.instead_of(tree),
        )

    def instead_of(self, tree: Apply) -> str | Hint:
        """What to write for a function that there is not."""
        if (sign := SIGNS.get(tree.function.lower())) and len(tree.arguments) > 1:
            return write(self.with_sign(sign, tree), span=self.place(tree))
        plain = "concat" if tree.function.lower() in CONCATS else ""
        known = [*functions_of_tensors(), *FUNCTIONS]
        hint = meant(plain, sure=True) if plain else op_meant(tree.function, known)
        hint = replace(
            hint,
            span=self.equation.span.part(tree.start, tree.start + len(tree.function)),
        )
        return (
            hint
            or "functions of tensors are `concat` and the activations;"
            " whatever else is a layer of a path"
        )

    def with_sign(self, sign: str, tree: Apply) -> str:
        """Arguments with a sign between them, in brackets where that takes less than the whole of
        one."""
        looser = "+-" if sign in "*-" else ""
        terms = [
            (
                f"({self.text(term)})"
                if isinstance(term, Binary) and term.symbol in looser
                else self.text(term)
            )
            for term in tree.arguments
        ]
        whole, text = self.equation.text, f" {sign} ".join(terms)
        before, behind = whole[: tree.start].rstrip(), whole[tree.end :].lstrip()
        alone = before[-1:] in ("", "(", ",") and behind[:1] in ("", ")", ",")
        return text if alone else f"({text})"

    def signed(self, tree: Apply, values: list[Term]) -> str | Hint:
        """What was meant by terms side by side, of which the last is one too many: a number times
        it, or their sum."""
        if len(values) < 2:
            return ""
        whole, last = self.text(tree), tree.arguments[-1]
        sign = "*" if ends_in_number(tree.arguments[-2]) else " + "
        before = whole[: last.start - tree.start].rstrip(" ,")
        text = f"{before}{sign}{whole[last.start - tree.start :]}"
        # a sum, as likely as not
        return replace(write(text, span=self.place(tree)), certain=False)

    def text(self, tree: Expression) -> str:
        """An expression as it was written."""
        return self.equation.text[tree.start : tree.end]

    def binary(self, tree: Binary, left: Term, right: Term) -> Term:
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return self.env.value_of(tree, self.equation.span)  # type: ignore[return-value]
        if isinstance(left, Nothing) or isinstance(right, Nothing):
            return self.without(tree, left, right)
        if tree.symbol == "/" and not isinstance(right, Fraction):
            raise self.wrong(
                tree.right, "E040", "a tensor can be divided only by a number"
            )
        if tree.symbol == "/" and right == 0:
            raise self.wrong(tree.right, "E032", "division by zero")
        op = SYMBOLS[tree.symbol](  # type: ignore[call-arg]  # `op` has a default in each of them
            left=float(left) if isinstance(left, Fraction) else None,
            right=float(right) if isinstance(right, Fraction) else None,
        )
        return self.node(op.word, op, [left, right], [tree.left, tree.right])

    def without(self, tree: Binary, left: Term, right: Term) -> Term:
        """A sum leaves out what is none; a product of it means nothing."""
        if tree.symbol in "*/":
            hint = "`shortcut: none` suits a sum; in a product give it `identity` or a path"
            raise self.wrong(tree, "E040", "a factor of this product is `none`", hint)
        if isinstance(left, Nothing):
            return (
                self.node("mul", Mul(left=-1.0), [right], [tree.right])
                if tree.symbol == "-"
                else right
            )
        return left

    def node(
        self, word: str, op: Op, terms: list[Term], trees: Sequence[Expression]
    ) -> Flow | Nothing:
        if any(isinstance(term, Nothing) for term in terms):
            return Nothing()
        count = self.seen[word] = self.seen.get(word, 0) + 1
        name = f"{self.name}.{word}{count if count > 1 else ''}"
        inputs = [term for term in terms if isinstance(term, Flow)]
        read = [
            (tree, term)
            for tree, term in zip(trees, terms, strict=True)
            if isinstance(term, Flow)
        ]
        if any(flow.shape is None for flow in inputs):
            return Flow(shape=self.joined(op, read))
        flow = self.builder.node(
            name,
            op,
            inputs,
            self.origin,
            shortcut=self.shortcut,
            explain=lambda problem: self.unjoined(problem, read),
        )
        if flow.node:
            self.nodes.append(name)
        return flow

    def joined(self, op: Op, terms: list[tuple[Expression, Flow]]) -> Shape | None:
        """What a sum or product comes to where an earlier mistake hides a term: a map has the shape
        of the whole.

        Unless it is `x` where the call changes the shape: then that is another mistake.
        """
        maps = [
            (tree, flow.shape)
            for tree, flow in terms
            if flow.shape and len(flow.shape) == 3 and flow.shape[0] > 1
        ]
        if not maps or not isinstance(op, Add | Sub | Mul):
            return None
        tree, shape = maps[0]
        unprojected = isinstance(tree, Name) and tree.name == "x" and self.changes
        return None if unprojected else shape

    def unjoined(
        self, problem: ShapeError, terms: list[tuple[Expression, Flow]]
    ) -> Fault:
        """What cannot be joined, each term by the name that it has in the equation."""
        first, last = terms[0][0], terms[-1][0]
        span = self.equation.span.part(first.start, last.end)
        if len(terms) == 1:
            return fault(problem.code, problem.said, span, problem.hint)
        said = [
            f"`{self.equation.text[t.start : t.end]}` is {shape_text(flow.shape or ())}"
            for t, flow in terms
        ]
        message = f"{', '.join(said[:-1])} and {said[-1]}, which cannot be joined"
        unprojected = any(
            isinstance(tree, Name) and tree.name == "x" for tree, _ in terms
        )
        hint = problem.hint
        if (
            unprojected
            and "shortcut" in self.known
            and len({len(flow.shape or ()) for _, flow in terms}) == 1
        ):
            hint = "write `shortcut` for `x`: it is `x`, projected where a call changes the shape"
        found = fault(problem.code, message, span, hint)
        if self.written and any(
            isinstance(tree, Name) and tree.name == "shortcut" for tree, _ in terms
        ):
            related = (Related(self.written, "this is the shortcut"),)
            return Fault(replace(found.diagnostic, related=related))
        return found

    def place(self, tree: Expression) -> Span:
        return self.equation.span.part(tree.start, tree.end)

    def wrong(
        self, tree: Expression, code: str, message: str, hint: str | Hint = "", about: str = "",
        names: Collection[str] = (),
    ) -> Fault:  # fmt: skip
        return fault(code, message, self.place(tree), hint, about=about, names=names)


def ends_in_number(tree: Expression) -> bool:
    """Whether a term is a sum or product whose last part is a number: of `x + 0.17 mix`, the
    first."""
    while isinstance(tree, Binary):
        tree = tree.right
    return isinstance(tree, Number)

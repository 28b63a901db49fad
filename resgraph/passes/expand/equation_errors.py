"""A part of an equation that cannot be made → what is wrong with it, and what was meant."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from msgspec.structs import replace

from ...errors import Fault, Hint, Span, fault, ticked, write
from ...language.diagnose.nearest import (
    did_you_mean,
    known_here,
    meant,
    op_meant,
)
from ...language.diagnose.word import functions_of_tensors
from ...language.foreign import CONCATS, SIGNS, TENSORS
from ...language.grammar.arithmetic import FUNCTIONS
from ...language.grammar.expression import (
    Apply,
    BinaryOp,
    Expression,
    Name,
    NumberLiteral,
)
from ...language.grammar.records import TensorExpr
from ...language.grammar.words import COUNTERS
from ...ops import AMONG, VOCABULARY, ShapeError, is_cell, shape_text
from .graph_builder import Streams, Tensor
from .place import Place
from .streams import choices


class EquationErrors:
    """The errors of one equation, each at its characters."""

    def __init__(self, equation: TensorExpr, place: Place) -> None:
        self.equation, self.place = equation, place

    def wrong(
        self,
        tree: Expression,
        code: str,
        message: str,
        hint: str | Hint = "",
    ) -> Fault:
        return fault(code, message, self.span(tree), hint)

    def span(self, tree: Expression) -> Span:
        return self.equation.span.part(tree.start, tree.end)

    def function(self, tree: Apply) -> Span:
        """The place of a function's name."""
        return self.equation.span.part(
            tree.start, tree.start + len(tree.function)
        )

    def text(self, tree: Expression) -> str:
        """An expression as it was written."""
        return self.equation.text[tree.start : tree.end]

    # -- names
    # ----------------------------------------------------------------------------------

    def no_tensor(self) -> Fault:
        hint = (
            "read `x` or a path"
            if "x" in self.place.known()
            else self._rows()
        )
        said = "this equation reads no tensor"
        return self.wrong(self.equation.tree, "E030", said, hint)

    def _rows(self) -> str:
        inputs = ticked(self.place.inputs) or "`input`"
        return f"an equation in a row reads {inputs} and the rows above"

    def no_elements(self, tree: Name) -> Fault:
        name = tree.name
        hint = f"`[{name}, part {tree.index[0]} of n]` is a path that takes a part of its channels"
        said = f"`{name}` is a tensor and has no elements"
        return self.wrong(tree, "E031", said, hint)

    def several(self, tree: Expression, value: Streams) -> Fault:
        """Streams where one tensor is read."""
        value.read.update(value.parts)
        name, count = self.text(tree), len(value.parts)
        hint = f"write the one that is meant: {choices(value, name)}"
        said = f"`{name}` is {count} streams, and an equation is over single tensors"
        return self.wrong(tree, "E047", said, hint)

    def no_number(self, tree: Name) -> Fault:
        said = f"`{tree.name}` is neither a tensor nor a number"
        return self.wrong(tree, "E031", said)

    def unknown(self, tree: Name) -> Fault:
        """A name of nothing, with the tensors and numbers that it may have been."""
        if tree.name == "x":
            said = "`x` is the input of a block, and this is a row"
            return self.wrong(tree, "E030", said, self._rows())
        if tree.name == "input" and self.place.inputs:
            said = "this net has several inputs, and none of them is called `input`"
            return self.wrong(
                tree, "E030", said, f"they are {ticked(self.place.inputs)}"
            )
        tensors, numbers = self.place.known(), self.place.env.names()
        known = [*sorted(tensors), *sorted(numbers - tensors - COUNTERS)]
        plain = TENSORS.get(tree.name.lower(), "")
        if plain in tensors:
            near = meant(plain, sure=False)
        else:
            near = op_meant(tree.name, known, VOCABULARY)
        near = near or known_here(known)
        # what is no name of a tensor may have meant any
        names: Collection[str] = () if near.write in tensors else known
        said = f"nothing above is called `{tree.name}`"
        place = self.span(tree)
        return fault(
            "E030", said, place, near, about=tree.name, names=names
        )

    # -- functions and products
    # ----------------------------------------------------------------------------------

    def no_product(self, tree: Apply) -> Fault:
        """A name that is no function before brackets."""
        name = tree.function
        word = self.place.env.find(name)
        if isinstance(word, str):
            known = ticked(sorted(functions_of_tensors()))
            said = f"`{name}` is `{word}`, which is no activation"
            return self.wrong(
                tree, "E030", said, f"functions of tensors are {known}"
            )
        product = f"{name}*{self.text(tree)[len(name) :].lstrip()}"
        hint = f"a product has its sign: `{product}`"
        return self.wrong(tree, "E030", f"`{name}` is no function", hint)

    def not_one_tensor(self, tree: Apply) -> Fault:
        said = f"`{tree.function}` takes one tensor"
        return self.wrong(tree, "E010", said, self._signed(tree))

    def not_one_over(self, tree: Apply, axes: str) -> Fault:
        said = f"`{tree.function}` over {axes} is of one tensor"
        return self.wrong(tree, "E010", said)

    def no_axes(self, tree: Name) -> Fault:
        said = f"`{tree.name}` is nothing that a function goes over"
        near = did_you_mean(tree.name, ("cells", "channels"))
        return self.wrong(
            tree, "E030", said, near or "it goes over `cells` or `channels`"
        )

    def not_two_tensors(self, tree: Apply) -> Fault:
        said = f"`{tree.function}` joins two or more tensors"
        if tree.function not in AMONG or len(tree.arguments) != 1:
            return self.wrong(tree, "E010", said)
        hint = f"over one it goes with `{self._over(tree)}`"
        return self.wrong(tree, "E010", said, hint)

    def _over(self, tree: Apply) -> str:
        return f"{tree.function}({self.text(tree.arguments[0])} over cells)"

    def no_function(self, tree: Apply) -> Fault:
        said = f"no function `{tree.function}` of tensors"
        return self.wrong(tree, "E030", said, self._instead_of(tree))

    def refuse_quotient(
        self,
        tree: BinaryOp,
        left: Tensor | Fraction,
        right: Tensor | Fraction,
    ) -> None:
        """Raises `Fault` where a number is divided by a tensor, or a tensor by zero."""
        if isinstance(left, Fraction):
            said = "a number cannot be divided by a tensor"
            hint = "`x / y` divides one tensor by another"
            raise self.wrong(tree.left, "E040", said, hint)
        if right == 0:
            raise self.wrong(tree.right, "E032", "division by zero")

    def no_factor(self, tree: BinaryOp) -> Fault:
        hint = "`shortcut: none` suits a sum; in a product give it `identity` or a path"
        return self.wrong(
            tree, "E040", "a factor of this product is `none`", hint
        )

    def _instead_of(self, tree: Apply) -> str | Hint:
        """What to write for a function that there is not."""
        name = tree.function.lower()
        if (sign := SIGNS.get(name)) and len(tree.arguments) > 1:
            return write(self._with_sign(sign, tree), span=self.span(tree))
        otherwise = (
            "functions of tensors are `concat`, `mean`, `max`, `min`, `sum` over cells or channels,"
            " `abs`, `sqrt`, `exp` and the"
            " activations; whatever else is a layer of a path"
        )
        if tree.function in FUNCTIONS:
            return f"`{tree.function}` is of numbers, as in a width; {otherwise}"
        if name in CONCATS:
            hint = meant("concat", sure=True)
        else:
            hint = op_meant(tree.function, functions_of_tensors())
        return (
            replace(hint, span=self.function(tree)) if hint else otherwise
        )

    def _with_sign(self, sign: str, tree: Apply) -> str:
        """Arguments with a sign between them, in brackets where that takes less than the whole of
        one."""
        looser = "+-" if sign in "*-" else ""
        terms = [
            f"({self.text(term)})"
            if isinstance(term, BinaryOp) and term.symbol in looser
            else self.text(term)
            for term in tree.arguments
        ]
        whole, text = self.equation.text, f" {sign} ".join(terms)
        before = whole[: tree.start].rstrip()
        behind = whole[tree.end :].lstrip()
        alone = before[-1:] in ("", "(", ",") and behind[:1] in (
            "",
            ")",
            ",",
        )
        return text if alone else f"({text})"

    def _signed(self, tree: Apply) -> str | Hint:
        """What was meant by terms side by side, of which the last is one too many: a number times
        it, or their sum."""
        if len(tree.arguments) < 2:
            return ""
        whole, last = self.text(tree), tree.arguments[-1]
        sign = "*" if ends_in_number(tree.arguments[-2]) else " + "
        before = whole[: last.start - tree.start].rstrip(" ,")
        text = f"{before}{sign}{whole[last.start - tree.start :]}"
        # a sum, as likely as not
        return replace(write(text, span=self.span(tree)), certain=False)

    # -- shapes
    # ----------------------------------------------------------------------------------

    def unjoined(
        self, problem: ShapeError, terms: list[tuple[Expression, Tensor]]
    ) -> Fault:
        """What cannot be joined, each term by the name that it has in the equation."""
        span = self.equation.span.part(terms[0][0].start, terms[-1][0].end)
        if len(terms) == 1:
            return fault(problem.code, problem.said, span, problem.hint)
        *said, last = [
            f"`{self.text(tree)}` is {shape_text(tensor.shape or ())}"
            for tree, tensor in terms
        ]
        message = f"{', '.join(said)} and {last}, which cannot be joined"
        trees = [tree for tree, _ in terms]
        hint = problem.hint
        if self._has_shortcut(terms) and any(map(reads_input, trees)):
            hint = "write `shortcut` for `x`: it is `x`, projected where a call changes the shape"
        elif unstrided := self._unstrided(terms):
            hint = f"the call strides its shortcut alone: write `/stride` at a layer of {unstrided}"
        found = fault(problem.code, message, span, hint)
        written = self.place.plan.written if self.place.plan else None
        if written and any(_reads(tree, "shortcut") for tree in trees):
            return found.beside(written, "this is the shortcut")
        return found

    def _unstrided(self, terms: list[tuple[Expression, Tensor]]) -> str:
        """The terms as large as what comes in, beside the shortcut of a call with a stride; "" of
        none."""
        call, x = self.place.call, self.place.values.get("x")
        if not call or max(call.stride) == 1 or not isinstance(x, Tensor):
            return ""
        size = (x.shape or ())[1:]
        whole = [
            tree for tree, each in terms if (each.shape or ())[1:] == size
        ]
        beside = any(_reads(tree, "shortcut") for tree, _ in terms)
        return ticked(map(self.text, whole)) if beside else ""

    def _has_shortcut(self, terms: list[tuple[Expression, Tensor]]) -> bool:
        """Whether a shortcut could be one of the terms: there is one, and they are all maps, all
        maps of one cell or all vectors."""
        shapes = [tensor.shape or () for _, tensor in terms]
        kinds = {(len(shape), is_cell(shape)) for shape in shapes}
        return "shortcut" in self.place.known() and len(kinds) == 1


def reads_input(tree: Expression) -> bool:
    """Whether a term is the input of its block."""
    return _reads(tree, "x")


def _reads(tree: Expression, name: str) -> bool:
    return isinstance(tree, Name) and tree.name == name


def ends_in_number(tree: Expression) -> bool:
    """Whether a term is a sum or product whose last part is a number: of `x + 0.17 mix`, the
    first."""
    while isinstance(tree, BinaryOp):
        tree = tree.right
    return isinstance(tree, NumberLiteral)

"""What a name stands for: a file's `let`s, a block's `let`s, and the constants of a block's call."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..errors import Span, fault
from ..language.expressions import Expression, ExpressionError, Name, Value, evaluate, value_text
from ..language.records import Expr, ListValue, Size, Word
from ..language.records import Value as Written
from ..language.words import CONSTANTS, COUNTERS, did_you_mean


class Unknown(Exception):
    """A value that follows from a shape that is not known because of an earlier mistake; never reported."""


class Environment:
    """Names and their values. A `let` is worked out when it is first read, in the environment that declares it."""

    def __init__(
        self,
        lets: Mapping[str, Written],
        constants: Mapping[str, Value | None],
        outer: Environment | None = None,
    ) -> None:
        self.lets, self.constants, self.outer = lets, constants, outer
        self.worked_out: dict[str, Value] = {}
        self.open: list[str] = []

    def with_constants(self, constants: Mapping[str, Value | None]) -> Environment:
        """This environment with the constants of a place."""
        return Environment({}, constants, self)

    def find(self, name: str) -> Value | None:
        """The value of a name, or None where it has none."""
        if name in self.constants:
            value = self.constants[name]
            if value is None:
                raise Unknown
            return value
        if name in self.worked_out:
            return self.worked_out[name]
        if name in self.lets:
            self.worked_out[name] = value = self._work_out(name)
            return value
        return self.outer.find(name) if self.outer else None

    def _work_out(self, name: str) -> Value:
        written = self.lets[name]
        if name in self.open:
            chain = " → ".join([*self.open[self.open.index(name) :], name])
            raise fault("E037", f"`{name}` is worked out from itself", written.span, "", "", f"the chain is {chain}")
        self.open.append(name)
        try:
            return self.value(written)
        finally:
            self.open.pop()

    def value(self, written: Written) -> Value:
        """The value of anything written as one."""
        if isinstance(written, Word):
            return written.text
        if isinstance(written, ListValue):
            return tuple(self.value(item) for item in written.items)
        if isinstance(written, Size):
            down = self.number(written.down)
            return (down, self.number(written.across)) if written.across else down
        return self.value_of(written.tree, written.span)

    def value_of(self, tree: Expression, span: Span) -> Value:
        """The value of an expression whose text `span` covers."""
        try:
            return evaluate(tree, lambda name: self._lookup(name, span))
        except ExpressionError as problem:
            raise problem.at(span) from None

    def number(self, expr: Expr) -> Fraction:
        """The value of an expression that must be a number."""
        value = self.value(expr)
        if not isinstance(value, Fraction):
            raise fault("E031", f"a number is needed here, and `{expr.text}` is {value_text(value)}", expr.span)
        return value

    def _lookup(self, name: Name, span: Span) -> Value:
        value = self.find(name.name)
        if value is not None:
            return value
        known = self.names()
        if name.name in CONSTANTS:
            where = (
                "is a tensor, not a number" if name.name in ("x", "input", "shortcut") else "is known only in a block"
            )
            if name.name in COUNTERS:
                where = "counts blocks that rows call, and this is read elsewhere"
            raise fault("E030", f"`{name.name}` {where}", span.part(name.start, name.end))
        hint = did_you_mean(name.name, known) or (f"known here: {', '.join(sorted(known))}" if known else "")
        raise fault("E030", f"nothing here is called `{name.name}`", span.part(name.start, name.end), hint)

    def names(self) -> set[str]:
        """Every name that has a value here."""
        return {*self.lets, *self.constants, *(self.outer.names() if self.outer else ())}

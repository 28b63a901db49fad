"""What a name stands for: a file's `let`s, a block's `let`s, and the constants of a block's
call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from msgspec.structs import replace

from ..collecting import each_name, flatten
from ..errors import Fault, Hint, Span, fault
from ..ops import ACTIVATIONS
from ..structs import Frozen
from .diagnose.nearest import did_you_mean, known_here, sure
from .foreign import foreign
from .grammar.arithmetic import (
    FUNCTIONS,
    NameValue,
    UndefinedFunction,
    evaluate,
    spec_text,
)
from .grammar.expression import Expression, ExpressionError, Name, names_in
from .grammar.records import Expr, ListValue, Value, Word
from .grammar.words import CONSTANTS, COUNTERS


class Unknown(Exception):
    """A value that follows from a shape that is not known because of an earlier mistake; never
    reported."""


class Given(Frozen):
    """What was written for a name, and the environment in which that is read; None where it stands
    in no text and follows from a call."""

    written: Value
    env: Environment | None


class Environment:
    """Names and their values. A `let` is worked out when it is first read, in the environment that
    declares it. `given` says where the constants of a block's call were written."""

    def __init__(
        self,
        lets: Mapping[str, Value],
        constants: Mapping[str, NameValue | None],
        outer: Environment | None = None,
        given: Callable[[], Mapping[str, Given]] = dict,
    ) -> None:
        self.lets = lets
        self.constants = constants
        self.outer = outer
        self.given = given
        self.worked_out: dict[str, NameValue] = {}

    def with_constants(
        self,
        constants: Mapping[str, NameValue | None],
        given: Callable[[], Mapping[str, Given]] = dict,
    ) -> Environment:
        """This environment with the constants of a place."""
        return Environment({}, constants, self, given)

    def find(self, name: str) -> NameValue | None:
        """The value of a name, or None where it has none."""
        if name in self.constants:
            value = self.constants[name]
            if value is None:
                raise Unknown
            return value
        if name in self.worked_out:
            return self.worked_out[name]
        if name in self.lets:
            self._work_out(name)
            return self.worked_out[name]
        return self.outer.find(name) if self.outer else None

    def _work_out(self, name: str) -> None:
        """Work out a `let` after those that it reads, on a stack of our own: a chain of them may be
        long."""
        stack = [(name, iter(self._reads(name)))]
        unfinished = {name}
        while stack:
            top, reads = stack[-1]
            for below in reads:
                if below in unfinished:
                    names = [name for name, _ in stack]
                    raise self._circle(names[names.index(below) :])
                if below not in self.worked_out:
                    stack.append((below, iter(self._reads(below))))
                    unfinished.add(below)
                    break
            else:
                self.worked_out[top] = self.value(self.lets[top])
                stack.pop()
                unfinished.remove(top)

    def _circle(self, names: list[str]) -> Fault:
        """That `let`s are worked out from one another: told of the first that is written, whichever
        of them was asked for."""
        at = names.index(min(names, key=[*self.lets].index))
        chain = [*names[at:], *names[: at + 1]]
        links = chain if len(chain) <= 9 else [*chain[:4], "…", *chain[-4:]]
        return fault(
            "E037",
            f"`{chain[0]}` is worked out from itself",
            self.lets[chain[0]].span,
            "",
            f"the chain is {' → '.join(links)}",
        )

    def _reads(self, name: str) -> list[str]:
        """The `let`s of this environment that a `let` reads."""
        return [
            n
            for n in names_of(self.lets[name])
            if n in self.lets and n not in self.constants
        ]

    def definition(self, name: str) -> Value | None:
        """What was written for the `let` of that name, None where the name is no `let`."""
        if name in self.constants:
            return None
        return self.lets.get(name) or (
            self.outer.definition(name) if self.outer else None
        )

    def written(self, name: str) -> Given | None:
        """What was written for a name; None where it has no value, or one that is counted."""
        if found := self.given().get(name):
            return found
        if name in self.constants:
            return None
        if name in self.lets:
            return Given(self.lets[name], self)
        return self.outer.written(name) if self.outer else None

    def value(self, written: Value) -> NameValue:
        """The value of anything written as one."""
        if isinstance(written, Expr):
            return self.value_of(written.tree, written.span)
        if isinstance(written, Word):
            # A word may be the name of a value: `let: {kind: basic}`, `cell inner kind`, or one of
            # a library block's that is called as a block of the file is.
            named = self.find(written.text)
            return written.text if named is None else named
        if isinstance(written, ListValue):
            return tuple(map(self.value, written.items))
        if len(written.axes) == 1:
            # one number, or a name that stands for several
            return self.value(written.axes[0])
        return tuple(map(self.number, written.axes))

    def value_of(self, tree: Expression, span: Span) -> NameValue:
        """The value of an expression whose text `span` covers."""
        try:
            return evaluate(tree, lambda name: self._lookup(name, span))
        except UndefinedFunction as problem:
            problem.hint = (
                did_you_mean(problem.name, FUNCTIONS) or problem.hint
            )
            raise problem.at(span) from None
        except ExpressionError as problem:
            raise problem.at(span) from None

    def number(self, expr: Expr) -> Fraction:
        """The value of an expression that must be a number."""
        value = self.value(expr)
        if not isinstance(value, Fraction):
            raise fault(
                "E031",
                f"a number is needed here, and `{expr.text}` is {spec_text(value)}",
                expr.span,
            )
        return value

    def _lookup(self, name: Name, span: Span) -> NameValue:
        value = self.find(name.name)
        if value is not None:
            return value
        known = self.names()
        if name.name in CONSTANTS:
            raise fault(
                "E030",
                f"`{name.name}` {_WHERE[name.name]}",
                span.part(name.start, name.end),
            )
        hint = (
            sure(name.name, known)
            or sure(name.name, ACTIVATIONS)
            or did_you_mean(name.name, known)
        )
        hint = (
            hint
            or Hint(foreign(name.name))
            or known_here(sorted(known - COUNTERS))
        )
        place = span.part(name.start, name.start + len(name.name))
        said = f"nothing here is called `{name.name}`"
        raise fault(
            "E030",
            said,
            span.part(name.start, name.end),
            replace(hint, span=place),
            about=name.name,
        )

    def names(self) -> set[str]:
        """Every name that has a value here."""
        return {
            *self.lets,
            *self.constants,
            *(self.outer.names() if self.outer else ()),
        }


_WHERE = {
    **dict.fromkeys(CONSTANTS, "is known only in a block"),
    **dict.fromkeys(
        ("x", "input", "shortcut"), "is a tensor, not a number"
    ),
    **dict.fromkeys(
        COUNTERS, "counts the places of a row, and this is read elsewhere"
    ),
    **dict.fromkeys(
        ("index", "total"),
        "counts the blocks that rows call and that join paths, and this is read elsewhere",
    ),
}
"""Why each constant has no value where it is read."""


def names_of(written: Value) -> list[str]:
    """The names that a value reads, if they are names: a word may stand for itself."""
    if isinstance(written, Word):
        return [written.text]
    if isinstance(written, Expr):
        return each_name(names_in(written.tree))
    return [*flatten(map(names_of, written.parts))]

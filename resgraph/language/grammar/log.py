"""The mistakes of a spec, gathered as it is read; and what is put in the place of what is wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec import Struct

from ...errors import MOST_TOLD, Diagnostic, Fault, Span, fault
from ..yaml.tree import KeyValue, Mapping, Scalar, Tree
from .records import Expr, Label, Poison, TensorExpr, Value

if TYPE_CHECKING:
    from .parse import Parser, UnreadItem, UnreadUnit


class Log(Struct):
    """Keeps mistakes, and guesses at nothing: that is for those that override its second half."""

    found: list[Diagnostic] = []
    # a mistake that leaves nothing to go on with is among them
    fatal: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.found) > MOST_TOLD

    def report(self, problem: Fault) -> None:
        """Keep a mistake, and go on to the next one."""
        self.found.append(problem.diagnostic)
        self.fatal = True

    def pass_over(self, problem: Fault) -> None:
        """Keep a mistake that leaves the rest of the net as it is, so that this can be checked all
        the same."""
        self.found.append(problem.diagnostic)

    def name(
        self, what: str, key: Scalar, problem: str, taken: Collection[str]
    ) -> Fault:
        """The error for a key that cannot be the name of a block, a row, a path, a value or an
        input."""
        said = f"`{key.text}` cannot name {'an' if what == 'input' else 'a'} {what}: {problem}"
        return fault("E023", said, key.span)

    # -- what stands in for what could not be read

    def item(
        self, problem: Fault | UnreadItem, tree: Tree, parser: Parser
    ) -> Label | TensorExpr | Poison:
        """An item of a path."""
        self.report(
            problem if isinstance(problem, Fault) else problem.fault()
        )
        return Poison(tree.span)

    def unit(self, problem: UnreadUnit, blocks: Collection[str]) -> None:
        """A unit, for which the default one does."""
        self.report(problem.fault())

    def policy(self, text: str, span: Span) -> bool:
        """Whether a text that is no policy was meant as one; if so that is told."""
        return False

    def let(self, name: str, value: Expr, words: Collection[str]) -> Value:
        """The value of a `let` that reads names of which none is known."""
        return value

    def keys(self, tree: Mapping) -> dict[str, KeyValue]:
        """The entries of a block of which nothing reads some paths."""
        return tree.entries

"""What the grammar raises where a text is none of its own: the place, and the rule that failed.

It says nothing of what was meant. `diagnose` makes the error that a user reads of it."""

from __future__ import annotations

from ...errors import Fault, Span, fault


class Failure(Exception):
    """A text that a rule of the grammar does not accept."""

    def __init__(self, rule: str, span: Span) -> None:
        super().__init__(rule, span)
        self.rule, self.span = rule, span

    def fault(self) -> Fault:
        """The error as the grammar alone can tell it."""
        return fault("E011", f"not a {self.rule}", self.span)

"""Where the items of a path are being made: the names in sight, the unit in force, and the calls
that led there."""

from __future__ import annotations

from ...errors import Span
from ...graph import Origin, Path
from ...language.environment import Environment
from ...language.grammar.arithmetic import Value
from ...language.grammar.records import BlockDef
from .graph_builder import Flow, Nothing
from .shortcut import ShortcutPlan
from .unit import Setting


class Place:
    """Where items are being made: names and values in sight, the unit, and the calls that led
    here."""

    def __init__(
        self, env: Environment, setting: Setting, values: dict[str, Flow | Nothing],
        origin: Origin | None, *, block: BlockDef | None = None, shortcut: bool = False,
    ) -> None:  # fmt: skip
        self.env, self.setting, self.values, self.origin = env, setting, values, origin
        self.block, self.shortcut = block, shortcut
        self.plan: ShortcutPlan | None = None
        self.changes = (
            False  # the call of the block asks for another shape than comes in
        )
        self.paths: list[Path] = []

    def with_setting(self, setting: Setting) -> Place:
        """This place, with another unit or other defaults."""
        return Place(
            self.env,
            setting,
            self.values,
            self.origin,
            block=self.block,
            shortcut=self.shortcut,
        )

    def at(self, span: Span) -> Origin:
        """The origin of something written at `span` here."""
        calls = (*self.origin.calls, self.origin.span) if self.origin else ()
        return Origin(span, calls)


def counters_of(env: Environment) -> dict[str, Value | None]:
    """The counters of the caller, which hold in the blocks within."""
    found = {
        name: env.find(name) for name in ("index", "total", "row_index", "row_total")
    }
    return {name: value for name, value in found.items() if value is not None}


def in_file(env: Environment, file: Environment) -> Environment:
    """The names of a file, with the counters of a place in it."""
    return file.with_constants(counters_of(env))

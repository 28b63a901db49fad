"""Where the items of a path are made: the names in sight, the unit in force, and the calls that led
there."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ...errors import Span
from ...graph import Origin, Path
from ...language.environment import Environment, Unknown
from ...language.grammar.arithmetic import NameValue
from ...language.grammar.records import BlockDef
from .block_call import BlockCall
from .graph_builder import Nothing, Streams, Tensor
from .shortcut import ShortcutPlan
from .unit import LabelContext


class Counters(dict[str, NameValue | None]):
    """The counters that hold in a copy of an item, and whether one was `read`: then the next copy
    may be another."""

    read = False

    def __getitem__(self, name: str) -> NameValue | None:
        self.read = True
        return super().__getitem__(name)


class Place(Struct, eq=False):
    """The body of a block in one call of it, or the rows: names and values in sight, the unit, and
    the calls that led here."""

    env: Environment
    setting: LabelContext
    values: dict[str, Tensor | Nothing]
    name: str = ""
    origin: Origin | None = None  # of the call
    block: BlockDef | None = None
    call: BlockCall | None = None
    plan: ShortcutPlan | None = None
    shortcut: bool = False  # what is made here is a part of a shortcut
    paths: list[Path] = []
    inputs: tuple[str, ...] = ()  # of the rows, where they have names
    # values that are made where they are first read, so that nodes stand in reading order
    pending: dict[str, Callable[[], Tensor | Nothing]] = {}

    def value(self, name: str) -> Tensor | Nothing | None:
        """The tensor of a name, None where there is none."""
        if name in self.pending:
            self.values[name] = self.pending.pop(name)()
        return self.values.get(name)

    def words(self) -> dict[str, str]:
        """The nodes of the tensors in sight, with what they are called: `stage2_a` of a stream."""
        found: dict[str, str] = {}
        for name, value in self.values.items():
            if isinstance(value, Streams):
                parts = value.parts.items()
                found |= {
                    part.node: f"{name}_{stream}" for stream, part in parts
                }
            elif not isinstance(value, Nothing):
                found[value.node] = name
        return found

    def below(self, name: str) -> str:
        """The full name of what is called so here."""
        return ".".join(filter(None, (self.name, name)))

    def known(self) -> set[str]:
        """The names of tensors."""
        return {*self.values, *self.pending}

    def at(self, span: Span) -> Origin:
        """The origin of something written at `span` here."""
        return Origin(span, self.origin.spans if self.origin else ())


class Slot(Struct, eq=False):
    """Where one copy of an item goes: its name and the path that it becomes a part of, which copy
    of its label it is, and the counters that hold there."""

    name: str
    place: Place
    path: Path
    copy: int
    counters: Counters

    @property
    def env(self) -> Environment:
        """The names in sight, the counters among them."""
        env = self.place.env
        return env.with_constants(self.counters) if self.counters else env


def counters_of(env: Environment) -> Counters:
    """The counters of the caller, which hold in the blocks within. Raises `Unknown` where they
    could not be counted."""
    around: Environment | None = env
    while around is not None:
        if isinstance(counters := around.constants, Counters):
            if None in counters.values():
                raise Unknown
            return counters
        around = around.outer
    return Counters()

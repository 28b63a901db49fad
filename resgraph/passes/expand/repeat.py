"""The items of a path → every copy of them, counted against the limits before and while they are
made."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Fault, fault
from ...graph import Path
from ...language.environment import Environment, Unknown
from ...language.grammar.records import PathDef, PathItem, Poison
from ...ops import VOCABULARY
from .block_call import fraction
from .graph_builder import Builder, TooLarge
from .option import whole
from .place import Counters, Place, Slot

_COPIES = 10_000
_STEPS = 30_000  # items that are made, those without a node too
_FAR = 1_000_000  # items beyond which there is no need to begin


class Repeats:
    """How often items stand in their paths, over a whole net."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.steps = 0
        self.times = 1  # how often the path that is being made is made

    def slots(
        self, path: PathDef, place: Place, scope: Path
    ) -> Iterator[tuple[Slot, PathItem | Poison]]:
        """Every copy of every item with its slot, which has counters in rows alone: within a block
        its caller's hold. What a mistake keeps from being counted is made once, and its row has no
        counters.

        Raises `TooLarge` beyond the limits; repeats within repeats are multiplied, not made.
        """
        counted = [self.count(item, place.env) for item in path.items]
        counts = [1 if count is None else count for count in counted]
        number = int(path.equation is not None)
        total = number + sum(counts)
        times, within = self.times, Counters()
        self._refuse_far(times * sum(counts), path, place)
        for item, count in zip(path.items, counts, strict=True):
            self.times = times * count
            if not count:
                self.builder.unmade.update(VOCABULARY)
            for copy in range(count):
                self._step(item, place)
                counters = within
                if place.block is None:
                    known = None not in counted
                    at, of = (number, total) if known else (None, None)
                    counters = Counters(
                        row_index=fraction(at), row_total=fraction(of)
                    )
                name = (
                    f"{scope.name}.{number}" if scope.listed else scope.name
                )
                yield Slot(name, place, scope, copy, counters), item
                number += 1
        self.times = times

    def _refuse_far(self, size: int, path: PathDef, place: Place) -> None:
        if size > _FAR:
            said = f"a net of {size:,} layers and blocks, and the limit is {_STEPS:,}"
            raise TooLarge(
                fault("E004", said, path.span), place.at(path.span)
            )

    @property
    def free(self) -> int:
        """How many items may still be made."""
        return _STEPS - self.steps

    def _step(self, item: PathItem | Poison, place: Place) -> None:
        self.steps += 1
        if self.steps > _STEPS:
            large = fault(
                "E004",
                f"a net of more than {_STEPS:,} layers and blocks",
                item.span,
            )
            raise TooLarge(large, place.at(item.span))

    def count(
        self, item: PathItem | Poison, env: Environment
    ) -> int | None:
        """How often an item stands in its path; None where a mistake hides it, which is told."""
        if item.repeat is None:
            return 1
        try:
            count = whole(
                env.number(item.repeat), "repeat", item.repeat, env
            )
        except Unknown:
            return None
        except Fault as problem:
            self.builder.report(problem)
            return None
        if not 0 <= count <= _COPIES:
            message = (
                f"a repeat must be 0 to {_COPIES:,}, and this is {count:,}"
            )
            self.builder.report(fault("E004", message, item.repeat.span))
            return None
        return count

"""Nodes one by one → what a Graph is made of: each is shaped and costed as it is made, or its
mistake is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from ...errors import MOST_TOLD, Diagnostic, Fault, Related, Span, fault
from ...graph import Node, Origin, Stream
from ...ops import Op, Shape, ShapeError
from ...ops.extension import answers
from ...structs import Frozen
from .meant import likely_shape
from .unit import OptionSource

# nodes in one net: 10,000 layers of conv, bn and relu, and their sums
LAYERS = 32_000
# half a terabyte in float32; the largest residual nets have some 10^10
PARAMS = 2**37
# mistakes in what a block says, whatever comes in
_OF_NAMES = frozenset(["E011", "E012", "E030"])


class Tensor:
    """A tensor on its way: the node that made it, its shape and depth; or one that is spoilt."""

    __slots__ = ()
    node: str
    shape: Shape | None
    depth: int

    @property
    def tensors(self) -> list[Tensor]:
        """Those that it is, side by side."""
        return [self]

    @property
    def streams(self) -> tuple[Stream, ...]:
        """As a scope has them; none of one tensor."""
        return ()

    @property
    def width(self) -> int | None:
        """Its channels, None where an earlier mistake hides them."""
        return self.shape[0] if self.shape else None

    @property
    def axes(self) -> int:
        """The axes of the map that it is, 0 where that is none or not known."""
        return len(self.shape) - 1 if self.shape else 0

    def widths(self) -> tuple[int | None, ...]:
        """The width of each stream."""
        return ()

    def whole(self) -> Tensor:
        """All of it, which something reads."""
        return self


class Flow(Tensor, Struct):
    """A tensor that a node makes."""

    node: str
    shape: Shape
    depth: int


class Poisoned(Tensor, Frozen):
    """A tensor that a mistake, which was told, spoils: no node is made of it, and what reads it is
    spoilt too.

    Its shape, where the mistake leaves that known, is still checked against what reads it; where it
    does not, nothing is said of those."""

    shape: Shape | None = None
    node: ClassVar[str] = ""  # type: ignore[misc]  # there is none
    depth: ClassVar[int] = 0  # type: ignore[misc]


class Streams(Tensor, Frozen, eq=False):
    """Several tensors side by side, which blocks alone read and hand back; `read` are those that
    something reads. By itself it is the first of them."""

    parts: dict[str, Tensor]
    read: set[str] = field(default_factory=set)

    @property
    def first(self) -> Tensor:
        return next(iter(self.parts.values()))

    @property
    def node(self) -> str:  # type: ignore[override]
        return self.first.node

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        return self.first.shape

    @property
    def depth(self) -> int:  # type: ignore[override]
        return self.first.depth

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.parts.values()]

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(
            Stream(name, part.node) for name, part in self.parts.items()
        )

    def widths(self) -> tuple[int | None, ...]:
        return tuple(part.width for part in self.parts.values())

    def whole(self) -> Streams:
        self.read.update(self.parts)
        return Streams(self.parts)


class Nothing(Frozen):
    """The value of a shortcut that is `none`."""

    node: ClassVar[str] = ""
    streams: ClassVar[tuple[Stream, ...]] = ()

    def whole(self) -> Nothing:
        """As of a tensor."""
        return self


class Draft(Struct):
    """A node that is to be made; whether it is a part of a shortcut, and what the options of its op
    were worked out from."""

    name: str
    op: Op
    origin: Origin
    shortcut: bool = False
    source: OptionSource | None = None
    shares: str = ""  # the node whose module it is


Explain = Callable[[ShapeError], Fault]


class Silence(Struct):
    """A stretch in which what is made is a guess: mistakes that may come of the guess are not kept.

    `broken`: there were such.
    """

    broken: bool = False


class Builder(Struct):
    """The nodes made so far, and the mistakes found."""

    nodes: dict[str, Node] = {}
    sources: dict[str, OptionSource] = {}
    errors: list[Diagnostic] = []
    params: int = 0
    unmade: set[str] = set()
    silence: Silence | None = None
    _places: set[tuple[str, Span]] = set()

    def report(self, problem: Fault, origin: Origin | None = None) -> None:
        """Keep a mistake, once for each place: blocks that repeat make the same one again."""
        if (
            self.silence is not None
            and problem.diagnostic.code not in _OF_NAMES
        ):
            self.silence.broken = True
            return
        spans = origin.calls[::-1] if origin else ()
        found = _in_the_spec(problem.diagnostic, spans)
        if (found.code, found.span) in self._places:
            return
        self._places.add((found.code, found.span))
        told = [found.span, *(related.span for related in found.related)]
        calls = [
            Related(span, "called here")
            for span in spans
            if span not in told
        ]
        self.errors.append(replace(found, related=(*found.related, *calls)))
        if len(self.errors) > MOST_TOLD:
            raise TooLarge(problem, origin)

    @contextmanager
    def silent(self) -> Iterator[Silence]:
        """Make what is only guessed: its mistakes are not told."""
        before, self.silence = self.silence, Silence()
        try:
            yield self.silence
        finally:
            self.silence = before

    def node(
        self,
        draft: Draft,
        inputs: Sequence[Tensor],
        explain: Explain | None = None,
    ) -> Tensor:
        """Make a node.

        `explain` says what an op cannot take in better words than the op has, who knows only
        shapes."""
        origin = draft.origin
        shapes = tuple(t.shape for t in inputs if t.shape is not None)
        if len(shapes) < len(inputs):
            return Poisoned()
        op = draft.op
        try:
            op, shape, cost = answers(op, shapes)
        except ShapeError as problem:
            said = fault(
                problem.code, problem.said, origin.span, problem.hint
            )
            self.report(explain(problem) if explain else said, origin)
            return Poisoned(likely_shape(op, *shapes))
        if draft.shares:
            cost = replace(cost, params=0)
        self.params += cost.params
        self._limit(origin)
        read = tuple([tensor.node for tensor in inputs])
        if "" in read:
            return Poisoned(shape)
        name, depth = draft.name, _depth(draft, op, inputs)
        self.nodes[name] = Node(
            name, op, read, shape, cost, depth, origin, draft.shares
        )
        if draft.source is not None:
            self.sources[name] = draft.source
        return Flow(name, shape, depth)

    def _limit(self, origin: Origin) -> None:
        said = ""
        if len(self.nodes) >= LAYERS:
            said = f"a net of more than {LAYERS:,} nodes"
        elif self.params > PARAMS:
            said = "a net of more than 2^37 parameters: in float32, half a terabyte"
        if said:
            raise TooLarge(fault("E004", said, origin.span), origin)


def _depth(draft: Draft, op: Op, inputs: Sequence[Tensor]) -> int:
    """Convolutions and fc count, those of a shortcut do not."""
    above = depth_above(op, [tensor.depth for tensor in inputs])
    return above + (op.weighted and not draft.shortcut)


def depth_above(op: Op, depths: Sequence[int]) -> int:
    """How many convolutions and fc are before an op that reads what is so deep."""
    return max(depths[:1] if op.gates or op.sized_by else depths, default=0)


def _in_the_spec(found: Diagnostic, calls: Iterable[Span]) -> Diagnostic:
    """A mistake that shows in a standard block was made where a spec calls it: that place comes
    first; `calls` are the innermost first."""
    shown = found.span
    outer = (call for call in calls if not call.source.ours)
    outside = next(outer, None)
    if shown is None or not shown.source.ours or outside is None:
        return found
    related = (Related(shown, found.label), *found.related)
    return replace(
        found, span=outside, label="called here", related=related
    )


class TooLarge(Exception):
    """A net beyond the limits, of size or of mistakes; nothing more of it is built."""

    def __init__(self, problem: Fault, origin: Origin | None) -> None:
        super().__init__(str(problem))
        self.problem, self.origin = problem, origin

"""What a net is cut into: layers, and blocks of paths that an equation joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeGuard

from msgspec import Struct

from ...collecting import flatten
from ...ops import Add, Mul, Op, Shape
from ...ops.base import Family
from ..captured import CapturedOp
from ..numbers.factors import number_of

StepTree = str | tuple[CapturedOp, tuple["StepTree", ...]]
"""The name of a value, or a step over what it joins."""


class Mark(Op):
    """What stands between the items of a net, and makes nothing of what flows through it."""

    family: ClassVar[Family] = "shape"
    in_label = False

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]


class Branch(Struct):
    """A path of a block: what it starts with (None: the block's input), then its items in order;
    `value` is what comes out."""

    value: str
    start: StepTree | None
    items: list[RegionItem]

    @property
    def steps(self) -> Iterator[CapturedOp]:
        yield from steps_of(self.start)
        for item in self.items:
            yield from item.steps

    @property
    def first(self) -> CapturedOp:
        """The step behind all that it reads."""
        return (
            self.start[0]
            if isinstance(self.start, tuple)
            else next(self.steps)
        )

    @property
    def weighted(self) -> int:
        """How many layers with weights it has."""
        return sum(step.op.weighted for step in self.steps)


class Region(Struct):
    """Between two cuts: paths from one value, and the equation that joins them to one.

    A run of layers without a sum is a block too, where it is what others sum (`summed` is off)."""

    entry: str
    exit: str
    branches: list[Branch]
    merge: StepTree
    known: Mapping[str, CapturedOp]
    summed: bool = True
    # of what a step and a label have: nothing
    op: ClassVar[None] = None
    vanishes: ClassVar[bool] = False
    tensors: ClassVar[Mapping[str, str]] = {}

    @property
    def items(self) -> Sequence[RegionItem]:
        """Itself: where it stands there may be a label of many as well."""
        return (self,)

    @property
    def into(self) -> Shape:
        return self.known[self.entry].shape

    @property
    def out(self) -> Shape:
        return self.known[self.exit].shape

    @property
    def steps(self) -> Iterator[CapturedOp]:
        for branch in self.branches:
            yield from branch.steps
        yield from steps_of(self.merge)

    @property
    def within(self) -> list[RegionItem]:
        """The items of its paths."""
        return [*flatten(branch.items for branch in self.branches)]

    @property
    def starts(self) -> list[StepTree]:
        """What its paths start with."""
        return [branch.start or self.entry for branch in self.branches]

    @property
    def reads_entry(self) -> bool:
        """Whether the equation reads what comes in."""
        return self.entry in leaves_of(self.merge)

    @property
    def gates(self) -> bool:
        """Whether it scales what comes in."""
        op, terms = head(self.merge)
        return isinstance(op, Mul) and self.entry in terms

    def shortcut(self) -> str | None:
        """The term of the sum that does least: the block's input, or a path of at most one layer
        with weights beside others of more, or of less than half as many as the longest. Where its
        last paths are alike, those count that they start from."""
        op, terms = head(self.merge)
        if not isinstance(op, Add):
            return None
        if self.entry in terms:
            return self.entry
        own = {each.value: each.weighted for each in self.branches}
        return _least(terms, own) or _least(terms, self._weights())

    def _weights(self) -> dict[str, int]:
        """How many layers with weights are on the way to each value."""
        found: dict[str, int] = {}
        for each in self.branches:
            begun = sum(
                found.get(leaf, 0) for leaf in leaves_of(each.start)
            )
            found[each.value] = each.weighted + begun
        return found


def _least(
    terms: Sequence[StepTree], weights: Mapping[str, int]
) -> str | None:
    """The term of which it is clear that it does least."""
    counts = [
        max(weights.get(leaf, 0) for leaf in leaves_of(t)) for t in terms
    ]
    least, (fewest, most) = (
        terms[counts.index(min(counts))],
        (min(counts), max(counts)),
    )
    clear = fewest < most if fewest <= 1 else 2 * fewest < most
    return least if clear and isinstance(least, str) else None


RegionItem = CapturedOp | Region


def steps_of(expression: StepTree | None) -> Iterator[CapturedOp]:
    """The steps of an equation, terms first."""
    if isinstance(expression, tuple):
        step, terms = expression
        yield from flatten(map(steps_of, terms))
        yield step


def leaves_of(expression: StepTree | None) -> Iterator[str]:
    """The values that an equation reads; none where there is none."""
    if isinstance(expression, str):
        yield expression
    elif expression:
        yield from flatten(map(leaves_of, expression[1]))


def times_read(trees: Iterable[StepTree | None]) -> Counter[str]:
    """How often equations read each value."""
    return Counter(flatten(map(leaves_of, trees)))


def head(merge: StepTree) -> tuple[Op | None, tuple[StepTree, ...]]:
    """The op that joins and its terms, behind what has one term, as an activation."""
    while isinstance(merge, tuple):
        step, terms = merge
        if len(terms) != 1:
            return step.op, terms
        (merge,) = terms
    return None, ()


def is_activation(item: RegionItem) -> TypeGuard[CapturedOp]:
    """Whether it is an activation that an equation can name."""
    own = isinstance(item, CapturedOp) and item.op.role == "activation"
    return own and type(item.op).in_equation()  # type: ignore[union-attr]


def is_called(item: RegionItem) -> TypeGuard[CapturedOp]:
    """Whether an equation can call it within another: by one word."""
    return is_activation(item) and item.op.label().isidentifier()


def product_of(item: RegionItem) -> CapturedOp | None:
    """The product with a number that a block is, where it is nothing else."""
    if (
        not isinstance(item, Region)
        or item.branches
        or isinstance(item.merge, str)
    ):
        return None
    step, terms = item.merge
    alone = terms == (item.entry,) and number_of(step.op) is not None
    return step if alone else None


def sums(merge: StepTree) -> bool:
    return isinstance(merge, tuple) and isinstance(merge[0].op, Add)

"""The parsed forms of a spec: what the labels, equations, paths and blocks of a file become, each
with its place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from msgspec import field
from msgspec.structs import FieldInfo

from ...collecting import each_name, each_text
from ...errors import Span
from ...structs import Frozen
from .expression import Expression, tensors_in


class Expr(Frozen, eq=False):
    """An expression over numbers as it was written."""

    text: str
    span: Span
    tree: Expression
    parts: ClassVar[tuple[Value, ...]] = ()


class Sizes(Frozen, eq=False):
    """A kernel, stride, dilation or padding: a number for each axis. One alone is a kernel along
    one axis, and else for every axis."""

    axes: tuple[Expr, ...]
    span: Span

    @property
    def parts(self) -> tuple[Value, ...]:
        """The values that it is made of."""
        return self.axes


class Word(Frozen, eq=False):
    """A word as a value: `none`, `reflect`, `relu`, the name of a block."""

    text: str
    span: Span
    parts: ClassVar[tuple[Value, ...]] = ()


class MapName(Word, eq=False):
    """The name of a tensor in sight, whose size is meant: `c4` of `upsample to c4`."""


class ListValue(Frozen, eq=False):
    """A list as the value of a `let`: `[3, 4, 6, 3]`."""

    items: tuple[Value, ...]
    span: Span

    @property
    def parts(self) -> tuple[Value, ...]:
        """The values that it is made of."""
        return self.items


class EdgeList(ListValue, eq=False):
    """The cells around a map as a label has them, `2x0:1`: along each axis one number, or two as a
    list. One entry alone is of every axis."""


Value = Expr | Sizes | Word | ListValue
"""The value of an option or a `let`."""


class Chunk(Frozen, eq=False):
    """A stretch of a label without a space outside brackets."""

    text: str
    span: Span


class Label(Frozen, eq=False):
    """A label before its word is known to be an op or a block: `[repeat x] [kernel] word
    rest...`."""

    text: str
    span: Span
    word: str
    word_span: Span
    repeat: Expr | None = None
    kernel: Sizes | None = None
    rest: tuple[Chunk, ...] = ()
    # of the long form, which has no chunks
    options: dict[str, Option] = field(default_factory=dict)
    # the word stands for what a `let` says, which a variant may say otherwise
    chosen: bool = False

    def sizes(self) -> Iterator[str]:
        """What stands behind a `to`: `c4` of `upsample to c4`."""
        texts = each_text(self.rest)
        yield from (name for word, name in pairwise(texts) if word == "to")
        to = self.options.get("to")
        if to and isinstance(to.value, Expr):
            yield to.value.text


class Option(Frozen, eq=False):
    """A key of a label or a mapping, and its value."""

    key: str
    span: Span
    value: Value | PathDef


class Bound(Frozen, eq=False):
    """A label whose word is known: its number, its options by field name, and its mode (`linear`,
    `bare`, `gelu`)."""

    label: Label
    number: Value | None
    options: dict[str, Option]
    mode: Word | None


class TensorExpr(Frozen, eq=False):
    """An expression over tensors as it was written."""

    text: str
    span: Span
    tree: Expression

    def reads(self) -> list[str]:
        """The names in the equation, paths and numbers alike."""
        return each_name(tensors_in(self.tree))


class Inline(Frozen, eq=False):
    """A block that is written where it is called."""

    block: BlockDef
    span: Span
    repeat: Expr | None = None
    out: Expr | None = None
    stride: Sizes | None = None
    # of what a label has: nothing
    text: ClassVar[str] = ""
    rest: ClassVar[tuple[Chunk, ...]] = ()

    @property
    def word_span(self) -> Span:
        """What calls it: the whole."""
        return self.span


class Again(Frozen, eq=False):
    """`again conv1..conv3`: what was written above once more, with its weights. `last` is `first`
    where it is no run."""

    text: str
    span: Span
    first: str
    last: str
    target: Span
    repeat: Expr | None = None


class Poison(Frozen, eq=False):
    """What could not be read, and was told of: what is made of it is unknown, and says nothing.

    `guess` is what was meant, where that is likely: good for the shape that comes out."""

    span: Span
    guess: Label | None = None

    @property
    def repeat(self) -> Expr | None:
        return self.guess.repeat if self.guess else None


ItemDef = Label | Inline
"""A layer or a call of a block."""
PathItem = ItemDef | Again


class PathDef(Frozen, eq=False):
    """A path: an optional equation, then items. `listed` where it is a list or has a count."""

    span: Span
    equation: TensorExpr | None
    items: tuple[PathItem | Poison, ...]
    listed: bool

    @property
    def broken(self) -> bool:
        """Whether it is not known what comes out of it."""
        return len([*self.known()]) < len(self.items)

    def reads(self) -> Iterator[str]:
        """The names in its equation, in those of the blocks that are written in it, and those whose
        size a layer takes on."""
        if self.equation:
            yield from self.equation.reads()
        for item in self.known():
            if isinstance(item, Label):
                yield from item.sizes()
            elif isinstance(item, Inline):
                for path in item.block.every_path():
                    yield from path.reads()

    def known(self) -> Iterator[PathItem]:
        """The items as they are written, or were likely meant."""
        items = (
            item.guess if isinstance(item, Poison) else item
            for item in self.items
        )
        return filter(None, items)


class UnitDef(Frozen, eq=False):
    """What "conv" means: one label per word, `conv` among them."""

    labels: tuple[Label, ...]
    span: Span


ShortcutDef = Word | PathDef
"""A policy (`projection`, `zero-pad`, …) or a path written out."""


class BlockDef(Frozen, eq=False):
    """A block: paths and an equation."""

    name: str
    span: Span
    about: str
    lets: dict[str, Value]
    unit: UnitDef | None
    shortcut: ShortcutDef | None
    # `merge` apart; one path named "" for a block that is a bare list
    paths: dict[str, PathDef]
    merge: PathDef | None
    # every word in the definition: what of `out`, `stride`, … it uses
    reads: frozenset[str]
    library: bool = False
    # the names of the streams that flow in and of those that it hands back, where several do
    takes: tuple[Word, ...] = ()
    gives: tuple[Word, ...] = ()
    # as of an op: the option that a bare number is, and what only ops have
    number: ClassVar[str | None] = "out"
    word: ClassVar[str] = ""
    family: ClassVar[str] = ""

    def fields(self) -> dict[str, FieldInfo]:
        """As of an op, of which each has a type."""
        return {}

    @property
    def counted(self) -> bool:
        """Whether `index` and `total` count it: it joins paths."""
        return self.merge is not None or bool(self.gives)

    def uses(self, constant: str) -> bool:
        """Whether `out` or `stride` of a call reaches anything; a shortcut uses both by itself."""
        return constant in self.reads or "shortcut" in self.reads

    def every_path(self) -> Iterator[PathDef]:
        """The paths, a written-out shortcut and the merge."""
        yield from self.paths.values()
        if isinstance(self.shortcut, PathDef):
            yield self.shortcut
        if self.merge:
            yield self.merge

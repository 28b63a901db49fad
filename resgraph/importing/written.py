"""A block as a file has it, what calls it, and the element of a path that either is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import ClassVar

from msgspec import Struct, field

from ..collecting import each_name, flatten
from ..ops import Shape
from ..ops.base import value_text
from .captured import CapturedOp
from .cells import Cell
from .numbers.formulas import CallSizes
from .regions.structure import Region


class WrittenPath(Struct):
    """A path as it is written; `held` are the paths that its equation alone reads."""

    name: str
    parts: list[str]
    held: list[WrittenPath] = []

    @property
    def entries(self) -> list[str]:
        """With its key, what it holds apart."""
        if not self.held:
            return [f"{self.name}: {self}"]
        first, *rest = (f"{path.name}: {path}" for path in self.held)
        return [f"{self.name}: {{{first}", *rest, f"merge: {self}}}"]

    def __str__(self) -> str:
        return listed(self.parts)


def listed(parts: Sequence[str]) -> str:
    """A path on one line."""
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


_INDENT = 8
"""What a line costs beside its text."""


class WrittenBlock(Struct, eq=False):
    """A block: its name, its `let`s with their defaults, its paths and its equation.

    `shortcut` is what the key says, nothing the file's, and `keeps` whether a path starts from it;
    `ours` is off where it is the library's."""

    name: str
    uses: list[Use] = []
    lets: dict[str, str] = {}
    paths: list[WrittenPath] = []
    shortcut: list[str] = []
    keeps: bool = False
    merge: str = ""
    reads: list[str] = []
    gives: list[str] = []
    ours: bool = True
    takes_out: bool | None = None
    # of its paths' labels
    words: Counter[str] = field(default_factory=Counter)
    inner: list[WrittenBlock] = []  # that these call

    @property
    def blocks(self) -> list[Region]:
        return [use.block for use in self.uses]

    @property
    def sized(self) -> bool:
        """Whether a call has to say its width."""
        if self.takes_out is not None:
            return self.takes_out
        return self._reads("out")

    @property
    def strided(self) -> bool:
        """Whether a call can say its stride: a block that strides by its own numbers has none."""
        return self.takes_out is not None or self._reads("stride")

    @property
    def texts(self) -> list[str]:
        """Of its paths."""
        return [*flatten(path.entries for path in self.paths)]

    def _reads(self, constant: str) -> bool:
        """Whether its text has a constant of its calls, as a shortcut has."""
        texts = (*map(str, self.paths), self.merge, *self.lets.values())
        own = any(
            re.search(rf"\b({constant}|shortcut)\b", text) for text in texts
        )
        return own or bool(self.shortcut)

    @property
    def flat(self) -> Counter[str]:
        """The words of its paths, and of those of the blocks in it, as if it held no blocks."""
        found = Counter(self.words)
        for each in self.inner:
            found[each.name] -= 1
            found += each.flat
        return +found

    @property
    def flow(self) -> list[list[str]]:
        """A block of several streams as the entries between its brackets: paths, and then each that
        is a block."""
        first = next(
            (n for n, p in enumerate(self.paths) if p.held), len(self.paths)
        )
        begun = [f"let: {{{self._lets}}}"] if self.lets else []
        reads = [f"reads: [{', '.join(self.reads)}]"] if self.reads else []
        plain = [*flatten(path.entries for path in self.paths[:first])]
        gives = f"gives: [{', '.join(self.gives)}]"
        return [
            [*begun, *reads, *plain, gives],
            *(p.entries for p in self.paths[first:]),
        ]

    @property
    def bare(self) -> list[str]:
        """What it is, where that is one path and nothing else; a list in its file."""
        only = len(self.paths) == 1 and not (
            self.lets or self.shortcut or self.merge
        )
        return self.paths[0].parts if only else []

    @property
    def length(self) -> int:
        """Of its text, and of its calls in rows."""
        return self._length([label for label, _ in groupby(self._labels())])

    @property
    def length_within(self) -> int:
        """The same in blocks, where each of its calls may stand for many."""
        return self._length({*self._labels()})

    def _labels(self) -> Iterator[str]:
        return (use.label() for use in self.uses)

    def _length(self, calls: Iterable[str]) -> int:
        texts = [
            key + text for key, parts in self.entries() for text in parts
        ]
        lines = 1 if self.bare else 1 + len(self.entries())
        return (
            lines * _INDENT
            + len(self.name)
            + sum(map(len, (*texts, *calls)))
        )

    @property
    def _lets(self) -> str:
        pairs = self.lets.items()
        return ", ".join(f"{key}: {_let_text(v)}" for key, v in pairs)

    def entries(self) -> list[tuple[str, list[str]]]:
        """As the file has it: keys, and what stands there."""
        found = [("let", [f"{{{self._lets}}}"])] if self.lets else []
        paths, merge = self.paths, [self.merge] if self.merge else []
        # it is handed back as it is
        if merge == each_name(paths[-1:]):
            paths, merge = paths[:-1], paths[-1].parts
        found += [(path.name, path.parts) for path in paths]
        found += [("shortcut", self.shortcut)] if self.shortcut else []
        return found + ([("merge", merge)] if merge else [])


def _let_text(value: str) -> str:
    """A value of a `let`; `2:0` would be a number in base 60 to some."""
    return f'"{value}"' if ":" in value else value


class Use(Struct, eq=False):
    """One call of a definition: its constants, what it sets, and the `let`s of which it reads
    nothing, as it lacks the labels that do."""

    definition: WrittenBlock
    block: Region
    sizes: CallSizes
    values: dict[str, str] = {}
    unread: set[str] = set()
    # of what a label has: nothing
    op: ClassVar[None] = None
    vanishes: ClassVar[bool] = False
    activation: ClassVar[str] = ""

    @property
    def word(self) -> str:
        """What is called."""
        return self.definition.name

    @property
    def alike(self) -> tuple[object, ...]:
        """What elements share that one label can say; of blocks with the same options its name is
        a `let`."""
        return self.definition.sized, *self.definition.lets

    @property
    def plain(self) -> tuple[object, ...]:
        """The same."""
        return self.alike

    @property
    def steps(self) -> Iterator[CapturedOp]:
        """All that it stands for."""
        return self.block.steps

    @property
    def exit(self) -> str:
        """The value that comes out."""
        return self.block.exit

    @property
    def out(self) -> Shape:
        """Of that value."""
        return self.block.out

    @property
    def gates(self) -> bool:
        """Whether it scales what comes in."""
        return self.block.gates

    @property
    def sized(self) -> bool:
        """Whether it says its width, which may be its input's where a norm of that is kept."""
        keeps = self.definition.keeps and self.sizes.into == self.sizes.out
        return self.definition.sized and not keeps

    def value(self, key: str) -> str:
        """What a `let` of its definition is in it."""
        return self.values.get(key, self.definition.lets[key])

    def label(
        self,
        *,
        still: bool = False,
        width: str | None = None,
        whole: bool = False,
    ) -> str:
        """As a row has it, `bottleneck 512 /2`; `still` as behind that, without its stride, and
        with another text for its `width`, which "" leaves out; `whole` with what it need not
        set."""
        sized = self.sized and not (still and self.definition.keeps)
        out = str(self.sizes.out) if sized else ""
        stride = (
            self.stride if self.definition.strided and not still else ""
        )
        width = out if width is None else width
        values = (
            self.definition.lets | self.values if whole else self.values
        )
        return call_text(self.definition.name, width, stride, values)

    @property
    def stride(self) -> str:
        """As a call says it; "" where it says none."""
        strides = self.sizes.stride
        return f"/{value_text(strides)}" if max(strides) > 1 else ""


def call_text(
    name: str, width: str, stride: str, values: Mapping[str, str]
) -> str:
    """A call of a block, with what it sets."""
    said = (f"{key} {value}" for key, value in values.items())
    return " ".join([*filter(None, (name, width, stride)), *said])


def blocks_of(definitions: Iterable[WrittenBlock]) -> list[Region]:
    """All that some definitions are of."""
    return [*flatten(each.blocks for each in definitions)]


Element = Cell | Use
Repeated = tuple[Element, int]
"""What stands in a path so many times, one after another."""

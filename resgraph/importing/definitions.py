"""Blocks of one kind → one definition, and for each its call: widths become formulas, what fits
none becomes a `let` that calls set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from ..ops import ChannelConv, Part, Upsample
from ..ops.base import value_text
from .captured import ImportRefused
from .cells import Cell, Unit, cells
from .formulas import CallSizes, formula
from .kinds import (
    activation_of,
    mains,
    runs,
    sizes_of,
    skip_branch,
    skip_of,
    terms_of,
)
from .regions.sharing import SharedPath
from .regions.structure import Branch, Region, RegionItem, StepTree
from .texts import equation, folded, label_of, said, side


@dataclass(slots=True)
class WrittenPath:
    """A path as it is written."""

    name: str
    parts: list[str]

    def __str__(self) -> str:
        return self.parts[0] if len(self.parts) == 1 else f"[{', '.join(self.parts)}]"


@dataclass(slots=True, eq=False)
class WrittenBlock:
    """A block: its name, its `let`s with their defaults, its paths and its equation.

    `shortcut` is what the key says, nothing the file's; `ours` is off where it is the library's."""

    name: str
    uses: list[Use] = field(default_factory=list)
    lets: dict[str, str] = field(default_factory=dict)
    paths: list[WrittenPath] = field(default_factory=list)
    shortcut: list[str] = field(default_factory=list)
    merge: str = ""
    ours: bool = True
    takes_out: bool | None = None
    words: Counter[str] = field(default_factory=Counter)  # of its paths' labels

    @property
    def sized(self) -> bool:
        """Whether a call has to say its width."""
        if self.takes_out is not None:
            return self.takes_out
        texts = (*map(str, self.paths), self.merge)
        own = any(re.search(r"\b(out|shortcut)\b", text) for text in texts)
        return own or bool(self.shortcut)

    def entries(self) -> list[tuple[str, list[str]]]:
        """As the file has it: keys, and what stands there."""
        lets = ", ".join(f"{key}: {_let_text(v)}" for key, v in self.lets.items())
        found = [("let", [f"{{{lets}}}"])] if lets else []
        found += [(path.name, path.parts) for path in self.paths]
        found += [("shortcut", self.shortcut)] if self.shortcut else []
        return found + ([("merge", [self.merge])] if self.merge else [])


def _let_text(value: str) -> str:
    """A value of a `let`; `2:0` would be a number in base 60 to some."""
    return f'"{value}"' if ":" in value else value


@dataclass(slots=True, eq=False)
class Use:
    """One call of a definition: its constants, and what it sets."""

    definition: WrittenBlock
    block: Region
    sizes: CallSizes
    values: dict[str, str] = field(default_factory=dict)

    def label(self, *, still: bool = False) -> str:
        """As a row has it, `bottleneck 512 /2`; `still` without its stride."""
        words = [self.definition.name]
        if self.definition.sized:
            words.append(str(self.sizes.out))
        if not still and max(self.sizes.stride) > 1:
            words.append(f"/{value_text(self.sizes.stride)}")
        words += [f"{key} {value}" for key, value in self.values.items()]
        return " ".join(words)


Element = Cell | Use
Repeated = tuple[Element, int]
"""What stands in a path so many times, one after another."""


def word_of(element: Element) -> str:
    """What is called: an op or a block."""
    if isinstance(element, Use):
        return element.definition.name
    return "act" if element.op.role == "activation" else element.op.op


class Elements:
    """The uses of blocks that have a definition, by which paths are written."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.uses: dict[int, Use] = {}

    def of(self, items: Sequence[RegionItem]) -> list[Element]:
        return [
            self.uses[id(each)] if isinstance(each, Region) else each
            for each in cells(items, self.unit)
        ]

    def runs(self, items: Sequence[RegionItem]) -> list[Repeated]:
        """The same of a path, equal blocks as one."""
        return [
            (self.uses[id(first)] if isinstance(first, Region) else first, count)
            for first, count in runs(cells(items, self.unit))
        ]


def define(name: str, blocks: Sequence[Region], elements: Elements) -> WrittenBlock:
    """The definition of blocks of one kind, whose uses are entered. Raises `ImportRefused`."""
    definition = WrittenBlock(name)
    for block in blocks:
        use = Use(definition, block, sizes_of(block))
        definition.uses.append(use)
        elements.uses[id(block)] = use
    _Writer(definition, elements).write()
    return definition


class _Writer:
    """One definition from the blocks that are of its kind."""

    def __init__(self, definition: WrittenBlock, elements: Elements) -> None:
        self.definition, self.elements = definition, elements
        self.blocks = [use.block for use in definition.uses]
        self.sizes = [use.sizes for use in definition.uses]
        self.branches = [mains(block) for block in self.blocks]
        self.names = _names(self.branches[0], self.blocks[0])
        skips = [skip_of(block) for block in self.blocks]
        only_x = all(s == b.entry for s, b in zip(skips, self.blocks, strict=True))
        self.skip = "x" if only_x else "shortcut"

    def write(self) -> None:
        definition = self.definition
        acts = [activation_of(block, self.elements.unit) for block in self.blocks]
        self.act = self._let("act", acts) if len(set(acts)) > 1 else ""
        for place, name in enumerate(self.names):
            column = [branches[place] for branches in self.branches]
            start = self._equation([branch.start for branch in column], self.blocks)
            labels = self._labels(column, self.sizes)
            longest = max((self.elements.of(b.items) for b in column), key=len)
            definition.words.update(word_of(each) for each in longest)
            definition.paths.append(
                WrittenPath(name, [*filter(None, [start]), *labels])
            )
        summed = [block for block in self.blocks if block.summed]
        if summed:
            definition.merge = self._equation([b.merge for b in summed], summed)
        definition.shortcut = self._shortcut()
        if definition.merge == "body" and self.names == ["body"]:
            definition.merge = ""

    def _shortcut(self) -> list[str]:
        """What `shortcut:` says."""
        if not all(block.summed for block in self.blocks):
            return ["none"] if any(block.summed for block in self.blocks) else []
        every = [(b, skip_branch(b)) for b in self.blocks]
        made = [(b, branch) for b, branch in every if branch is not None]
        if not made:
            return []
        blocks, branches = zip(*made, strict=True)
        start = self._equation([branch.start for branch in branches], blocks)
        self.act = ""  # a shortcut's is its own
        labels = self._labels(branches, [sizes_of(block) for block in blocks])
        found = [*filter(None, [start]), *labels]
        return _POLICIES.get(str(WrittenPath("", found)), found)

    def _labels(
        self, branches: Sequence[Branch], sizes: Sequence[CallSizes]
    ) -> list[str]:
        rows = [self.elements.runs(branch.items) for branch in branches]
        columns = _aligned(rows, one=bool(self.act))
        return list(folded(self._repeated(column, sizes) for column in columns))

    def _repeated(
        self, column: Sequence[Repeated | None], sizes: Sequence[CallSizes]
    ) -> str:
        """A label, and how many times it stands there where that is not once."""
        label = self._label([run and run[0] for run in column], sizes)
        counts = [run[1] if run else 1 for run in column]
        return label if {*counts} == {1} else f"{self._let('depth', counts)} x {label}"

    def _label(
        self, column: Sequence[Element | None], sizes: Sequence[CallSizes]
    ) -> str:
        uses = [each for each in column if isinstance(each, Use)]
        if uses:
            return self._call(uses, sizes)
        cell = next(each for each in column if isinstance(each, Cell))
        if isinstance(cell.op, SharedPath):
            first = self.blocks[0]
            path = first.branches[int(cell.op.path)]
            return f"again {self._name(path.value, first)}"
        if isinstance(cell.op, Part):
            options = self._cut(column)
        else:
            options = _sized(column) if isinstance(cell.op, Upsample) else column

        def value(key: str) -> str | None:
            values = [_option(each, key, cell) for each in options]
            if key == "pad" and len(set(values)) > 1:
                values = [_padding(each, cell) for each in column]
            return self._value(cell, key, values, sizes)

        return label_of(cell, value, self.act if cell.activation else "")

    def _cut(self, column: Sequence[Element | None]) -> Sequence[Element | None]:
        """Parts, of which not all are the same one of as many: by their first and last channel."""
        found = [c for c in column if isinstance(c, Cell) and isinstance(c.op, Part)]
        if len({each.op for each in found}) == 1:
            return column
        known = self.blocks[0].known
        widths = [known[each.steps[0].inputs[0]].shape[0] for each in found]
        places = list(map(_place, found, widths))
        last = [place.stop for place in places] == widths
        return [
            replace(each, op=Part.cut(place.start, None if last else place.stop))
            for each, place in zip(found, places, strict=True)
        ]

    def _value(
        self, cell: Cell, key: str, values: Sequence[Any], sizes: Sequence[CallSizes]
    ) -> str | None:
        """An option as text; None where it need not be said."""
        differ = len(set(values)) > 1
        if not (differ or said(cell, key, values[0])):
            return None
        if key == "kernel" and cell.vanishes:
            return None
        if key == "stride" and values == [call.stride for call in sizes]:
            return key
        if key == "kernel" and differ and not isinstance(cell.op, ChannelConv):
            return self._let(key, values)  # no paper's kernel follows from a width
        found = formula([*map(side, values)], sizes, width=key == "width")
        return found or self._let(_NAMED.get((cell.op.op, key), key), values)

    def _let(self, key: str, values: Sequence[Any]) -> str:
        """A `let` that calls set, where no formula gives the value."""
        texts = [value_text(value) for value in values]
        if len(set(texts)) == 1:
            return texts[0]
        if len(values) != len(self.definition.uses):
            raise ImportRefused(
                f"the `{key}` of a shortcut follows from nothing that its block says"
            )
        if share := self._share(key, texts):
            return share
        default = Counter(texts).most_common(1)[0][0]
        name = _RENAMED.get(key, key)
        first, number = name, 1
        while name in self.definition.lets:
            uses, usual = self.definition.uses, self.definition.lets[name]
            if [use.values.get(name, usual) for use in uses] == texts:
                return name
            number += 1
            name = f"{first}{number}"
        self.definition.lets[name] = default
        for use, text in zip(self.definition.uses, texts, strict=True):
            if text != default:
                use.values[name] = text
        return name

    def _share(self, key: str, texts: Sequence[str]) -> str | None:
        """A width or a number of groups that is a share of another width in all calls."""
        if key not in ("width", "groups") or not all(map(str.isdigit, texts)):
            return None
        for name, usual in self.definition.lets.items():
            own = [use.values.get(name, usual) for use in self.definition.uses]
            if name.startswith("width") and all(map(str.isdigit, own)):
                ratios = {
                    Fraction(int(a), int(b)) for a, b in zip(texts, own, strict=True)
                }
                text = _ratio_text(name, ratios.pop()) if len(ratios) == 1 else None
                if text:
                    return text
        return None

    def _call(self, uses: Sequence[Use], sizes: Sequence[CallSizes]) -> str:
        definition = uses[0].definition
        words = [definition.name]
        if definition.sized:
            widths = [use.sizes.out for use in uses]
            words.append(
                formula(widths, sizes, width=True) or self._let("width", widths)
            )
        strides = [use.sizes.stride for use in uses]
        if any(max(stride) > 1 for stride in strides):
            own = strides == [call.stride for call in sizes]
            words.append(f"/{'stride' if own else self._let('stride', strides)}")
        return " ".join([*words, *self._values(uses, sizes)])

    def _values(self, uses: Sequence[Use], sizes: Sequence[CallSizes]) -> Iterator[str]:
        """What a call sets of the `let`s of its block."""
        for key, default in uses[0].definition.lets.items():
            texts = [use.values.get(key, default) for use in uses]
            if set(texts) != {default}:
                numbers = [int(text) if text.isdigit() else text for text in texts]
                found = formula(numbers, sizes, width=True)
                yield f"{key} {found or self._let(key, texts)}"

    def _equation(
        self, expressions: Sequence[StepTree | None], blocks: Sequence[Region]
    ) -> str:
        """Equations of one kind as text; numbers that differ are `let`s."""
        first = expressions[0]
        if not isinstance(first, tuple):
            return self._name(first, blocks[0])
        terms = [
            terms_of(each, own, {b.value: n for n, b in enumerate(mains(own))})
            for each, own in zip(expressions, blocks, strict=True)
            if each is not None
        ]
        texts = [self._equation(column, blocks) for column in zip(*terms, strict=True)]
        ops = [each[0].op for each in expressions if isinstance(each, tuple)]
        for key, at in (("left", 0), ("right", len(texts))):
            numbers = [getattr(op, key, None) for op in ops]
            if numbers[0] is not None:
                texts.insert(at, self._let("factor", numbers))
        if self.act and ops[0].role == "activation":
            return f"{self.act}({', '.join(texts)})"
        return equation(ops[0], texts)

    def _name(self, value: str | None, block: Region) -> str:
        """A value in an equation."""
        if value is None:
            return ""
        if value == skip_of(block):
            return self.skip
        values = [branch.value for branch in mains(block)]
        return "x" if value == block.entry else self.names[values.index(value)]


_NAMED = {("part", "from"): "split", ("part", "to"): "split"}
"""What a `let` is called for an option of one op, so that parts of one split share it."""
_RENAMED = {
    "stride": "step",
    "pad": "padding",
    "kernel": "k",
    "to": "size",
    "of": "parts",
}
"""What a `let` for an option is called, where that is a word of the language."""


_POLICIES = {
    "1x1 conv out /stride linear": [],
    "zero-pad out /stride": ["zero-pad"],
    "zero-pad out /stride centered": ["zero-pad centered"],
}
"""Shortcuts that have a word: the file's default needs none."""


def _ratio_text(name: str, ratio: Fraction) -> str | None:
    """`2*width`, `width/8`; None where neither says it."""
    if ratio.denominator == 1:
        return name if ratio == 1 else f"{ratio}*{name}"
    return f"{name}/{ratio.denominator}" if ratio.numerator == 1 else None


def _names(branches: Sequence[Branch], block: Region) -> list[str]:
    """`body` is the path with most weights; `pre` one without any that others start from."""
    weights = [branch.weighted for branch in branches]
    most = max(weights, default=0)
    body = weights.index(most) if weights.count(most) == 1 else -1
    body = 0 if len(branches) == 1 else body
    names, number = [], 0
    for place, branch in enumerate(branches):
        if place == body:
            names.append("body")
        elif place == 0 and not branch.weighted:
            names.append("pre")
        else:
            names.append(f"p{number}")
            number += 1
    return names


def _option(element: Element | None, key: str, like: Cell) -> Any:
    """An option of a label; of a pool that is not there, what does nothing."""
    if isinstance(element, Cell):
        return element.options[key]
    ones = key in ("kernel", "stride")
    return (1,) * len(like.options["stride"]) if ones else like.options[key]


def _sized(column: Sequence[Element | None]) -> Sequence[Element | None]:
    """Maps that are enlarged, not all of them by a factor: by their sizes."""
    found = [c for c in column if isinstance(c, Cell) and isinstance(c.op, Upsample)]
    if len({each.op.factor is None for each in found}) == 1:  # type: ignore[attr-defined]
        return column
    return [
        replace(each, op=each.op.model_copy(update={"factor": None, "to": size}))
        for each, size in ((each, each.steps[0].shape[1:]) for each in found)
    ]


def _place(cell: Cell, width: int) -> range:
    """The channels of a part."""
    assert isinstance(cell.op, Part)
    return cell.op.within(width)


def _padding(element: Element | None, like: Cell) -> Any:
    """What is put around a map, also where it need not be said."""
    cell = element if isinstance(element, Cell) else like
    return "same" if cell.pads_same else cell.op.padding  # type: ignore[attr-defined]


def _aligned(
    rows: Sequence[Sequence[Repeated]], *, one: bool
) -> list[list[Repeated | None]]:
    """The labels of several paths in columns; a pool that would do nothing leaves a hole."""
    columns: list[list[Repeated | None]] = []
    places = [0] * len(rows)
    for element, _ in max(rows, key=len):
        column: list[Repeated | None] = []
        for n, row in enumerate(rows):
            here = row[places[n]] if places[n] < len(row) else None
            if here is not None and _alike(here[0], element, one=one):
                column.append(here)
                places[n] += 1
            elif isinstance(element, Cell) and element.vanishes:
                column.append(None)
            else:
                raise ImportRefused("blocks of one kind whose paths differ")
        columns.append(column)
    return columns


def _alike(a: Element, b: Element, *, one: bool) -> bool:
    if isinstance(a, Use) and isinstance(b, Use):
        return a.definition is b.definition
    if isinstance(a, Use) or isinstance(b, Use):
        return False
    return a.kind_of(one=one) == b.kind_of(one=one)

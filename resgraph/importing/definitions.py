"""Blocks of one kind → one definition, and for each its call: widths become formulas, what fits
none becomes a `let` that calls set."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import chain, compress, count
from typing import Any

from msgspec.structs import replace

from ..collecting import at_keys, each_op, of_type
from ..ops import ChannelConv, Concat, Div, Op, Part, Upsample
from ..ops.base import value_text
from .blocks.columns import PathColumns
from .cells import Cell, Unit, cells
from .kinds import (
    activation_of,
    known_in,
    runs,
    sizes_of,
    skip_branch,
    skip_of,
    terms_of,
)
from .numbers.decimals import divisors, written
from .numbers.factors import number_of
from .numbers.formulas import formula
from .regions.sharing import SharedPath
from .regions.structure import Branch, Region, RegionItem, StepTree, head
from .texts import (
    RENAMED,
    SIDES,
    equation,
    folded,
    label_of,
    numbers_at,
    said,
    side,
)
from .written import (
    Element,
    Repeated,
    Use,
    WrittenBlock,
    WrittenPath,
    listed,
)


class Elements:
    """The uses of blocks that have a definition, by which paths are written; those that are `loose`
    stand in rows."""

    def __init__(self, unit: Unit, loose: Set[int]) -> None:
        self.unit, self.loose = unit, loose
        self.uses: dict[int, Use] = {}

    def enter(self, definition: WrittenBlock) -> None:
        """Its uses are now those of its blocks."""
        self.uses |= {id(use.block): use for use in definition.uses}

    def of(self, items: Sequence[RegionItem]) -> list[Element]:
        return [*map(self._element, cells(items, self.unit))]

    def runs(self, items: Sequence[RegionItem]) -> list[Repeated]:
        """The same of a path, equal blocks as one."""
        found = runs(cells(items, self.unit))
        return [(self._element(first), count) for first, count in found]

    def _element(self, each: Cell | Region) -> Element:
        return self.uses[id(each)] if isinstance(each, Region) else each


def define(
    name: str, blocks: Sequence[Region], elements: Elements
) -> WrittenBlock:
    """The definition of blocks of one kind, whose uses are entered. Raises `ImportRefused`."""
    definition = WrittenBlock(name)
    for block in blocks:
        use = Use(definition, block, sizes_of(block))
        definition.uses.append(use)
    elements.enter(definition)
    _Writer(definition, elements).write()
    return definition


class _Writer:
    """One definition from the blocks that are of its kind."""

    def __init__(
        self, definition: WrittenBlock, elements: Elements
    ) -> None:
        self.definition, self.elements = definition, elements
        self.uses = definition.uses
        self.blocks = definition.blocks
        self.paths = PathColumns.of(self.blocks)
        skips = [*map(skip_of, self.blocks)]
        entries = [block.entry for block in self.blocks]
        self.skip = "x" if skips == entries else "shortcut"
        one = len({use.sizes for use in self.uses}) == 1
        alone = one and elements.loose >= {*map(id, self.blocks)}
        self.relative = not (alone and _joins_paths(self.blocks[0]))
        # by each `let`
        self.said: dict[str, dict[Use, str]] = defaultdict(dict)

    def write(self) -> None:
        definition = self.definition
        self.act = self._one_activation()
        summed = [use for use in self.uses if use.block.summed]
        for name, column in zip(
            self.paths.names, self.paths.columns, strict=True
        ):
            calls = [*compress(self.uses, column)]
            branches = [*filter(None, column)]
            parts = self._path(branches, calls)
            if len(calls) < len(self.uses):  # the others have no shortcut
                parts, summed, definition.keeps = (
                    ["shortcut", *parts],
                    calls,
                    True,
                )
            definition.paths.append(WrittenPath(name, parts))
            self._note(branches)
        if summed:
            definition.merge = self._merge(
                [u.block.merge for u in summed], summed
            )
        definition.shortcut = self._shortcut()
        if definition.merge == "body" and self.paths.names == ["body"]:
            definition.merge = ""

    def _note(self, branches: Iterable[Branch]) -> None:
        """What is called by the longest of these."""
        longest = max(
            (self.elements.of(b.items) for b in branches), key=len
        )
        self.definition.words.update(each.word for each in longest)
        inner = [each.definition for each in of_type(Use, longest)]
        self.definition.inner += inner

    def _one_activation(self) -> str:
        """The `let` for it where each call has one, and not all the same."""
        acts = [
            activation_of(block, self.elements.unit)
            for block in self.blocks
        ]
        differ = all(acts) and len(set(acts)) > 1
        return self._let("act", acts, self.uses) if differ else ""

    def _shortcut(self) -> list[str]:
        """What `shortcut:` says."""
        sums = {block.summed for block in self.blocks}
        if self.definition.keeps or len(sums) > 1:
            return ["none"]
        column = [*map(skip_branch, self.blocks)]
        branches = [*filter(None, column)]
        calls = [*compress(self.uses, column)]
        if not calls:
            return []
        self.act = ""  # a shortcut's is its own
        found = self._path(branches, calls)
        still = max(map(max, _strides(self.uses))) == 1
        return (_STILL if still else _POLICIES).get(listed(found), found)

    def _path(
        self, branches: Sequence[Branch], calls: Sequence[Use]
    ) -> list[str]:
        """What stands there in all calls."""
        starts = [branch.start for branch in branches]
        start = self._equation(starts, calls, path=True)
        return [*filter(None, [start]), *self._labels(branches, calls)]

    def _labels(
        self, branches: Sequence[Branch], calls: Sequence[Use]
    ) -> list[str]:
        rows = [self.elements.runs(branch.items) for branch in branches]
        columns = aligned(rows)
        return list(
            folded(self._repeated(column, calls) for column in columns)
        )

    def _repeated(
        self, column: Sequence[Repeated | None], calls: Sequence[Use]
    ) -> str:
        """A label, and how many times it stands there where that is not once."""
        first, _ = next(filter(None, column))
        lacked = (None, int(first.vanishes))
        elements, counts = zip(
            *(run or lacked for run in column), strict=True
        )
        held = [*compress(calls, counts)]
        label = self._label([*compress(elements, counts)], held)
        if {*counts} == {1}:
            return label
        name = "depth" if all(counts) else _counted(first)
        return f"{_strided(counts, calls) or self._let(name, counts, calls)} x {label}"

    def _label(
        self, column: Sequence[Element | None], calls: Sequence[Use]
    ) -> str:
        uses = [*of_type(Use, column)]
        if uses:
            return self._call(uses, calls)
        cell = next(of_type(Cell, column))
        if isinstance(cell.op, SharedPath):
            first = self.blocks[0]
            path = first.branches[int(cell.op.path)]
            return f"again {self._name(path.value, first)}"
        options = self._options(column, cell)

        def value(key: str) -> str | None:
            values = [_option(each, key, cell) for each in options]
            if key == "pad" and len(set(values)) > 1:
                values = [_padding(each, cell) for each in column]
            return self._value(cell, key, values, calls)

        return label_of(cell, value, self._act(column, calls))

    def _options(
        self, column: Sequence[Element | None], cell: Cell
    ) -> Sequence[Element | None]:
        """What labels say their options of, in the same words."""
        if isinstance(cell.op, Part):
            return self._cut(column)
        return _sized(column) if isinstance(cell.op, Upsample) else column

    def _act(
        self, column: Sequence[Element | None], calls: Sequence[Use]
    ) -> str:
        """The `let` for a label's activation; "" where its own text says it."""
        acts = [each.activation for each in of_type(Cell, column)]
        if self.act and all(acts):
            return self.act
        said = [act or "linear" for act in acts]
        return self._let("act", said, calls) if len(set(said)) > 1 else ""

    def _cut(
        self, column: Sequence[Element | None]
    ) -> Sequence[Element | None]:
        """Parts, of which not all are the same one of as many: by their first and last channel."""
        found = [*of_type(Cell, column)]
        parts = [*of_type(Part, each_op(found))]
        if len({*parts}) == 1:
            return column
        known = self.blocks[0].known
        widths = [known[each.steps[0].inputs[0]].shape[0] for each in found]
        places = [*map(Part.within, parts, widths)]
        last = [place.stop for place in places] == widths
        return [
            replace(
                each, op=Part.cut(place.start, None if last else place.stop)
            )
            for each, place in zip(found, places, strict=True)
        ]

    def _value(
        self,
        cell: Cell,
        key: str,
        values: Sequence[Any],
        calls: Sequence[Use],
    ) -> str | None:
        """An option as text; None where it need not be said."""
        differ = len(set(values)) > 1
        if not (differ or said(cell, key, values[0])):
            return None
        if key == "kernel" and cell.vanishes:
            return None
        if constant := self._constant(cell, key, values, calls):
            return constant
        if (
            key == "kernel"
            and differ
            and not isinstance(cell.op, ChannelConv)
        ):
            # no paper's follows from a width
            return self._let(key, values, calls)
        width = key == "width" and self.relative
        found = _formula([*map(side, values)], calls, width=width)
        return found or self._let(
            _NAMED.get((cell.op.op, key), key), values, calls
        )

    def _constant(
        self,
        cell: Cell,
        key: str,
        values: Sequence[Any],
        calls: Sequence[Use],
    ) -> str:
        """What each call has: its stride, the size of its map."""
        if key == "stride" and self.relative and values == _strides(calls):
            return key
        same = isinstance(cell.op, Upsample) and values == _sizes(calls)
        return "x" if same else ""

    def _let(
        self, key: str, values: Sequence[Any], calls: Sequence[Use]
    ) -> str:
        """A `let` that calls set, where no formula gives the value."""
        texts = [*map(value_text, values)]
        if len(set(texts)) == 1:
            return texts[0]
        if share := self._share(key, texts, calls):
            return share
        usual = RENAMED.get(key, key)
        names = chain([usual], map(f"{usual}{{}}".format, count(2)))
        name = next(
            name for name in names if self._agrees(name, texts, calls)
        )
        self._set(name, texts, calls)
        return name

    def _agrees(
        self, name: str, texts: Sequence[str], calls: Sequence[Use]
    ) -> bool:
        """Whether a `let` can say these as well: it says nothing else of the same calls, and no
        path has the name."""
        said = self.said[name]
        pairs = zip(calls, texts, strict=True)
        same = all(said.get(call, text) == text for call, text in pairs)
        return same and name not in self.paths.names

    def _set(
        self, name: str, texts: Sequence[str], calls: Sequence[Use]
    ) -> None:
        """A call that a `let` says nothing of has what most have."""
        said, lets = self.said[name], self.definition.lets
        said |= zip(calls, texts, strict=True)
        ((lets[name], _),) = Counter(said.values()).most_common(1)
        for use in self.uses:
            own = use.values | {name: said.get(use, lets[name])}
            kept = (
                key for key in lets if own.get(key, lets[key]) != lets[key]
            )
            use.values = at_keys(own, kept)
            use.unread = {key for key in lets if use not in self.said[key]}

    def _share(
        self, key: str, texts: Sequence[str], calls: Sequence[Use]
    ) -> str | None:
        """A width or a number of groups that is a share of another width in all calls."""
        if key not in ("width", "groups") or not all(
            map(str.isdigit, texts)
        ):
            return None
        for name in self.definition.lets:
            own = [use.value(name) for use in calls]
            if name.startswith("width") and (
                text := _ratio(name, texts, own)
            ):
                return text
        return None

    def _call(self, uses: Sequence[Use], calls: Sequence[Use]) -> str:
        inner = self._let(
            "inner", [use.definition.name for use in uses], calls
        )
        words = (self._width(uses, calls), self._stride(uses, calls))
        return " ".join(
            [*filter(None, (inner, *words)), *self._values(uses, calls)]
        )

    def _width(self, uses: Sequence[Use], calls: Sequence[Use]) -> str:
        """The width of a call; "" where none says one."""
        if not any(use.sized for use in uses):
            return ""
        widths = [use.sizes.out for use in uses]
        found = _formula(widths, calls, width=self.relative)
        return found or self._let("width", widths, calls)

    def _stride(self, uses: Sequence[Use], calls: Sequence[Use]) -> str:
        strides = _strides(uses)
        moves = any(max(stride) > 1 for stride in strides)
        if not moves or not any(use.definition.strided for use in uses):
            return ""
        own = self.relative and strides == _strides(calls)
        return (
            f"/{'stride' if own else self._let('stride', strides, calls)}"
        )

    def _values(
        self, uses: Sequence[Use], calls: Sequence[Use]
    ) -> Iterator[str]:
        """What a call sets of the `let`s of its block."""
        for key in uses[0].definition.lets:
            texts = [use.value(key) for use in uses]
            if any(key in use.values for use in uses):
                numbers = [
                    int(text) if text.isdigit() else text for text in texts
                ]
                width = key.startswith("width") and self.relative
                found = _formula(numbers, calls, width=width)
                yield f"{key} {found or self._let(key, texts, calls)}"

    def _merge(
        self, expressions: Sequence[StepTree], calls: Sequence[Use]
    ) -> str:
        """An equation; behind it an activation that no equation can call, as it has an option, and
        that is not the unit's."""
        trees = [*of_type(tuple, expressions)]
        tops: list[Op] = [step.op for step, _ in trees]
        unit = self.elements.unit
        said = {
            unit.said.label(op) for op in tops if op.role == "activation"
        }
        if (
            self.act
            or len(said) != 1
            or not any(" " in label for label in said)
        ):
            return self._equation(expressions, calls)
        (label,) = said
        text = self._equation([terms[0] for _, terms in trees], calls)
        return (
            f"act({text})"
            if label == unit.activation
            else f"[{text}, {label}]"
        )

    def _equation(
        self,
        expressions: Sequence[StepTree | None],
        calls: Sequence[Use],
        *,
        path: bool = False,
    ) -> str:
        """Equations of one kind as text; numbers that differ are `let`s."""
        if not isinstance(expressions[0], tuple):
            return self._name(expressions[0], calls[0].block, path=path)
        trees: list[Any] = [*of_type(tuple, expressions)]
        ops: list[Op] = [step.op for step, _ in trees]
        held = compress(calls, expressions)
        known = (known_in(call.block, path=path) for call in held)
        columns = zip(*map(terms_of, trees, known), strict=True)
        texts = [
            self._equation(column, calls, path=path) for column in columns
        ]
        if under := divisors([*map(number_of, ops)]):
            root = f"sqrt({self._let('variance', under, calls)})"
            return equation(Div(), [*texts, root])
        for key, at in zip(SIDES, (0, len(texts)), strict=True):
            numbers = [*map(written, numbers_at(ops, key))]
            if numbers:
                texts.insert(at, self._let("factor", numbers, calls))
        if self.act and ops[0].role == "activation":
            return f"{self.act}({', '.join(texts)})"
        return equation(ops[0], texts)

    def _name(
        self, value: str | None, block: Region, *, path: bool = False
    ) -> str:
        """A value in an equation."""
        if value is None:
            return ""
        if value == skip_of(block) and not (path and value == block.entry):
            return self.skip
        return (
            "x" if value == block.entry else self.paths.name(value, block)
        )


_NAMED = {("part", "from"): "split", ("part", "to"): "split"}
"""What a `let` is called for an option of one op, so that parts of one split share it."""


_POLICIES = {
    "1x1 conv out /stride linear": [],
    "zero-pad out /stride": ["zero-pad"],
    "zero-pad out /stride centered": ["zero-pad centered"],
}
"""Shortcuts that have a word: the file's default needs none."""
_STILL = {
    said.replace(" /stride", ""): word for said, word in _POLICIES.items()
}
"""The same of blocks that never stride."""


def _formula(
    values: Sequence[Any], calls: Sequence[Use], *, width: bool
) -> str | None:
    return formula(values, [call.sizes for call in calls], width=width)


def _ratio(
    name: str, texts: Sequence[str], own: Sequence[str]
) -> str | None:
    """Numbers as one share of what a `let` is in each call."""
    if not all(map(str.isdigit, own)):
        return None
    ratios = {
        Fraction(int(a), int(b)) for a, b in zip(texts, own, strict=True)
    }
    return _ratio_text(name, ratios.pop()) if len(ratios) == 1 else None


def _ratio_text(name: str, ratio: Fraction) -> str | None:
    """`2*width`, `width/8`; None where neither says it."""
    if ratio.denominator == 1:
        return name if ratio == 1 else f"{ratio}*{name}"
    return f"{name}/{ratio.denominator}" if ratio.numerator == 1 else None


def _option(element: Element | None, key: str, like: Cell) -> Any:
    """An option of a label; of a pool that is not there, what does nothing."""
    if isinstance(element, Cell):
        return element.options[key]
    ones = key in ("kernel", "stride")
    return (1,) * len(like.options["stride"]) if ones else like.options[key]


def _sized(column: Sequence[Element | None]) -> Sequence[Element | None]:
    """Maps that are enlarged, not all of them by a factor: by their sizes."""
    found = [*of_type(Cell, column)]
    ops = of_type(Upsample, each_op(found))
    if len({op.factor is None for op in ops}) == 1:
        return column
    said = (
        {"factor": None, "to": each.steps[0].shape[1:]} for each in found
    )
    return [
        replace(each, op=replace(each.op, **update))
        for each, update in zip(found, said, strict=True)
    ]


def _padding(element: Element | None, like: Cell) -> Any:
    """What is put around a map, also where it need not be said."""
    cell = element if isinstance(element, Cell) else like
    return "same" if cell.pads_same else cell.op.padding  # type: ignore[attr-defined]


def _strides(uses: Sequence[Use]) -> list[tuple[int, ...]]:
    return [use.sizes.stride for use in uses]


def _sizes(uses: Sequence[Use]) -> list[tuple[int, ...]]:
    """The sizes of the maps that come in."""
    return [use.block.into[1:] for use in uses]


def _joins_paths(block: Region) -> bool:
    """Whether it joins paths alone: what comes out is a sum of widths, and no share of it says what
    theirs are (Szegedy et al. 2015)."""
    op, _ = head(block.merge)
    return isinstance(op, Concat) and not block.reads_entry


def _strided(counts: Sequence[int], calls: Sequence[Use]) -> str:
    """How often a label stands there that is in blocks which stride alone."""
    strides = tuple(max(use.sizes.stride) - 1 for use in calls)
    return "(stride - 1)" if counts == strides else ""


def _counted(element: Element) -> str:
    """The name of the `let` that says how many of an element there are."""
    word = element.word.split()[-1]
    if word in ("se", "eca") or element.gates:
        return "gates"
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word)
    return f"{humps.replace('-', '_').lower()}s"


def aligned(
    rows: Sequence[Sequence[Repeated]],
) -> list[list[Repeated | None]]:
    """The labels of several paths in columns; what a path has not leaves a hole."""
    if (
        len({tuple(element.plain for element, _ in row) for row in rows})
        == 1
    ):
        return [[*column] for column in zip(*rows, strict=True)]
    whole: list[Element] = []
    for row in sorted(rows, key=len, reverse=True):
        whole = _united(whole, [element for element, _ in row])
    places = [0] * len(rows)
    return [[*_column(element, rows, places)] for element in whole]


def _column(
    element: Element,
    rows: Sequence[Sequence[Repeated]],
    places: list[int],
) -> Iterator[Repeated | None]:
    """What each row has where one has an element, as far as they have come."""
    for n, row in enumerate(rows):
        here = row[places[n]] if places[n] < len(row) else None
        if here is None or here[0].alike != element.alike:
            yield None
        else:
            places[n] += 1
            yield here


def _united(a: Sequence[Element], b: Sequence[Element]) -> list[Element]:
    """A row in which both are, each with some elements left out."""
    old, new = ([element.alike for element in row] for row in (a, b))
    found: list[Element] = []
    for tag, start, end, *other in SequenceMatcher(
        None, old, new
    ).get_opcodes():
        found += a[start:end]
        found += b[slice(*other)] if tag != "equal" else ()
    return found

"""A definition → the library's block that is the same, where there is one, with what its calls then
set."""

from __future__ import annotations

from collections import Counter
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import cache
from itertools import islice

from ..collecting import each_op, flatten, of_type, picked, without
from ..errors import ResgraphError
from ..language.grammar.records import BlockDef, Expr, Label, PathDef
from ..language.library import library_block, library_index
from ..ops import ACTIVATIONS, Conv, Fc, Op, shape_text
from ..plan import loads
from ..structs import Frozen
from .captured import CapturedOp
from .matching import matched
from .written import Use, WrittenBlock, WrittenPath, call_text

_MOST = 60
"""Values of options that are tried for one call."""
_FIRST = 3
"""Calls whose values are tried for all calls."""
_RATIOS = 16
"""The largest whole ratio of two widths that an option may be."""


class Library:
    """What a file says before its rows, in which a block of the library means what it means."""

    def __init__(self, unit: str, options: Sequence[str]) -> None:
        self.unit, self.options = unit, options
        self.shortcut: list[str] = []
        self.projects = False  # some block rests on the default
        self.adopted: dict[str, WrittenBlock] = {}

    def adopt(
        self, definition: WrittenBlock, taken: Collection[str] = ()
    ) -> None:
        """Give a definition the library's name, if some block there makes the same of each of its
        calls, and the file has no block of that name. `shortcut` is then what the file has to say
        of shortcuts."""
        own = definition.shortcut if definition.shortcut != ["none"] else []
        if own and (self.projects or self.shortcut not in ([], own)):
            return
        shortcut = own or self.shortcut
        found = next(self._fits(definition, shortcut, taken), None)
        if found is None:
            return
        self.shortcut = shortcut
        usual = not (shortcut or definition.shortcut)
        self.projects |= usual and "shortcut" in found[0].reads
        _rename(definition, *found)
        self._unite(definition)

    def _fits(
        self,
        definition: WrittenBlock,
        shortcut: list[str],
        taken: Collection[str],
    ) -> Iterator[tuple[BlockDef, dict[str, dict[str, str]]]]:
        """The library's blocks that make the same, with what each call then sets."""
        said = (
            f"shortcut: {WrittenPath('', shortcut)}\n" if shortcut else ""
        )
        head = f"unit: {self.unit}\n{said}"
        plain, flat = _alike(definition.words), _alike(definition.flat)
        names = dict.fromkeys((*plain, *flat))
        for name in without(names, taken):
            block = library_block(name)
            trial = _Trial(block, head, self.options, name not in plain)
            if (values := trial.values(definition)) is not None:
                yield block, values

    def _unite(self, definition: WrittenBlock) -> None:
        """One definition for a block of the library: MobileNetV2's has calls with a sum and calls
        without, which were two kinds until they had its name."""
        first = self.adopted.setdefault(definition.name, definition)
        if first is not definition:
            first.uses += definition.uses
            first.lets |= definition.lets
            for use in definition.uses:
                use.definition = first

    def settle(self, definitions: Sequence[WrittenBlock]) -> None:
        """Shortcuts of definitions in the file, where the file says one for all."""
        for definition in definitions:
            if definition.shortcut == self.shortcut:
                definition.shortcut = []
            elif not definition.shortcut and "shortcut" in definition.merge:
                definition.shortcut = ["projection"]


class _Trial(Frozen):
    """A block of the library, and what a file says before its rows; `options` are those of ops, of
    which a net says what it has. It may be `flat` where the file has several blocks: its calls are
    then worth two options."""

    block: BlockDef
    head: str
    options: Sequence[str]
    flat: bool = False

    def values(
        self, definition: WrittenBlock
    ) -> dict[str, dict[str, str]] | None:
        """What each call sets, so that it makes the same; None where one cannot be said."""
        first = self._found(definition, bare=True)
        if first is None or len({*map(str, first.values())}) == 1:
            return first
        one = self._of_all([*_different(definition.uses).values()])
        if one is not None:
            return dict.fromkeys(first, one)
        tried = (first, self._found(definition, bare=False))
        return next(
            (v for v in tried if v and _sayable(self.block, v.values())),
            None,
        )

    def _of_all(self, uses: Sequence[Use]) -> dict[str, str] | None:
        """What sets the same in all calls, of what the first of them may set."""
        tried = [*flatten(self._tried(use, []) for use in uses[:_FIRST])]
        steps = [list(use.steps) for use in uses]
        fits = (
            values
            for values in tried
            if all(
                self._same(use, values, s)
                for use, s in zip(uses, steps, strict=True)
            )
        )
        return next(fits, None)

    def _found(
        self, definition: WrittenBlock, *, bare: bool
    ) -> dict[str, dict[str, str]] | None:
        """The same, where a call may be `bare` or each sets something."""
        found: dict[str, dict[str, str]] = {}
        for key, use in _different(definition.uses).items():
            tried = self._tried(use, list(found.values()))
            steps = list(use.steps)
            fits = (
                v
                for v in tried
                if (v or bare) and self._same(use, v, steps)
            )
            values = next(fits, None)
            if values is None:
                return None
            found[key] = values
        return found

    def _tried(
        self, use: Use, before: Sequence[dict[str, str]]
    ) -> Iterator[dict[str, str]]:
        """Values of at most one option, those that other calls set first; then of one beside those
        that ops have."""
        keys = list(self.block.lets)
        yield from ({}, *before)
        yield from _each(keys, use)
        own = dict(_own(keys, use)) if self.flat else {}
        for values in _each(keys, use) if own else ():
            both = {**own, **values}
            yield picked(both, keys)

    def _same(
        self,
        use: Use,
        values: Mapping[str, str],
        steps: Sequence[CapturedOp],
    ) -> bool:
        width = str(use.sizes.out) if self.block.uses("out") else ""
        call = call_text(self.block.name, width, use.stride, values)
        ops = {step.op.op for step in steps}
        own = [
            each for each in self.options if each.partition(":")[0] in ops
        ]
        text = (
            f"name: a call\ninput: {shape_text(use.block.into)}\n{self.head}"
            f"ops: {{{', '.join(own)}}}\nnet: {{row: {call}}}\n"
        )
        try:
            graph = loads(text).graph
        except ResgraphError:
            return False
        nodes = [
            node
            for node in graph.nodes.values()
            if node.name != graph.input
        ]
        return (
            matched(nodes, steps, {graph.input: use.block.entry})
            is not None
        )


def _different(uses: Sequence[Use]) -> dict[str, Use]:
    """One use of each kind of call."""
    return {_call(use): use for use in reversed(uses)}


def _call(use: Use) -> str:
    ops = " ".join(str(step.op) for step in use.steps)
    return f"{use.block.into} {use.sizes} {ops}"


def _alike(words: Counter[str]) -> tuple[str, ...]:
    """The library's blocks whose paths have these words."""
    return _with_words(tuple(sorted(words.items())))


@cache
def _with_words(words: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    return tuple(name for name in library_index() if words in _words(name))


@cache
def _words(name: str) -> list[tuple[tuple[str, int], ...]]:
    """Of its paths, and with what stands behind its equation, which may be a layer of its own."""
    block = library_block(name)
    paths = [*block.paths.values()]
    both = paths, [*paths, *filter(None, [block.merge])]
    return [tuple(sorted(_words_of(each).items())) for each in both]


def _words_of(paths: Sequence[PathDef]) -> Counter[str]:
    items = flatten(path.items for path in paths)
    labels = [item.word for item in of_type(Label, items)]
    words = Counter(
        "act" if word in ACTIVATIONS else word for word in labels
    )
    del words["drop path"]  # an eval-mode graph has none
    return words


def _each(keys: Sequence[str], use: Use) -> Iterator[dict[str, str]]:
    """Values of one option."""
    found = (
        {key: value} for key in keys for value in _candidates(key, use)
    )
    return islice(found, _MOST)


def _own(keys: Iterable[str], use: Use) -> Iterator[tuple[str, str]]:
    """The groups of a call, where all that are not 1 are one."""
    found = {getattr(step.op, "groups", 1) for step in use.steps} - {1}
    if "groups" in keys and len(found) == 1:
        yield "groups", str(found.pop())


def _candidates(key: str, use: Use) -> Iterator[str]:
    """The numbers and words of a call's ops, and ratios of its widths."""
    ops = each_op(use.steps)
    if key in ("act", "gate"):
        yield from {op.op for op in ops if op.op in ACTIVATIONS}
        return
    numbers = (
        *flatten(map(_numbers, ops)),
        *_ratios(ops, use.sizes.into),
    )
    yield from map(str, dict.fromkeys(numbers))


def _ratios(ops: Iterable[Op], into: int) -> Iterator[int]:
    """Whole ones of widths and what comes in."""
    widths = [op.width for op in ops if isinstance(op, Conv | Fc)]
    ends = [(width, into) for width in widths] + [
        (into, width) for width in widths
    ]
    for a, b in ends:
        if a % b == 0 and a // b <= _RATIOS:
            yield a // b


def _numbers(op: Op) -> Iterator[int]:
    """What an op's options say, but 1."""
    for field in ("kernel", "groups", "dilation", "width"):
        value = getattr(op, field, None)
        value = value[0] if isinstance(value, tuple) else value
        if isinstance(value, int) and value > 1:
            yield value


def _sayable(block: BlockDef, values: Collection[dict[str, str]]) -> bool:
    """Whether an option that some calls set has a number where others do not."""
    keys = {*flatten(values)}
    return all(
        all(key in each for each in values)
        or _default(block, key).isdigit()
        for key in keys
    )


def _default(block: BlockDef, key: str) -> str:
    value = block.lets[key]
    return value.text if isinstance(value, Expr) else ""


def _rename(
    definition: WrittenBlock,
    block: BlockDef,
    values: Mapping[str, dict[str, str]],
) -> None:
    definition.name, definition.ours = block.name, False
    definition.takes_out = block.uses("out")
    for use in definition.uses:
        use.values = dict(values[_call(use)])
    keys = {*flatten(values.values())}
    definition.lets = {key: _default(block, key) for key in sorted(keys)}

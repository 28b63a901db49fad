"""Layers and blocks → labels and calls, with the definitions of the blocks, inner ones first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ..collecting import by_key, each_name, flatten, of_type, without
from .adoption import Library
from .blocks.closed import Closed
from .blocks.kept import with_kept
from .blocks.modules import modules
from .blocks.nested import nest
from .blocks.optional import together
from .blocks.unsummed import Unsummed
from .captured import Captured
from .cells import Unit, cells
from .classes import ModuleClasses
from .definitions import Elements, define
from .kinds import Kind, of_block, of_elements, skip_branch
from .regions.structure import Region, RegionItem
from .regions.words import block_word
from .written import Element, WrittenBlock, blocks_of


class BlockRecovery:
    """Finds what a net says again and again."""

    def __init__(self, net: Captured, unit: Unit, library: Library) -> None:
        self.net, self.unit, self.library = net, unit, library
        self.classes = ModuleClasses(net)
        self.definitions: list[WrittenBlock] = []
        self.place = {name: n for n, name in enumerate(net.steps)}

    def elements(self, items: list[RegionItem]) -> list[Element]:
        """What the rows will hold; `definitions` are then those of all blocks in it. Raises
        `ImportRefused`."""
        nest(items, self.unit)
        whole = modules(items, self.classes, self.net, self.unit)
        found = Unsummed(self.net, self.unit).found(whole)
        levels = by_key((level, block) for block, level in _nested(found))
        loose = {*map(id, of_type(Region, found))}
        elements = Elements(self.unit, loose)
        for level in sorted(levels):
            for definition in self._defined(levels[level], elements):
                definition.name = self._name(definition.name)
                self.definitions.append(definition)
        closed = Closed(elements, self.classes)
        self.definitions = closed.of(self.definitions)
        return elements.of(found)

    def _defined(
        self, blocks: Sequence[Region], elements: Elements
    ) -> Iterator[WrittenBlock]:
        """The definitions of blocks of one level, in which those of lower levels are that stand in
        rows alone and differ in what some calls lack."""
        made = self._made(blocks, elements)
        loose = elements.loose
        known = [
            d for d in self.definitions if loose >= {*map(id, d.blocks)}
        ]
        for group in together([*known, *made], elements):
            joined = self._joined(group, elements)
            gone = {*group} - {*joined}
            self.definitions = without(self.definitions, gone)
            yield from without(joined, known)

    def _made(
        self, blocks: Sequence[Region], elements: Elements
    ) -> Iterator[WrittenBlock]:
        """Definitions of blocks of one kind each, but for those of the library."""
        taken = set(each_name(self.definitions))
        made = [
            define(self._word(g), g, elements) for g in self._groups(blocks)
        ]
        for definition in made:
            self.library.adopt(definition, taken)
        self._forget(blocks_of(d for d in made if not d.ours))
        return (definition for definition in made if definition.ours)

    def _forget(self, adopted: Sequence[Region]) -> None:
        """No block of this file is one that stands in blocks of the library alone."""
        held = {id(inner) for inner, _ in _nested(adopted)}
        self.definitions = [
            d
            for d in self.definitions
            if not held.issuperset(map(id, d.blocks))
        ]

    def _joined(
        self, group: list[WrittenBlock], elements: Elements
    ) -> list[WrittenBlock]:
        """One definition in place of several, where that is shorter by a tenth."""
        if len(group) == 1:
            return group
        held = blocks_of(group)
        held.sort(key=lambda block: self.place[block.exit])
        joined = define(self._word(held), held, elements)
        within = elements.loose.isdisjoint(map(id, held))
        lengths = [
            d.length_within if within else d.length
            for d in (joined, *group)
        ]
        if 10 * lengths[0] < 9 * sum(lengths[1:]):
            return [joined]
        for each in group:
            elements.enter(each)
        return group

    def _word(self, blocks: Sequence[Region]) -> str:
        """What blocks of one kind are called, but for those of the library."""
        return self.classes.of(blocks) or block_word(blocks[0])

    def _name(self, word: str) -> str:
        """A name that neither a block of this file nor one taken from the library has."""
        taken = {
            *self.library.adopted,
            *each_name(self.definitions),
        }
        names = (word, *(f"{word}-{n}" for n in range(2, len(taken) + 3)))
        return next(iter(without(names, taken)))

    def _groups(self, blocks: Sequence[Region]) -> list[list[Region]]:
        """Blocks that one definition can say, in the order of the net."""
        place = {id(block): n for n, block in enumerate(blocks)}
        parts = [*flatten(map(_parted, self._of_kinds(blocks)))]
        parts = with_kept(parts, self.unit)
        for part in parts:
            part.sort(key=lambda block: place[id(block)])
        return sorted(parts, key=lambda group: place[id(group[0])])

    def _of_kinds(self, blocks: Sequence[Region]) -> Iterable[list[Region]]:
        """What changes nothing goes with those of its kind that were before it, whose shortcuts may
        differ from those of others."""
        changed: dict[Kind, Kind] = {}
        groups: dict[Kind, list[Region]] = defaultdict(list)
        loose: dict[Kind, list[Region]] = defaultdict(list)
        for block in blocks:
            kind, branch = of_block(block, self.unit), skip_branch(block)
            if branch is not None:
                changed[kind] = of_elements(
                    cells(branch.items, self.unit), self.unit
                )
            if kind in changed:
                groups[kind, changed[kind]].append(block)
            else:
                loose[kind].append(block)
        for kind, found in loose.items():
            key = next(
                (key for key in groups if key[0] == kind), (kind, None)
            )
            groups[key][:0] = found
        return groups.values()


def _parted(group: list[Region]) -> list[list[Region]]:
    """Blocks without a sum stand apart where another's shortcut projects: `shortcut: none` would be
    said of all."""
    if not any(map(skip_branch, group)):
        return [group]
    summed = [block for block in group if block.summed]
    return [*filter(None, (summed, [b for b in group if not b.summed]))]


def _nested(items: Sequence[RegionItem]) -> Iterator[tuple[Region, int]]:
    """All blocks, and of how many levels those within each are."""
    for item in of_type(Region, items):
        inner = [*_nested(item.within)]
        yield item, max((level + 1 for _, level in inner), default=0)
        yield from inner

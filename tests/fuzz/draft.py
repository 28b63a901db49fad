"""A spec's text as a tree with places, so that a mutation can cut, replace or add at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

ASIDE = frozenset(["about", "let", "unit"])
"""Keys of a block that hold no labels."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Draft:
    """One text. A mutation gives a new text; none changes this one."""

    text: str

    @cached_property
    def root(self) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """The top keys, each with its key's node and its value's."""
        return pairs(yaml.compose(self.text, Loader=_LOADER))

    def inside(self, *keys: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """What stands under a path of keys; nothing where it holds no keys."""
        found = self.root
        for key in keys:
            found = pairs(found[key][1]) if key in found else {}
        return found

    def blocks(self) -> dict[str, yaml.Node]:
        """The file's own blocks."""
        return {
            name: value
            for name, (_, value) in self.inside("blocks").items()
        }

    def paths(self) -> Iterator[yaml.Node]:
        """Rows, and the paths of blocks: a label each, or a list of labels."""
        yield from (value for _, value in self.inside("net").values())
        for block in self.blocks().values():
            yield from _paths(block)

    def labels(self) -> list[yaml.ScalarNode]:
        """Every label and equation of rows and blocks."""
        return [label for path in self.paths() for label in _labels(path)]

    def lists(self, least: int = 1) -> list[yaml.SequenceNode]:
        """Paths that are written as flow lists of at least so many items."""
        found = [
            p for p in self.paths() if isinstance(p, yaml.SequenceNode)
        ]
        return [p for p in found if p.flow_style and len(p.value) >= least]

    def of(self, node: yaml.Node) -> str:
        """The text of a node."""
        return self.text[
            node.start_mark.index : node.end_mark.index
        ].rstrip()

    def put(self, node: yaml.Node, text: str) -> str:
        """The text with another one in the place of a node."""
        start = node.start_mark.index
        return (
            self.text[:start]
            + text
            + self.text[start + len(self.of(node)) :]
        )

    def swapped(self, one: yaml.Node, other: yaml.Node) -> str:
        """The text with two nodes in each other's place."""
        first, second = sorted(
            (one, other), key=lambda node: node.start_mark.index
        )
        a, b = first.start_mark.index, second.start_mark.index
        left, right = self.of(first), self.of(second)
        return (
            self.text[:a]
            + right
            + self.text[a + len(left) : b]
            + left
            + self.text[b + len(right) :]
        )

    def lines(self, key: yaml.Node, value: yaml.Node) -> tuple[int, int]:
        """Where the lines of an entry of a block mapping begin and end."""
        start = self.text.rfind("\n", 0, key.start_mark.index) + 1
        end = self.text.find(
            "\n", value.start_mark.index + max(0, len(self.of(value)) - 1)
        )
        return start, end + 1 if end >= 0 else len(self.text)

    def with_key(self, key: str, text: str) -> str:
        """The text with a top key that says this, replaced or added."""
        found = self.root.get(key)
        if found:
            start, end = self.lines(*found)
            return f"{self.text[:start]}{key}: {text}\n{self.text[end:]}"
        return f"{self.text.rstrip()}\n{key}: {text}\n"

    def without_key(self, key: str) -> str:
        """The text without a top key."""
        if key not in self.root:
            return self.text
        start, end = self.lines(*self.root[key])
        return self.text[:start] + self.text[end:]


def pairs(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """A mapping's entries; nothing of what is none."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value}


def _paths(block: yaml.Node) -> Iterator[yaml.Node]:
    if not isinstance(block, yaml.MappingNode):
        yield block
        return
    for key, (_, value) in pairs(block).items():
        if key not in ASIDE:
            yield value


def _labels(path: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(path, yaml.ScalarNode):
        yield path
    elif isinstance(path, yaml.SequenceNode):
        for item in path.value:
            yield from _labels(item)
    else:
        for inner in _paths(path):
            yield from _labels(inner)


def small(text: str) -> str:
    """The same kind of net with fewer blocks: repeats of more than two are two."""
    few = re.sub(r"reps: *\[[^\]]*\]", "reps: [1, 2, 1, 1]", text)
    few = re.sub(r"\b(n|depth): *([3-9]|\d\d+)\b", r"\1: 2", few)
    return re.sub(r"\b([3-9]|\d\d+) x ", "2 x ", few)

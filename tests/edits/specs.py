"""Right specs, and what they come to: the zoo's files as they are written, and its nets as they are resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resgraph.checked import Checked, check_nets
from resgraph.errors import Diagnostic, Source, in_order
from resgraph.language.grammar.words import BLOCK_KEYS
from resgraph.language.yaml.reader import read
from resgraph.language.yaml.tree import (
    KeyValue,
    Mapping,
    Scalar,
    Sequence,
    Tree,
)
from resgraph.ops import VOCABULARY

SPECS = Path(__file__).parents[2] / "specs"
FILES = sorted(SPECS.glob("*.yaml"))


@dataclass(frozen=True, slots=True)
class Right:
    """A right spec, and the path at which its text is to stand."""

    path: Path
    text: str

    def nets(self, text: str) -> list[Checked]:
        """The nets of a text in this one's place."""
        return check_nets(
            str(self.path), source=Source(str(self.path), text)
        )


def errors(nets: list[Checked]) -> list[Diagnostic]:
    return [
        d
        for d in in_order(d for net in nets for d in net.problems)
        if d.severity == "error"
    ]


def written(path: Path) -> Right:
    """A file of the zoo, without what it expects: no claim shall help to find a mistake.

    It is cut down to one variant and to few repeats, where that leaves it right.
    """
    text = _without("expect", path.read_text(encoding="utf-8"))
    for cut in (_without("variants", text), text):
        for less in (_shallow(cut), cut):
            right = Right(path, less)
            if not errors(right.nets(less)):
                return right
    raise AssertionError(path)


def _without(key: str, text: str) -> str:
    return re.sub(
        rf"^{key}:.*\n(?:[ \t]+.*\n|\n)*", "", text, flags=re.MULTILINE
    )


def _shallow(text: str) -> str:
    """Lists of three counts and more as ones, and other counts as one or two."""
    text = re.sub(
        r"\[(?:\s*[1-9]\d?\s*,){2,}\s*[1-9]\d?\s*\]",
        lambda found: re.sub(r"\d+", "1", found[0]),
        text,
    )
    text = re.sub(r"\b(n|layers|depth|reps): [1-9]\d*", r"\1: 1", text)
    return re.sub(r"\b\d+ x (?=[a-z])", "2 x ", text)


def resolved(path: Path) -> Iterator[Right]:
    """Each net of a file by itself, with its blocks of the library and its whole recipe."""
    for net in check_nets(str(path)):
        assert net.plan is not None
        text = _without("expect", net.plan.resolved())
        right = Right(path.with_name("resolved.yaml"), _shallow(text))
        yield (
            right
            if not errors(right.nets(right.text))
            else Right(right.path, text)
        )


def meaning(nets: list[Checked]) -> list[Any]:
    """What nets are, whatever their parts are called: ops and what each reads, recipe and init."""
    return [_meaning(net) for net in nets]


def _meaning(net: Checked) -> Any:
    if net.plan is None:
        return None
    nodes = net.plan.graph.nodes
    place = {name: index for index, name in enumerate(nodes)}
    ops = tuple(
        (node.op, *(place.get(name, -1) for name in node.inputs))
        for node in nodes.values()
    )
    spec = net.plan.spec
    return spec.input, ops, spec.init, spec.train


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: on which line, from which column, and whether it is the name of what is defined there."""

    text: str
    line: int
    column: int
    defines: bool = False


_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]")
# free text, and names of others
_SAID = frozenset(
    ["about", "name", "path", "extends", "variants", "expect"]
)
_NAMED = frozenset(["blocks", "net", "let"])


def words(text: str) -> list[Word]:
    """The words of a spec that mean something: of labels and equations, keys, and values of a recipe."""
    tree, _ = read(Source("spec.yaml", text))
    assert tree is not None
    return list(_words(tree, ()))


def _words(tree: Tree, path: tuple[str, ...]) -> Iterator[Word]:
    if isinstance(tree, Scalar):
        yield from _in(tree)
    elif isinstance(tree, Sequence):
        for item in tree.items:
            yield from _words(item, path)
    else:
        assert isinstance(tree, Mapping)
        for key, entry in tree.entries.items():
            if path[-1:] == ("optimizer",) or key not in _SAID:
                yield from _of_entry(key, entry, path)


def _of_entry(
    key: str, entry: KeyValue, path: tuple[str, ...]
) -> Iterator[Word]:
    inner = path[:1] == ("blocks",) and path[-1] != "let"
    defines = (path[-1:] != () and path[-1] in _NAMED) or (
        inner and key not in BLOCK_KEYS
    )
    span = entry.key.span
    if span.written() == key:
        yield Word(key, span.line, span.column, defines)
    yield from _words(entry.value, (*path, key))


def _in(scalar: Scalar) -> Iterator[Word]:
    span = scalar.span
    if span.line == span.end_line:
        for found in _WORD.finditer(span.written()):
            yield Word(found[0], span.line, span.column + found.start())


def replaced(text: str, word: Word, by: str) -> str:
    """The text with something else in the place of a word."""
    lines = text.split("\n")
    line = lines[word.line - 1]
    at = word.column - 1
    assert line[at : at + len(word.text)] == word.text, (line, word)
    lines[word.line - 1] = line[:at] + by + line[at + len(word.text) :]
    return "\n".join(lines)


OPS = frozenset(word for phrase in VOCABULARY for word in phrase.split())

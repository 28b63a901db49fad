"""Specs that were imported → the text of one file, checked variant by variant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from ...collecting import each_name, each_node, flatten, present
from ...errors import ResgraphError, Source
from ...language.extends import read_text
from ...language.format import reformat
from ...language.library import library_index
from ...language.yaml.tree import plain_value
from ...plan import Plan, loads
from ..captured import ImportRefused
from ..matching import matched_nets
from ..page import aligned, broken
from ..written import listed
from .values import SharedValues

_T = TypeVar("_T")
_TOKEN = re.compile(r"\d+x[\dx]+|\d+\.\d+|\d+|[A-Za-z_][\w-]*|\s+|.")
_COUNT = re.compile(r"(\d+) x (.*)")
_OWN = ("name", "about", "expect", "blocks", "net")
"""Keys that are not compared as they are."""


@dataclass(frozen=True, eq=False)
class Member:
    """A net of a family: the name of its variant, what it was, its spec, and its plan."""

    name: str
    about: str
    text: str
    plan: Plan
    tree: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        read, _ = read_text(Source(self.name, self.text))
        object.__setattr__(self, "tree", plain_value(read))

    @property
    def notes(self) -> list[str]:
        return [
            line for line in self.text.splitlines() if line.startswith("# ")
        ]

    @property
    def expected(self) -> str:
        return self.text.rpartition("\nexpect: ")[2].strip()


def family(members: Sequence[Member], title: str = "") -> str:
    """One file, of which each variant makes the same net as its own spec. Raises `ImportRefused`
    where they share too little, which is no fault of any of them."""
    if len(set(each_name(members))) < len(members):
        raise ImportRefused(
            "two of the models have one name: they cannot be variants"
        )
    text = reformat(
        Source(title, _Family(members).text(title or _title(members)))
    )
    for member in members:
        _check(text, member)
    return text


def _check(text: str, member: Member) -> None:
    """The variant is, node by node, the net that was proven."""
    try:
        graph = loads(text, member.name).graph
    except ResgraphError as problem:
        raise ImportRefused(
            f"no file can say all of them\n{problem}"
        ) from None
    own = member.plan.graph
    ends = each_node(own.outputs)
    if matched_nets(graph, own.nodes, own.inputs, ends) is None:
        raise ImportRefused(
            f"as a variant, {member.name} would be another net"
        )


def _title(members: Sequence[Member]) -> str:
    """What their names begin and end with: `resnet-d` of `resnet50d` and `resnet101d`."""
    names = [
        re.sub(r"\d+", " ", member.name, count=1) for member in members
    ]
    first, _, last = names[0].partition(" ")
    return (
        f"{first}-{last}".strip("-_") if len(set(names)) == 1 else "family"
    )


class _Family:
    """The file of several nets."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.blocks = {*library_index()}.union(
            *(m.tree.get("blocks", {}) for m in members)
        )
        self.values = SharedValues()

    def text(self, title: str) -> str:
        keys, variants = self._settings()
        blocks, net = list(self._blocks()), self._net()
        settled = self.values.settle()
        lines = [
            *dict.fromkeys(
                flatten(member.notes for member in self.members)
            ),
            f"name: {title}",
            f"about: {self._about()}",
            f"input: {keys.pop('input')}",
            *([""] if keys or settled.lets else []),
            *([f"let: {_braced(settled.line(0))}"] if settled.lets else []),
            *(f"{key}: {text}" for key, text in keys.items()),
        ]
        lines += [*map(settled.filled, blocks), "", "net:"]
        rows = [
            (name, [*map(settled.filled, labels)]) for name, labels in net
        ]
        lines += aligned(rows, 2)
        said = [
            (m.name, [_braced(settled.changes(n), keys)])
            for n, (m, keys) in enumerate(
                zip(self.members, variants, strict=True)
            )
        ]
        lines += ["", "variants:", *aligned(said, 2), "", "expect:"]
        lines += aligned([(m.name, [m.expected]) for m in self.members], 2)
        return "\n".join(lines) + "\n"

    def _about(self) -> str:
        named = [member.about.rpartition(":") for member in self.members]
        packages = {package for package, _, _ in named}
        if packages in ({"timm"}, {"torchvision"}):
            return f"{packages.pop()}'s {', '.join(name for _, _, name in named)}"
        return ", ".join(member.about for member in self.members)

    def _settings(self) -> tuple[dict[str, str], list[str]]:
        """Keys of the file, as the first has them, and what each variant says of them."""
        lines = [*map(_keys, self.members)]
        odd = {
            key
            for key in chain(*lines)
            if not all(key in own for own in lines)
        }
        if odd:
            raise self._refused(f"not all of them have `{min(odd)}`")
        first = lines[0]
        said = [
            ", ".join(
                f"{key}: {text}"
                for key, text in own.items()
                if text != first[key]
            )
            for own in lines
        ]
        return dict(first), said

    def _blocks(self) -> Iterator[str]:
        """Lines of all blocks, each from those that have it."""
        texts: dict[str, list[list[str] | None]] = {}
        for place, member in enumerate(self.members):
            for name, lines in _block_lines(member.text).items():
                empty: list[list[str] | None] = [None] * len(self.members)
                texts.setdefault(name, empty)[place] = lines
        if texts:
            yield from ("", "blocks:")
        for name, each in texts.items():
            have = next(iter(present(each)))
            problem = f"their blocks `{name}` differ"
            for column in self._columns(
                [lines or have for lines in each], problem
            ):
                yield from _rebroken(self._unified(column, problem))

    def _net(self) -> list[tuple[str, list[str]]]:
        nets = [*map(_rows, self.members)]
        drafts = []
        for rows in self._columns(
            nets, "they have different numbers of rows"
        ):
            name, _ = rows[0]
            lists = [labels for _, labels in rows]
            drafts.append(
                (name, self._columns(lists, f"their rows `{name}` differ"))
            )
        repeated = any(
            len({_counted(label)[0] for label in column}) > 1
            for _, columns in drafts
            for column in columns
        )
        return [
            (
                name,
                [self._label(column, name, repeated) for column in columns],
            )
            for name, columns in drafts
        ]

    def _label(
        self, column: Sequence[str], row: str, repeated: bool
    ) -> str:
        """One label for all; with `repeated`, how often it stands is one of the `reps`."""
        pairs = [*map(_counted, column)]
        counts = [count for count, _ in pairs]
        text = self._unified(
            [label for _, label in pairs], f"their rows `{row}` differ"
        )
        if max(counts) == 1:
            return text
        times = (
            self.values.listed("reps", counts)
            if repeated
            else str(counts[0])
        )
        return f"{times} x {text}"

    def _columns(
        self,
        lists: Sequence[Sequence[_T]],
        problem: str,
        texts: Sequence[str] = (),
    ) -> list[tuple[_T, ...]]:
        """What stands at each place of all of these lists, which must be as long as each other."""
        if len({*map(len, lists)}) > 1:
            raise self._refused(problem, texts)
        return list(zip(*lists, strict=True))

    def _unified(self, texts: Sequence[str], problem: str) -> str:
        """One text for all, with a value where they differ."""
        if len(set(texts)) == 1:
            return texts[0]
        tokens = [*map(_TOKEN.findall, texts)]
        found: list[str] = []
        for column in self._columns(tokens, problem, texts):
            if len(set(column)) == 1:
                found.append(column[0])
            elif all(token.isdigit() for token in column):
                word = self._word(tokens[0][: len(found)])
                found.append(self.values.number(word, [*map(int, column)]))
            elif all(token in self.blocks for token in column):
                found.append(self.values.word(column))
            else:
                raise self._refused(problem, texts)
        return "".join(found)

    def _word(self, before: Sequence[str]) -> str:
        """What a number is, from the word before it."""
        words = [token for token in before if not token.isspace()]
        if words[-1:] == ["/"]:
            return "stride"
        word = next(
            (w for w in reversed(words) if w[0].isalpha()), "number"
        )
        return "" if word in self.blocks or word in ("conv", "fc") else word

    def _refused(
        self, problem: str, texts: Sequence[str] = ()
    ) -> ImportRefused:
        names = each_name(self.members)
        pairs = zip(names, texts, strict=True) if texts else ()
        seen = "".join(
            f"\n  {name}: {text.strip()}" for name, text in pairs
        )
        return ImportRefused(
            f"{', '.join(names)} share too little for one file: {problem}{seen}\n"
            "import each into a file of its own"
        )


def _braced(*pairs: str) -> str:
    return f"{{{', '.join(filter(None, pairs))}}}"


def _keys(member: Member) -> dict[str, str]:
    """The keys of a file that stand on one line of its text."""
    pairs = (line.partition(": ") for line in member.text.splitlines())
    return {
        key: text
        for key, _, text in pairs
        if key in member.tree and key not in _OWN
    }


def _block_lines(text: str) -> dict[str, list[str]]:
    """The lines of each block, its name among them; lists that are broken as one."""
    inner = text.partition("\nblocks:\n")[2].partition("\n\n")[0]
    parts = re.split(r"^  ([\w-]+):", inner, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], map(_joined, parts[1::2]), strict=True)
    return {
        name: f"  {name}:{lines.rstrip()}".splitlines()
        for name, lines in pairs
    }


def _joined(lines: str) -> str:
    """The lines of a block, but for one of several streams with its lists on one each."""
    return (
        lines if lines.startswith(" {") else re.sub(r",\n +", ", ", lines)
    )


def _rebroken(line: str) -> Iterator[str]:
    """A line of a block, over several where it is long."""
    found = re.fullmatch(r"( +[\w-]+: +)\[(.*)\]", line)
    return broken(found[1], found[2].split(", ")) if found else iter([line])


def _rows(member: Member) -> list[tuple[str, list[str]]]:
    rows = member.tree["net"].items()
    lists = (
        (name, said if isinstance(said, list) else [said])
        for name, said in rows
    )
    return [(name, [*map(_flow, labels)]) for name, labels in lists]


def _flow(label: Any) -> str:
    """A label, or a block that stands in a row, on one line."""
    if isinstance(label, dict):
        return _braced(
            *(f"{key}: {_flow(each)}" for key, each in label.items())
        )
    return (
        listed([*map(_flow, label)])
        if isinstance(label, list)
        else str(label)
    )


def _counted(label: str) -> tuple[int, str]:
    found = _COUNT.fullmatch(label)
    return (int(found[1]), found[2]) if found else (1, label)

"""A word too many in a spec is an error or another net: nothing is passed over in silence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from resgraph import SpecError, loads

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
ADDED = [
    " /3", " 64", " 0.5", " x", " tanh", " to 7x7", " ceil", " pad 3", " dilation 2", " groups 2",
    " kernel 5", " stride 2", " out 8", " reduction 2", " zz 3",
]  # fmt: skip
READ = ("unit", "shortcut", "blocks", "net")
"""The keys of a file of which all is read; a `let` may have another value in each variant."""


def scalars(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """The texts of a file below `READ`, but what is said about a block."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if (path or key.value in READ) and key.value not in (
                "about",
                "let",
            ):
                yield from scalars(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from scalars(value, path)
    elif not node.style:
        yield node


def nets(text: str) -> list[Any]:
    """What each variant of a file comes to."""
    variants = yaml.safe_load(text).get("variants") or {None: {}}
    return [
        [
            (node.name, node.op, node.shape, node.inputs)
            for node in loads(text, variant).graph.nodes.values()
        ]
        for variant in variants
    ]


@cache
def right(file: Path) -> list[Any]:
    return nets(file.read_text(encoding="utf-8"))


def unheard(seed: int) -> str:
    """A word that is put behind one of a zoo spec; "" where it is heard."""
    chance = random.Random(seed)
    file = chance.choice(SPECS)
    text = file.read_text(encoding="utf-8")
    node = chance.choice([*scalars(yaml.compose(text))])
    added, end = chance.choice(ADDED), node.end_mark.index
    try:
        found = nets(text[:end] + added + text[end:])
    except SpecError:
        return ""
    return f"{file.name}: {node.value}{added}" * (found == right(file))


def test_a_sample_is_heard() -> None:
    assert [*filter(None, map(unheard, range(60)))] == []


@pytest.mark.slow
def test_many_are_heard() -> None:
    assert [*filter(None, map(unheard, range(60, 3000)))] == []

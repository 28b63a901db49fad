"""What a spec of 0.1.0 meant, it means: the printed graph of every net of the zoo and of every call of the library."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from nets import zoo

import resgraph
from resgraph.graph import Graph, Layer

MEANT: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "meanings.json").read_text()
)
"""By net of the zoo, and by input and call of the library: the first 16 digits of the graph's SHA-256."""


def meaning(plan: resgraph.Plan) -> str:
    """Names, ops with all options, what reads what, and shapes, as one number."""
    return hashlib.sha256(as_named(plan.graph).encode()).hexdigest()[:16]


def as_named(graph: Graph) -> str:
    """The printed graph under the names of 0.1.0, where what follows an `fc` stood below it, `head.1.relu`: since then
    it is a module beside it, `head.1_relu`."""
    text = str(graph)
    for layer in graph.own_items():
        if isinstance(layer, Layer) and layer.nodes[0] == layer.name:
            for name in layer.nodes[1:]:
                below = f"{layer.name}.{name[len(layer.name) + 1 :]}"
                text = re.sub(
                    rf"(?<![\w.]){re.escape(name)}(?![\w.])", below, text
                )
    return text


def call_of(case: str) -> resgraph.Plan:
    """The net of one call: `64x16x16: basic 64`."""
    shape, _, call = case.partition(": ")
    return resgraph.loads(
        f"name: call\ninput: {shape}\nnet:\n  row: {call}\n"
    )


def test_there_are_as_many_as_in_the_first_version() -> None:
    assert (len(MEANT["zoo"]), len(MEANT["library"])) == (179, 63)


@pytest.mark.parametrize("net", MEANT["zoo"])
def test_a_net_of_the_zoo_is_what_it_was(net: str) -> None:
    assert meaning(zoo(net)) == MEANT["zoo"][net]


@pytest.mark.parametrize("case", MEANT["library"])
def test_a_block_of_the_library_is_what_it_was(case: str) -> None:
    assert meaning(call_of(case)) == MEANT["library"][case]

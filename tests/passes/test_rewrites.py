"""Rewriting passes by example: a file of `fixtures/` is a spec, its graph, and what the pass of the folder's name makes
of it. `pytest --update-golden` writes the graphs anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import resgraph
from resgraph.graph import Graph
from resgraph.passes.fold import fold_batch_norm
from resgraph.passes.inplace import inplace

FIXTURES = Path(__file__).parent / "fixtures"
BEFORE, AFTER = "--- before", "--- after"


def _folded(graph: Graph) -> str:
    return str(fold_batch_norm(graph)[0])


def _marked(graph: Graph) -> str:
    """The graph, with an exclamation mark behind what is written over its first input."""
    names = ["", *graph.nodes, ""]
    lines = [f"\n{graph}".split("\n"), names]
    found = inplace(graph)
    return "\n".join(
        line + " !" * (name in found)
        for line, name in zip(*lines, strict=True)
    ).lstrip()


PASSES: dict[str, Callable[[Graph], str]] = {
    "fold": _folded,
    "inplace": _marked,
}


@pytest.mark.parametrize(
    "path",
    sorted(FIXTURES.glob("*/*.txt")),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_rewrites(path: Path, golden: Callable[[str, str], None]) -> None:
    spec = path.read_text().partition(BEFORE)[0]
    graph = resgraph.loads(spec).graph
    before = str(graph)
    after = PASSES[path.parent.name](graph)
    assert str(graph) == before, "the graph that is given stays as it is"
    golden(str(path), f"{spec}{BEFORE}\n{before}\n{AFTER}\n{after}\n")


def test_every_folder_is_of_a_pass_and_every_pass_has_one() -> None:
    assert {
        path.parent.name for path in FIXTURES.glob("*/*.txt")
    } == PASSES.keys()

"""The Mermaid text is a flowchart whose ids are its own, with what changes the shape dotted and coloured."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from drawn import ALL, RESIDUAL, plan

from resgraph import loads
from resgraph.outputs import figure
from resgraph.outputs.figure.flowchart import quoted


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("mermaid/residual.mmd", figure.mermaid(plan("residual"), view="stages"))


@pytest.mark.parametrize("view", ["stages", "ops"])
@pytest.mark.parametrize("name", ALL)
def test_edges_join_nodes_that_are_there(name: str, view: str) -> None:
    text = figure.mermaid(plan(name), view=view)  # type: ignore[arg-type]
    nodes = set(re.findall(r"^ *(n\d+)[\[(]", text, re.MULTILINE))
    edges = re.findall(r"^ *(n\d+) (?:-->|-\.->)(?:\|[^|]*\|)? (n\d+)$", text, re.MULTILINE)
    assert len(edges) == text.count("->")
    assert {end for edge in edges for end in edge} == nodes
    assert text.count("subgraph ") == len(re.findall("^ *end$", text, re.MULTILINE))


def test_the_dotted_edge_is_the_coloured_one() -> None:
    text = figure.mermaid(plan("residual"), view="blocks")
    arrows = re.findall(r"-->|-\.->", text)
    number = re.search(r"linkStyle (\d+) stroke", text)
    assert number
    assert [index for index, arrow in enumerate(arrows) if arrow == "-.->"] == [int(number[1])]


@pytest.mark.parametrize("text", ['a"b', "a#b", "<b>", "`x`", "a\nb", "\\"])
def test_text_stays_text(text: str) -> None:
    said = quoted(text)
    assert said[0] == said[-1] == '"'
    assert not re.search(r'["<>`\\\n]', said[1:-1])
    assert not re.search(r"#(?!\w+;)", said)


def test_a_hostile_name_stays_in_its_quotes() -> None:
    text = figure.mermaid(loads(RESIDUAL.replace("name: Residual", "name: 'x\" --> end; click n1 \"y'")))
    assert text.splitlines()[1] == "title: " + quoted('x" --> end; click n1 "y')

"""The Mermaid text is a flowchart whose ids are its own, with what changes the shape dotted and coloured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import yaml
from drawn import ALL, RESIDUAL, plan

from resgraph import load, loads
from resgraph.outputs.figure.formats.mermaid import quoted


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden(
        "mermaid/residual.mmd", plan("residual").to("mmd", view="stages")
    )


@pytest.mark.parametrize("view", ["stages", "ops"])
@pytest.mark.parametrize("name", ALL)
def test_edges_join_nodes_that_are_there(name: str, view: str) -> None:
    text = plan(name).to("mmd", view=view)
    nodes = set(re.findall(r"^ *(n\d+)[\[(]", text, re.MULTILINE))
    clusters = set(re.findall(r"^ *subgraph (s\d+)\[", text, re.MULTILINE))
    edges = re.findall(
        r"^ *(n\d+) (?:-->|-\.->)(?:\|[^|]*\|)? ([ns]\d+)$",
        text,
        re.MULTILINE,
    )
    assert len(edges) == text.count("->")
    ends = {end for edge in edges for end in edge}
    assert nodes <= ends <= nodes | clusters
    # What is above a cluster leads to its border, and its title is free.
    assert clusters <= ends
    assert text.count("subgraph ") == len(
        re.findall("^ *end$", text, re.MULTILINE)
    )


def test_each_stream_has_a_wire() -> None:
    """HRNet's second stage hands on two maps, its third three: none of them ends in the air."""
    text = load("hrnet-w18").to("mmd")
    edges = re.findall(
        r"^ *(n\d+) -\S+(?:\|[^|]*\|)? ([ns]\d+)$", text, re.MULTILINE
    )
    nodes = re.findall(r"^ *(n\d+)[\[(]", text, re.MULTILINE)
    assert set(nodes) - {tail for tail, _ in edges} == {nodes[-1]}
    points = re.findall(
        r'subgraph (s\d+).*\n((?: *n\d+\(\("&nbsp;.*\n)*)', text
    )
    heads = {head for _, head in edges}
    for cluster, lines in points:
        entries = re.findall(r"(n\d+)\(", lines)
        assert heads >= ({cluster} if len(entries) == 1 else set(entries))
    assert max(lines.count("nbsp") for _, lines in points) == 4


def test_the_dotted_edge_is_the_coloured_one() -> None:
    text = plan("residual").to("mmd", view="blocks")
    arrows = re.findall(r"-->|-\.->", text)
    number = re.search(r"linkStyle (\d+) stroke", text)
    assert number
    assert [
        index for index, arrow in enumerate(arrows) if arrow == "-.->"
    ] == [int(number[1])]


@pytest.mark.parametrize(
    "text",
    [
        'a"b',
        "a#b",
        "<b>",
        "`x`",
        "a\nb",
        "\\",
        "%%{init: {}}%%",
        "$$x^2$$",
        "end",
        "&lt;",
        "%% c",
    ],
)
def test_text_stays_text(text: str) -> None:
    said = quoted(text)
    assert said[0] == said[-1] == '"'
    assert not re.search(r'["<>`\\\n%$]', said[1:-1])
    assert not re.search(r"#(?!\w+;)", said)
    names = {"quot": '"', "lt": "<", "gt": ">", "amp": "&"}
    back = re.sub(
        r"#(\w+);",
        lambda found: names.get(found[1]) or chr(int(found[1])),
        said[1:-1],
    )
    assert back == text.replace("\n", " ")


@pytest.mark.parametrize(
    "name",
    [
        'a "b" c',
        "a#b & c",
        "x --> end; click n1",
        "`x` \\ %%{",
        "---",
        "a: b",
    ],
)
def test_a_title_shows_no_entity(name: str) -> None:
    """It is YAML; Mermaid writes entities out in labels alone."""
    line = (
        loads(
            RESIDUAL.replace("name: Residual", f"name: {json.dumps(name)}")
        )
        .to("mmd")
        .splitlines()[1]
    )
    assert yaml.safe_load(line) == {"title": name}


def test_a_title_has_no_tag() -> None:
    text = loads(RESIDUAL.replace("name: Residual", "name: a <b> c")).to(
        "mmd"
    )
    assert text.splitlines()[1] == 'title: "a \uff1cb> c"'

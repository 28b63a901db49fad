"""A title that is markup of every format at once stays a title in each: nothing in it is read."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from drawn import RESIDUAL, plan

from resgraph import Plan, loads
from resgraph.outputs.figure.formats.graphviz import dot

TITLES = [
    "<!-- <script>",
    "--> ]]> </script></title></svg><script>alert(1)</script>",
    "%% } { \\N \\end{document} $x$ ^^M",
    '"]; end; "] --> x; click n1 "y"',
    "`x` &lt; &#60; \\u003c",
    "%%{init: {}}%%",
    "---",
]


def named(title: str) -> Plan:
    return loads(
        RESIDUAL.replace(
            "name: Residual",
            f"name: {json.dumps(title)}\nabout: {json.dumps(title)}",
            1,
        )
    )


class Page(HTMLParser):
    """Which elements a page opens, and what stands in its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)

    def handle_data(self, data: str) -> None:
        if self.opened[-1:] == ["script"] and data.strip():
            self.scripts.append(data)


def page(net: Plan) -> Page:
    out = Page()
    out.feed(net.to("html"))
    return out


@pytest.mark.parametrize("title", TITLES)
def test_html(title: str) -> None:
    net = named(title)
    found, usual = page(net), page(plan("residual"))
    assert found.opened == usual.opened
    data = re.findall(
        r'<script type="application/json" id="net">(.*?)</script>',
        net.to("html"),
        re.DOTALL,
    )
    assert len(data) == 1 and "<" not in data[0]
    assert json.loads(data[0])["name"] == net.name


@pytest.mark.parametrize("title", TITLES)
def test_svg(title: str) -> None:
    net = named(title)
    text = net.svg()
    root, usual = ET.fromstring(text), ET.fromstring(plan("residual").svg())
    assert [e.tag for e in root.iter()] == [e.tag for e in usual.iter()]
    assert root[0].text == net.name
    assert "<!--" not in text


@pytest.mark.parametrize("title", TITLES)
def test_dot(title: str) -> None:
    """Without what stands in strings and in labels, the graph of another title is the same."""
    texts = [dot(net) for net in (named(title), plan("residual"))]
    bare = [re.sub(r'"(?:[^"\\]|\\.)*"', '""', text) for text in texts]
    assert bare[0] == bare[1]


@pytest.mark.parametrize("title", TITLES)
def test_mermaid(title: str) -> None:
    hostile, usual = (
        net.to("mmd").splitlines()
        for net in (named(title), plan("residual"))
    )
    assert hostile[2:] == usual[2:]
    assert json.loads(hostile[1].removeprefix("title: ")) == title.replace(
        "<", "\uff1c"
    )


@pytest.mark.parametrize("title", TITLES)
def test_tex(title: str) -> None:
    hostile, usual = (
        net.to("tex", view="stages")
        for net in (named(title), plan("residual"))
    )
    assert hostile.count("\\") > 0 and hostile.isascii()
    commands = [
        re.findall(
            r"\\(?:begin|end|input|documentclass|usepackage)\{[^}]*\}", text
        )
        for text in (hostile, usual)
    ]
    assert commands[0] == commands[1]
    assert not re.search(r"(?<!\\)%", hostile.split(r"\begin{document}")[1])
    assert "^^" not in hostile

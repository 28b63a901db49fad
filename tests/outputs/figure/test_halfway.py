"""A wrong spec is drawn as far as it holds together, with the row at which it stops in red."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from drawn import RESIDUAL

from resgraph import SpecError
from resgraph.errors import Source
from resgraph.language.spec import text_spec
from resgraph.outputs.figure.render import unfinished
from resgraph.outputs.figure.style import PALETTES
from resgraph.plan import plan_of

RED = PALETTES["light"]["broken"]
BROKEN = RESIDUAL.replace("    merge: relu", "    shortcut: identity\n    merge: relu")


def drawn(text: str) -> str:
    spec = text_spec(Source("<text>", text))
    with pytest.raises(SpecError) as problem:
        plan_of(spec)
    return unfinished(spec, problem.value)


def test_the_rows_above_are_there_and_the_join_is_red() -> None:
    svg = drawn(BROKEN)
    root = ET.fromstring(svg)
    ids = {group.attrib["id"] for group in root.iter("{http://www.w3.org/2000/svg}g")}
    assert {"conv1.0", "conv2.0.body.0", "conv3"} <= ids
    assert not any(name.startswith(("conv3.", "head")) for name in ids)
    red = [
        path
        for path in root.iter("{http://www.w3.org/2000/svg}path")
        if path.attrib.get("stroke") == RED
    ]
    assert len(red) == 1
    assert "error[E041]: an identity shortcut cannot change" in svg
    assert "help: use `shortcut: projection`" in svg


def test_a_mistake_in_the_first_row_leaves_nothing_to_draw() -> None:
    assert drawn(RESIDUAL.replace("[3x3 conv 16, 3x3 max pool /2]", "fc 10")) == ""


def test_a_mistake_in_the_last_row() -> None:
    svg = drawn(RESIDUAL.replace("[global avg pool, fc 10]", "[fc 10]"))
    assert 'id="conv3.1.body.1"' in svg
    assert 'id="head"' in svg

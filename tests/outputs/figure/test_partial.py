"""A wrong spec is drawn as far as it holds together, with the row at which it stops in red."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from drawn import RESIDUAL

from resgraph.errors import Source
from resgraph.language.spec import text_spec
from resgraph.outputs.figure.render import unfinished
from resgraph.outputs.figure.style import PALETTES
from resgraph.passes.expand import expand

RED = PALETTES["light"]["broken"]
BROKEN = RESIDUAL.replace(
    "    merge: relu", "    shortcut: identity\n    merge: relu"
)


def drawn(text: str) -> str:
    spec = text_spec(Source("<text>", text))
    made = expand(spec)
    return unfinished(made, made.diagnostics[0])


def test_the_rows_above_are_there_and_the_join_is_red() -> None:
    svg = drawn(BROKEN)
    root = ET.fromstring(svg)
    ids = {
        group.attrib["id"]
        for group in root.iter("{http://www.w3.org/2000/svg}g")
    }
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
    assert (
        drawn(RESIDUAL.replace("[3x3 conv 16, 3x3 max pool /2]", "fc 10"))
        == ""
    )


def test_a_mistake_in_the_last_row() -> None:
    svg = drawn(RESIDUAL.replace("[global avg pool, fc 10]", "[fc 10]"))
    assert 'id="conv3.1.body.1"' in svg
    assert 'id="head"' in svg


def test_what_is_counted_over_the_net_counts_the_rows_below_too() -> None:
    """The first of five blocks is the only one that can be made: its rate is worked out of five."""
    rate = "conv out linear, drop path 0.5*(index + 1)/total]"
    rated = RESIDUAL.replace("conv out linear]", rate).replace(
        "3 x pair", "pair"
    )
    assert "conv2.body.2: drop path 0.1," in drawn(
        rated.replace("32 /2", "32 /65")
    )


def test_a_row_that_a_row_below_the_mistake_reads_is_no_mistake() -> None:
    svg = drawn(
        "name: a\ninput: 3x8x8\nnet:\n  one: 3x3 conv 8\n  two: [input * 2, 3x3 conv 8]\n"
        "  three: [one + two, relu]\n  four: [fc 3, 3x3 conv 8]\n"
    )
    assert 'id="three"' in svg or 'id="three.' in svg
    assert 'id="four"' in svg


def test_a_block_that_cannot_be_read_stops_the_row_that_calls_it() -> None:
    """The shape of its sum is known from the shortcut; a node of that sum there is none."""
    svg = drawn(RESIDUAL.replace("[3x3 conv out /stride,", "[3x3 abs out,"))
    assert 'id="conv1.0"' in svg and 'id="conv2"' in svg
    assert 'id="conv2.' not in svg

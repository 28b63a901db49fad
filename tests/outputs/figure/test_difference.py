"""The picture of a difference marks what was removed, added and changed, in colours, signs and outlines."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from drawn import RESIDUAL

from resgraph import Plan, load, loads
from resgraph.outputs.figure.render import render_difference
from resgraph.outputs.figure.style import PALETTES

SPECS = Path(__file__).parents[3] / "specs"
COLOURS = {
    mark: PALETTES["light"][mark]
    for mark in ("added", "removed", "changed")
}


def outlined(before: Plan, after: Plan, mark: str) -> list[str]:
    root = ET.fromstring(str(render_difference(before, after, "svg")))
    groups = root.iter("{http://www.w3.org/2000/svg}g")
    ids = [
        g.attrib["id"]
        for g in groups
        if any(shape.attrib.get("stroke") == COLOURS[mark] for shape in g)
    ]
    assert len(ids) == len(set(ids))
    return [name.partition(":")[2] for name in ids]


def test_added_blocks_are_drawn_apart_from_their_equals() -> None:
    before = loads(RESIDUAL)
    after = loads(RESIDUAL.replace("4 x pair", "6 x pair"))
    assert outlined(before, after, "added") == [
        "conv3.4.body.0",
        "conv3.4.body.1",
        "conv3.4.merge.add",
    ]
    assert outlined(before, after, "removed") == []
    assert outlined(after, before, "removed") == [
        "conv3.4.body.0",
        "conv3.4.body.1",
        "conv3.4.merge.add",
    ]
    text = str(render_difference(before, after, "svg"))
    # the row of three, and the three repeats that both have, each twice
    assert text.count(">× 3<") == 4
    assert text.count(">× 2<") == 1


def test_a_changed_layer_is_marked_in_both() -> None:
    after = loads(
        RESIDUAL.replace(
            "body:  [3x3 conv out /stride,", "body:  [5x5 conv out /stride,"
        )
    )
    changed = outlined(loads(RESIDUAL), after, "changed")
    assert changed.count("conv3.0.body.0") == 2
    assert "conv3.0.body.1" not in changed


def test_a_shortcut_that_differs_says_how() -> None:
    a, b = (
        load(f"{SPECS}/resnet-34-options.yaml::resnet-34-{option}")
        for option in "ab"
    )
    said = re.findall(
        r">([+−~] [^<]+)<", str(render_difference(a, b, "svg"))
    )
    assert "− 64 → 128" in said
    assert "+ 1×1, 128 /2" in said


def test_equal_nets_have_no_marks() -> None:
    text = str(render_difference(loads(RESIDUAL), loads(RESIDUAL), "svg"))
    assert not any(
        f'stroke="{colour}"' in text for colour in (COLOURS["removed"],)
    )
    assert outlined(loads(RESIDUAL), loads(RESIDUAL), "changed") == []

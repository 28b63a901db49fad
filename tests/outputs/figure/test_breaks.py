"""A deep net op by op stands in columns: nothing is lost, and each column goes on at the next one's head."""

from __future__ import annotations

import re

import pytest

from resgraph import load
from resgraph.outputs.figure.figures import breaks
from resgraph.outputs.figure.render import scene
from resgraph.outputs.figure.scene import (
    Line,
    Rect,
    Scene,
    ShapeGroup,
    Text,
)

BENT = 6
"""The points of a line from one column to the next."""


def joints(drawn: Scene) -> list[Line]:
    return [
        item
        for item in drawn.items
        if isinstance(item, Line) and len(item.points) == BENT
    ]


@pytest.fixture(scope="module")
def columns() -> Scene:
    return scene(load("resnet-50"), "ops")


def test_a_deep_net_is_about_square_and_a_short_one_a_strip(
    columns: Scene,
) -> None:
    assert 0.5 < columns.height / columns.width < 2
    assert len(joints(columns)) == 2
    short = scene(load("resnet-20"), "stages")
    assert joints(short) == []


def test_nothing_is_lost_or_drawn_twice(
    columns: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaks, "TALL", float("inf"))
    strip = scene(load("resnet-50"), "ops")
    assert joints(strip) == []
    found, wanted = (
        sorted(
            item.name for item in each.items if isinstance(item, ShapeGroup)
        )
        for each in (columns, strip)
    )
    assert found == wanted
    arrows = [
        sum(isinstance(i, Line) and i.arrow for i in each.items)
        for each in (columns, strip)
    ]
    # a broken line has its arrow in the lower part
    assert arrows[0] >= arrows[1]


def test_a_joint_runs_from_the_foot_of_a_line_to_the_head_of_one(
    columns: Scene,
) -> None:
    ends = {
        (round(x, 1), round(y, 1))
        for item in columns.items
        if isinstance(item, Line) and len(item.points) == 2
        for x, y in item.points
    }
    for line in joints(columns):
        for x, y in (line.points[1], line.points[-2]):
            assert (round(x, 1), round(y, 1)) in ends


def test_nothing_stands_on_a_joint(columns: Scene) -> None:
    boxes = [
        shape
        for item in columns.items
        for shape in (
            item.shapes if isinstance(item, ShapeGroup) else [item]
        )
        if isinstance(shape, Rect)
    ]
    for line in joints(columns):
        _, (x0, foot), (edge, _), (_, top), (x1, _), _ = line.points
        for box in boxes:
            right, bottom = box.x + box.width, box.y + box.height
            assert not (
                box.x < edge < right and box.y < foot and bottom > top
            )
            assert not (
                box.y < foot < bottom and box.x < edge and right > x0
            )
            assert not (
                box.y < top < bottom and box.x < x1 and right > edge
            )


def test_a_row_in_two_columns_is_named_in_both_and_counted_once(
    columns: Scene,
) -> None:
    said = [item.text for item in columns.items if isinstance(item, Text)]
    assert said.count("continued") == 2
    names = [text for text in said if re.fullmatch(r"conv\d", text)]
    assert len(names) == 5 + 2  # conv1 to conv5, two of them twice
    assert said.count("7.10 M") == 1  # what conv4 learns


def test_a_net_whose_skips_run_beside_the_spine_is_not_broken_there() -> (
    None
):
    """Of a U-Net, all that flows runs through one line at its ends alone: a break would cut its
    skips."""
    drawn = scene(load("res-unet"), "ops")
    for line in joints(drawn):
        xs = {round(x, 1) for x, _ in line.points}
        assert len(xs) == 3

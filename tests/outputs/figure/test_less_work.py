"""A figure of rows that all read all: what is drawn often is worked out once, moved once, and not searched."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from cProfile import Profile
from typing import Any

import pytest

from resgraph import Plan, loads
from resgraph.outputs.figure import text
from resgraph.outputs.figure.figures import overview
from resgraph.outputs.figure.layout import routing
from resgraph.outputs.figure.layout.lanes import Lanes
from resgraph.outputs.figure.render import render
from resgraph.outputs.figure.scene import AlongPoints, AtPoint, ShapeGroup

ROWS = 40
LOOK = overview.NetLook("stages")


@pytest.fixture(scope="module")
def dense() -> Plan:
    lines = ["name: dense", "input: 3x32x32", "net:", "  r0: 3x3 conv 8"]
    for row in range(1, ROWS):
        read = " ".join(f"r{above}" for above in range(row))
        joined = f"concat({read}), " if row > 1 else ""
        lines.append(f"  r{row}: [{joined}1x1 conv 8]")
    return loads("\n".join([*lines, "  head: [global avg pool, fc 10]"]))


def test_lanes_tell_no_heights_apart_but_ends_of_links(
    dense: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Lanes] = []

    def kept(step: float, heights: Iterable[float]) -> Lanes:
        made.append(Lanes(step, heights))
        return made[-1]

    monkeypatch.setattr(routing, "Lanes", kept)
    overview.draw(dense, LOOK)
    assert len(made[-1].columns) > ROWS
    assert len(made[-1].taken.leaves) < 2 * ROWS


def test_a_figure_of_one_column_is_not_moved(
    dense: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("moved by nothing")

    for shape in (AtPoint, AlongPoints, ShapeGroup):
        monkeypatch.setattr(shape, "moved", refused)
    overview.draw(dense, LOOK)


def test_a_text_is_measured_once(dense: Plan) -> None:
    text.width.cache_clear()
    overview.draw(dense, LOOK)
    measured = text.width.cache_info()
    assert measured.misses < 6 * ROWS < measured.hits


def test_nothing_is_searched_for_garbage_meanwhile(dense: Plan) -> None:
    seen: list[str] = []

    def noted(phase: str, _: dict[str, int]) -> None:
        seen.append(phase)

    gc.callbacks.append(noted)
    try:
        render([dense], "svg")
    finally:
        gc.callbacks.remove(noted)
    assert seen.count("start") <= 1, "one, at the end"


BLOCK = "blocks:\n  b: {body: [3x3 conv 8, relu], merge: body + x}"


@pytest.mark.parametrize("kind", ["svg", "html", "dot"])
def test_the_work_grows_with_the_rows_and_not_with_their_square(
    kind: str,
) -> None:
    def calls(count: int) -> int:
        """The functions that are called, which is no time, and so the same on any machine."""
        rows = "\n".join(
            f"  r{row}: [3x3 conv 8, b]" for row in range(count)
        )
        net = loads(f"name: n\ninput: 8x8x8\n{BLOCK}\nnet:\n{rows}\n")
        called = Profile()
        called.runcall(render, [net], kind)
        return sum(entry.callcount for entry in called.getstats())

    few = calls(5)
    assert calls(50) < 11 * few, "10 times the rows; their square is 100"

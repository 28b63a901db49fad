"""Rows of metrics → curves.svg: error in percent over the run, thin for training and bold for
validation, as in the papers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ...collecting import flatten
from ...language.recipe import Train
from ...language.recipe.steps import Plateau, Steps
from ...language.recipe.target import AnyGoal
from ...outputs.chart import (
    ACCENT,
    BLUE,
    BOTTOM,
    HEIGHT,
    SLATE,
    TOP,
    XY,
    Area,
    ChartLine,
    axes,
    ceiling,
    ends,
    line,
    page,
    pens,
)


def curves(
    title: str,
    rows: Sequence[dict[str, Any]],
    train: Train,
    watched: str,
) -> str:
    """An SVG of the rows of metrics.jsonl; `watched` is what validates ("test"). Lines stand where
    the learning rate drops.

    The error axis is cut where the curves have come down, so that what matters is not a flat line
    at the bottom."""
    unit, error = train.unit, error_name(train.target)
    thin = _points(rows, unit, "train")
    bold = _points(rows, unit, "validation")
    top = ceiling([thin, bold])
    area = Area(max((x for x, _ in thin), default=1.0), top)
    body = axes(area, unit, f"{error} (%)")
    body += [_drop(area, x) for x in drops(train, rows) if x <= area.right]
    drawn = [
        ChartLine("training", thin, BLUE, 1.2),
        ChartLine(watched, bold, ACCENT),
    ]
    body += [line(area, one) for one in drawn] + ends(area, drawn)
    best = min((y for _, y in bold), default=0.0)
    last = bold[-1][1] if bold else 0.0
    below = f"{watched} {error} {last:.2f} % at the end, {best:.2f} % at its lowest"
    return page(title, below, body)


def error_name(target: AnyGoal) -> str:
    """What an error of a target is called: `error`, `1 − mIoU`."""
    return (
        "error" if target.measure == "accuracy" else f"1 − {target.measure}"
    )


def _along(unit: str) -> str:
    """The key of a row that counts the run's own unit."""
    return "step" if unit == "iterations" else "epoch"


def _points(
    rows: Sequence[dict[str, Any]], unit: str, part: str
) -> list[XY]:
    return [
        (float(row[_along(unit)]), float(row[part]["error"]))
        for row in rows
    ]


def drops(train: Train, rows: Sequence[dict[str, Any]]) -> list[float]:
    """Where the learning rate falls by a factor, in the run's own unit: nowhere in a smooth
    schedule."""
    if isinstance(train.schedule, Steps):
        return [*map(float, train.schedule.at)]
    if not isinstance(train.schedule, Plateau):
        return []
    rates = [
        (float(row[_along(train.unit)]), float(row["lr"])) for row in rows
    ]
    return [
        before[0]
        for before, after in pairwise(rates)
        if after[1] < before[1]
    ]


def comparison(
    title: str,
    runs: Sequence[tuple[str, Sequence[dict[str, Any]]]],
    unit: str,
) -> str:
    """An SVG of several runs, each its name and its rows: a colour each, thin for training and bold
    for validation (the ResNet paper's Figure 6)."""
    thin, bold = (
        [
            ChartLine(name, _points(rows, unit, part), colour, width, dash)
            for (name, rows), (colour, dash) in zip(
                runs, pens(), strict=False
            )
        ]
        for part, width in (("train", 1.2), ("validation", 2.4))
    )
    drawn = [one for one in (*thin, *bold) if one.points]
    every = [*flatten(one.points for one in drawn)]
    right = max((x for x, _ in every), default=1.0)
    area = Area(
        right, min(100.0, max((y for _, y in every), default=100.0))
    )
    body = [
        *axes(area, unit),
        *(line(area, one) for one in drawn),
        *ends(area, bold),
    ]
    below = "thin: training error, bold: validation error"
    return page(
        title, below, body, [one.label(" %") for one in bold if one.points]
    )


def _drop(area: Area, value: float) -> str:
    x = area.x(value)
    return (
        f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="{SLATE}" '
        'stroke-dasharray="2 4" stroke-opacity="0.7"/>'
    )

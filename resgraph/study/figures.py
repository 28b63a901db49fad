"""Results → SVG charts: curves with bands over seeds, error against MACs with the Pareto front, and
the distribution of a sampled space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from statistics import fmean

from ..counting import counted
from ..outputs.chart import (
    ACCENT,
    BLUE,
    SLATE,
    XY,
    Area,
    ChartLine,
    LogArea,
    axes,
    band,
    ceiling,
    ends,
    line,
    page,
    pens,
)
from ..structs import Frozen
from ..train.run.metrics_log import read_rows
from .results import NetScore, Results, mean_sd
from .schema import Measure, Study

StudyChart = Callable[[Results], str]
MOST_CURVES = 12
"""More in one picture are not told apart."""
_NAME, _LINE = 130, 15  # the room of a net's name


def _left(text: str, measure: Measure) -> str:
    return f"{text} ({measure.unit.strip()})" if measure.unit else text


class _Curve(Frozen):
    """The mean of a net over its seeds, and one deviation below and above it."""

    name: str
    mean: list[XY]
    low: list[XY]
    high: list[XY]


def curves(results: Results) -> str:
    """The measure over training: the mean over seeds, and a band of one standard deviation."""
    measure = results.study.measure
    known = [net for net in results.nets if net.mean is not None]
    drawn = [_curve(net, measure) for net in known[:MOST_CURVES]]
    area = _area([curve.mean for curve in drawn], measure)
    lines = [
        ChartLine(curve.name, curve.mean, colour, dash=dash)
        for curve, (colour, dash) in zip(drawn, pens(), strict=False)
    ]
    body = [
        *axes(area, "epochs", _left(measure.name, measure)),
        *(
            band(area, curve.low, curve.high, one.colour)
            for curve, one in zip(drawn, lines, strict=True)
        ),
        *(line(area, one) for one in lines),
        *ends(area, lines, measure.unit),
    ]
    below = "mean over seeds; bands: one standard deviation"
    left_out = len(results.nets) - len(drawn)
    below += (
        f"; without a curve: {counted(left_out, 'net')}" if left_out else ""
    )
    labels = [one.label(measure.unit) for one in lines if one.points]
    return page(results.study.file.study, below, body, labels)


def _area(means: Sequence[list[XY]], measure: Measure) -> Area:
    """That holds all of some curves."""
    right = max((x for points in means for x, _ in points), default=1.0)
    return Area(right, ceiling(means, measure.unit))


def _curve(net: NetScore, measure: Measure) -> _Curve:
    """At the evaluations that all its seeds have."""
    done = [run for run in net.runs if run.score is not None]
    rows = [read_rows(run.path / "metrics.jsonl") for run in done]
    curve = _Curve(net.point.name, [], [], [])
    for together in zip(*rows, strict=False):
        at = float(together[0]["epoch"])
        mean, sd = mean_sd(
            [float(r[measure.part][measure.score]) for r in together]
        )
        spread = sd or 0.0
        curve.mean.append((at, mean))
        curve.low.append((at, max(0.0, mean - spread)))
        curve.high.append((at, mean + spread))
    return curve


class _Dot(Frozen):
    """A net by what it costs: the mean over its seeds, and one deviation."""

    name: str
    cost: float
    mean: float
    sd: float


def pareto(results: Results, fact: str = "macs") -> str:
    """The mean of every net against its MACs or parameters; the front is what none is better than
    in both."""
    dots = [
        _Dot(
            net.point.name,
            max(1, net.point.facts[fact]),
            net.mean,
            net.sd or 0.0,
        )
        for net in results.nets
        if net.mean is not None
    ]
    costs = [dot.cost for dot in dots]
    area = LogArea(
        min(costs, default=1),
        max(costs, default=10),
        max((dot.mean + dot.sd for dot in dots), default=1),
    )
    what = {"macs": "multiply-adds of an image", "params": "parameters"}[
        fact
    ]
    measure = results.study.measure
    body = axes(area, what, _left(str(measure), measure))
    front = _pareto_front(dots)
    steps = [(dot.cost, dot.mean) for dot in front]
    if len(steps) > 1:
        body.append(line(area, ChartLine("", steps, SLATE, 1.2)))
    colours = [ACCENT if dot in front else BLUE for dot in dots]
    for dot, colour in zip(dots, colours, strict=True):
        body += _drawn(area, dot, colour)
    if len(dots) <= MOST_CURVES:
        body += _names(area, zip(dots, colours, strict=True))
    return page(
        results.study.file.study,
        "line: the Pareto front; bars: one standard deviation",
        body,
    )


def _pareto_front(dots: Sequence[_Dot]) -> list[_Dot]:
    """The nets that none costs less than and is better than, by their cost."""
    front: list[_Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.cost, dot.mean)):
        if not front or dot.mean < front[-1].mean:
            front.append(dot)
    return front


def _drawn(area: Area, dot: _Dot, colour: str) -> list[str]:
    x, y = area.x(dot.cost), area.y(dot.mean)
    low = area.y(max(0.0, dot.mean - dot.sd))
    high = area.y(dot.mean + dot.sd)
    bar = f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="{colour}"/>'
    disc = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    return [bar, disc]


def _names(area: Area, dots: Iterable[tuple[_Dot, str]]) -> list[str]:
    """Each net's name beside its dot, and above another's where they would touch."""
    out: list[str] = []
    taken: list[XY] = []
    for dot, colour in sorted(dots, key=lambda pair: pair[0].mean):
        x, y = area.x(dot.cost) + 8, area.y(dot.mean) + 4
        for left, foot in taken:
            if abs(left - x) < _NAME and foot - _LINE < y < foot + _LINE:
                y = foot - _LINE
        taken.append((x, y))
        name = escape(dot.name)
        out.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{name}</text>'
        )
    return out


def distribution(results: Results) -> str:
    """The empirical distribution function of a sampled space: the share of nets below an error."""
    means = sorted(net.mean for net in results.nets if net.mean is not None)
    area = Area(max(means, default=1.0), 100.0)
    points: list[XY] = []
    for place, mean in enumerate(means):
        points += [
            (mean, 100 * place / len(means)),
            (mean, 100 * (place + 1) / len(means)),
        ]
    measure = results.study.measure
    body = axes(area, _left(str(measure), measure), "nets (%)")
    body.append(line(area, ChartLine("", points, BLUE)))
    middle = (
        f"mean {fmean(means):.2f}, best {means[0]:.2f}"
        if means
        else "no net"
    )
    return page(
        results.study.file.study,
        f"{counted(len(means), 'net')}; {middle}",
        body,
    )


def pictures(study: Study) -> dict[str, StudyChart]:
    """What is drawn of a study, by name; nets that must cost the same have no Pareto front."""
    drawn: dict[str, StudyChart] = {"curves": curves}
    if not (study.file.match and study.file.match.macs):
        drawn["pareto"] = pareto
    return drawn | (
        {"distribution": distribution} if study.file.sample else {}
    )

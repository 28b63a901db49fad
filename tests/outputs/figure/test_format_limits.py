"""What nothing could open is refused before it is written, with its size, the bound and what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from drawn import plan

import resgraph
from resgraph import UsageError, load
from resgraph.outputs.figure.formats import limits
from resgraph.outputs.figure.render import RenderOptions, render, scene

SPECS = Path(__file__).parents[3] / "specs"
DEEP = "cifar-resnet.yaml::resnet-1202"
SOME = [
    "resnet.yaml::resnet-152",
    "densenet.yaml::densenet-121",
    "cifar-resnet.yaml::resnet-20",
]
VIEWS = ("stages", "blocks", "ops")
TALL = [  # too tall for pictures and pages, and for all
    ("cifar-resnet.yaml", ["let.n=75"], "blocks", ["tex"]),
    ("cifar-resnet.yaml", ["let.n=85"], "blocks", []),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which packages were asked to draw: none does, so that only the decision is tested."""
    asked: list[str] = []

    def stand_in(name: str, function: str) -> None:
        def call(*args: Any, **kwargs: Any) -> bytes:
            asked.append(name)
            return b""

        module = ModuleType(name)
        setattr(module, function, call)
        monkeypatch.setitem(sys.modules, name, module)

    stand_in("resvg_py", "svg_to_bytes")
    stand_in("typst", "compile")
    return asked


def fitting(net: resgraph.Plan, view: str) -> list[str]:
    """The formats that can hold a view, said from the sizes alone."""
    drawn = scene(net, view)  # type: ignore[arg-type]
    longest = max(drawn.width, drawn.height)
    points = {"pdf": 14_400, "tex": 16_383}
    found = [
        kind for kind, most in points.items() if longest * 0.75 <= most
    ]
    if (
        2 * longest <= 32_767
        and 4 * drawn.width * drawn.height <= 89_478_485
    ):
        return ["png", *found]
    return found


@pytest.mark.parametrize(
    ("name", "overrides", "view"),
    [
        *((name, [], view) for name in SOME for view in VIEWS),
        *(t[:3] for t in TALL),
    ],
)
def test_refused_exactly_where_it_does_not_fit(
    name: str, overrides: list[str], view: str, drawn: list[str]
) -> None:
    net = load(SPECS / name, overrides)
    held = fitting(net, view)
    for kind in ("png", "pdf", "tex"):
        if kind in held:
            render([net], kind, RenderOptions(view=view))  # type: ignore[arg-type]
            continue
        before = len(drawn)
        with pytest.raises(
            UsageError, match=r"[\d,]+.*at most|[\d,]+ × [\d,]+ pixels"
        ) as told:
            render([net], kind, RenderOptions(view=view))  # type: ignore[arg-type]
        assert "`--view stages`" in str(told.value) and "--only" in str(
            told.value
        )
        assert len(drawn) == before


@pytest.mark.parametrize(("name", "overrides", "view", "held"), TALL)
def test_a_tall_net_fits_some(
    name: str, overrides: list[str], view: str, held: list[str]
) -> None:
    net = load(SPECS / name, overrides)
    assert fitting(net, view) == held


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [DEEP, *SOME])
def test_mermaid_has_what_mermaid_draws_or_nothing(
    name: str, view: str
) -> None:
    try:
        text = load(SPECS / name).to("mmd", view=view)
    except UsageError as problem:
        assert "Mermaid draws at most" in str(problem)
        assert view != "stages"
    else:
        assert text.count("-->") + text.count("-.->") <= 500
        assert len(text) <= 50_000


def references() -> list[str]:
    """Every net of the zoo."""
    from zoo.test_zoo import REFERENCES

    return [
        f"{path}::{variant}" if variant else str(path)
        for path, variant in REFERENCES
    ]


@pytest.mark.slow
def test_folded_every_net_of_the_zoo_fits_every_format() -> None:
    """The cure that an error names is one."""
    for name in references():
        net = load(name)
        drawn = scene(net, "stages")
        limits.pdf(drawn.width, drawn.height)
        limits.tex(drawn.width, drawn.height)
        limits.png(drawn.width, drawn.height, 2.0)
        net.to("mmd", view="stages")


def test_a_smaller_png_is_offered_where_it_is_one() -> None:
    with pytest.raises(
        UsageError, match=r"1,200 × 60,000 pixels.*\(`--scale 1.09`\)"
    ):
        limits.png(600, 30_000, 2)
    limits.png(600, 30_000, 1.09)
    with pytest.raises(UsageError) as told:
        limits.png(600, 300_000, 2)
    assert "--scale" not in str(told.value)


@pytest.mark.parametrize(
    ("edges", "characters"), [(501, 10), (500, 50_001)]
)
def test_the_bounds_of_mermaid(edges: int, characters: int) -> None:
    limits.mermaid(500, 50_000)
    with pytest.raises(UsageError, match="Mermaid draws at most"):
        limits.mermaid(edges, characters)


def test_small_nets_fit() -> None:
    assert fitting(plan("residual"), "ops") == ["png", "pdf", "tex"]

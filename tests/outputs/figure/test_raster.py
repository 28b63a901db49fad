"""PNG and PDF come out of pip packages alone, with text, dots and arrowheads; or a message says what to install."""

from __future__ import annotations

import io
import re
import sys

import pytest
from drawn import plan

from resgraph import MissingError
from resgraph.outputs import figure
from resgraph.outputs.figure import raster
from resgraph.outputs.figure.scene import Line, Rect, Scene, Text
from resgraph.outputs.figure.svg import write


def pixels(svg: str) -> tuple[tuple[int, int], list[tuple[int, int, int]]]:
    pytest.importorskip("resvg_py", reason="no resvg-py: pip install 'resgraph[figures]'")
    image = pytest.importorskip("PIL.Image", reason="no pillow")
    drawn = image.open(io.BytesIO(raster.png(svg, 2))).convert("RGB")
    return drawn.size, [pixel for _, pixel in sorted(drawn.getcolors(1 << 24), reverse=True)]


def test_png_has_the_size_of_the_figure() -> None:
    svg = figure.svg(plan("residual"))
    wide, high = (float(found) for found in re.findall(r'(?:width|height)="([\d.]+)"', svg)[:2])
    (width, height), colours = pixels(svg)
    assert width == pytest.approx(2 * wide, abs=2)
    assert height == pytest.approx(2 * high, abs=2)
    assert colours[0] == (255, 255, 255)
    assert (194, 65, 12) in colours  # the accent: dots and pills


@pytest.mark.parametrize(
    "shape",
    [
        Line(((5, 20), (95, 20)), "accent", 1.7, dotted=True, arrow=True),
        Text(50, 25, "3×3 conv → 64", 12, 700, "accent", "middle"),
        Rect(10, 10, 50, 20, 4, "", "accent"),
    ],
)
def test_every_kind_of_shape_leaves_a_mark(shape: Line | Text | Rect) -> None:
    scene = Scene(100, 40, "", "")
    scene.add(shape)
    _, colours = pixels(write(scene))
    assert len(colours) > 1


def test_pdf_is_one_page_the_same_each_time() -> None:
    pytest.importorskip("typst", reason="no typst: pip install 'resgraph[figures]'")
    svg = figure.svg(plan("residual"))
    first = raster.pdf(svg, "Residual")
    assert first.startswith(b"%PDF-")
    assert first == raster.pdf(svg, "Residual")
    assert len(re.findall(rb"/Type\s*/Page\b", first)) <= 1


@pytest.mark.parametrize(("kind", "package"), [("png", "resvg_py"), ("pdf", "typst")])
def test_without_the_package_one_clear_message(kind: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingError, match=r"pip install 'resgraph\[figures\]'"):
        getattr(raster, kind)("<svg/>")


def test_a_picture_for_both_themes_is_printed_in_the_light_one() -> None:
    net = plan("plain")
    assert pixels(figure.svg(net, theme="auto"))[1] == pixels(figure.svg(net))[1]

"""A picture has the size that a page asks for, in each format, or says that it cannot be read there."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET

import pytest
from drawn import plan

from resgraph import UsageError, load
from resgraph.outputs.figure import paper
from resgraph.outputs.figure.render import RenderOptions, render
from resgraph.outputs.figure.scene import Scene, Text

MM = 72 / 25.4
"""PDF's points in a millimetre."""


def drawn(kind: str, **options: object) -> str | bytes:
    needs = {"pdf": "typst", "png": "resvg_py"}
    pytest.importorskip(needs.get(kind, "resgraph"))
    return render([plan("residual")], kind, RenderOptions(**options))  # type: ignore[arg-type]


def size(svg: str | bytes) -> tuple[float, float]:
    root = ET.fromstring(svg)
    return float(root.attrib["width"]), float(root.attrib["height"])


def test_a_scale_multiplies_the_size_and_no_shape() -> None:
    one, two = str(drawn("svg")), str(drawn("svg", scale=2.5))
    assert size(two) == pytest.approx(
        [2.5 * side for side in size(one)], abs=0.02
    )
    assert one.split("\n", 1)[1] == two.split("\n", 1)[1]
    assert (
        ET.fromstring(one).attrib["viewBox"]
        == ET.fromstring(two).attrib["viewBox"]
    )


def test_svg_and_pdf_are_as_wide_as_is_said() -> None:
    wide, _ = size(drawn("svg", paper="180mm"))
    assert wide * 25.4 / 96 == pytest.approx(180, abs=0.01)
    page = drawn("pdf", paper="180mm")
    assert isinstance(page, bytes)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", page)
    assert box
    assert float(box[1]) == pytest.approx(180 * MM, abs=0.02)


@pytest.mark.parametrize("name", ["van", "resnet-18", "se-resnext-26-d"])
def test_the_legend_of_a_narrow_figure_is_whole(name: str) -> None:
    """Its last line stood on the edge, where half of it was cut off."""
    drawn = str(render([load(name)], "svg", RenderOptions(paper="88mm")))
    root = ET.fromstring(drawn)
    high = float(root.attrib["viewBox"].split()[3])
    texts = [each for each in root.iter() if each.tag.endswith("}text")]
    assert max(float(each.attrib["y"]) for each in texts) < high - 8


def test_a_png_has_300_dots_to_the_inch_and_says_so() -> None:
    for options, dots in (({}, 300), ({"scale": 2.0}, 600)):
        image = drawn("png", paper="7in", **options)
        assert isinstance(image, bytes)
        assert struct.unpack(">I", image[16:20])[0] == pytest.approx(
            7 * dots, abs=3
        )
        at = image.index(b"pHYs") + 4
        across, down, unit = struct.unpack(">IIB", image[at : at + 9])
        assert (across, down, unit) == (round(dots / 0.0254),) * 2 + (1,)


def test_tex_counts_in_points_of_its_own() -> None:
    """A column of 516 pt, as the IEEE's page has, is 516 of TeX's points."""
    text = str(drawn("tex", paper="516pt"))
    unit = float(re.search(r"x=([\d.]+)pt", text)[1])  # type: ignore[index]
    wide = float(re.search(r"\(0,0\) rectangle \(([\d.]+),", text)[1])  # type: ignore[index]
    assert unit * wide == pytest.approx(516, abs=0.05)
    small, large = (
        min(map(float, re.findall(r"fontsize\{([\d.]+)\}", str(each))))
        for each in (drawn("tex"), text)
    )
    assert large / small == pytest.approx(unit / 0.75, rel=0.01)


@pytest.mark.parametrize(
    ("length", "points"),
    [
        ("88mm", 88 * MM),
        ("8.8cm", 88 * MM),
        ("3.5 in", 252),
        ("72bp", 72),
        ("72.27pt", 72),
    ],
)
def test_lengths(length: str, points: float) -> None:
    assert paper.points(length) == pytest.approx(points)


@pytest.mark.parametrize(
    "length", ["", "88", "mm", "-3in", "1e3mm", "3px", "1mm", "3m"]
)
def test_no_length(length: str) -> None:
    with pytest.raises(UsageError, match="is no width on paper"):
        paper.points(length)


def test_text_too_small_is_said_with_the_width_that_would_do() -> None:
    scene = Scene(800, 100, "", "")
    scene.add(Text(0, 0, "a", 10), Text(0, 0, "b", 8))
    # 8 px of 800 px are a hundredth of the width: 5 pt are read at 500 pt, 176 mm
    assert paper.complaint(scene, "500bp") == ""
    said = paper.complaint(scene, "250bp")
    assert "the smallest text is 2.5 pt" in said
    assert "from 176 mm on" in said


def test_a_net_is_narrow_where_a_column_is() -> None:
    """At 88 mm the whole figure cannot be read, without its columns of numbers it can."""
    heard: list[str] = []
    net = load("resnet-50")
    narrow = str(
        render([net], "svg", RenderOptions(paper="88mm"), heard.append)
    )
    assert heard == []
    assert "receptive field" not in narrow
    assert size(narrow)[0] * 25.4 / 96 == pytest.approx(88, abs=0.01)
    wide = str(
        render([net], "svg", RenderOptions(paper="180mm"), heard.append)
    )
    assert heard == []
    assert "receptive field" in wide
    render([net], "svg", RenderOptions(paper="40mm"), heard.append)
    assert "readers need 5 pt" in heard[0]


def test_a_transparent_picture_has_no_background_and_the_same_size() -> (
    None
):
    from io import BytesIO

    full, bare = str(drawn("svg")), str(drawn("svg", transparent=True))
    assert set(full.splitlines()) - set(bare.splitlines()) == {
        line
        for line in full.splitlines()
        if line.startswith('<rect x="0" y="0"')
    }
    image = pytest.importorskip("PIL.Image")
    corners = [
        image.open(BytesIO(drawn("png", transparent=clear)))
        .convert("RGBA")
        .getpixel((0, 0))  # type: ignore[arg-type]
        for clear in (False, True)
    ]
    assert corners == [(255, 255, 255, 255), (0, 0, 0, 0)]
    assert r"\path[] (0,0) rectangle" in str(drawn("tex", transparent=True))

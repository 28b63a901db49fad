"""Text as curves: the shapes are those of the font, a letter without one is an error with its name."""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from drawn import ALL, plan
from font_files import chinese, glyph, made, many, packed

from resgraph import UsageError, loads
from resgraph.outputs.figure.formats import raster, svg, tikz
from resgraph.outputs.figure.glyphs import typeface
from resgraph.outputs.figure.outlines import outlined
from resgraph.outputs.figure.render import RenderOptions, render
from resgraph.outputs.figure.scene import Outline, Scene, Text

BOX = [(0, 0, True), (500, 0, True), (500, 700, True), (0, 700, True)]
BENT = [(0, 0, True), (100, 200, False), (300, 200, False), (400, 0, True)]
TWICE = struct.pack(">h4h", -1, 0, 0, 0, 0) + struct.pack(
    ">HHbbh", 0x2 | 0x8, 1, 50, -20, 8192
)
"""The first glyph at half its size, moved by (50, −20)."""


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "own.ttf"
    codes = {ord("A"): 1, ord("B"): 2, ord("C"): 3, 0x1F600: 1}
    glyphs = [b"", glyph(BOX), glyph(BENT), TWICE]
    path.write_bytes(packed(made(glyphs, [0, 600, 400, 300], codes)))
    return path


def flat(points: Iterable[tuple[float, float]]) -> list[float]:
    """Numbers in turn, as they can be compared nearly."""
    return [round(value, 9) for point in points for value in point]


def test_curves_are_those_of_the_file(font: Path) -> None:
    face = typeface(font)
    wide, (box,) = face.letter(ord("A"))
    assert wide == 0.6
    # a straight side is bent at its start
    corners = [(0, 0), (0.5, 0), (0.5, 0.7), (0, 0.7)]
    assert flat(box[::2]) == flat([*corners, corners[0]])
    assert flat(box[1::2]) == flat(corners)
    # between two bends the curve runs through the point halfway
    (bent,) = face.letter(ord("B")).curves
    through = [(0, 0), (0.1, 0.2), (0.2, 0.2), (0.3, 0.2), (0.4, 0)]
    assert flat(bent) == flat([*through, (0.4, 0), (0, 0)])
    # half the size, moved by (50, −20)
    (half,) = face.letter(ord("C")).curves
    assert flat(half[::2][:3]) == flat(
        [(0.05, -0.02), (0.3, -0.02), (0.3, 0.33)]
    )
    assert face.letter(0x1F600) == face.letter(ord("A"))


def test_a_collection_is_its_first_font(font: Path, tmp_path: Path) -> None:
    first = made([b"", glyph(BOX)], [0, 600], {ord("A"): 1})
    path = tmp_path / "two.ttc"
    path.write_bytes(many(first, {}))
    assert typeface(path).letter(ord("A")) == typeface(font).letter(
        ord("A")
    )


@pytest.mark.parametrize(
    ("anchor", "left"), [("start", 10), ("middle", 4), ("end", -2)]
)
def test_a_line_of_text_stands_where_its_letters_did(
    font: Path, anchor: str, left: float
) -> None:
    """At a size of 20 an advance of 600 units is 12 px."""
    scene = Scene(50, 50, "", "")
    scene.add(Text(10, 30, "\U0001f600", 20, anchor=anchor))
    outlined(scene, font)
    (shape,) = scene.items
    assert isinstance(shape, Outline)
    xs = [shape.x + x for curve in shape.curves for x, _ in curve]
    ys = [shape.y + y for curve in shape.curves for _, y in curve]
    assert (min(xs), max(xs)) == pytest.approx((left, left + 10))
    assert (min(ys), max(ys)) == pytest.approx((16, 30))


def test_a_turned_line_of_text_runs_up(font: Path) -> None:
    scene = Scene(50, 50, "", "")
    scene.add(Text(10, 30, "\U0001f600", 20, turn=-90))
    outlined(scene, font)
    (shape,) = scene.items
    assert isinstance(shape, Outline)
    points = [
        (shape.x + x, shape.y + y)
        for curve in shape.curves
        for x, y in curve
    ]
    assert min(x for x, _ in points) == pytest.approx(-4)
    assert min(y for _, y in points) == pytest.approx(20)


@pytest.mark.parametrize("weight", [400, 500, 600])
def test_paths_look_as_letters_do(weight: int) -> None:
    """By the ink of both, drawn by resvg with the packaged font."""
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    chops = pytest.importorskip("PIL.ImageChops")
    pictures = []
    for paths in (False, True):
        scene = Scene(300, 40, "", "")
        scene.add(
            Text(10, 25, "3×3 conv Łódź ∑ 64", 13, weight),
            Text(290, 25, "→ 0.04 %", 13, weight, "accent", "end"),
        )
        if paths:
            outlined(scene, None)
        drawn = io.BytesIO(raster.png(svg.write(scene), 3))
        pictures.append(image.open(drawn).convert("L"))
    ink = sum(255 - v for v in pictures[0].tobytes())
    apart = sum(chops.difference(*pictures).tobytes())
    assert ink > 50_000
    assert apart < 0.02 * ink


@pytest.mark.parametrize("kind", ["svg", "tex", "pdf", "png"])
def test_a_picture_of_paths_has_no_text(kind: str) -> None:
    for package in {"pdf": ["typst"], "png": ["resvg_py"]}.get(kind, []):
        pytest.importorskip(package)
    out = render([plan("residual")], kind, RenderOptions(text="paths"))
    if isinstance(out, bytes):
        assert b"/Font" not in out
    else:
        assert not re.search(r"<text|\\node|sffamily\\", out)
        assert out.count("<path" if kind == "svg" else r"\path") > 40


def test_tikz_bends_as_svg_does(font: Path) -> None:
    """A bend of degree two from (0, 0) by (0.1, 0.2) to (0.2, 0.2), at 100 px."""
    scene = Scene(50, 50, "", "")
    scene.add(Outline(0, 0, (((0, 0), (10, -20), (20, -20)),)))
    assert (
        "controls (6.67,-13.33) and (13.33,-20) .. (20,-20)"
        in tikz.write(scene)
    )
    assert "M0 0Q10 -20 20 -20Z" in svg.write(scene)


NAMED = ALL["residual"].replace("name: Residual", "name: 中文")


@pytest.mark.parametrize("kind", ["png", "pdf", "svg", "tex"])
def test_a_font_of_ones_own_has_the_letters_that_ours_lacks(
    kind: str, tmp_path: Path
) -> None:
    for package in {"pdf": ["typst"], "png": ["resvg_py"]}.get(kind, []):
        pytest.importorskip(package)
    path = tmp_path / "own.ttf"
    path.write_bytes(chinese())
    net = loads(NAMED)
    text = "letters" if kind in ("png", "pdf") else "paths"
    with pytest.raises(
        UsageError, match=r"中 \(U\+4E2D\).*--font FILE.ttf"
    ):
        render([net], kind, RenderOptions(text=text))  # type: ignore[arg-type]
    drawn = render([net], kind, RenderOptions(text=text, font=path))  # type: ignore[arg-type]
    assert len(drawn) > 1000
    if kind == "pdf":
        assert (
            len(set(re.findall(rb"/FontName\s*/([A-Z]{6}\+[\w-]+)", drawn)))
            == 4
        )  # type: ignore[arg-type]
    other = loads(NAMED.replace("中文", "日"))
    with pytest.raises(
        UsageError, match=r"日 \(U\+65E5\).*own.ttf neither"
    ):
        render([other], kind, RenderOptions(text=text, font=path))  # type: ignore[arg-type]


def test_letters_from_a_font_of_ones_own_leave_ink(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "own.ttf"
    path.write_bytes(chinese())
    dark = []
    for said in ("中", " "):
        scene = Scene(40, 40, "", "")
        scene.add(Text(10, 25, said, 20))
        picture = image.open(
            io.BytesIO(raster.png(svg.write(scene), 2, path))
        ).convert("L")
        dark.append(sum(255 - v for v in picture.tobytes()))
    assert dark[0] > 20_000
    assert dark[1] == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no TrueType or OpenType font"),
        (b"<html>", "is no TrueType or OpenType font"),
        (b"\0\1\0\0" + b"\xff" * 400, "is no TrueType or OpenType font"),
        (packed({b"head": b"\0" * 54}), "is no TrueType or OpenType font"),
    ],
)
def test_no_font(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.ttf"
    path.write_bytes(data)
    with pytest.raises(
        UsageError, match=re.escape(str(path)) + ".*" + said
    ):
        render(
            [plan("residual")],
            "svg",
            RenderOptions(text="paths", font=path),
        )
    gone = RenderOptions(text="paths", font=tmp_path / "gone.ttf")
    with pytest.raises(
        UsageError, match=r"cannot read the font .*no such file"
    ):
        render([plan("residual")], "svg", gone)


def test_the_curves_of_postscript_are_read(tmp_path: Path) -> None:
    """A circle of four arcs of degree three, as Adobe's .otf has them: nowhere is it a thousandth
    off."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(
        1000, isTTF=False
    )
    pen = pytest.importorskip(
        "fontTools.pens.t2CharStringPen"
    ).T2CharStringPen(600, None)
    bend = 400 * 4 / 3 * (2**0.5 - 1)
    pen.moveTo((400, 0))
    for x, y in ((0, 1), (-1, 0), (0, -1), (1, 0)):
        # it turns left: from (y, -x) to (x, y)
        one = 400 * y + bend * x, -400 * x + bend * y
        other = 400 * x + bend * y, 400 * y - bend * x
        pen.curveTo(one, other, (400 * x, 400 * y))
    pen.closePath()
    builder.setupGlyphOrder([".notdef", "a"])
    builder.setupCharacterMap({0x4E2D: "a"})
    strings = {"a": pen.getCharString(), ".notdef": pen.getCharString()}
    builder.setupCFF("Own", {}, strings, {})
    builder.setupHorizontalMetrics({"a": (600, 0), ".notdef": (600, 0)})
    builder.setupHorizontalHeader()
    path = tmp_path / "own.otf"
    builder.save(path)
    wide, (circle,) = typeface(path).letter(0x4E2D)
    assert wide == 0.6
    assert circle[0] == circle[-1]
    for start, over, end in zip(
        circle[:-1:2], circle[1::2], circle[2::2], strict=True
    ):
        middle = [
            (a + 2 * b + c) / 4
            for a, b, c in zip(start, over, end, strict=True)
        ]
        assert math.hypot(*start) == pytest.approx(0.4, abs=1e-3)
        assert math.hypot(*middle) == pytest.approx(0.4, abs=1e-3)
    net = loads(NAMED.replace("中文", "中"))
    assert "<path" in render(
        [net], "svg", RenderOptions(text="paths", font=path)
    )


@pytest.mark.parametrize("torn", ["glyf", "hmtx", "head", "loca"])
def test_a_letter_that_is_damaged_is_named(
    torn: str, tmp_path: Path
) -> None:
    tables = made([b"", b"\0\3"], [0, 600], {0x4E2D: 1})
    if torn != "glyf":
        del tables[torn.encode()]
    path = tmp_path / "torn.ttf"
    path.write_bytes(packed(tables))
    net = loads(NAMED.replace("中文", "中"))
    with pytest.raises(
        UsageError, match=r"torn\.ttf is damaged: `中` has no outline"
    ):
        render([net], "svg", RenderOptions(text="paths", font=path))


@pytest.mark.parametrize("name", ["שלום", "हिन्दी", "a\u0301\u0302"])
def test_what_changes_by_its_neighbours_is_refused(name: str) -> None:
    net = loads(NAMED.replace("中文", f'"{name}"'))
    with pytest.raises(UsageError, match="changes by its neighbours"):
        render([net], "svg", RenderOptions(text="paths"))


def test_a_font_that_nothing_uses_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="`--font`: leave it out, or add `--text paths`"
    ):
        render(
            [plan("residual")],
            "svg",
            RenderOptions(font=tmp_path / "a.ttf"),
        )

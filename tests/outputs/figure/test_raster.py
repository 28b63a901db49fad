"""PNG and PDF come out of pip packages alone, with text, dots and arrowheads; or a message says what to install."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import metadata
from pathlib import Path

import pytest
from drawn import ALL, plan

from resgraph import MissingError, UsageError, loads
from resgraph.outputs.figure import fonts
from resgraph.outputs.figure import text as widths
from resgraph.outputs.figure.formats import raster
from resgraph.outputs.figure.formats.svg import write
from resgraph.outputs.figure.render import FORMATS
from resgraph.outputs.figure.scene import Line, Rect, Scene, Text


def pixels(svg: str) -> tuple[tuple[int, int], list[tuple[int, int, int]]]:
    pytest.importorskip(
        "resvg_py", reason="no resvg-py: pip install 'resgraph[figures]'"
    )
    image = pytest.importorskip("PIL.Image", reason="no pillow")
    drawn = image.open(io.BytesIO(raster.png(svg, 2))).convert("RGB")
    return drawn.size, [
        pixel for _, pixel in sorted(drawn.getcolors(1 << 24), reverse=True)
    ]


def test_png_has_the_size_of_the_figure() -> None:
    svg = plan("residual").svg()
    wide, high = (
        float(found)
        for found in re.findall(r'(?:width|height)="([\d.]+)"', svg)[:2]
    )
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
def test_every_kind_of_shape_leaves_a_mark(
    shape: Line | Text | Rect,
) -> None:
    scene = Scene(100, 40, "", "")
    scene.add(shape)
    _, colours = pixels(write(scene))
    assert len(colours) > 1


def test_pdf_is_one_page_the_same_each_time() -> None:
    pytest.importorskip(
        "typst", reason="no typst: pip install 'resgraph[figures]'"
    )
    svg = plan("residual").svg()
    first = raster.pdf(svg)
    assert first.startswith(b"%PDF-")
    assert first == raster.pdf(svg)
    assert len(re.findall(rb"/Type\s*/Page\b", first)) <= 1


@pytest.mark.parametrize(
    ("kind", "package"), [("png", "resvg_py"), ("pdf", "typst")]
)
def test_without_the_package_one_clear_message(
    kind: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingError, match=r"pip install 'resgraph\[figures\]'"
    ):
        getattr(raster, kind)("<svg/>")


EXPECTED = {
    "png": (
        "0.5.0",
        "aed5abaf1ec1ea29d3e32686ff84fde0931bb35fc684e930c916982d2cb6c7b6",
    ),
    "pdf": (
        "0.15.2",
        "b800c2086ce363a9967c5bc8add943049841636dda1076a78b46903374c29569",
    ),
}
"""The version of the package that draws, and the hash of what it makes."""
GREETING = "Łódź α→β² Привет ×⊕"


def ink(texts: list[str], weight: int = 400) -> list[int]:
    """How many pixels each line of text darkens."""
    scene = Scene(400, 40 * len(texts), "", "")
    scene.add(
        *(
            Text(10, 40 * at + 25, text, 12, weight)
            for at, text in enumerate(texts)
        )
    )
    (wide, _), colours = pixels(write(scene))
    image = (
        pytest.importorskip("PIL.Image")
        .open(io.BytesIO(raster.png(write(scene), 2)))
        .convert("L")
    )
    assert colours[0] == (255, 255, 255)
    lines = [
        image.crop((0, 80 * at, wide, 80 * at + 80))
        for at in range(len(texts))
    ]
    return [80 * wide - sum(line.histogram()[200:]) for line in lines]


@pytest.mark.parametrize("weight", [400, 500, 600, 700])
def test_every_letter_leaves_ink_whatever_fonts_a_machine_has(
    weight: int,
) -> None:
    letters = GREETING.replace(" ", "")
    a, *dark = ink(
        ["a", *letters, *(f"a{letter}" for letter in letters)], weight
    )
    assert min(dark[: len(letters)]) > 15
    assert min(dark[len(letters) :]) > a


def test_bold_is_bolder() -> None:
    light, medium, bold, bolder = (
        ink(["nnnn"], weight)[0] for weight in (400, 500, 600, 700)
    )
    assert light < medium < bold == bolder


@pytest.mark.parametrize("weight", [400, 500, 600])
def test_text_is_as_wide_as_its_letters_and_no_wider_than_its_room(
    weight: int,
) -> None:
    scene = Scene(400, 40, "", "")
    # letters that kerning would draw together
    scene.add(Text(10, 25, "HVAVToWA|", 20, weight))
    image = (
        pytest.importorskip("PIL.Image")
        .open(io.BytesIO(raster.png(write(scene), 2)))
        .convert("L")
    )
    dark = image.point(lambda value: 255 * (value < 128)).getbbox()
    table = fonts.advances(
        {400: "Regular", 500: "Medium", 600: "Bold"}[weight]
    )
    ends = [
        10 + sum(table[ord(c)] for c in said) / 50
        for said in ("HVAVToWA", "HVAVToWA|")
    ]
    assert (
        ends[0]
        < dark[2] / 2
        < ends[1]
        <= 10 + widths.width("HVAVToWA|", 20, weight)
    )


def test_the_pill_of_a_repeat_has_its_count_in_it() -> None:
    svg = plan("residual").svg()
    rects = [
        r.attrib
        for r in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
    ]
    pill_like = next(
        r
        for r in rects
        if r["fill"] == "#3b6fb6" and float(r["width"]) > 20
    )
    x, y, width, height = (
        2 * float(pill_like[key]) for key in ("x", "y", "width", "height")
    )
    pytest.importorskip("resvg_py")
    image = (
        pytest.importorskip("PIL.Image")
        .open(io.BytesIO(raster.png(svg, 2)))
        .convert("L")
    )
    pill = image.crop(
        (int(x) + 4, int(y) + 4, int(x + width) - 4, int(y + height) - 4)
    )
    light = sum(pill.histogram()[200:])
    assert 0.05 < light / (pill.width * pill.height) < 0.5


def greeting() -> str:
    scene = Scene(200, 40, "Łódź", "")
    scene.add(
        Text(10, 25, GREETING, 12, 600),
        Text(190, 25, "× 12", 10, 500, anchor="end"),
    )
    return write(scene)


@pytest.mark.parametrize(
    ("kind", "package"), [("png", "resvg_py"), ("pdf", "typst")]
)
def test_the_same_bytes_on_every_machine(kind: str, package: str) -> None:
    """A golden hash holds for the pinned version of a package, with our fonts and no others."""
    pytest.importorskip(package)
    version, expected = EXPECTED[kind]
    if metadata.version(package) != version:
        pytest.skip(f"the hash is that of {package} {version}")
    made = (
        raster.png(greeting(), 2)
        if kind == "png"
        else raster.pdf(greeting())
    )
    assert hashlib.sha256(made).hexdigest() == expected


WRITE = """
import hashlib, resgraph
from resgraph.outputs.figure.render import FORMATS, render
for kind in FORMATS:
    made = render([resgraph.load("digits")], kind)
    print(kind, hashlib.sha256(made.encode() if isinstance(made, str) else made).hexdigest())
"""


def test_the_same_bytes_in_another_place(tmp_path: Path) -> None:
    """Whatever the time zone, the language, the fonts, the home, the hash seed and the working directory."""
    for package in ("resvg_py", "typst"):
        pytest.importorskip(package)
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig><cachedir>cache</cachedir></fontconfig>")
    home, day = str(tmp_path), str(24 * 3600)
    elsewhere = {
        "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "7", "HOME": home,
        "XDG_CACHE_HOME": home, "FONTCONFIG_FILE": str(empty), "SOURCE_DATE_EPOCH": day, "TYPST_FONT_PATHS": "/usr",
    }  # fmt: skip
    said = [
        subprocess.run(
            [sys.executable, "-c", WRITE],
            capture_output=True,
            check=True,
            env={**os.environ, **more},
            cwd=place,
        ).stdout
        for more, place in (({}, Path.cwd()), (elsewhere, tmp_path))
    ]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(FORMATS)


def test_a_pdf_has_no_date() -> None:
    pytest.importorskip("typst")
    assert not re.search(
        rb"CreationDate|ModDate|CreateDate|ModifyDate|MetadataDate",
        raster.pdf(greeting()),
    )


def test_pdf_has_the_packaged_font_and_no_other() -> None:
    pytest.importorskip("typst")
    scene = Scene(200, 40, "Łódź", "")
    scene.add(
        Text(10, 25, GREETING, 12),
        Text(10, 35, "bold", 12, 600),
        Text(90, 35, "a", 9, italic=True),
    )
    first = raster.pdf(write(scene))
    embedded = set(re.findall(rb"/FontName\s*/[A-Z]{6}\+([\w-]+)", first))
    assert embedded == {
        b"Inter-Regular",
        b"Inter-Bold",
        b"InterItalic-Italic",
    }


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_a_letter_that_the_font_lacks_is_named(kind: str) -> None:
    pytest.importorskip({"png": "resvg_py", "pdf": "typst"}[kind])
    svg = loads(
        ALL["residual"].replace("name: Residual", "name: 中文 net 中")
    ).svg()
    with pytest.raises(
        UsageError,
        match=rf"{kind.upper()} cannot show 中 \(U\+4E2D\), 文 \(U\+6587\): the font",
    ):
        getattr(raster, kind)(svg)


def test_a_picture_for_both_themes_is_printed_in_the_light_one() -> None:
    net = plan("plain")
    assert pixels(net.svg(theme="auto"))[1] == pixels(net.svg())[1]

"""The dot text is Graphviz' language whatever a spec says, tells what the figure tells, and can be laid out."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resgraph import MissingError, UsageError, load, loads
from resgraph.outputs.figure.formats.graphviz import dot, quoted
from resgraph.outputs.figure.formats.graphviz_engine import laid_out
from resgraph.outputs.figure.text import width

SPECS = Path(__file__).parents[2] / "specs"
NET = """
name: Small
input: 3x32x32
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 16
  conv2: 3 x pair 16
  conv3: 3 x pair 32 /2
  head:  [global avg pool, fc 10]
"""
needs_engine = pytest.mark.skipif(
    shutil.which("dot") is None, reason="no Graphviz: apt install graphviz"
)


@pytest.mark.parametrize("view", ["stages", "ops"])
def test_golden(view: str, golden: Callable[[str, str], None]) -> None:
    golden(f"dot/small-{view}.dot", dot(loads(NET), view=view))  # type: ignore[arg-type]


def test_same_input_same_text() -> None:
    assert dot(loads(NET)) == dot(loads(NET))


def test_shortcuts_weigh_nothing_and_the_main_path_is_heavy() -> None:
    text = dot(loads(NET), view="blocks")
    edges = re.findall(r"-> \w+ \[(.*)\];", text)
    shortcuts = [edge for edge in edges if "headport=e" in edge]
    assert len(shortcuts) == 6
    assert all("weight=0" in edge for edge in shortcuts)
    assert sum("style=dotted" in edge for edge in shortcuts) == 1
    assert all(
        "weight=20" in edge for edge in edges if edge not in shortcuts
    )


def test_splines_are_never_orthogonal() -> None:
    assert "ortho" not in dot(loads(NET))


def test_ids_are_counted_and_never_of_the_user() -> None:
    text = dot(loads(NET), view="ops")
    assert set(re.findall(r"^ *(\w+) \[", text, re.MULTILINE)) - {
        "graph",
        "node",
        "edge",
    } <= {*re.findall(r"\bn\d+\b", text)}


@pytest.mark.parametrize(
    "text", ['a"b', "a\\", "\\N \\l", "a\nb", '";} digraph {', "<b>"]
)
def test_quoting_keeps_text_text(text: str) -> None:
    said = quoted(text)
    assert said[0] == said[-1] == '"'
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', said[1:-1])
    assert "\n" not in said


@needs_engine
@pytest.mark.parametrize("view", ["stages", "ops"])
def test_an_engine_reads_it(view: str) -> None:
    svg = laid_out(dot(loads(NET), view=view))  # type: ignore[arg-type]
    assert isinstance(svg, str) and svg.count("<svg") == 1
    assert "3×3 conv" in svg or "Conv 3×3" in svg


@needs_engine
def test_an_engine_reads_hostile_names() -> None:
    net = loads(
        NET.replace("name: Small", "name: 'a\"; b -> c [<&>] \\N \\'")
    )
    assert "a&quot;; b" in str(laid_out(dot(net)))


@needs_engine
@pytest.mark.parametrize(
    "name",
    [
        "densenet",
        "cifar-highway",
        "senet",
        "res2net",
        "res-unet",
        "mlp",
        "convnext",
        "activation-orders",
    ],
)
def test_an_engine_reads_the_zoo(name: str) -> None:
    assert "</svg>" in str(
        laid_out(dot(load(SPECS / f"{name}.yaml"), view="stages"))
    )


def test_without_an_engine_one_clear_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(
        MissingError, match="no Graphviz engine was found: install Graphviz"
    ):
        laid_out("digraph {}")


@needs_engine
def test_a_pdf_has_the_packaged_font_and_no_other() -> None:
    pytest.importorskip(
        "typst", reason="no typst: pip install 'resgraph[figures]'"
    )
    made = laid_out(dot(loads(NET.replace("Small", "Łódź α→β"))), "pdf")
    assert isinstance(made, bytes)
    assert set(re.findall(rb"/FontName\s*/[A-Z]{6}\+([\w-]+)", made)) == {
        b"Inter-Regular"
    }


@needs_engine
def test_a_png_has_the_size_of_the_layout() -> None:
    pytest.importorskip(
        "resvg_py", reason="no resvg-py: pip install 'resgraph[figures]'"
    )
    image = pytest.importorskip("PIL.Image")
    text = dot(loads(NET))
    points = [
        float(found)
        for found in re.findall(
            r'(?:width|height)="([\d.]+)pt"', str(laid_out(text))
        )
    ]
    made = laid_out(text, "png", scale=1.5)
    assert isinstance(made, bytes)
    assert image.open(io.BytesIO(made)).size == pytest.approx(
        [each * 2 for each in points], abs=2
    )


@needs_engine
@pytest.mark.parametrize(
    ("kind", "package"), [("png", "resvg_py"), ("pdf", "typst")]
)
def test_a_letter_that_the_font_lacks_is_named(
    kind: str, package: str
) -> None:
    pytest.importorskip(package)
    text = dot(loads(NET.replace("Small", "中 net")))
    assert "中" in str(laid_out(text))
    with pytest.raises(
        UsageError, match=rf"{kind.upper()} cannot show 中 \(U\+4E2D\)"
    ):
        laid_out(text, kind)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'Format: svg not recognized' >&2; exit 1",
            "draws no SVG: Format: svg not",
        ),
        ("exit 3", "ended with 3"),
    ],
)
def test_an_engine_that_fails_is_told(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(MissingError, match=said):
        laid_out(dot(loads(NET)))


def test_boxes_have_room_for_the_widest_of_fonts() -> None:
    """Graphviz measures with the fonts of the writer, and an SVG is read with those of the reader."""
    wide = (
        "conv1: 3x3 conv 16\n  wide: 3x3 conv 1024 /2 groups 16 dilation 2"
    )
    text = dot(loads(NET.replace("conv1: 3x3 conv 16", wide)), view="ops")
    found = re.findall(
        r"label=<(Conv[^<]*) <font[^>]*>([^<]*)</font>>.*?width=([\d.]+)",
        text,
    )
    assert any(float(wide) > 2.4 for *_, wide in found)
    for name, detail, wide in found:
        assert float(wide) * 72 >= width(f"{name} {detail}", 10) + 15

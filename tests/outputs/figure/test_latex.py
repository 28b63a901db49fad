"""The TikZ of a figure compiles, whatever a spec says, and draws what the SVG draws."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn import RESIDUAL, plan

from resgraph import loads
from resgraph.outputs import figure
from resgraph.outputs.figure.latex import escape

LATEX = shutil.which("pdflatex")


def installed(file: str) -> bool:
    """Whether LaTeX finds a file."""
    return bool(LATEX and subprocess.run(["kpsewhich", file], capture_output=True, check=False).stdout)


needs_latex = pytest.mark.skipif(not installed("tikz.sty"), reason="no TikZ: apt install texlive-pictures")


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("tikz/residual.tex", figure.tikz(plan("residual"), only="conv3.0"))


@pytest.mark.parametrize("name", ["residual", "highway", "ladder"])
def test_every_shape_of_the_svg_is_there(name: str) -> None:
    net = plan(name)
    svg, tex = figure.svg(net, view="stages"), figure.tikz(net, view="stages")
    assert tex.count(r"\node[") == svg.count("<text")
    assert tex.count(r"\path[") == len(re.findall("<rect|<path|<circle", svg))
    used = set(re.findall(r"rg-[\w-]+", tex.split(r"\begin{document}")[1]))
    assert used == set(re.findall(r"\\definecolor\{(rg-[\w-]+)\}", tex))


@pytest.mark.parametrize("text", ["a_b", "50 %", r"\input{x}", "{", "$x$", "a & b", "x → y", "漢", "#1", "~^"])
def test_text_stays_text(text: str) -> None:
    said = escape(text)
    assert not re.search(r"(?<!\\)[%&#_]", said)
    assert r"\input" not in said
    assert said.isprintable()


@needs_latex
@pytest.mark.parametrize("hostile", [False, True])
def test_it_compiles(tmp_path: Path, hostile: bool) -> None:
    name = r"'a_b & 50% {x} $y$ \input{/etc/passwd} #1 ^~ 漢'" if hostile else "Residual"
    tex = figure.tikz(loads(RESIDUAL.replace("name: Residual", f"name: {name}")), view="stages")
    if not installed("standalone.cls"):
        tex = tex.replace(r"\documentclass[tikz]{standalone}", r"\documentclass{article}\usepackage{tikz}")
    tmp_path.joinpath("net.tex").write_text(tex, encoding="utf-8")
    done = subprocess.run(
        [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "net.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert tmp_path.joinpath("net.pdf").stat().st_size > 5000

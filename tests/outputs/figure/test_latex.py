"""The TikZ of a figure compiles, whatever a spec says, and draws what the SVG draws."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn import RESIDUAL, plan

from resgraph import UsageError, loads
from resgraph.outputs.figure.formats import tex_text
from resgraph.outputs.figure.formats.tex_text import escape


def installed(file: str) -> bool:
    """Whether LaTeX finds a file."""
    return bool(
        shutil.which("kpsewhich")
        and subprocess.run(
            ["kpsewhich", file], capture_output=True, check=False
        ).stdout
    )


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("tikz/residual.tex", plan("residual").to("tex", only="conv3.0"))


@pytest.mark.parametrize("name", ["residual", "highway", "ladder"])
def test_every_shape_of_the_svg_is_there(name: str) -> None:
    net = plan(name)
    svg, tex = net.svg(view="stages"), net.to("tex", view="stages")
    assert tex.count(r"\node[") == svg.count("<text")
    assert tex.count(r"\path[") == len(
        re.findall("<rect|<path|<circle", svg)
    )
    used = set(re.findall(r"rg-[\w-]+", tex.split(r"\begin{document}")[1]))
    assert used == set(re.findall(r"\\definecolor\{(rg-[\w-]+)\}", tex))


@pytest.mark.parametrize(
    "text",
    [
        "a_b",
        "50 %",
        r"\input{x}",
        "{",
        "$x$",
        "a & b",
        "x → y",
        "Łódź",
        "#1",
        "~^",
    ],
)
def test_text_stays_text(text: str) -> None:
    said = escape(text)
    assert not re.search(r"(?<!\\)[%&#_]", said)
    assert r"\input" not in said
    assert said.isascii()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Łódź", r"\L{}\'{o}d\'{z}"),
        ("ắ x\u0302", r"\'{\u{a}} \^{x}"),
        ("α → Ω²", r"$\alpha$ $\to$ $\Omega$$^2$"),
        ("a -- 'b''", r"a -{\kern0pt}- 'b'{\kern0pt}'"),
        (
            "þ«",
            r"{\fontencoding{T1}\selectfont\th}{\fontencoding{T1}\selectfont\guillemotleft}",
        ),
    ],
)
def test_letters_become_commands(text: str, said: str) -> None:
    assert escape(text) == said


def test_latin_letters_are_all_there() -> None:
    assert tex_text.lacking(
        map(chr, [*range(32, 127), *range(0xC0, 0x148)])
    ) == list("ĦħĲĳĸĿŀ")


def test_a_letter_that_latex_lacks_is_named() -> None:
    with pytest.raises(
        UsageError,
        match=r"TeX cannot show 中 \(U\+4E2D\), Ж \(U\+0416\) with the fonts",
    ):
        loads(RESIDUAL.replace("name: Residual", "name: 中α中Ж")).to("tex")


ENGINES = ("pdflatex", "xelatex", "lualatex")
PAPER = r"""\documentclass{article}
\usepackage{tikz}
\usepackage{standalone}
\begin{document}
A net: \input{net}
\end{document}
"""


@pytest.mark.parametrize("file", ["net.tex", "paper.tex"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.skipif(
    not installed("tikz.sty"),
    reason="no TikZ: apt install texlive-pictures",
)
@pytest.mark.skipif(
    not installed("standalone.cls"),
    reason="no standalone: apt install texlive-latex-extra",
)
def test_it_compiles_by_itself_and_in_a_paper(
    tmp_path: Path, engine: str, file: str
) -> None:
    if not shutil.which(engine):
        pytest.skip(f"no {engine}")
    name = r"'a_b & 50% {x} $y$ \input{/etc/passwd} #1 ^~ Łódź ắ þ «ą» α→Ω² a--b'"
    tex = loads(RESIDUAL.replace("name: Residual", f"name: {name}")).to(
        "tex", view="stages"
    )
    tmp_path.joinpath("net.tex").write_text(tex, encoding="utf-8")
    tmp_path.joinpath("paper.tex").write_text(PAPER, encoding="utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", file],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in tmp_path.joinpath(file).with_suffix(
        ".log"
    ).read_text("utf-8", "replace")
    assert tmp_path.joinpath(file).with_suffix(".pdf").stat().st_size > 5000

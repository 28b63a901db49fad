"""The manual's matrix of programs: what opens our files, as seen on this machine.

    python docs/programs.py FOLDER [--mermaid mermaid.min.js]

Draws one net in every format, has each program on PATH make a PNG of it in FOLDER, and writes
`docs/programs.md`: how far each PNG's ink is from that of resvg. A program that is not here leaves
an empty cell with its reason. What was seen in the pictures is in `SEEN`: look at them again when a
number has changed. Netron is a package of this Python's (`pip install netron`). What FOLDER has
from an earlier call is kept. Not part of CI, as nothing of this is needed to use resgraph."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from PIL import Image, ImageChops

NET = "resnet-18"
FILES = {
    "figure.svg": (), "paths.svg": ("--text", "paths"), "auto.svg": ("--theme", "auto"),
    "figure.pdf": (), "figure.tex": (), "paths.tex": ("--text", "paths"), "figure.mmd": (),
    "painted.mmd": ("--paint", "macs"), "figure.dot": (), "painted.dot": ("--paint", "macs"),
}  # fmt: skip
"""What is drawn, and how."""
SVG = ("figure.svg", "paths.svg", "auto.svg")
WAIT = 150
"""Seconds for one picture."""
PAPER = r"""\documentclass{article}
\usepackage[paperwidth=30cm,paperheight=42cm,margin=1cm]{geometry}
\usepackage{graphicx}\usepackage{standalone}\usepackage{tikz}
\begin{document}\noindent%s\end{document}
"""
QT = """import sys
from PyQt5.QtGui import QGuiApplication, QImage, QPainter
from PyQt5.QtSvg import QSvgRenderer
app = QGuiApplication(["", "-platform", "offscreen"])
drawn = QSvgRenderer(sys.argv[1])
image = QImage(drawn.defaultSize() * 2, QImage.Format_RGB32)
image.fill(0xffffffff)
painter = QPainter(image)
drawn.render(painter)
painter.end()
image.save(sys.argv[2])
"""
NETRON = """import base64, sys, tempfile
from pathlib import Path
import netron
sys.path.insert(0, TESTS)
from browser import browser
_, port = netron.start(sys.argv[1], browse=False)
address = f"http://localhost:{port}/"
with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as page:
    page.open(address, "body")
    page.do("Network.setCookie", name="consent", value="1", url=address)
    page.do("Page.navigate", url=address)
    page.until("document.querySelector('#canvas .node') && document.body.className == 'default'")
    shot = page.do("Page.captureScreenshot")["data"]
    Path(sys.argv[2]).write_bytes(base64.b64decode(shot))
netron.stop()
"""
OFFICE = "http://schemas.openxmlformats.org"
TYPES = f"""<Types xmlns="{OFFICE}/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="svg" ContentType="image/svg+xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
</Types>"""
RELATION = f"""<Relationships xmlns="{OFFICE}/package/2006/relationships"><Relationship Id="one"
 Type="{OFFICE}/officeDocument/2006/relationships/%s" Target="%s"/></Relationships>"""
WORD = f"""<w:document xmlns:w="{OFFICE}/wordprocessingml/2006/main"
 xmlns:r="{OFFICE}/officeDocument/2006/relationships" xmlns:a="{OFFICE}/drawingml/2006/main"
 xmlns:wp="{OFFICE}/drawingml/2006/wordprocessingDrawing"
 xmlns:pic="{OFFICE}/drawingml/2006/picture"><w:body><w:p><w:r><w:drawing><wp:inline>
<wp:extent cx="5400000" cy="7600000"/><wp:docPr id="1" name="figure"/><a:graphic>
<a:graphicData uri="{OFFICE}/drawingml/2006/picture"><pic:pic><pic:nvPicPr>
<pic:cNvPr id="1" name="figure"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill>
<a:blip r:embed="one"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm>
<a:off x="0" y="0"/><a:ext cx="5400000" cy="7600000"/></a:xfrm>
<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>
</wp:inline></w:drawing></w:r></w:p></w:body></w:document>"""
FLOWCHART = """<body style="margin:0"><pre class="mermaid">{text}</pre><script>{script}</script>
<script>mermaid.initialize({{startOnLoad: true}})</script>"""
SEEN = {
    "Chromium": "whole; letters in the system's font, with room to spare",
    "Chromium paths.svg": "as ours",
    "Firefox": "whole; letters in the system's font, with room to spare",
    "Firefox paths.svg": "as ours",
    "librsvg": "whole; letters in the system's font",
    "librsvg paths.svg": "as ours",
    "Inkscape": "whole; letters in the system's font",
    "Inkscape paths.svg": "as ours",
    "CairoSVG": "whole; letters in the system's font; a pixel smaller",
    "CairoSVG paths.svg": "as ours; a pixel smaller",
    "LibreOffice": "whole; letters in the system's font, those in a pill further to the left",
    "LibreOffice paths.svg": "as ours; a pixel larger",
    "LibreOffice auto.svg": "whole, in the light colours",
    "QtSvg 5": "whole; medium letters are bold",
    "QtSvg 5 paths.svg": "as ours",
    "ImageMagick": "whole; librsvg draws for it",
    "ImageMagick paths.svg": "as ours",
    "svglib": "whole; in its own Helvetica",
    "svglib paths.svg": "as ours, somewhat bolder",
    "svglib auto.svg": "svglib cannot read `@media`: give it another theme",
    "Poppler": "as ours",
    "MuPDF": "as ours",
    "pdfLaTeX": "whole; letters of the paper",
    "pdfLaTeX paths.tex": "as ours",
    "XeLaTeX": "whole; letters of the paper",
    "XeLaTeX paths.tex": "as ours",
    "LuaLaTeX": "whole; letters of the paper",
    "LuaLaTeX paths.tex": "as ours",
    "`input` in a paper": "whole; letters of the paper",
    "`includegraphics`": "as ours",
    "Mermaid": "whole, titles free of edges",
    "Mermaid painted.mmd": "whole, its scale at the left",
    "Graphviz": "whole; letters in the system's font",
    "Word's file in LibreOffice": "whole; letters in the system's font",
    "Netron net.onnx": "every op with its shapes, batch norms folded, the batch named",
    "Netron net.pt2": "every op with its weights, no shapes between them",
}
"""What the pictures show, by program."""


@dataclass(frozen=True)
class Program:
    """What is asked for by its first word, what it opens, and the commands that make a PNG of it.

    In a command, `{file}` is what is opened, `{out}` the PNG, `{stem}` both without a suffix."""

    name: str
    needs: str
    opens: tuple[str, ...]
    commands: tuple[str, ...]
    version: str = "--version"
    alike: bool = True  # it shows our layout, alone on its page


PAGE = "pdftoppm -r 96 -png -singlefile -f 1 -l 1 {stem}.pdf {stem}"
BROWSER = "--headless --window-size={wide},{high}"
LATEX = "-interaction=batchmode -output-directory={folder} -jobname={job}"
PROGRAMS = (
    Program(
        "Chromium", "chromium", SVG,
        (f"chromium {BROWSER} --no-sandbox --hide-scrollbars --screenshot={{out}} {{file}}",),
    ),
    Program(
        "Firefox", "firefox-esr", SVG, (f"firefox-esr {BROWSER} --screenshot {{out}} file://{{file}}",)
    ),
    Program("librsvg", "rsvg-convert", SVG, ("rsvg-convert {file} -o {out}",)),
    Program("Inkscape", "inkscape", SVG, ("inkscape {file} -o {out}",)),
    Program("CairoSVG", "cairosvg", SVG, ("cairosvg {file} -o {out}",)),
    Program(
        "LibreOffice", "soffice", SVG,
        ("soffice --headless --convert-to png --outdir {folder} {file}",),
    ),
    Program("QtSvg 5", "qt", SVG, ("/usr/bin/python3 {folder}/qt.py {file} {out}",)),
    Program("ImageMagick", "convert", SVG, ("convert {file} {out}",)),
    Program("svglib", "svg2pdf", SVG, ("svg2pdf -o {stem}.pdf {file}", PAGE)),
    Program(
        "Poppler", "pdftoppm", ("figure.pdf",),
        ("pdftoppm -r 96 -png -singlefile {file} {stem}",), "-v",
    ),
    Program("MuPDF", "mutool", ("figure.pdf",), ("mutool draw -r 96 -o {out} {file}",), "-v"),
    *(
        Program(name, program, ("figure.tex", "paths.tex"), (f"{program} {LATEX} {{file}}", PAGE))
        for name, program in (
            ("pdfLaTeX", "pdflatex"), ("XeLaTeX", "xelatex"), ("LuaLaTeX", "lualatex"),
        )
    ),
    Program(
        "`input` in a paper", "pdflatex", ("figure.tex",),
        (f"pdflatex {LATEX} input.tex", PAGE), alike=False,
    ),
    Program(
        "`includegraphics`", "pdflatex", ("figure.pdf",),
        (f"pdflatex {LATEX} graphics.tex", PAGE), alike=False,
    ),
    Program(
        "Mermaid", "mermaid", ("figure.mmd", "painted.mmd"),
        (
            "chromium --headless --no-sandbox --hide-scrollbars --window-size=1200,3400"
            " --virtual-time-budget=20000 --screenshot={out} {file}.html",
        ),
        alike=False,
    ),
    Program(
        "Graphviz", "dot", ("figure.dot", "painted.dot"), ("dot -Tpng {file} -o {out}",), "-V",
        alike=False,
    ),
    Program(
        "Word's file in LibreOffice", "soffice", ("word.docx",),
        (
            "soffice --headless --convert-to pdf --outdir {folder} {file}",
            "pdftoppm -r 96 -png -singlefile {folder}/word.pdf {stem}",
        ),
        alike=False,
    ),
    Program(
        "Netron", "netron", ("net.onnx", "net.pt2"),
        (f"{sys.executable} {{folder}}/open.py {{file}} {{out}}",), alike=False,
    ),
)  # fmt: skip


def main() -> None:
    """Draws, opens, measures, writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--mermaid", type=Path, help="mermaid.min.js, of npm's mermaid"
    )
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, asked.mermaid)
    lines = list(rows(folder))
    page = Path(__file__).with_name("programs.md")
    page.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {page}; look at the pictures in {folder}")


HEAD = f"""\
# In other programs

What other programs make of our files, of `{NET}`, written by `docs/programs.py`: how many of a
hundred parts of the ink stand elsewhere than in our own PNG (letters in another font do, and an
edge that is smoothed in another way), or that it is drawn, where a format has a layout of its own.
The pictures were looked at, most of them small; an empty cell has its reason. `paths.svg` and
`paths.tex` have their letters as outlines (`--text paths`), `auto.svg` is dark where its reader
is (`--theme auto`).

| program | version | opened | ink elsewhere | seen |
|---|---|---|--:|---|
"""


def prepare(folder: Path, mermaid: Path | None) -> None:
    """Every file that a program opens, and our own picture of it."""
    resgraph = [sys.executable, "-m", "resgraph"]
    drawn = {**FILES, "own.png": ("--scale", "1")}
    commands = {
        name: ["render", NET, *options] for name, options in drawn.items()
    }
    commands |= {name: ["export", NET] for name in ("net.onnx", "net.pt2")}
    for name, command in commands.items():
        if not (folder / name).is_file():
            run([*resgraph, *command, "-o", str(folder / name)])
    (folder / "qt.py").write_text(QT)
    tests = Path(__file__).resolve().parents[1] / "tests"
    (folder / "open.py").write_text(
        NETRON.replace("TESTS", repr(str(tests)))
    )
    with ZipFile(folder / "word.docx", "w") as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr(
            "_rels/.rels",
            RELATION % ("officeDocument", "word/document.xml"),
        )
        file.writestr("word/document.xml", WORD)
        file.writestr(
            "word/_rels/document.xml.rels",
            RELATION % ("image", "figure.svg"),
        )
        file.write(folder / "figure.svg", "word/figure.svg")
    (folder / "input.tex").write_text(PAPER % r"\input{figure.tex}")
    (folder / "graphics.tex").write_text(
        PAPER % r"\includegraphics{figure.pdf}"
    )
    if mermaid:
        script = mermaid.read_text(encoding="utf-8").replace(
            "</script>", r"<\/script>"
        )
        for name in ("figure.mmd", "painted.mmd"):
            text = (
                (folder / name)
                .read_text(encoding="utf-8")
                .replace("<", "&lt;")
            )
            made = FLOWCHART.format(text=text, script=script)
            (folder / f"{name}.html").write_text(made, encoding="utf-8")


def rows(folder: Path) -> Iterator[str]:
    """A line of the table for each program and file."""
    kept = folder / "cells.json"
    cells = json.loads(kept.read_text()) if kept.is_file() else {}
    for program in PROGRAMS:
        missing = lacks(program, folder)
        said = "" if missing else version(program)
        for name in program.opens:
            key = f"{program.name} {name}"
            if not missing and key not in cells:
                cells[key] = drawn(program, name, folder)
                kept.write_text(json.dumps(cells))
                print(key, cells[key], flush=True)
            cell = cells.get(key, f"– ({missing})")
            seen = (
                SEEN.get(key, SEEN.get(program.name, ""))
                if key in cells
                else ""
            )
            yield f"| {program.name} | {said} | `{name}` | {cell} | {seen} |"


def lacks(program: Program, folder: Path) -> str:
    """Why a program cannot be asked here; "" where it can."""
    if program.needs == "mermaid":
        made = (folder / "figure.mmd.html").is_file()
        return (
            ""
            if made and shutil.which("chromium")
            else "no mermaid.min.js was given"
        )
    if program.needs == "qt":
        code = ["/usr/bin/python3", "-c", "import PyQt5.QtSvg"]
        return "" if run(code) else "PyQt5 is not here"
    return (
        ""
        if shutil.which(program.needs)
        else f"`{program.needs}` is not here"
    )


def drawn(program: Program, name: str, folder: Path) -> str:
    """How a program draws a file: the share of ink that stands elsewhere, or that it does not."""
    job = re.sub(r"\W+", "-", f"{program.name} {name}").strip("-")
    out = folder / f"{job}.png"
    out.unlink(missing_ok=True)
    own = Image.open(folder / "own.png")
    places = {
        "file": folder / name, "out": out, "stem": out.with_suffix(""), "job": job,
        "folder": folder, "wide": own.width, "high": own.height,
    }  # fmt: skip
    for command in program.commands:
        if not run(command.format(**places).split(), folder):
            return f"fails: `{command.split()[0]}`"
    beside = (folder / name).with_suffix(".png")
    # LibreOffice names its file itself
    if not out.is_file() and beside.is_file():
        beside.rename(out)
    if not out.is_file():
        return "no picture"
    return (
        f"{100 * elsewhere(out, own):.0f} %" if program.alike else "drawn"
    )


def run(command: list[str], folder: Path | None = None) -> bool:
    """Whether a command ended well."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=WAIT
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def elsewhere(file: Path, own: Image.Image) -> float:
    """The share of ink that two pictures do not have at the same place, both at half our size."""
    size = own.width // 2, own.height // 2
    one, other = (
        flat(each).resize(size, Image.Resampling.BOX)
        for each in (Image.open(file), own)
    )
    ink = sum(255 - value for value in other.tobytes())
    return sum(ImageChops.difference(one, other).tobytes()) / ink


def flat(picture: Image.Image) -> Image.Image:
    """A picture in grey, on white."""
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("L")


def version(program: Program) -> str:
    """The first number that a program says of itself."""
    if not shutil.which(program.needs):
        return ""
    done = subprocess.run(
        [program.needs, program.version],
        capture_output=True,
        text=True,
        timeout=60,
    )
    words = (done.stdout + done.stderr).split()
    return next(
        (word.strip(",()") for word in words if word[:1].isdigit()), ""
    )


if __name__ == "__main__":
    main()

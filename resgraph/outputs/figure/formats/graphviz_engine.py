"""The text of `dot` → a picture, laid out by an engine of Graphviz where one is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ....errors import MissingError
from ...registry import OUTPUTS, named
from ..fonts import packaged
from ..style import FONT
from .svg import escape

LAID_OUT = [
    "svg",
    *(
        each.name
        for each in named("render").values()
        if each.takes == "svg"
    ),
]
"""The formats that Graphviz' own layout can be had in."""
_INSTALL = (
    "install Graphviz (apt install graphviz, brew install graphviz, or"
    " https://graphviz.org/download), or `pip install pygraphviz`, which brings an engine"
)


_FONTS = (
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
    "<fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir></fontconfig>"
)


def laid_out(source: str, kind: str = "svg", **options: Any) -> str | bytes:
    """The text of `dot`, laid out by whichever engine is there, as one of `LAID_OUT`; the options
    are that format's.

    Graphviz' own PNG and PDF take what fonts a machine has and leave a box, or nothing, for letters
    that these lack; so they are drawn from its SVG, by the rules of the figure. Raises
    `MissingError` where there is no engine, and as `raster` does."""
    svg = _engine(source).decode()
    if kind == "svg":
        return svg
    # Helvetica is not among the fonts that come with resgraph, and typst would take one of its own
    # for it.
    svg = re.sub(
        r'font-family="[^"]*"', f'font-family="{escape(FONT)}"', svg
    )
    drawn: str | bytes = OUTPUTS[kind].load()(svg, **options)
    return drawn


def _engine(source: str) -> bytes:
    """What Graphviz makes of a text: SVG."""
    program = shutil.which("dot")
    if program is None:
        return _library(source)
    with tempfile.TemporaryDirectory() as folder:
        # The fonts that come with resgraph: the same layout on every machine. Copied, as fontconfig
        # may mark a folder.
        for font in packaged():
            shutil.copy(font, folder)
        told = Path(folder) / "fonts.conf"
        told.write_text(
            _FONTS.format(folder=escape(folder)), encoding="utf-8"
        )
        environment = {**os.environ, "FONTCONFIG_FILE": str(told)}
        done = subprocess.run(
            [program, "-Tsvg"],
            input=source.encode(),
            capture_output=True,
            env=environment,
        )
    if done.returncode or b"</svg>" not in done.stdout:
        said = done.stderr.decode(
            errors="replace"
        ).strip().splitlines() or [f"it ended with {done.returncode}"]
        raise MissingError(
            f"Graphviz' `dot` ({program}) draws no SVG: {said[0]}"
        )
    return done.stdout


def _library(source: str) -> bytes:
    try:
        import pygraphviz
    except ImportError:
        raise MissingError(
            f"no Graphviz engine was found: {_INSTALL}"
        ) from None
    return bytes(
        pygraphviz.AGraph(string=source).draw(prog="dot", format="svg")
    )

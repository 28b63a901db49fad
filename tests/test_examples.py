"""The pictures and the manual's table are what the program that draws them would draw now."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_picture_is_stale() -> None:
    drawings = runpy.run_path(str(ROOT / "examples" / "figures.py"))[
        "drawings"
    ]()
    stale = [
        str(path.relative_to(ROOT))
        for path, text in drawings.items()
        if path.read_text("utf-8") != text
    ]
    assert stale == [], "draw them again: python examples/figures.py"

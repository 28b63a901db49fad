#!/usr/bin/env bash
# resvg-py 0.5.0 draws an SVG's text with the fonts of the system, and no text at all, without an error, where none of
# the families that a picture names is there. One would have guessed an error, or that `font_family=`, "default
# (generic) font family", names a stand-in. `sans_serif_family=` does: `sans-serif` means "Arial" until it is told.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q resvg-py==0.5.0 pillow==12.3.0 fontpkg-inter==4.1.post1
"$work/venv/bin/python" - <<'PY'
import io
from pathlib import Path

import fontpkg_inter
import resvg_py
from PIL import Image

print("resvg-py", resvg_py.__version__, "resvg", resvg_py.__resvg_version__)
font = next(str(f) for f in Path(fontpkg_inter.__path__[0]).glob("files/Inter[[]*.ttf"))


def ink(**how):
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="30">'
        '<text x="5" y="20" font-family="Helvetica, sans-serif">conv</text></svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, **how))
    return sum(Image.open(io.BytesIO(png)).convert("RGBA").getchannel("A").histogram()[1:])


seen = {
    "no fonts": ink(),
    "a font": ink(font_files=[font]),
    "a font, font_family": ink(font_files=[font], font_family="Inter"),
    "a font, sans_serif_family": ink(font_files=[font], sans_serif_family="Inter"),
}
for how, pixels in seen.items():
    print(f"{how}: {pixels} pixels of text")
*without, last = seen.values()
assert without == [0, 0, 0] and last > 50, "this has changed"
PY

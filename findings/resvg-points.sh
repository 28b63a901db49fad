#!/usr/bin/env bash
# resvg-py 0.5.0 takes a point, a millimetre and an inch to be 0 pixels long: its `dpi` is 0 unless it is given. A picture
# whose size is in points, as Graphviz and matplotlib write them, is refused ("SVG has an invalid size"), and a shape
# whose length is in points is left out without an error. One would have guessed 96, as CSS and resvg itself have it.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q resvg-py==0.5.0 pillow==12.3.0
"$work/venv/bin/python" - <<'PY'
import io

import resvg_py
from PIL import Image

print("resvg-py", resvg_py.__version__, "resvg", resvg_py.__resvg_version__)


def drawn(size, bar, **how):
    """The width of the picture, and how many of its pixels a bar covers; or what is said."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 60 60">'
        f'<rect width="{bar}" height="30"/></svg>'
    )
    try:
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, **how))
    except ValueError as problem:
        return str(problem)
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    return image.width, sum(image.getchannel("A").histogram()[1:])


seen = {
    "pixels": drawn("60", "30"),
    "size in points": drawn("60pt", "30"),
    "bar in points": drawn("60", "30pt"),
    "size in points, dpi=96": drawn("60pt", "30", dpi=96),
    "bar in points, dpi=96": drawn("60", "30pt", dpi=96),
}
for how, found in seen.items():
    print(f"{how}: {found}")
assert list(seen.values()) == [(60, 900), "SVG has an invalid size", (60, 0), (80, 1600), (60, 1200)], "this has changed"
PY

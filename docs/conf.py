"""How Sphinx builds the manual: `sphinx-build -W docs site`.

Sphinx with MyST, because both have releases of this year, and because Markdown pages can be read
without a build. MkDocs 1 has had no release since August 2024, and Material for MkDocs, which needs
it, has been in maintenance only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gallery

import resgraph

project = "resgraph"
author = "The resgraph authors"
version = release = resgraph.__version__
extensions = ["myst_parser"]
exclude_patterns = ["package.md"]  # the page of the package index
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
smartquotes = False  # two dashes begin an option
html_theme = "furo"
html_title = "resgraph"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["manual.css"]
nitpicky = True

# The zoo is drawn in a minute; `GALLERY="resnet hrnet"` draws those files alone.
gallery.write(Path(__file__).parent, os.environ.get("GALLERY", "").split())

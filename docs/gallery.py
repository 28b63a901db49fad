"""The zoo → the manual's page with a figure of each family and the costs of its nets.

Figures are megabytes that any checkout can draw, so page and figures are made when the site is
built, and not committed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import resgraph
from resgraph.language.references import locate, zoo_folder, zoo_names

HEAD = """\
# Gallery

Every net of the zoo, with a figure of the first one in each file. `resgraph show NAME` prints its
table, `resgraph render NAME -o FILE` draws it, and `extends: NAME` in a spec builds on it.
"""
TABLE = "| net | input | params | MACs | depth |\n|---|---|--:|--:|--:|"


def write(docs: Path) -> None:
    """Writes `gallery.md`, and the figures that it shows in `gallery/`."""
    figures = docs / "gallery"
    figures.mkdir(exist_ok=True)
    families = groupby(zoo_names(), lambda name: locate(name, zoo_folder()).zoo)
    parts = [HEAD]
    for family, names in families:
        parts += _family(family, list(names), figures)
    (docs / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


def _family(family: str, names: list[str], figures: Path) -> Iterator[str]:
    plans = [resgraph.load(name) for name in names]
    (figures / f"{family}.svg").write_text(plans[0].svg(), encoding="utf-8")
    yield f"## {family}\n\n{plans[0].spec.about}\n\n{TABLE}"
    for name, plan in zip(names, plans, strict=True):
        size = "x".join(map(str, plan.input))
        yield f"| `{name}` | {size} | {plan.params:,} | {plan.macs:,} | {plan.depth} |"
    yield f"\n![{plans[0].name}](gallery/{family}.svg)\n"

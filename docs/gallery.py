"""The zoo → the manual's pages on it: `python docs/gallery.py` writes them again.

`zoo.md` is the atlas, a line for each net, to be read without a build: it is committed, and a test
compares it with the specs. The gallery has a page for each family with the figure of every net,
Table 1, the spec, and the nets side by side. Figures are megabytes that any checkout can draw, so
these pages are made when the site is built, and not committed. `imported/` has families of timm's
nets as `resgraph import` writes them; a page shows the members of each side by side, and the
command that makes its spec again, for which timm is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import resgraph
from resgraph.language.references import locate, zoo_folder, zoo_names
from resgraph.language.spec import load_spec
from resgraph.outputs.figure.render import render
from resgraph.outputs.table.markdown import markdown

FOLDER = Path(__file__).parent
ATLAS = """\
<!-- Made by `python docs/gallery.py`, from the specs in specs/. -->

# Zoo

Every net that comes with resgraph. `resgraph show NAME` prints its table, `resgraph render NAME
-o FILE` draws it, and `extends: NAME` in a spec builds on it. The site's gallery has the figure,
the table and the spec of each.
"""
HEAD = """\
# Gallery

A page for each file of the [zoo](zoo.md): the figure, Table 1 and the spec of every net, and the
nets side by side.
"""
IMPORTED = """\
# Families by import

What `resgraph import` makes of families of timm's nets: a file each, with a variant for every
member, proven equal to the models. The pictures are those of `resgraph render FILE --family`.
"""
COSTS = "| net | input | params | MACs | depth |\n|---|---|--:|--:|--:|"
ABREAST = 4
"""Nets that stand side by side in one figure, and in one table."""


def families() -> dict[str, list[str]]:
    """The names of the nets of each file of the zoo."""
    groups = groupby(
        zoo_names(), lambda name: locate(name, zoo_folder()).zoo
    )
    return {str(family): list(names) for family, names in groups}


def atlas() -> str:
    """The text of `zoo.md`."""
    parts = [ATLAS]
    for family, names in families().items():
        parts += [f"## {family}\n", *costs(names), ""]
    return "\n".join(parts)


def costs(names: list[str]) -> Iterator[str]:
    """What the nets of a family are, and a table of what they cost, which each spec expects of
    itself."""
    specs = {name: load_spec(name) for name in names}
    yield f"{specs[names[0]].about}.\n\n{COSTS}"
    for name, spec in specs.items():
        told = spec.expect
        assert told and told.params and told.macs, (
            f"{name} expects no costs"
        )
        size = "x".join(map(str, spec.input))
        short = name.rpartition(".yaml::")[2]
        yield f"| `{short}` | {size} | {told.params:,} | {told.macs:,} | {told.depth} |"


def write(docs: Path, only: Sequence[str] = ()) -> None:
    """Write `gallery.md`, and in `gallery/` the page and the figures of each family, or of those
    in `only`."""
    folder = docs / "gallery"
    folder.mkdir(exist_ok=True)
    shown = {
        name: nets
        for name, nets in families().items()
        if name in only or not only
    }
    for family, names in shown.items():
        text = "\n".join(page(family, names, folder))
        (folder / f"{family}.md").write_text(text, encoding="utf-8")
    pages = "\n".join(f"gallery/{family}" for family in shown)
    if not only:
        text = "\n".join(imported(docs / "imported", folder))
        (folder / "imported.md").write_text(text, encoding="utf-8")
        pages += "\ngallery/imported"
    contents = f"{HEAD}\n```{{toctree}}\n:maxdepth: 1\n\n{pages}\n```\n"
    (docs / "gallery.md").write_text(contents, encoding="utf-8")


def page(family: str, names: list[str], folder: Path) -> Iterator[str]:
    """A family's page; its figures are written into the folder."""
    plans = [resgraph.load(name) for name in names]
    yield f"# {family}\n"
    yield from costs(names)
    for at in range(0, len(plans), ABREAST):
        some = plans[at : at + ABREAST]
        yield f"\n{markdown(some)}"
        if len(some) > 1:
            drawn = folder / f"{family}-{at // ABREAST + 1}.svg"
            drawn.write_text(str(render(some, "svg")), encoding="utf-8")
            yield f"![{', '.join(names[at : at + ABREAST])}]({drawn.name})"
    for name, plan in zip(names, plans, strict=True):
        drawn = folder / f"{name.replace('::', '.')}.svg"
        drawn.write_text(plan.svg(), encoding="utf-8")
        yield f"\n## {name}\n\n![{plan.name}]({drawn.name})"
    spec = (zoo_folder() / f"{family}.yaml").read_text(encoding="utf-8")
    yield f"\n## Spec\n\n```yaml\n{spec}```\n"


def imported(specs: Path, folder: Path) -> Iterator[str]:
    """The page of families that were imported; their figures are written into the folder."""
    yield IMPORTED
    for path in sorted(specs.glob("*.yaml")):
        names = [
            f"{path}::{name}" for name in load_spec(str(path)).variants
        ]
        plans = [resgraph.load(name) for name in names]
        models = " ".join(f"timm:{plan.name}" for plan in plans)
        drawn = folder / f"imported-{path.name.replace('.yaml', '.svg')}"
        drawn.write_text(str(render(plans, "svg")), encoding="utf-8")
        yield f"\n## {path.stem}\n"
        yield from costs(names)
        yield f"\n```sh\nresgraph import {models} -o {path.name}\n```"
        yield f"\n![The nets of {path.stem}]({drawn.name})"
        yield f"\n```yaml\n{path.read_text(encoding='utf-8')}```\n"


if __name__ == "__main__":
    (FOLDER / "zoo.md").write_text(atlas(), encoding="utf-8")
    write(FOLDER)

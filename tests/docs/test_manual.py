"""The manual as a whole: generated pages are fresh, links lead somewhere, the card leaves nothing out."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import GALLERY, MADE, PAGES, ROOT, blocks

import resgraph
from resgraph.checked import check_nets
from resgraph.language.library import library_index
from resgraph.language.reading import read
from resgraph.language.recipe import Train, recipe_names
from resgraph.language.record import TAGS, Record, kinds
from resgraph.language.record import records as records_in
from resgraph.language.references import zoo_names
from resgraph.language.schema import File
from resgraph.ops import VOCABULARY
from resgraph.ops.extension import package_of
from resgraph.structs import fields
from resgraph.train.data.formats.index_cache import cache_folder

DOCS = ROOT / "docs"
REFERENCE = runpy.run_path(str(DOCS / "reference.py"))
CARD = (DOCS / "card.md").read_text(encoding="utf-8")
LANGUAGE = (DOCS / "language.md").read_text(encoding="utf-8")
SITE_ONLY = {"gallery.md"}


def test_generated_pages_are_fresh() -> None:
    stale = [
        name
        for name, text in REFERENCE["pages"]().items()
        if (DOCS / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `python docs/reference.py`"


def test_the_atlas_of_the_zoo_is_fresh() -> None:
    """Its numbers are what each spec expects of itself, which `tests/zoo` holds."""
    made = runpy.run_path(str(DOCS / "gallery.py"))["atlas"]()
    committed = (DOCS / "zoo.md").read_text(encoding="utf-8")
    assert committed == made, "run `python docs/gallery.py`"
    assert (
        "| `resnet-50` | 3x224x224 | 25,557,032 | 4,089,184,256 | 50 |"
        in committed
    )
    assert set(re.findall(r"^\| `(.+?)`", made, re.M)) == set(zoo_names())


def test_families_that_were_imported_are_side_by_side(
    tmp_path: Path,
) -> None:
    """As their specs expect of themselves; the page names the command that makes each again."""
    imported = runpy.run_path(str(DOCS / "gallery.py"))["imported"]
    page = "\n".join(imported(DOCS / "imported", tmp_path))
    assert (
        "resgraph import timm:resnet18 timm:resnet34 timm:resnet50 timm:resnet101 -o"
        in page
    )
    for path in (DOCS / "imported").glob("*.yaml"):
        nets = check_nets(str(path))
        names = [net.plan.name for net in nets if net.plan]
        drawn = (tmp_path / f"imported-{path.stem}.svg").read_text(
            encoding="utf-8"
        )
        assert (
            len(names) > 1
            and [name for name in names if name not in drawn] == []
        )
        assert [net.problems for net in nets if net.problems] == []


def records(
    record: type[Record], place: str
) -> list[tuple[type[Record], str]]:
    """A record of a recipe and those below it, each with its place as the page has it."""
    below = [(record, place)]
    for key, field in fields(record).items():
        for inner in records_in(field.type):
            kind = kinds(inner)[0] if key in TAGS else ""
            below += records(
                inner, ".".join(filter(None, (place, key, kind)))
            )
    return below


@pytest.mark.parametrize(
    ("record", "place"), records(Train, ""), ids=lambda item: str(item)
)
def test_every_key_has_a_text_and_a_valid_example(
    record: type[Record], place: str
) -> None:
    tag = next(
        (tag for tag in TAGS.values() if tag in fields(record)), None
    )
    keys = [key for key in fields(record) if key != tag or not place]
    about = REFERENCE["described"](record)
    assert {key for key in keys if about.get(key, "").endswith(".")} == set(
        keys
    )
    shown: dict[str, Any] = {
        key: REFERENCE["example"](place, key) for key in keys
    }
    if record is Train:
        del shown["iterations"], shown["schedule"], shown["warmup"]
    elif tag:
        shown[tag] = place.rpartition(".")[2]
    whole = read(record, shown)
    assert {key for key in shown if hasattr(whole, key)} == shown.keys()


def test_links_lead_somewhere() -> None:
    dead = []
    for page in [
        *PAGES,
        *(DOCS / name for name in [*MADE, "adding.md"]),
        ROOT / "CHANGELOG.md",
    ]:
        for link in re.findall(
            r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")
        ):
            path, _, anchor = link.partition("#")
            there = (page.parent / path) if path else page
            if link.startswith(("http:", "https:")):
                continue
            if not there.exists() or (
                anchor and anchor not in anchors(there)
            ):
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert dead == []


def test_no_line_breaks_code_in_two() -> None:
    """Its rest could begin with a sign that makes a list of it."""
    broken = []
    for page in [*PAGES, DOCS / "adding.md"]:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)  # fmt: skip
        broken += [
            line for line in prose.splitlines() if line.count("`") % 2
        ]
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    heads = re.findall(
        r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    plain = (re.sub(r"[^\w\s-]", "", head.lower()) for head in heads)
    return {head.strip().replace(" ", "-") for head in plain}


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = {
        f"{line}.md"
        for toc in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
        for line in toc.splitlines()
        if line and not line.startswith(":")
    }
    there = {
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if path.parent != GALLERY  # which a build of the site leaves behind
    }
    assert listed - SITE_ONLY == there - SITE_ONLY - {
        "index.md",
        "package.md",
    }


def test_the_card_names_every_op_block_key_and_recipe() -> None:
    ours = {word for word, op in VOCABULARY.items() if not package_of(op)}
    words = {*ours, *library_index(), *recipe_names(), *fields(Train), *fields(File)}  # fmt: skip
    missing = [
        word for word in words if not re.search(rf"`[^`]*\b{word}\b", CARD)
    ]
    example = next(block.text for block in blocks(CARD))
    assert [word for word in missing if f"{word}:" not in example] == []
    assert len(CARD.splitlines()) <= 120


def test_the_language_page_names_every_key_of_a_file() -> None:
    table = LANGUAGE.partition("## The keys of a file")[2].partition(
        "\n## "
    )[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.M)
    assert {
        key for row in rows for key in re.findall(r"`(\w+)`", row)
    } == set(fields(File))


def units() -> list[tuple[str, str, str]]:
    """The table of rule 5: a label, a unit, and what they make together."""
    table = (
        LANGUAGE.partition("| label | unit ")[2]
        .partition("\n\n")[0]
        .splitlines()
    )
    heads = re.findall(r"`([^`]+)`", table[0])
    rows = [
        [cell.strip(" `") for cell in row.split("|")[1:-1]]
        for row in table[2:]
    ]
    return [
        (label.replace("…", "3x3 conv 64"), unit, made)
        for label, *cells in rows
        for unit, made in zip(heads, cells, strict=True)
    ]


@pytest.mark.parametrize(("label", "unit", "made"), units())
def test_a_label_makes_of_a_unit_what_the_table_says(
    label: str, unit: str, made: str
) -> None:
    text = f"name: n\ninput: 3x8x8\nunit: {unit}\nnet: {{a: {label}}}\n"
    if made == "error":
        with pytest.raises(resgraph.SpecError):
            resgraph.loads(text)
        return
    ops = [node.op for node in resgraph.loads(text).graph.nodes.values()][
        1:
    ]
    assert made.split() == [
        f"{op.op}+bias" if getattr(op, "bias", "none") != "none" else op.op
        for op in ops
    ]


def test_the_glossary_has_what_it_is_for() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    ours = {word for row in re.findall(r"^\| ([^|]+) \|", text, re.M) for word in row.split(", ")}  # fmt: skip
    wanted = {
        "seed",
        "ema",
        "resume",
        "checkpointing",
        "drop path",
        "merge",
        "cell",
    }
    assert wanted <= {word.strip("`") for word in ours}


def test_the_cache_lies_where_the_manual_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (DOCS / "training.md").read_text(encoding="utf-8")
    for variable, value in (
        ("XDG_CACHE_HOME", "/cache"),
        ("XDG_CACHE_HOME", ""),
        ("HOME", "/me"),
    ):
        monkeypatch.setenv(variable, value)
        said = (
            "$XDG_CACHE_HOME/resgraph/shards"
            if value == "/cache"
            else "~/.cache/resgraph/shards"
        )
        assert f"`{said}`" in text
        assert (
            cache_folder("shards")
            == Path(os.path.expandvars(said)).expanduser()
        )


def test_the_version_is_cited_from_one_place() -> None:
    cited = yaml.safe_load(
        (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    )
    assert cited["cff-version"] == "1.2.0" and "version" not in cited
    assert {"title", "message", "authors"} <= cited.keys() and cited[
        "authors"
    ]
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {resgraph.__version__} - " in log


@pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None,
    reason="pip install 'resgraph[docs]'",
)
@pytest.mark.parametrize(
    "families",
    [
        pytest.param(["resnet", "shortcut-forms"], id="some"),
        pytest.param([], id="all", marks=pytest.mark.slow),
    ],
)
def test_the_site_builds_without_a_warning(
    families: list[str], tmp_path: Path
) -> None:
    source = tmp_path / "docs"
    for name in ("docs", "examples"):
        (tmp_path / name).mkdir()
    for path in [*DOCS.rglob("*.md"), *DOCS.rglob("*.py"), *DOCS.rglob("*.css"), *ROOT.glob("examples/**/*.svg")]:  # fmt: skip
        if path.name not in SITE_ONLY and path.parent != GALLERY:
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        str(source),
    ]
    done = subprocess.run(
        [*command, str(tmp_path / "site")],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GALLERY": " ".join(families),
        },
    )
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site" / "gallery"
    assert {page.stem for page in site.glob("*.html")} >= set(families)
    resnet = (site / "resnet.html").read_text(encoding="utf-8")
    for said in (
        "25,557,032", "_images/resnet-50.svg", "_images/resnet-1.svg",
        "[1x1 conv 64, 3x3 conv 64, 1x1 conv 256] × 3", "bottleneck",
    ):  # fmt: skip
        assert said in resnet

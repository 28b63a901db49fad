"""The recipes of docs/adding.md, followed word by word in a copy of the repository."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest
from interpreter import python
from pages import LIKE, ROOT, Block, blocks

PAGE = ROOT / "docs" / "adding.md"
TEXT = PAGE.read_text(encoding="utf-8")
HEADS = re.findall(r"^## (.+)$", TEXT, re.M)
TRIED = {head: list(blocks(part)) for head, part in zip(HEADS, re.split(r"^## .+$", TEXT, flags=re.M)[1:], strict=True)}  # fmt: skip


def put(copy: Path, text: str) -> bool:
    """Writes a block where its first line says. False where it says nothing."""
    said = re.match(
        r"# (\S+)(?:, (below|in place of): ([^\n]+)|, (at the end))?\n(.*)",
        text,
        re.S,
    )
    if said is None:
        return False
    path = copy / said[1]
    if not (said[2] or said[4]):
        assert not path.exists(), f"{said[1]} is there already"
        path.write_text(said[5], encoding="utf-8")
        return True
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at = len(lines)
    if said[2]:
        (at,) = (
            i
            for i, line in enumerate(lines)
            if line.lstrip().startswith(said[3])
        )
    lines[at : at + 1] = [said[5]] if said[2] == "in place of" else [*lines[at : at + 1], said[5]]  # fmt: skip
    path.write_text("".join(lines), encoding="utf-8")
    return True


def tried(copy: Path, line: str, expected: str) -> None:
    """Runs a command in the copy, and compares what it prints."""
    done = python("-m", *shlex.split(line), cwd=copy, path=str(copy))
    printed = done.stderr + done.stdout  # progress, and then the result
    assert done.returncode == 0, f"{line}\n{printed}"
    like = doctest.OutputChecker().check_output(expected, printed, LIKE)
    assert like, f"{line} prints\n{printed}\nand not\n{expected}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the tests that the page names."""
    folder = tmp_path_factory.mktemp("copy")
    for name in (
        "resgraph",
        "specs",
        "tests/ops",
        "tests/catalogue",
        "docs",
    ):
        left = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    shared = (
        p
        for p in (ROOT / "tests").glob("*.py")
        if not p.name.startswith("test_")
    )
    read = ROOT / "tests/alike.json"  # by tests/conftest.py
    for path in (ROOT / "pyproject.toml", read, *shared):
        shutil.copy(path, folder / path.relative_to(ROOT))
    return folder


@pytest.mark.parametrize(
    "head", [head for head, parts in TRIED.items() if parts], ids=str
)
def test_a_recipe_does_what_it_says(head: str, copy: Path) -> None:
    placed = 0
    for block in TRIED[head]:
        if block.language == "console":
            for line, printed in re.findall(
                r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.text, re.M
            ):
                tried(copy, line, printed)
        elif put(copy, block.text):
            placed += 1
        else:
            done = python("-c", block.text, cwd=copy, path=str(copy))
            assert done.returncode == 0, done.stderr
    assert placed


def test_what_each_takes_is_as_the_table_says() -> None:
    """New and edited files of the package, and lines without those that are empty."""
    rows = re.findall(
        r"^\| (an? .+?) \| (\d) \| (\d) \| (\d+) \|$", TEXT, re.M
    )
    claimed = {
        head.capitalize(): tuple(map(int, row)) for head, *row in rows
    }
    assert claimed == {
        head: cost(parts) for head, parts in TRIED.items() if parts
    }


def cost(parts: list[Block]) -> tuple[int, int, int]:
    """How many files of the package a recipe makes and edits, and how many lines it writes."""
    new, edited, lines = set(), set(), 0
    for block in parts:
        first, _, rest = block.text.partition("\n")
        if first.startswith("# resgraph/"):
            path, _, place = first.removeprefix("# ").partition(", ")
            (edited if place else new).add(path)
            lines += sum(bool(line.strip()) for line in rest.splitlines())
    return len(new), len(edited), lines


def test_every_addition_that_is_promised_is_there() -> None:
    assert [head for head, parts in TRIED.items() if parts] == [
        "An op",
        "A figure format",
        "A lint",
        "A data set",
        "An optimizer",
    ]

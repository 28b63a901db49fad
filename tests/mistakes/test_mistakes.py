"""The gallery of mistakes: each spec beside the exact text that is told; `--update-golden` rewrites the texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .gallery import GALLERY, mistakes_in, text_of

SPECS = sorted(GALLERY.glob("*.yaml"))
SOURCES = sorted((GALLERY.parents[1] / "resgraph").rglob("*.py"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_says(path: Path, request: pytest.FixtureRequest) -> None:
    said = path.with_suffix(".txt")
    text = text_of(path)
    if request.config.getoption("--update-golden"):
        said.write_text(text, encoding="utf-8")
    assert text == said.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_message_can_be_acted_on(path: Path) -> None:
    problems = mistakes_in(path)
    assert problems
    for problem in problems:
        assert re.fullmatch(r"[EW]\d{3}", problem.code)
        assert (
            problem.message[0].islower()
            or problem.message[0] in "`0123456789"
        )
        assert not problem.message.endswith((".", "!"))
        assert len(problem.message) <= 120
        assert not re.search(
            r"\b(NoneType|pydantic|dictionary|Traceback|invalid|illegal)\b",
            problem.frame(),
        )
        assert (
            problem.span is not None
            and problem.span.source.name == path.name
        ), "the user's own file comes first"


def test_texts_and_specs_come_in_pairs() -> None:
    assert {path.stem for path in GALLERY.glob("*.txt")} == {
        path.stem for path in SPECS
    }


def test_the_gallery_shows_the_codes_of_specs() -> None:
    shown = {
        problem.code for path in SPECS for problem in mistakes_in(path)
    }
    floors = [
        path
        for path in SOURCES
        if path.parent.name in ("language", "passes", "ops")
        or path.name == "errors.py"
    ]
    told = {
        code
        for path in floors
        for code in re.findall(
            r'"(E0\d\d)"', path.read_text(encoding="utf-8")
        )
    }
    elsewhere = {
        "E001",  # no file: tests/language/test_reader.py
        "E060", "E061", "E062", "E063", "E065",  # several files, or --set: tests/language/test_resolve.py
    }  # fmt: skip
    assert sorted(told - shown - elsewhere) == []

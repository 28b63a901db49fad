"""Each edit that is offered for a mistake of the gallery takes it away, brings no other and leaves all else alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from resgraph.catalogue import catalogue
from resgraph.errors import Source
from resgraph.mending import checker, examine, mended

from .gallery import GALLERY

SPECS = sorted(GALLERY.glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_an_edit_takes_its_mistake_away_and_brings_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    text = path.read_text(encoding="utf-8")
    found = examine(text, Path(path.name))
    for problem in (d for d in found if d.edits):
        assert problem.span is not None
        after = mended(problem.edits[0].span.source, problem.edits)
        left = list(checker(Path(path.name))(Source(path.name, after)))
        lines = [(d.code, d.span.line if d.span else 0) for d in found]
        lines_left = [(d.code, d.span.line if d.span else 0) for d in left]
        lines.remove((problem.code, problem.span.line))
        for one in lines_left:
            assert one in lines, f"{one} is new, or was not taken away"
            lines.remove(one)
        before_lines, after_lines = text.split("\n"), after.split("\n")
        changed = [
            n
            for n, (a, b) in enumerate(
                zip(before_lines, after_lines, strict=True), 1
            )
            if a != b
        ]
        assert set(changed) == {edit.span.line for edit in problem.edits}


def test_the_catalogue_marks_what_can_be_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(GALLERY)
    mended_codes = {
        problem.code
        for path in SPECS
        for problem in examine(
            path.read_text(encoding="utf-8"), Path(path.name)
        )
        if problem.edits
    }
    assert mended_codes == {
        code for code, entry in catalogue().items() if entry.fix
    }

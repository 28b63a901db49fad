"""The catalogue speaks of every code that can be raised, and its examples do what they say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from resgraph.catalogue import CatalogueEntry, catalogue, completed
from resgraph.cli import run
from resgraph.language.lints import LINTS
from resgraph.outputs.errors_page import errors_page

PACKAGE = Path(__file__).parents[2] / "resgraph"
ENTRIES = catalogue().items()


def codes_of(
    example: str,
    entry: CatalogueEntry,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """What `resgraph check` says of an example."""
    command, text = completed(example)
    (folder / "example.yaml").write_text(text, encoding="utf-8")
    for name, content in entry.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(folder)
    _, *arguments = shlex.split(command or "resgraph check example.yaml")
    run([*arguments, "--json"])
    return [
        d["code"]
        for d in json.loads(capsys.readouterr().out)["diagnostics"]
    ]


@pytest.mark.parametrize(
    ("code", "entry"), ENTRIES, ids=[code for code, _ in ENTRIES]
)
def test_the_wrong_example_raises_its_code_and_the_right_one_nothing(
    code: str,
    entry: CatalogueEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(
        codes_of(entry.wrong, entry, tmp_path, monkeypatch, capsys)
    ) == {code}
    assert codes_of(entry.right, entry, tmp_path, monkeypatch, capsys) == []


def test_every_code_in_the_source_has_an_entry() -> None:
    raised = {
        code
        for file in PACKAGE.rglob("*.py")
        for code in re.findall(
            r'"([EW][0-9]{3})"', file.read_text(encoding="utf-8")
        )
    }
    assert raised | set(LINTS.values()) == set(catalogue())


def test_lints_have_the_names_that_silence_them() -> None:
    named = {entry.name: code for code, entry in ENTRIES if entry.name}
    assert named == LINTS
    assert all(
        bool(entry.name) == code.startswith("W") for code, entry in ENTRIES
    )


@pytest.mark.parametrize("code", catalogue())
def test_an_entry_is_two_or_three_sentences(code: str) -> None:
    assert 1 < len(re.findall(r"[.?](?:\s|$)", catalogue()[code].why)) <= 5


def test_the_page_is_what_the_catalogue_says() -> None:
    page = PACKAGE.parent / "docs" / "errors.md"
    assert page.read_text(encoding="utf-8") == errors_page(), (
        "run `resgraph explain --markdown > docs/errors.md`"
    )


def test_explain_prints_an_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["explain", "e041"]) == 0
    out = capsys.readouterr().out
    entry = catalogue()["E041"]
    assert out.startswith(f"E041: {entry.title}\n")
    assert all(
        f"  {line}\n" in out
        for line in (entry.wrong + entry.right).splitlines()
    )


def test_a_lint_is_found_by_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["explain", "odd-width"]) == 0
    assert capsys.readouterr().out.startswith("W005: ")


@pytest.mark.parametrize(
    ("word", "near"),
    [("E0411", "E041"), ("odd-with", "odd-width"), ("W0005", "W005")],
)
def test_an_unknown_code_is_told_the_nearest(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", word]) == 2
    assert f"did you mean `{near}`?" in capsys.readouterr().err


def test_all_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    assert [
        line.split()[0] for line in capsys.readouterr().out.splitlines()
    ] == list(catalogue())

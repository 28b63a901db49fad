"""`check --fix` mends what has one certain fix, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from resgraph.cli import run

HEAD = "name: a\ninput: 3x32x32\n"

CERTAIN = {
    "a kernel in three words": (
        "net: {conv1: 7 x 7 conv 64}\n",
        "net: {conv1: 7x7 conv 64}\n",
    ),
    "a stride without its space": (
        "net: {conv1: 7x7 conv 64 linear/2}\n",
        "net: {conv1: 7x7 conv 64 linear /2}\n",
    ),
    "a comma in brackets": (
        "net: {conv1: 3x3 conv max(8, 16), conv2: 3x3 conv 8}\n",
        "net: {conv1: 3x3 conv max(8 16), conv2: 3x3 conv 8}\n",
    ),
    "an element in brackets": (
        "let: {w: [8, 16]}\nnet: {conv1: [3x3 conv w[0]]}\n",
        "let: {w: [8, 16]}\nnet: {conv1: [3x3 conv w.0]}\n",
    ),
    "a fraction with a comma": (
        "let: {rate: 0,5}\nnet: {conv1: dropout rate}\n",
        "let: {rate: 0.5}\nnet: {conv1: dropout rate}\n",
    ),
    "null": (
        "shortcut: null\nnet: {conv1: basic 3}\n",
        "shortcut: none\nnet: {conv1: basic 3}\n",
    ),
    "a key": (
        "shortcuts: none\nnet: {conv1: basic 3}\n",
        "shortcut: none\nnet: {conv1: basic 3}\n",
    ),
    "an op": ("net: {conv1: 3x3 covn 64}\n", "net: {conv1: 3x3 conv 64}\n"),
    "an op of two words": (
        "net: {conv1: 3x3 max poll /2}\n",
        "net: {conv1: 3x3 max pool /2}\n",
    ),
    "an option": (
        "net: {conv1: 3x3 conv 6 group 3}\n",
        "net: {conv1: 3x3 conv 6 groups 3}\n",
    ),
    "a let": (
        "let: {width: 8}\nnet: {conv1: 3x3 conv widht, conv2: 3x3 conv width}\n",
        "let: {width: 8}\nnet: {conv1: 3x3 conv width, conv2: 3x3 conv width}\n",
    ),
    "several, one behind another": (
        "unti: conv relu\nnet:\n  conv1: [7 x 7 covn 64 linear/2, 3x3 max pol]  # stem\n",
        "unit: conv relu\nnet:\n  conv1: [7x7 conv 64 linear /2, 3x3 max pool]  # stem\n",
    ),
}

TABS = "net:\n\tconv1: 3x3 zzzzzz 8\n\tconv2: 3x3 covn 8\n"


def test_tabs_beside_what_is_not_certain_are_mended(tmp_path: Path) -> None:
    code, spec = mend(tmp_path, TABS)
    mended = "net:\n  conv1: 3x3 zzzzzz 8\n  conv2: 3x3 conv 8\n"
    assert (code, spec.read_text()) == (1, HEAD + mended)


UNSURE = {
    "a thousand, or one, with a comma": "let: {width: 1,024}\nnet: {conv1: 3x3 conv width}\n",
    "a width that does not divide": "net: {conv1: 3x3 conv 8, conv2: bottleneck 30}\n",
    "a stride, or a quotient": "net: {conv1: 7x7 conv 64/2}\n",
    "two widths": "net: {conv1: 3x3 conv 8 16}\n",
    "a word like no other": "net: {conv1: 3x3 zzzzzz 8}\n",
}


def mend(folder: Path, text: str) -> tuple[int, Path]:
    spec = folder / "a.yaml"
    spec.write_bytes((HEAD + text).encode())
    return run(["check", "--fix", str(spec)]), spec


@pytest.mark.parametrize(("wrong", "right"), CERTAIN.values(), ids=CERTAIN)
def test_what_is_certain_is_mended(
    wrong: str, right: str, tmp_path: Path
) -> None:
    code, spec = mend(tmp_path, wrong)
    assert spec.read_text() == HEAD + right
    assert code == 0


@pytest.mark.parametrize("text", UNSURE.values(), ids=UNSURE)
def test_what_takes_a_person_is_left(text: str, tmp_path: Path) -> None:
    code, spec = mend(tmp_path, text)
    assert spec.read_text() == HEAD + text
    assert code == 1


def test_the_change_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mend(tmp_path, "net: {conv1: 3x3 covn 64}\n")
    out = capsys.readouterr().out
    assert (
        "\n-net: {conv1: 3x3 covn 64}\n+net: {conv1: 3x3 conv 64}\n" in out
    )


def test_nothing_is_written_without_the_flag(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(f"{HEAD}net: {{conv1: 3x3 covn 64}}\n")
    assert run(["check", str(spec)]) == 1
    assert spec.read_text() == f"{HEAD}net: {{conv1: 3x3 covn 64}}\n"


def test_line_ends_and_mode_are_kept(tmp_path: Path) -> None:
    _, spec = mend(tmp_path, "net: {conv1: 3x3 conv 8}\n")
    spec.chmod(0o640)
    spec.write_bytes(
        (HEAD + "net: {conv1: 3x3 covn 64}\n")
        .replace("\n", "\r\n")
        .encode()
    )
    assert run(["check", "--fix", str(spec)]) == 0
    assert spec.read_bytes().endswith(b"net: {conv1: 3x3 conv 64}\r\n")
    assert spec.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_extended_is_left_alone(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(f"{HEAD}net: {{conv1: 3x3 covn 64}}\n")
    spec = tmp_path / "a.yaml"
    spec.write_text("extends: base.yaml\nname: b\n")
    assert run(["check", "--fix", str(spec)]) == 1
    assert "covn" in base.read_text()
    assert spec.read_text() == "extends: base.yaml\nname: b\n"

"""Where results go: links, pipes, devices, directories and disks that are full; whole files or none."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from resgraph.cli import run

ROOT = Path(__file__).parents[2]
SPEC = str(ROOT / "specs" / "digits.yaml")
UNTIDY = "name: a\ninput: 3x8x8\nnet: {one: 3x3 conv 8, two: [global avg pool, fc 10]}\n"


def said(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    code = run(arguments)
    return code, capsys.readouterr().err


def test_a_link_stays_a_link_and_its_file_is_written(
    tmp_path: Path,
) -> None:
    real = tmp_path / "real.yaml"
    link = tmp_path / "link.yaml"
    chain = tmp_path / "chain.yaml"
    real.write_text(UNTIDY.rstrip("\n"))
    real.chmod(0o640)
    link.symlink_to("real.yaml")
    chain.symlink_to(link)
    assert run(["fmt", str(chain)]) == 0
    assert chain.is_symlink() and link.is_symlink()
    assert real.read_text() == UNTIDY
    real.write_text(UNTIDY.replace("conv 8", "convv 8"))
    assert run(["check", "--fix", str(link)]) == 0
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == (
        UNTIDY,
        0o640,
    )
    assert (
        run(["render", SPEC, "--format", "svg", "-o", str(link), "--force"])
        == 0
    )
    assert link.is_symlink() and real.read_text().startswith("<svg")
    assert {path.name for path in tmp_path.iterdir()} == {
        "real.yaml",
        "link.yaml",
        "chain.yaml",
    }


@pytest.mark.parametrize("command", ["render", "export", "resolve"])
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("full", "the disk is full"),
        ("pipe", "nobody reads"),
        ("folder", "it is a directory"),
        ("file/net.svg", "a part of its path is a file"),
        ("circle", "in a circle"),
        ("none/net.svg", "no such file or directory"),
        ("x" * 300, "too long"),
    ],
)
def test_a_place_that_takes_nothing(
    command: str,
    place: str,
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "circle").symlink_to("circle")
    path = "/dev/full" if place == "full" else str(tmp_path / place)
    form = {
        "render": ["--format", "svg"],
        "export": ["--format", "py"],
        "resolve": [],
    }[command]
    code, text = said([command, SPEC, *form, "-o", path, "--force"], capsys)
    assert (code, why in text, "name another place" in text) == (
        2,
        True,
        True,
    ), text
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "pipe",
        "folder",
        "file",
        "circle",
    }


def test_a_limit_on_files_leaves_no_part(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import resource
    import signal

    # of what is imported below, it would be cut off
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        code, text = said(
            ["render", SPEC, "-o", str(tmp_path / "net.svg")], capsys
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (code, "larger than the limit" in text) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_that_is_read(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    while (
        run(["render", SPEC, "--format", "svg", "-o", str(pipe), "--force"])
        != 0
    ):
        pass  # the reader has not opened it yet
    reader.join(10)
    assert read[0].startswith("<svg") and read[0].rstrip().endswith(
        "</svg>"
    )

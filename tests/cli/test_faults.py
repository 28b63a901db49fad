"""What Python and its libraries raise, told apart: the machine's fault, with a cure, or ours."""

from __future__ import annotations

import errno
import multiprocessing
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from resgraph.errors import (
    MissingError,
    ResgraphError,
    TrainingError,
    UsageError,
)
from resgraph.faults import translated

ROOT = Path(__file__).parents[2]
MISSING = (
    ModuleNotFoundError("No module named 'torch'", name="torch"),
    "'resgraph[train]'",
)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (MemoryError(), TrainingError, "out of memory"),
        (
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            TrainingError,
            "out of memory",
        ),
        (
            RuntimeError(
                "DefaultCPUAllocator: can't allocate memory: you tried"
            ),
            TrainingError,
            "out of memory",
        ),
        (
            RuntimeError("can't start new thread"),
            MissingError,
            "`ulimit -u`",
        ),
        (
            BlockingIOError(
                errno.EAGAIN, "Resource temporarily unavailable"
            ),
            MissingError,
            "it is not ready",
        ),
        (
            BlockingIOError(
                errno.EAGAIN, "Resource temporarily unavailable", "/x"
            ),
            MissingError,
            "cannot use /x",
        ),
        (
            OSError(errno.EMFILE, "Too many open files", "/x"),
            MissingError,
            "cannot use /x: too many files are open",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            MissingError,
            "/x: permission is denied",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            UsageError,
            "/a/b: permission is denied",
        ),
        (
            FileNotFoundError(
                errno.ENOENT, "No usable temporary directory found"
            ),
            MissingError,
            "no such file",
        ),
    ],
)
def test_the_machine_is_at_fault(
    error: Exception, kind: type[ResgraphError], said: str
) -> None:
    told = translated(error, ["render", "/a"])
    assert type(told) is kind
    assert said in str(told)


def test_a_process_that_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    # which is refused by the same words
    monkeypatch.setattr("os.fork", partial(os.read, reading, 1))
    with pytest.raises(BlockingIOError) as caught:
        multiprocessing.get_context("fork").Process().start()
    os.close(reading)
    os.close(writing)
    assert "`ulimit -u`" in str(translated(caught.value))


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        RuntimeError("size mismatch"),
        RecursionError(),
        KeyError("x"),
    ],
)
def test_ours_is_ours(error: Exception) -> None:
    assert translated(error) is None


def imported(
    tmp_path: Path, package: str, text: str, *command: str
) -> subprocess.CompletedProcess[str]:
    """A command line where a package is another one than is installed."""
    (tmp_path / f"{package}.py").write_text(text)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from resgraph.__main__ import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize(
    ("package", "spec"),
    [
        ("yaml", "specs/digits.yaml"),
        ("click", "specs/digits.yaml"),
        # which only a mistake loads
        ("pydantic", "tests/mistakes/unknown-key-in-file.yaml"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "x = (",
        "raise ValueError('torn')",
        "import nothing_of_the_name",
        "1 / 0",
        "\0",
    ],
)
def test_what_the_package_needs_is_damaged(
    package: str, spec: str, text: str, tmp_path: Path
) -> None:
    done = imported(tmp_path, package, text, "check", spec)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert "pip install" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_installed_is_named_with_its_extra() -> None:
    told = translated(MISSING[0])
    # torch is installed here, and cannot be imported: the words of that, else those of the extra
    assert type(told) is MissingError
    assert "pip install" in str(told)
    assert str(
        translated(ModuleNotFoundError("No", name="nothing_of_it"))
    ) == ("nothing_of_it is not installed: pip install nothing_of_it")

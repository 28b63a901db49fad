"""Fifty faults of the environment and of recipes through the real command line: none is called a bug of ours.

Each ends with its exit code, and with one message that says what to do; no traceback, and nothing half-written.
"""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from commandline import CLOSED, UNREAD, forked
from interpreter import python

ROOT = Path(__file__).parents[2]
SPEC = """name: tiny
input: 1x8x8
net: {conv1: 3x3 conv 4, head: [global avg pool, fc 10]}
train: {recipe: digits, epochs: 1}
"""
TRAIN = [
    "build",
    "tiny.yaml",
    "-o",
    "run",
    "--device",
    "cpu",
    "--threads",
    "1",
]
TWO = {
    "RANK": "0",
    "WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",
}
Prepare = Callable[[Path], object]


@dataclass(frozen=True)
class Fault:
    """A command line in a directory that `prepare` spoils, and how it ends. `shell` wraps it; `{}` is the command.

    It has an interpreter of its own where a shell or an import is to see the fault, or one `with_torch` that has
    imported nothing of ours; else, a fork with its `streams` and `limits`.
    """

    name: str
    code: int
    said: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Prepare = lambda _: None
    shell: str = ""
    limits: dict[int, int] = field(default_factory=dict)
    streams: dict[int, str] = field(default_factory=dict)
    anew: bool = False
    with_torch: bool = False


def touch(name: str, text: str = "mine") -> Prepare:
    def prepare(place: Path) -> None:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)

    return prepare


def pipe(name: str) -> Prepare:
    """A run whose files are well but one, which nobody writes."""

    def prepare(place: Path) -> None:
        touch("folder/run.json", "{}")(place)
        (place / name).unlink(missing_ok=True)
        os.mkfifo(place / name)

    return prepare


def broken(
    package: str, text: str = "raise ValueError('torn')"
) -> tuple[Prepare, dict[str, str]]:
    """A package that is found before the installed one."""
    return touch(f"site/{package}/__init__.py", text), {
        "PYTHONPATH": f"site{os.pathsep}{ROOT}"
    }


def without(package: str) -> tuple[Prepare, dict[str, str]]:
    return broken(
        package, f"raise ModuleNotFoundError('no', name={package!r})"
    )


def spoiled(
    name: str,
    code: int,
    said: str,
    command: list[str],
    how: tuple[Prepare, dict[str, str]],
    *,
    torch: bool = False,
) -> Fault:
    return Fault(
        name,
        code,
        said,
        command,
        how[1],
        how[0],
        anew=not torch,
        with_torch=torch,
    )


def recipe(name: str, code: int, said: str, *values: str) -> Fault:
    sets = [part for value in values for part in ("--set", value)]
    return Fault(name, code, said, [*TRAIN, *sets])


PNG = ["render", "tiny.yaml", "-o", "net.png"]
FAULTS = [
    # places
    Fault(
        "a full disk behind stdout",
        2,
        "the disk is full",
        ["show", "tiny.yaml"],
        streams={1: "/dev/full"},
    ),
    Fault(
        "a full disk behind stderr",
        1,
        "",
        ["check", "none.yaml"],
        streams={2: "/dev/full"},
    ),
    Fault(
        "a closed stdin",
        2,
        "pipe a spec into it",
        ["check", "-"],
        streams={0: CLOSED},
    ),
    Fault(
        "a full disk behind -o",
        2,
        "the disk is full",
        [
            "render",
            "tiny.yaml",
            "-o",
            "/dev/full",
            "--force",
            "--format",
            "svg",
        ],
    ),
    Fault(
        "a limit on files",
        2,
        "larger than the limit",
        ["render", "tiny.yaml", "-o", "net.svg"],
        limits={resource.RLIMIT_FSIZE: 1024},
    ),
    Fault(
        "a directory behind -o",
        2,
        "it is a directory",
        ["schema", "-o", "net.svg", "--force"],
        prepare=lambda p: (p / "net.svg").mkdir(),
    ),
    Fault(
        "a pipe behind -o",
        2,
        "nobody reads",
        ["new", "net.yaml", "--force"],
        prepare=lambda p: os.mkfifo(p / "net.yaml"),
    ),
    Fault(
        "a file as a directory",
        2,
        "a part of its path is a file",
        ["export", "tiny.yaml", "-o", "tiny.yaml/net.py"],
    ),
    Fault(
        "a pipe as a spec",
        1,
        "it is a pipe",
        ["check", "pipe"],
        prepare=lambda p: os.mkfifo(p / "pipe"),
    ),
    Fault("a file as a run", 5, "is not a run", ["eval", "tiny.yaml"]),
    Fault(
        "a file as a place of runs",
        5,
        "cannot write",
        ["build", "tiny.yaml", "--device", "cpu"],
        prepare=touch("runs"),
    ),
    Fault(
        "a run's place within a file",
        5,
        "a part of its path is a file",
        [*TRAIN[:3], "tiny.yaml/run", "--device", "cpu"],
    ),
    Fault(
        "a run on a full file",
        5,
        "larger than the limit",
        TRAIN,
        limits={resource.RLIMIT_FSIZE: 4096},
    ),
    Fault(
        "a directory that is gone",
        4,
        "the current directory was deleted",
        ["check", "resnet-50"],
        shell="mkdir gone; cd gone; rmdir ../gone; {}",
    ),
    Fault(
        "a file that may be written, and not read",
        0,
        "wrote net.svg",
        ["render", "tiny.yaml", "-o", "net.svg", "--force"],
        prepare=lambda p: (p / "net.svg").touch(0o200),
    ),
    Fault(
        "nothing to read it",
        141,
        "",
        ["show", "tiny.yaml"],
        streams={1: UNREAD},
    ),
    Fault(
        "closed streams",
        0,
        "",
        ["check", "tiny.yaml"],
        streams={0: CLOSED, 1: CLOSED, 2: CLOSED},
    ),
    # limits
    Fault(
        "little memory for a step",
        3,
        "a smaller batch",
        [*TRAIN, "--set", "net.conv1=3x3 conv 30000"],
        limits={resource.RLIMIT_AS: 1_500_000 * 1024},
    ),
    Fault(
        "no memory for torch's own code",
        3,
        "out of memory",
        TRAIN,
        shell="ulimit -v 300000; {}",
    ),
    # the environment
    Fault(
        "a variable of torch with junk",
        4,
        "TORCH_LOGS",
        TRAIN,
        {"TORCH_LOGS": "junk"},
        anew=True,
    ),
    Fault(
        "a variable of torch's compiler with junk",
        4,
        "TORCHINDUCTOR_COMPILE_THREADS",
        [*TRAIN, "--compile", "on"],
        {"TORCHINDUCTOR_COMPILE_THREADS": "abc"},
        anew=True,
    ),
    Fault(
        "threads that are no number",
        0,
        "",
        ["check", "tiny.yaml"],
        {"OMP_NUM_THREADS": "abc"},
        anew=True,
    ),
    Fault(
        "a terminal of no width",
        0,
        "",
        ["show", "tiny.yaml"],
        {"COLUMNS": "abc", "LINES": "-1", "TERM": "x", "NO_COLOR": ""},
    ),
    Fault(
        "a locale of no one",
        0,
        "",
        ["check", "tiny.yaml"],
        {"LC_ALL": "xx_YY", "LANG": "junk", "PYTHONUTF8": "0"},
        anew=True,
    ),
    Fault(
        "no home and no temporary folder",
        0,
        "",
        ["check", "tiny.yaml"],
        {"HOME": "/none", "TMPDIR": "/none"},
    ),
    Fault(
        "a GPU that is none",
        4,
        "no CUDA device",
        [*TRAIN, "--device", "cuda"],
        {"CUDA_VISIBLE_DEVICES": "junk"},
    ),
    Fault(
        "a rank that is no number",
        2,
        "must be whole numbers",
        TRAIN,
        {**TWO, "RANK": "x"},
    ),
    Fault(
        "a world of no one",
        2,
        "ranks count from 0",
        TRAIN,
        {**TWO, "WORLD_SIZE": "-1"},
    ),
    Fault("half a launcher", 2, "RANK is not", TRAIN, {"WORLD_SIZE": "2"}),
    Fault(
        "a port that is none",
        2,
        "MASTER_PORT is 'abc'",
        TRAIN,
        {**TWO, "MASTER_PORT": "abc"},
    ),
    Fault(
        "a port beyond all",
        2,
        "1 to 65535",
        TRAIN,
        {**TWO, "MASTER_PORT": "99999"},
    ),
    Fault(
        "a port in use",
        2,
        "set MASTER_PORT to a free one",
        TRAIN,
        {**TWO, "MASTER_PORT": "PORT"},
    ),
    Fault(
        "a host that is not known",
        2,
        "set MASTER_ADDR",
        TRAIN,
        {**TWO, "RANK": "1", "MASTER_ADDR": "none.invalid"},
    ),
    Fault(
        "SLURM with junk",
        2,
        "must be whole numbers",
        TRAIN,
        {"SLURM_PROCID": "x", "SLURM_STEP_NUM_TASKS": "2"},
    ),
    Fault(
        "an attempt that is no number",
        2,
        "TORCHELASTIC_RESTART_COUNT",
        TRAIN,
        {**TWO, "TORCHELASTIC_RESTART_COUNT": "x"},
    ),
    Fault(
        "the page's port in use",
        2,
        "--port 0",
        ["serve", "tiny.yaml", "--no-open", "--port", "PORT"],
    ),
    Fault(
        "no compiler",
        4,
        "--compile off",
        [*TRAIN, "--compile", "on"],
        {"CXX": "/none/g++"},
    ),
    # packages
    spoiled("no torch", 4, "PyTorch", TRAIN, without("torch")),
    spoiled(
        "no torch for weights",
        4,
        "PyTorch",
        ["export", "tiny.yaml", "-o", "a.pt2"],
        without("torch"),
    ),
    spoiled(
        "no memory for torch",
        3,
        "out of memory",
        TRAIN,
        broken("torch", "raise MemoryError"),
    ),
    spoiled(
        "a torn torch",
        4,
        "pip install --force-reinstall torch",
        TRAIN,
        broken("torch"),
    ),
    spoiled(
        "a torn yaml",
        4,
        "pip install --force-reinstall pyyaml",
        ["check", "tiny.yaml"],
        broken("yaml"),
    ),
    *(
        spoiled(
            f"a torn {package}",
            4,
            f"pip install --force-reinstall {package}",
            command,
            broken(package),
        )
        for package, command in (
            ("click", ["check", "tiny.yaml"]),
            ("msgspec", ["check", "tiny.yaml"]),
            ("pydantic", ["schema"]),
            ("rich", ["show", "tiny.yaml"]),
        )
    ),
    spoiled(
        "no msgspec's compiled part",
        4,
        "pip install --force-reinstall msgspec",
        ["check", "tiny.yaml"],
        broken(
            "msgspec",
            "raise ModuleNotFoundError('no', name='msgspec._core')",
        ),
    ),
    spoiled(
        "a Python that was built without libffi",
        4,
        "this Python lacks its own module _ctypes",
        TRAIN,
        broken("torch", "raise ModuleNotFoundError('no', name='_ctypes')"),
    ),
    spoiled(
        "no yaml", 4, "pyyaml", ["check", "tiny.yaml"], without("yaml")
    ),
    spoiled(
        "a torn safetensors",
        4,
        "pip install --force-reinstall safetensors",
        TRAIN,
        broken("safetensors"),
        torch=True,
    ),
    spoiled(
        "no language server", 4, "resgraph[lsp]", ["lsp"], without("pygls")
    ),
    spoiled("a torn rasterizer", 4, "resvg-py", PNG, broken("resvg_py")),
    # recipes
    recipe(
        "a rate that explodes",
        1,
        "must be at most 100",
        "train.optimizer.lr=1e30",
    ),
    recipe(
        "an optimizer that is none",
        1,
        "optimizer",
        "train.optimizer={name: magic}",
    ),
    recipe(
        "data that is not there",
        4,
        "/none",
        "train.data={set: folder, path: /none}",
    ),
    # runs
    Fault(
        "a run of nothing",
        5,
        "it has no run.json",
        ["resume", "folder"],
        prepare=lambda p: (p / "folder").mkdir(),
    ),
    Fault(
        "a run of junk",
        5,
        "no JSON",
        ["resume", "folder"],
        prepare=touch("folder/run.json", "{"),
    ),
    Fault(
        "a pipe as run.json",
        5,
        "it is a pipe",
        ["resume", "folder"],
        prepare=pipe("folder/run.json"),
    ),
    Fault(
        "a pipe as the metrics",
        5,
        "it is a pipe",
        ["runs", "folder"],
        prepare=pipe("folder/metrics.jsonl"),
    ),
    Fault(
        "a run of an odd kind",
        5,
        "not what resgraph wrote",
        ["eval", "folder"],
        prepare=touch("folder/run.json", "[]"),
    ),
    Fault(
        "curves on a full disk",
        2,
        "no runs in",
        ["runs", "folder", "--curves", "/dev/full", "--force"],
        prepare=lambda p: (p / "folder").mkdir(),
    ),
    Fault(
        "weights that are none",
        5,
        "is no file of weights: it is a text",
        ["weights", "tiny.yaml", "w.pth", "-o", "o.safetensors"],
        prepare=touch("w.pth", "x"),
    ),
]


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A port that another program has."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


def test_there_are_fifty() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 50


def ended(
    fault: Fault, words: list[str], place: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    if fault.with_torch:
        path = environment["PYTHONPATH"]
        return python("-m", "resgraph", *words, cwd=place, path=path)
    if not (fault.shell or fault.anew):
        torch = words[0] in ("build", "weights")
        return forked(
            *words,
            cwd=place,
            streams=fault.streams,
            limits=fault.limits,
            torch=torch,
            **environment,
        )
    line = (fault.shell or "{}").replace(
        "{}",
        " ".join(
            [
                sys.executable,
                "-m",
                "resgraph",
                *(f"'{word}'" for word in words),
            ]
        ),
    )
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_environment_is_no_bug_of_ours(
    fault: Fault, port: str, tmp_path: Path
) -> None:
    (tmp_path / "tiny.yaml").write_text(SPEC)
    fault.prepare(tmp_path)
    there = {path.name for path in tmp_path.iterdir()}
    words = [
        word.replace("PORT", port) if word == "PORT" else word
        for word in fault.command
    ]
    environment = {
        name: port if value == "PORT" else value
        for name, value in fault.environment.items()
    }
    done = ended(fault, words, tmp_path, environment)
    assert done.returncode == fault.code, done.stderr
    assert (
        "Traceback" not in done.stderr + done.stdout
        and "bug in resgraph" not in done.stderr
    )
    assert fault.said in " ".join(done.stderr.split())
    if fault.code in (1, 2, 3, 4, 5) and fault.said:
        assert (
            len(re.findall(r"^error\b", done.stderr, re.MULTILINE)) == 1
        ), done.stderr
    if fault.command[0] != "build" and fault.code:
        assert {path.name for path in tmp_path.iterdir()} == there


def started(*command: str, **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "resgraph", *command], cwd=ROOT, **streams
    )


def test_a_stdin_that_does_not_wait_is_waited_for() -> None:
    reading, writing = os.pipe()
    # as some programs leave what they start
    os.set_blocking(reading, False)
    with started(
        "check",
        "-",
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        time.sleep(1)  # until it reads
        os.write(writing, SPEC.encode())
        os.close(writing)
        out, said = process.communicate(timeout=60)
    os.close(reading)
    assert (process.returncode, out[:5]) == (0, b"ok  -"), said


def test_a_stdout_that_does_not_wait_gets_all() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with started("schema", stdout=writing) as process:
        os.close(writing)
        time.sleep(1)  # until the pipe is full
        with os.fdopen(reading, "rb") as file:
            found = file.read()
    assert process.returncode == 0
    assert len(found) > 2**16, "more than a pipe holds"
    assert json.loads(found)["title"] == "resgraph spec"

"""A name → a run directory of its own: made exclusively, locked while it is in use, with a fixed
place for everything."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from ...errors import RunError, UsageError
from ...files import TEMPORARY, read_file, reason
from ..atomic_write import disk_error, sweep, write_whole
from .metrics_log import MetricsLog

LOCK = ".lock"
PLACES = {
    "spec": "spec.yaml",
    "diagram": "diagram.svg",
    "table": "table.txt",
    "source": "model.py",
    "metrics": "metrics.jsonl",
    "curves": "curves.svg",
    "weights": "weights.safetensors",
    "checkpoints": "checkpoints",
}
"""What a finished run holds, and what each thing is called."""

BEST = "best.safetensors"
"""The weights of the best evaluation, where a recipe keeps them."""
REPORT = "report.html"
"""What the net gets right and wrong, where its target is a label."""
LOCK_TRIES = 10
"""How often a lock is tried, 20 ms apart."""
KINDS: dict[str, type] = {
    "spec": str,
    "former": list,
    "recipe": dict,
    "used": dict,
    "classes": list,
    "data": dict,
    "weights": dict,
    "weights_sha256": str,
}
"""What is read of run.json again, and of which kind it is."""
WORDS: dict[type, str] = {str: "text", list: "list", dict: "map"}


class RunDirectory(Struct):
    """A directory that this process alone writes to, while it is entered as a context."""

    path: Path
    lock: IO[bytes]

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints are."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> MetricsLog:
        """The rows of this run."""
        return MetricsLog(
            self.path / "metrics.jsonl", self.path / "timing.jsonl"
        )

    def write(self, name: str, content: bytes | str) -> Path:
        """Writes one file of the run whole."""
        write_whole(self.path / name, content)
        return self.path / name

    def facts(self) -> dict[str, Any]:
        """What run.json says."""
        return read_facts(self.path)

    def update(self, **facts: Any) -> None:
        """Adds to run.json."""
        self.write(
            "run.json",
            json.dumps({**self.facts(), **facts}, indent=2) + "\n",
        )

    def __enter__(self) -> RunDirectory:
        """Itself: the lock is held already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Lets others have it."""
        self.lock.close()


def create(
    name: str, out: Path | None, *, force: bool = False
) -> RunDirectory:
    """`out`, or the first free `runs/<name>-<n>`. Raises `UsageError` where `out` is taken,
    `RunError` where none can be made."""
    if out is None:
        return _numbered(
            Path("runs"),
            re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.").lower()
            or "net",
        )
    try:
        if need_free(out, force=force):
            return _replaced(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_place(out, error) from error
    return _fresh(out)


def _no_place(path: Path, error: OSError) -> RunError:
    said = disk_error(path, error, saved=False)
    return RunError(f"{said}; choose another place with `-o DIR`")


def need_free(out: Path, *, force: bool) -> bool:
    """Raises `UsageError` where a run may not be made at `out`; whether it would replace what is
    there."""
    if out.is_symlink() and not out.exists():
        raise UsageError(
            f"{out} is a symbolic link that leads nowhere; take it away, or choose another place"
        )
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return False
    except OSError as error:
        raise _no_place(out, error) from error
    is_run = (out / "run.json").is_file()
    if is_run and not force and not failed_unsaved(out):
        raise UsageError(
            f"{out} is a run already; `resgraph resume {out}` resumes it, --force replaces it"
        )
    if not is_run and not _died_before_facts(out):
        raise UsageError(
            f"{out} exists and is no run; nothing there is overwritten, so choose another place"
        )
    return True


def _replaced(out: Path) -> RunDirectory:
    """The directory of an older run, empty and locked."""
    held = lock(out)  # refuses where the run is still going
    entries = [
        entry
        for entry in out.iterdir()
        if entry.name not in (LOCK, "run.json")
    ]
    # that last: until then it is a run, which --force may replace
    for entry in (
        *entries,
        out / "run.json",
    ):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    (out / "checkpoints").mkdir()
    return RunDirectory(out, held)


def _died_before_facts(out: Path) -> bool:
    """Whether there is only what a run writes before its run.json, and its lock."""
    if not out.is_dir() or not (out / LOCK).is_file():
        return False
    own = {
        LOCK,
        "checkpoints",
        *(PLACES[name] for name in ("spec", "source", "table", "diagram")),
    }
    names = {
        entry.name
        for entry in out.iterdir()
        if not entry.name.startswith(TEMPORARY)
    }
    return names <= own and not any((out / "checkpoints").glob("*"))


def failed_unsaved(path: Path) -> bool:
    """Whether a run failed before its first checkpoint: nothing is lost with it."""
    saved = (path / "checkpoints" / "latest.json").exists() or (
        path / "weights.safetensors"
    ).exists()
    try:
        return not saved and read_facts(path).get("status") == "failed"
    except RunError:
        return False


def open_run(path: Path) -> RunDirectory:
    """An existing run, locked. Raises `RunError` where there is none, or another process has it."""
    read_facts(path)
    held = lock(path)
    try:
        (path / "checkpoints").mkdir(exist_ok=True)
    except OSError as error:
        held.close()
        raise disk_error(path / "checkpoints", error) from error
    for directory in (path, path / "checkpoints"):
        sweep(directory)
    return RunDirectory(path, held)


_FILE = (
    "it is a file, and a run is the directory that `resgraph build` writes; a spec is evaluated,"
    " and predicts, with `--weights FILE`"
)


_AGAIN = "take it from a copy, or begin again with `resgraph build`"


def _no_run(path: Path) -> str:
    """Why a path is none."""
    if path.is_file():
        return _FILE
    if not path.is_dir():
        return "there is no such directory; `resgraph runs DIR` lists those in another"
    if _died_before_facts(path):
        return (
            "a build ended there before its first step, or is about to begin; `resgraph build SPEC"
            f" -o {path}` begins anew"
        )
    return "it has no run.json, which `resgraph build` writes; `resgraph runs DIR` lists runs"


def read_facts(path: Path) -> dict[str, Any]:
    """run.json of a run. Raises `RunError` where it is missing or unreadable."""
    file = path / "run.json"
    try:
        facts = json.loads(read_file(file))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(f"{path} is not a run: {_no_run(path)}") from error
    except OSError as error:
        raise RunError(f"{file} cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{file} cannot be read, as it is no JSON ({error}); {_AGAIN}"
        ) from error
    if not isinstance(facts, dict):
        raise RunError(f"{file} is not what resgraph wrote; {_AGAIN}")
    for name, kind in KINDS.items():
        if not isinstance(facts.get(name, kind()), kind):
            why = f"`{name}` is no {WORDS[kind]}"
            raise RunError(
                f"{file} is not what resgraph wrote: {why}; {_AGAIN}"
            )
    return facts


def _numbered(root: Path, stem: str) -> RunDirectory:
    number = 1
    try:
        root.mkdir(parents=True, exist_ok=True)
        while True:
            path = root / f"{stem}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
                continue
            return _fresh(path)
    except OSError as error:
        raise _no_place(root, error) from error


def _fresh(path: Path) -> RunDirectory:
    held = lock(path)
    (path / "checkpoints").mkdir(exist_ok=True)
    return RunDirectory(path, held)


def lock(path: Path) -> IO[bytes]:
    """An advisory lock that the system lets go of when its owner dies, however it dies."""
    try:
        handle = open(path / LOCK, "ab", opener=_at_once)  # noqa: SIM115  (it is held)
    except OSError as error:
        raise RunError(
            f"{path / LOCK} cannot be written: {reason(error)}; make it writable, or copy the run"
        ) from error
    for left in range(LOCK_TRIES, -1, -1):
        if _flocked(handle, "LOCK_EX"):
            return handle
        if left:
            # someone may only be looking whether it is in use
            time.sleep(0.02)
    handle.close()
    raise RunError(
        f"{path} is in use by another process; two runs never share a directory"
    )


def _at_once(path: str, flags: int) -> int:
    """Opens a file without waiting, should it be a pipe, for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def in_use(path: Path) -> bool:
    """Whether a process holds the run now."""
    try:
        with open(path / LOCK, "rb", opener=_at_once) as handle:
            return not _flocked(handle, "LOCK_SH")
    except OSError:  # no lock, or none that can be looked at
        return False


def _flocked(handle: IO[bytes], kind: str) -> bool:
    """Whether the lock could be had; always, where a system has none (Windows)."""
    if os.name != "posix":
        return True
    import fcntl

    try:
        fcntl.flock(handle, getattr(fcntl, kind) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

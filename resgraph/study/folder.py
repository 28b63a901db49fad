"""The directory of a study: locked while it is swept, a place for each run by what it is, and a
list of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import IO

import yaml

from .. import __version__
from ..errors import UsageError
from ..plan import Plan
from ..train.atomic_write import disk_error, write_whole
from ..train.run.directory import lock
from .plan import Job
from .schema import Study

LIST = "study.json"
_NOT_LEARNED = ("name", "about", "expect", "allow")
"""Keys of a resolved spec that change nothing of what a run learns."""


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A run and its directory."""

    job: Job
    key: str
    path: Path


@dataclass(slots=True)
class StudyFolder:
    """A directory that this process alone sweeps, while it is entered as a context."""

    path: Path
    lock: IO[bytes]

    def __enter__(self) -> StudyFolder:
        """Itself: the lock is held already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets others have it."""
        self.lock.close()

    def changed(self, study: Study) -> bool:
        """Whether another text of the study was swept here before."""
        before = self.path / "study.yaml"
        return before.is_file() and before.read_text("utf-8") != study.source.text

    def note(self, study: Study, placed: list[PlacedRun]) -> None:
        """Writes the study, and which run is where."""
        write_whole(self.path / "study.yaml", study.source.text)
        runs = [
            {"net": p.job.point, "seed": p.job.seed, "key": p.key, "run": p.path.name}
            for p in placed
        ]
        facts = {"study": study.file.study, "versions": versions(), "runs": runs}
        write_whole(self.path / LIST, json.dumps(facts, indent=1) + "\n")


def open_folder(path: Path) -> StudyFolder:
    """A new directory or that of a study, locked. Raises `UsageError` where it holds something
    else, `RunError` where another sweep has it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        inside = {entry.name for entry in path.iterdir()} - {".lock"}
        if inside and LIST not in inside:
            raise UsageError(
                f"{path} holds something that is no study; give an empty directory to -o"
            )
        held = lock(path)
        (path / "runs").mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(path, error, saved=False) from error
    return StudyFolder(path, held)


def versions() -> dict[str, str]:
    """Of what a run's numbers depend on."""
    return {"resgraph": __version__, "torch": version("torch")}


def key_of(job: Job, plan: Plan, data: str) -> str:
    """What a run is: its net and recipe, its data and the versions. Runs of one key are one run."""
    net = yaml.safe_load(plan.resolved())
    for name in _NOT_LEARNED:
        net.pop(name, None)
    what = {"net": net, "minutes": job.minutes, "data": data, **versions()}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def place_of_run(folder: Path, job: Job, key: str) -> Path:
    """A directory that a person and a program find."""
    name = re.sub(r"[^A-Za-z0-9._=-]+", "-", job.point).strip("-.").lower() or "net"
    return folder / "runs" / f"{name[:80]}-s{job.seed}-{key}"

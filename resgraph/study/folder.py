"""The directory of a study: locked while it is swept, a place for each run by what it is, and a
list of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import IO

import yaml
from msgspec import Struct

from .. import __version__
from ..collecting import at_keys, each_name
from ..errors import RunError, UsageError
from ..language.yaml.reader import open_source
from ..plan import Plan
from ..structs import Frozen
from ..train.atomic_write import disk_error, write_whole
from ..train.run.directory import LOCK, lock
from .plan import Job, StudyNet, job
from .schema import Study, study_of
from .space import FACTS

LIST, WRITTEN = "study.json", "study.yaml"
RUNS = "runs"
_NOT_LEARNED = ("name", "about", "expect", "allow")
"""Keys of a resolved spec that change nothing of what a run learns."""


class PlacedRun(Frozen):
    """A run and its directory."""

    job: Job
    key: str
    path: Path


class StudyFolder(Struct):
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
        before = self.path / WRITTEN
        return (
            before.is_file()
            and before.read_text("utf-8") != study.source.text
        )

    def note(
        self,
        study: Study,
        nets: Sequence[StudyNet],
        placed: Sequence[PlacedRun],
    ) -> None:
        """Writes the study, its nets, and which run is where."""
        facts = {
            "study": study.file.study,
            "versions": versions(),
            "nets": [net.row for net in nets],
            "runs": [
                {
                    "net": p.job.point,
                    "seed": p.job.seed,
                    "key": p.key,
                    "run": p.path.name,
                }
                for p in placed
            ],
        }
        write_whole(self.path / LIST, json.dumps(facts, indent=1) + "\n")
        write_whole(self.path / WRITTEN, study.source.text)


def open_folder(path: Path) -> StudyFolder:
    """A new directory or that of a study, locked. Raises `UsageError` where it holds something
    else, `RunError` where another sweep has it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        inside = set(each_name(path.iterdir())) - {LOCK}
        if inside and LIST not in inside:
            raise UsageError(
                f"{path} holds something that is no study; give an empty directory to -o"
            )
        held = lock(path)
    except OSError as error:
        raise disk_error(path, error, saved=False) from error
    return StudyFolder(path, held)


def is_study_folder(path: Path) -> bool:
    """Whether `resgraph sweep` wrote a directory."""
    return (path / LIST).is_file()


def read_folder(
    path: Path,
) -> tuple[Study, list[StudyNet], list[PlacedRun]]:
    """A study's directory, swept or being swept: what is compared, and where each run is or will
    be. Raises `RunError` where its files are not what resgraph wrote."""
    study = study_of(open_source(path / WRITTEN), path)
    try:
        facts = json.loads((path / LIST).read_text("utf-8"))
        nets = {
            n["net"]: StudyNet(
                n["net"],
                n["spec"],
                tuple(n["set"]),
                at_keys(n, FACTS),
            )
            for n in facts["nets"]
        }
        runs = [
            PlacedRun(
                job(study, nets[r["net"]], r["seed"]),
                r["key"],
                path / RUNS / r["run"],
            )
            for r in facts["runs"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path / LIST} is not what resgraph wrote"
        ) from error
    return study, list(nets.values()), runs


def versions() -> dict[str, str]:
    """Of what a run's numbers depend on."""
    return {"resgraph": __version__, "torch": version("torch")}


def key_of(job: Job, plan: Plan, data: str) -> str:
    """What a run is: its net and recipe, its data and the versions. Runs of one key are one run."""
    net = yaml.safe_load(plan.resolved())
    for name in _NOT_LEARNED:
        net.pop(name, None)
    what = {"net": net, "minutes": job.minutes, "data": data, **versions()}
    return hashlib.sha256(
        json.dumps(what, sort_keys=True).encode()
    ).hexdigest()[:12]


def place_of_run(folder: Path, job: Job, key: str) -> Path:
    """A directory that a person and a program find."""
    name = (
        re.sub(r"[^A-Za-z0-9._=-]+", "-", job.point).strip("-.").lower()
        or "net"
    )
    return folder / RUNS / f"{name[:80]}-s{job.seed}-{key}"

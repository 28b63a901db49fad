"""What an agent asks for → a command of resgraph, run in a directory that it cannot leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..collecting import flatten
from ..errors import UsageError
from ..language.references import locate, names_model_file
from ..plan import load
from ..structs import Frozen
from ..study.plan import files, points
from ..study.schema import load_study

GRACE = 30.0
"""Seconds that a command has beyond its minutes to evaluate, and once stopped to save."""
QUICK = 60.0
"""Seconds for a command that trains nothing."""


class Workspace(Frozen):
    """A directory, and the minutes that a build or a sweep may take."""

    root: Path
    minutes: float

    def spec(self, reference: str) -> str:
        """A SPEC that is a file within the directory, by its whole path, or one of the zoo.

        Raises `UsageError` for any other: a word as `timm:resnet50` would run code, and a file with
        a model would be run for its proof."""
        _need_names(reference)
        if names_model_file(reference):
            raise UsageError(
                f"{reference} is a model, and no spec: import it first"
            )
        found = locate(reference, self.root)
        if found.zoo:
            return reference
        path = self.inside(found.path)
        if not path.is_file():
            raise UsageError(f"there is no file {reference} in {self.root}")
        return f"{path}::{found.variant}" if found.variant else str(path)

    def inside(self, path: str | Path) -> Path:
        """A path within the directory, wherever links lead. Raises `UsageError`."""
        _need_names(str(path))
        whole = (self.root / path).resolve()
        if not whole.is_relative_to(self.root.resolve()):
            raise UsageError(
                f"{path} is outside {self.root}, which this server works in"
            )
        return whole

    def run(
        self,
        command: str,
        *options: str,
        names: Sequence[str] = (),
        seconds: float = QUICK,
        text: str = "",
    ) -> dict[str, Any]:
        """A command's exit code and what it printed, as data where it is JSON; `names` are never
        taken for options.

        It is a process of its own: what it prints, and how it ends, does not touch the protocol.
        Past its seconds it is asked to stop, which saves a run, and then killed."""
        words = [command, *options, "--", *names]
        _need_names(*words)
        with subprocess.Popen(
            [sys.executable, "-m", "resgraph", *words], cwd=self.root, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            try:
                out, err = process.communicate(text, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.terminate()
                try:
                    out, err = process.communicate(timeout=GRACE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    out, err = process.communicate()
        return {
            "exit_code": process.returncode,
            **_parsed(out),
            "messages": err.strip(),
        }

    def check_training(
        self, reference: str, overrides: Sequence[str]
    ) -> None:
        """Whether what is trained reads nothing from elsewhere. Raises `UsageError`."""
        self._data_inside(load(self.spec(reference), overrides).spec.train)

    def check_study(self, path: str) -> None:
        """As `check_training`, of every net of a study; no net is read before all are known to be
        within the directory."""
        study = load_study(self.inside(path))
        for file in files(study):
            self.spec(str(file))
        for point in points(study):
            self._data_inside(point.train)

    def _data_inside(self, train: Any) -> None:
        """Refuses images of a recipe that lie elsewhere."""
        path = getattr(getattr(train, "data", None), "path", None)
        if path is not None:
            self.inside(str(path))


def _need_names(*words: str) -> None:
    """Raises `UsageError` for what no command line holds, and no file is called."""
    if any("\0" in word for word in words):
        raise UsageError(
            "a name or an option has U+0000 in it; take it out"
        )


def _parsed(out: str) -> dict[str, Any]:
    try:
        return {"result": json.loads(out)}
    except ValueError:
        return {"result": out}


def sets(overrides: Iterable[str]) -> list[str]:
    """`--set` for each."""
    return [*flatten(("--set", override) for override in overrides)]

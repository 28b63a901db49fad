"""A folder of runs → what each one is and how it did, without torch; and runs side by side, with
what differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ...collecting import flatten
from ...errors import RunError
from ...structs import Frozen
from .directory import in_use, read_facts
from .metrics_log import read_rows, seconds_of

RunStatus = Literal[
    "running", "done", "stopped", "failed", "interrupted", "damaged"
]


class RunInfo(Frozen):
    """One run. Errors in percent at its last evaluation, None before; `interrupted` means killed,
    `damaged` that its files are not what resgraph wrote."""

    path: Path
    name: str
    status: RunStatus
    params: int
    macs: int
    epoch: float
    steps: int
    step: int
    error: float | None
    train_error: float | None
    seconds: float
    recipe: dict[str, Any]
    # what the images are called that `error` is of
    watched: str = "validation"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            name: str(value)
            if isinstance(value := getattr(self, name), Path)
            else value
            for name in self.__struct_fields__
        }


def read_run(path: Path) -> RunInfo:
    """What a run directory says. Raises `RunError` where it is none, or its files are not what
    resgraph wrote."""
    facts = read_facts(path)
    try:
        return _info(path, facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{path / 'run.json'} is not what resgraph wrote"
        ) from error


_BEGUN: dict[str, Any] = {
    "epoch": 0,
    "step": 0,
    "validation": {"error": None},
    "train": {"error": None},
}
"""What stands for a row before the first."""


def _info(path: Path, facts: dict[str, Any]) -> RunInfo:
    rows = read_rows(path / "metrics.jsonl")
    last = rows[-1] if rows else _BEGUN
    status = facts.get("status", "failed")
    if status == "running" and not in_use(path):
        status = "interrupted"
    return RunInfo(
        path=path,
        name=str(facts.get("name", path.name)),
        status=status,
        params=int(facts.get("params", 0)),
        macs=int(facts.get("macs", 0)),
        epoch=last["epoch"],
        steps=int(facts.get("steps", 0)),
        step=last["step"],
        error=last["validation"]["error"],
        train_error=last["train"]["error"],
        seconds=seconds_of(read_rows(path / "timing.jsonl")),
        recipe=dict(facts.get("recipe", {})),
        watched=str(facts.get("watched", "validation")),
    )


def find_runs(root: Path) -> list[RunInfo]:
    """The runs right under `root` (or `root` itself), in the order of their names; what is no run
    is passed over, and what is damaged is listed as that."""
    if (root / "run.json").is_file():
        return [read_run(root)]
    inside = sorted(root.iterdir(), key=_natural) if root.is_dir() else []
    return [_or_damaged(path) for path in inside if _holds_run(path)]


def _holds_run(path: Path) -> bool:
    """Whether it is a run; what may not be read is listed as if it were one."""
    try:
        return (path / "run.json").is_file()
    except OSError:
        return True


def _or_damaged(path: Path) -> RunInfo:
    try:
        return read_run(path)
    except RunError:
        return RunInfo(
            path, path.name, "damaged", 0, 0, 0, 0, 0, None, None, 0.0, {}
        )


def differences(runs: Sequence[RunInfo]) -> dict[str, list[str]]:
    """The keys of the recipes (and the size) in which the runs differ, with each one's value."""
    sides = [
        {"params": f"{run.params:,}", **flat(run.recipe)} for run in runs
    ]
    keys = sorted({*flatten(sides)} - {"about"})
    table = {key: [one.get(key, "–") for one in sides] for key in keys}
    return {
        key: values for key, values in table.items() if len(set(values)) > 1
    }


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """A mapping of mappings → its leaves by their dotted keys, as a spec would write them."""
    if not isinstance(value, dict):
        return {prefix: _written(value)}
    out: dict[str, str] = {}
    for key, item in value.items():
        out.update(flat(item, f"{prefix}.{key}" if prefix else key))
    return out


def _written(value: Any) -> str:
    """`true`, `none`, `[norm, bias]`, `3` for 3.0."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    words = {None: "none", True: "true", False: "false"}
    return (
        words[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )


def _natural(path: Path) -> tuple[str, int]:
    """`net-10` after `net-9`."""
    stem, _, number = path.name.rpartition("-")
    return (stem, int(number)) if number.isdecimal() else (path.name, 0)

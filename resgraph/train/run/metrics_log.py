"""Evaluations → rows of metrics.jsonl, and back: append-only, the same bytes for the same run,
clocks kept elsewhere."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

from ...collecting import present
from ...errors import RunError
from ...files import read_file, readable
from ...structs import Frozen
from ..atomic_write import append_line, write_whole
from ..reporter import Epoch


class MetricsLog(Frozen):
    """The rows of one run. `path` holds what was learned, `clock` (timing.jsonl) how long it
    took."""

    path: Path
    clock: Path

    def append(self, epoch: Epoch, images_per_second: float) -> None:
        """One row in each file."""
        row = {
            "step": epoch.step,
            "epoch": epoch.epoch,
            "lr": epoch.lr,
            "train": {"loss": epoch.train_loss, "error": epoch.train_error},
            "validation": {
                "loss": epoch.validation_loss,
                "error": epoch.validation_error,
            },
        }
        append_line(self.path, json.dumps(row))
        seconds = round(epoch.seconds, 3)
        speed = round(images_per_second, 1)
        append_line(
            self.clock,
            json.dumps(
                {
                    "step": epoch.step,
                    "seconds": seconds,
                    "images_per_second": speed,
                }
            ),
        )

    def rows(self) -> dict[str, str]:
        """Both files as they are, for a checkpoint to keep."""
        return {path.name: _text(path) for path in (self.path, self.clock)}

    def restore(self, step: int, saved: dict[str, str] | None) -> list[str]:
        """Makes both files what they were when a checkpoint of `step` was `saved`: later rows go,
        damaged ones come back. Returns what was found damaged; None stands for a checkpoint that
        kept no rows."""
        damage = []
        for path in (self.path, self.clock):
            found = _text(path)
            kept = (
                _until(path, step)
                if saved is None
                else saved.get(path.name, "")
            )
            if not found.startswith(kept):
                what = "was changed or damaged" if found else "was lost"
                damage.append(
                    f"{path} {what} since it was saved; its rows up to step {step:,} are restored"
                )
            if found != kept:
                write_whole(path, kept)
        return damage

    def seconds(self) -> float:
        """Those of training up to the last row."""
        return seconds_of(read_rows(self.clock))


def seconds_of(clock: list[dict[str, Any]]) -> float:
    """Those of training up to the last of some rows."""
    return float(clock[-1]["seconds"]) if clock else 0.0


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of either file, none where there is no file. Raises `RunError` where one is not what
    a run writes."""
    rows = _with_steps(path)
    for number, row in enumerate(rows, 1):
        if not (_is_clock(row) or _is_learned(row)):
            raise RunError(
                f"{path}, line {number}, is not what resgraph wrote"
            )
    return rows


def _with_steps(path: Path) -> list[dict[str, Any]]:
    """The rows but a last line that is torn. Raises `RunError` where another one is, or the file
    cannot be read."""
    with readable(path, RunError):
        lines = (
            read_file(path).rstrip(b"\n").split(b"\n")
            if path.exists()
            else []
        )
    rows = [*map(_row, lines)]
    whole = present(takewhile(lambda row: row is not None, rows))
    if len(rows) > len(whole) + 1:
        raise RunError(
            f"{path}, line {len(whole) + 1}, is damaged; mend it, or take the file from a copy"
        )
    return whole


def _text(path: Path) -> str:
    """A file as it is, bytes that are no text replaced; empty where there is none."""
    with readable(path, RunError, "; put it away, and resume again"):
        return (
            read_file(path).decode("utf-8", "replace")
            if path.exists()
            else ""
        )


def _until(path: Path, step: int) -> str:
    """The rows up to a step, without a last line that is torn."""
    return "".join(
        json.dumps(row) + "\n"
        for row in _with_steps(path)
        if row["step"] <= step
    )


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if _numbers(row, "step") else None


def _is_clock(row: dict[str, Any]) -> bool:
    return _numbers(row, "step", "seconds", "images_per_second")


def _is_learned(row: dict[str, Any]) -> bool:
    parts = (row.get("train"), row.get("validation"))
    return _numbers(row, "step", "epoch", "lr") and all(
        _numbers(part, "loss", "error") for part in parts
    )


def _numbers(values: object, *names: str) -> bool:
    return isinstance(values, dict) and all(
        isinstance(values.get(name), int | float) for name in names
    )

"""metrics.jsonl → TensorBoard's event file in run/tensorboard; a process that takes over writes it
anew, so that a resume repeats nothing."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import MissingError
from .metrics_log import read_rows

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def need_tensorboard() -> None:
    """Raises `MissingError` where the package is not installed."""
    try:
        _writer_class()
    except ImportError as error:
        raise MissingError(
            "--tensorboard needs the package: pip install 'resgraph[tensorboard]'"
        ) from error


class EventWriter:
    """The events of one run. What an earlier process wrote is replaced by what the metrics say."""

    def __init__(self, run: Path) -> None:
        self.metrics, self.clock, directory = (
            run / "metrics.jsonl",
            run / "timing.jsonl",
            run / "tensorboard",
        )
        if directory.exists():
            shutil.rmtree(directory)
        self.writer: SummaryWriter = _writer_class()(str(directory))
        self.written = 0
        self.follow()

    def follow(self) -> None:
        """Writes the rows that are not written yet."""
        rows = read_rows(self.metrics)
        clock = {row["step"]: row for row in read_rows(self.clock)}
        for row in rows[self.written :]:
            for tag, value in _scalars(
                row, clock.get(row["step"], {})
            ).items():
                self.writer.add_scalar(tag, value, row["step"])
        self.written = len(rows)
        self.writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self.writer.close()


def _scalars(
    row: dict[str, Any], clock: dict[str, Any]
) -> dict[str, float]:
    found = {
        f"{what}/{part}": row[part][what]
        for what in ("loss", "error")
        for part in ("train", "validation")
    }
    found |= {"epoch": row["epoch"], "lr": row["lr"]}
    if clock:
        found["images_per_second"] = clock["images_per_second"]
    return found


def _writer_class() -> type[SummaryWriter]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that it brings
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter

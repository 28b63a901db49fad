"""Plan → a trained run, and back: build, resume, evaluate, predict, and the list of runs. Torch is imported when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MissingError
from .options import Options
from .reporter import Reporter, Silent

if TYPE_CHECKING:
    from .plans import Loader, PlanLike
    from .result import RunResult

__all__ = ["Options", "Reporter", "Silent", "build"]


def build(
    plan: PlanLike, *, out: Path | None = None, options: Options | None = None, reporter: Reporter | None = None
) -> RunResult:
    """Trains a plan by its recipe in a run directory of its own (`out`, or `runs/<name>-<n>`).

    Raises `UsageError`, `TrainingError`, `MissingError`, `RunError`, and `signals.Stopped` where a signal asked to stop.
    """
    _need_torch()
    from .session import start

    return start(plan, out, options or Options(), reporter or Silent())


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingError("training needs PyTorch: pip install 'resgraph[train]'") from error

"""Plan → a trained run, and what can be done with one: resume, evaluate, predict, list. Torch is
imported when it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import needing
from ..garbage import nothing_collected
from ..language.recipe.start import StartingWeights
from .options import Options
from .reporter import Reporter, Silent
from .run.directory import failed_unsaved, read_facts
from .run.listing import RunInfo, differences, find_runs, read_run

if TYPE_CHECKING:
    from ..plan import Loader, Plan
    from .engine.evaluate import Score
    from .estimate import Forecast
    from .predicted import Announce, Prediction
    from .profiling import Profile
    from .run.result import RunResult

__all__ = [
    "Options",
    "Reporter",
    "RunInfo",
    "Silent",
    "build",
    "differences",
    "evaluate",
    "evaluate_weights",
    "find_runs",
    "forecast",
    "predict",
    "predict_weights",
    "profile",
    "read_run",
    "resume",
]


def build(
    plan: Plan,
    *,
    out: Path | None = None,
    options: Options | None = None,
    reporter: Reporter | None = None,
    auto_resume: bool = False,
    load: Loader | None = None,
) -> RunResult:
    """Trains a plan by its recipe in a run directory of its own (`out`, or `runs/<name>-<n>`).

    With `auto_resume`, resumes the run at `out` where there is one: the same command, fresh or
    resumed. Raises `UsageError`, `TrainingError`, `MissingError`, `RunError`, and
    `signals.StoppedError` where a signal asked to stop."""
    _need_torch()
    if (
        auto_resume
        and out is not None
        and (out / "run.json").is_file()
        and not failed_unsaved(out)
    ):
        return resume(
            out, plan=plan, load=load, options=options, reporter=reporter
        )
    from .session import start

    return start(plan, out, options or Options(), reporter or Silent())


def resume(
    run: Path,
    *,
    plan: Plan | None = None,
    load: Loader | None = None,
    options: Options | None = None,
    reporter: Reporter | None = None,
) -> RunResult:
    """Resumes a run to the end of its recipe, bitwise reproducibly; a finished one is only exported
    again.

    `plan` changes what is resumed (more epochs, say). Raises `RunError` where the run cannot
    be used."""
    _need_run(run)
    from .resuming import resume_run

    options = options or Options()
    if options.tensorboard is None:
        options = replace(
            options, tensorboard=(run / "tensorboard").is_dir()
        )
    return resume_run(
        run, load or _load, options, reporter or Silent(), plan
    )


def forecast(plan: Plan, *, options: Options | None = None) -> Forecast:
    """What a build would use and why, with its steps, memory and time: nothing is trained or
    written."""
    _need_torch()
    from .estimate import forecast as estimated

    return estimated(plan, options or Options())


def evaluate(
    run: Path,
    *,
    crops: int = 1,
    sides: Sequence[int] = (),
    split: str = "",
    report: Path | None = None,
    load: Loader | None = None,
    options: Options | None = None,
) -> Score:
    """The exported weights on the run's validation part: loss, error in percent, images.

    `split` names another part of its data: a folder beside that one, as `test`, or a pattern of
    shards. `crops=10` and `sides=[224, 256, 384, 480, 640]` test as the papers do, by the mean over
    several views of an image. `report` is where to write what was right and wrong, as HTML."""
    _need_run(run)
    from .evaluation import Testing, evaluate_run

    how = Testing(crops, tuple(sides), split, report)
    return evaluate_run(run, load or _load, options or Options(), how)


def predict(
    run: Path,
    images: Sequence[Path],
    *,
    top: int = 5,
    beside: Mapping[str, Sequence[float] | Path] | None = None,
    announce: Announce | None = None,
    load: Loader | None = None,
    options: Options | None = None,
) -> list[Prediction]:
    """Of each image file, or each row of an array (x.npy, x.npz, x.npz:NAME), what the recipe's
    target asks: the `top` likeliest classes, numbers, a mask or a picture; of an image that
    cannot be read, why (`unread`). `beside` has the net's further inputs by name: numbers, or
    the file of an array with a row for each. `announce` is told each file, and the row of an
    array, of which a picture will be made, before the net runs."""
    _need_run(run)
    from .inference import Asked, predict_images

    options = options or Options()
    asked = Asked(images, top, beside or {}, announce)
    return predict_images(run, asked, load or _load, options)


def evaluate_weights(
    plan: Plan,
    weights: str,
    *,
    key: str | None = None,
    crops: int = 1,
    sides: Sequence[int] = (),
    split: str = "",
    report: Path | None = None,
    options: Options | None = None,
) -> Score:
    """Weights by the name that a recipe's `weights` would have, on the validation part of the
    plan's data; else as `evaluate`. Every tensor must match."""
    _need_torch()
    from .evaluation import Testing
    from .evaluation import evaluate_weights as evaluated

    how = Testing(crops, tuple(sides), split, report)
    start = StartingWeights(file=weights, key=key)
    return evaluated(plan, start, options or Options(), how)


def predict_weights(
    plan: Plan,
    weights: str,
    images: Sequence[Path],
    *,
    key: str | None = None,
    top: int = 5,
    beside: Mapping[str, Sequence[float] | Path] | None = None,
    announce: Announce | None = None,
    options: Options | None = None,
) -> list[Prediction]:
    """As `predict`, by weights of that name in the net of a plan."""
    _need_torch()
    from .inference import Asked
    from .inference import predict_weights as predicted

    start = StartingWeights(file=weights, key=key)
    asked = Asked(images, top, beside or {}, announce)
    return predicted(plan, start, asked, options or Options())


def _load(path: Path) -> Plan:
    from ..plan import load

    return load(path, strict=False)


def profile(
    plan: Plan | Path,
    *,
    batch: int = 8,
    repeats: int = 3,
    load: Loader | None = None,
) -> Profile:
    """Time, memory and norms of each node in a training step: of a plan with fresh weights on
    noise, or of a run's weights (its directory) on its own first batch, on the CPU."""
    what = "measuring a step"
    _need_run(plan, what) if isinstance(plan, Path) else _need_torch(what)
    from .profiling import profile_plan, profile_run

    if isinstance(plan, Path):
        return profile_run(
            plan, load or _load, Options(device="cpu"), repeats
        )
    return profile_plan(plan, batch, repeats)


def _need_run(run: Path, what: str = "training") -> None:
    """A run, and torch: what is no run is told without loading it. Raises `RunError`."""
    read_facts(run)
    _need_torch(what)


def _need_torch(what: str = "training") -> None:
    with needing(f"{what} needs PyTorch", "train"), nothing_collected():
        import torch  # noqa: F401

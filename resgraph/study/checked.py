"""The file of a study → its nets, or every mistake that keeps it from being swept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..checked import Checked
from ..errors import Source, SpecError
from ..garbage import nothing_collected
from .plan import (
    PlannedNet,
    StaleError,
    condition,
    drawn_point,
    points,
    space_of,
)
from .schema import Study, load_study, study_of


def check_study(
    path: Path,
    source: Source | None = None,
    stale: Callable[[], bool] = lambda: False,
) -> list[Checked]:
    """The nets that `resgraph sweep` would train; of a search, the one that it begins at the low
    end of, if that is a net. The text of the file may be `source`; once it is `stale`, the
    nets are no longer made, and there are none."""
    try:
        study = (
            study_of(source, path.parent) if source else load_study(path)
        )
        with nothing_collected():
            nets = (
                _search(study)
                if study.file.search
                else points(study, stale)
            )
    except SpecError as problem:
        return [Checked(str(path), None, problem.diagnostics)]
    except StaleError:
        return []
    return [Checked(f"{path}: {net.name}", net.plan, ()) for net in nets]


def _search(study: Study) -> list[PlannedNet]:
    space = study.file.search
    assert space is not None
    condition(study, space)
    low = {path: choice.lowest for path, choice in study.choices.items()}
    point = drawn_point(study, space_of(study), low, "trial")
    return [] if isinstance(point, SpecError) else [point]

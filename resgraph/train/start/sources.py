"""What a recipe calls its weights → a file on disk, and what is known of the images that they were
trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import RunError
from ...files import read_file, reason
from ...structs import Frozen
from ..run.directory import BEST, PLACES, read_facts
from .statement import StatedImages

if TYPE_CHECKING:
    from ...plan import Plan


class WeightsFile(Frozen):
    """Weights by the name that they have in a recipe, the file, its SHA-256, and what is said of
    the images."""

    named: str
    path: Path
    sha256: str
    stated: StatedImages | None = None

    @classmethod
    def at(
        cls, named: str, path: Path, stated: StatedImages | None = None
    ) -> WeightsFile:
        """Reads the file for its SHA-256. Raises `RunError` where it cannot be read."""
        try:
            digest = hashlib.sha256(read_file(path)).hexdigest()
        except OSError as error:
            raise RunError(f"cannot read {path}: {reason(error)}") from None
        return cls(named, path, digest, stated)


def found(named: str, plan: Plan | None = None) -> WeightsFile:
    """The weights of that name: a file or a run (a relative path of a spec is one from the spec's
    own directory, or from the current one), or what a library keeps in its cache or fetches.

    Raises `RunError` where they cannot be read, `MissingError` where a library or the network is
    missing, `UsageError` where a library has no such weights."""
    library, colon, name = named.partition(":")
    if colon and library in _LIBRARIES:
        return _LIBRARIES[library](named, name)
    path = Path(named).expanduser()
    path = beside(plan, path, "train", "weights") if plan else path
    run = run_of(path)
    return _of_run(named, path, run) if run else WeightsFile.at(named, path)


def run_of(path: Path) -> Path | None:
    """The run that weights are of, by its directory or a file of weights in it."""
    if path.is_dir():
        return path
    own = path.name in (PLACES["weights"], BEST)
    return (
        path.parent
        if own and (path.parent / "preprocess.json").is_file()
        else None
    )


def beside(plan: Plan, path: Path, *keys: str) -> Path:
    """A path that a spec has at these keys: from the spec's directory where something is there,
    else from the current one."""
    place = getattr(plan.spec, "place", None)
    source = place(*keys).source if place else None
    if path.is_absolute() or source is None or source.ours:
        return path
    near = Path(source.name).parent / path
    return near if near.exists() else path


def _of_run(named: str, path: Path, run: Path) -> WeightsFile:
    """The exported weights of a run, or the file of them that is named, and how it read its
    images."""
    facts = read_facts(run)
    path = run / PLACES["weights"] if path == run else path
    if not path.is_file():
        raise RunError(
            f"{run} has no weights yet; `resgraph resume {run}` finishes it"
        )
    try:
        document = json.loads(read_file(run / "preprocess.json"))
        file = WeightsFile.at(named, path, StatedImages.of_run(document))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{run / 'preprocess.json'} is damaged ({error}); `resgraph resume {run}` writes it"
            " again"
        ) from None
    known = facts.get("weights_sha256", file.sha256)
    if path.name == PLACES["weights"] and file.sha256 != known:
        raise RunError(
            f"{path} is damaged: its bytes are not those that were written; `resgraph resume"
            f" {run}` writes it again"
        )
    return file


def _from_hub(named: str, name: str) -> WeightsFile:
    from .hub import fetched

    path, stated = fetched(name)
    return WeightsFile.at(named, path, stated)


def _from_torchvision(named: str, name: str) -> WeightsFile:
    from .torchvision import fetched

    path, stated = fetched(name)
    return WeightsFile.at(named, path, stated)


_LIBRARIES: dict[str, Callable[[str, str], WeightsFile]] = {
    "hf-hub": _from_hub,
    "torchvision": _from_torchvision,
}

"""A run directory (and, where something is to change, the changed plan) → the run, gone on with."""

from __future__ import annotations

import difflib
import hashlib
import os
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import RunError, UsageError
from ..language.recipe import Train
from .data.sets import DataSet
from .distributed import joined
from .options import Options
from .plans import Loader, PlanLike
from .prepare import prepare, recipe_of
from .recording import run_checkpoints, spec_hash
from .reporter import Reporter, Silent
from .result import RunResult
from .rundir import RunDirectory, open_run, read_facts
from .session import carry_on

FREE = frozenset({"epochs", "iterations", "evaluate_every", "about"})
"""Keys of a recipe that a resume may change as it likes: how long, and what is told."""
FIXED = frozenset({"data", "batch", "normalize", "seed"})
"""Keys that decide which images a step sees; with another of these it would not be the same run at all."""


def go_on(path: Path, load: Loader, options: Options, reporter: Reporter, changed: PlanLike | None = None) -> RunResult:
    """From the newest whole checkpoint to the end, bit for bit as if it had never stopped.

    `changed` is the plan to go on with in place of the run's own: the same net; more epochs are fine, other
    changes of the recipe need `options.allow_change`. Raises `RunError` where that cannot be.
    """
    with joined(os.environ, options.device) as world:
        plan = own_plan(path, load)
        options = as_before(options, read_facts(path))
        if changed is not None:
            check_change(path, plan, changed, options)
            plan = changed
        ready = prepare(plan, options, world)
        check_classes(ready.data, read_facts(path).get("classes", list(ready.data.classes)))
        world.share(None)  # all have read what the first rank may now write
        with open_run(path) if world.first else nullcontext() as run:
            if run:
                check_end(run, ready.steps)
            if run and changed is not None:
                run_checkpoints(run).load(Silent().say)  # where nothing can be gone on from, nothing is changed either
                _adopt(run, changed)
            return carry_on(ready, run, reporter if world.first else Silent())


def own_plan(path: Path, load: Loader) -> PlanLike:
    """The plan of a run's spec.yaml; raises `RunError` where that file is not as the run wrote it."""
    facts = read_facts(path)
    spec = path / "spec.yaml"
    try:
        digest = hashlib.sha256(spec.read_bytes()).hexdigest()
    except OSError as error:
        raise RunError(f"{path} has no spec.yaml: {error.strerror}") from error
    if digest not in (facts.get("spec"), *facts.get("former", ())):
        raise RunError(f"{spec} was changed since the run began; pass the changed spec to `resgraph resume` instead")
    plan = load(spec)
    if "recipe" in facts and recipe_of(plan).document() != facts["recipe"]:
        raise RunError(f"{spec} names a recipe that has changed since the run began; build it anew")
    return plan


def as_before(options: Options, facts: dict[str, Any]) -> Options:
    """What was decided when the run began, where nothing else is asked for now."""
    known = {field.name for field in fields(Options)}
    undecided = {
        name: value
        for name, value in facts.get("used", {}).items()
        if name in known and getattr(options, name) in ("auto", None)
    }
    return replace(options, **undecided)


def check_change(path: Path, plan: PlanLike, changed: PlanLike, options: Options) -> None:
    """Raises `RunError` that shows the difference where `changed` is not a way to go on with this run."""
    before, after = (path / "model.py").read_text(encoding="utf-8"), changed.source()
    if before != after:
        lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "the run", "the spec", lineterm=""))
        shown = "\n".join(lines[:40]) + ("\n…" if len(lines) > 40 else "")
        raise RunError(f"the spec is another net than {path} trains; build it anew\n{shown}")
    keys = changed_keys(recipe_of(plan), recipe_of(changed))
    if keys & FIXED:
        raise RunError(
            f"`{'`, `'.join(sorted(keys & FIXED))}` cannot change within a run, "
            "which would see other images; build anew"
        )
    if keys - FREE and not options.allow_change:
        raise RunError(f"the recipe differs in `{'`, `'.join(sorted(keys - FREE))}`; --allow-change goes on with it")


def check_classes(data: DataSet, trained_on: list[str]) -> None:
    """Raises `UsageError` where a set has other classes than the run's, whose numbers their order gives."""
    odd = sorted(set(data.classes) ^ set(trained_on))
    if odd:
        few = ", ".join(odd[:5]) + (" …" if len(odd) > 5 else "")
        raise UsageError(f"{data.about} are not of the classes that the run was trained on: only one has {few}")


def check_end(run: RunDirectory, steps: int) -> None:
    """Raises `RunError` where the run is beyond the end of its recipe."""
    done = max((entry["step"] for entry in run_checkpoints(run).entries()), default=0)
    if done > steps:
        raise RunError(f"{run.path} is at step {done:,} already, and the recipe ends at {steps:,}; give it more")


def changed_keys(before: Train, after: Train) -> set[str]:
    """The keys of the recipe with different values."""
    return {name for name in Train.model_fields if getattr(before, name) != getattr(after, name)}


def _adopt(run: RunDirectory, plan: PlanLike) -> None:
    """First run.json (which names both specs), then spec.yaml: whatever is on disk in between can be read."""
    facts = run.facts()
    if facts["spec"] == spec_hash(plan):
        return
    former = [*facts.get("former", ()), facts["spec"]]
    run.update(spec=spec_hash(plan), former=former, recipe=recipe_of(plan).document())
    run.write("spec.yaml", plan.resolved())

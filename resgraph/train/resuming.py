"""A run directory (and, where something is to change, the changed plan) → the run, resumed."""

from __future__ import annotations

import difflib
import hashlib
import math
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args, get_type_hints

from msgspec.structs import replace

from ..collecting import keyed
from ..counting import counted
from ..errors import RunError, UsageError, first_few
from ..files import read_file, reason
from ..language.recipe import Train, resolve_train
from ..plan import Loader, Plan
from .data.sets import DataSet
from .engine.schedule import LearningRates
from .options import Options
from .parallel.distributed import process_group
from .prepare import Prepared, prepare, recipe_of
from .recording import digests, rewrite_derived, run_checkpoints, spec_hash
from .reporter import Reporter, Silent
from .run.checkpoint import State
from .run.directory import RunDirectory, open_run, read_facts
from .run.listing import flat
from .run.result import RunResult
from .session import run_to_end
from .start.transfer import Began

FREE = frozenset({"epochs", "iterations", "evaluate_every", "about"})
"""Keys of a recipe that a resume may change as it likes: how long, and what is reported."""
BEGUN = frozenset({"weights", "freeze", "rates"})
"""Keys that say what the first step starts from, and what the optimizer keeps of each weight."""
FIXED = frozenset({"data", "target", "batch", "normalize", "seed"})
"""Keys that decide which images a step sees; with another of these it would not be the same run at
all."""
_KEPT = {
    BEGUN: "what a run starts from, and what of it learns,",
    FIXED: "what decides which images a run sees",
}


def resume_run(
    path: Path,
    load: Loader,
    options: Options,
    reporter: Reporter,
    changed: Plan | None = None,
) -> RunResult:
    """From the newest whole checkpoint to the end, bit for bit as if it had never stopped.

    `changed` is the plan to resume with in place of the run's own: the same net; more epochs are
    fine, other changes of the recipe need `options.allow_change`. Raises `RunError` where that
    cannot be."""
    with process_group(os.environ, options.device, reporter.say) as world:
        plan = own = own_plan(path, load)
        options = options_of(options, read_facts(path))
        if changed is not None:
            check_change(path, plan, changed, options)
            plan = changed
        ready = prepare(plan, options, world, began=began(path))
        check_data(ready.data, read_facts(path), options)
        world.share(None)  # all have read what the first rank may now write
        with open_run(path) if world.first else nullcontext() as run:
            if run:
                _reopen(run, ready, own, changed, reporter)
            return run_to_end(
                ready, run, reporter if world.first else Silent()
            )


def _reopen(
    run: RunDirectory,
    ready: Prepared,
    own: Plan,
    changed: Plan | None,
    reporter: Reporter,
) -> None:
    """Says what is to be known of a run that goes on, and puts right what it holds."""
    if is_complete(run, ready.steps):
        # raises where not even its results can be written again
        run_checkpoints(run).load(Silent().say)
        _report_end(run, ready, reporter)
    if changed is not None:
        # raises before anything is changed
        state = run_checkpoints(run).load(Silent().say)
        _report_rate(state, recipe_of(own), ready, reporter)
        _adopt(run, changed)
    _report_failure(run, reporter)
    for name in rewrite_derived(run, ready.plan):
        reporter.say(
            f"{run.path / name} was changed, damaged or lost since the run began; it is as it was"
        )


def began(path: Path) -> Began | None:
    """What a run began with; None where it began with no weights of elsewhere."""
    weights = read_facts(path).get("weights")
    saved = (path / "checkpoints" / "latest.json").is_file()
    return Began(weights, saved) if weights else None


def own_plan(path: Path, load: Loader) -> Plan:
    """The plan of a run's spec.yaml; raises `RunError` where that file is not as the run wrote
    it."""
    facts = read_facts(path)
    spec = path / "spec.yaml"
    try:
        digest = hashlib.sha256(read_file(spec)).hexdigest()
    except OSError as error:
        raise RunError(
            f"{spec} cannot be read ({reason(error)}); take it from a copy, or begin again with"
            " `resgraph build`"
        ) from error
    if digest not in (facts.get("spec"), *facts.get("former", ())):
        raise RunError(
            f"{spec} was changed since the run began, and a run resumes with the spec that it has."
            f" Put it back as it was, and change the recipe by `resgraph resume {path} --set"
            " train.epochs=…`; another net is a run of its own: `resgraph build` with the changed"
            " spec"
        )
    plan = load(spec)
    if "recipe" in facts and recipe_of(plan) != _recipe(facts["recipe"]):
        raise RunError(
            f"{spec} names a recipe that has changed since the run began; build it anew"
        )
    return plan


def _recipe(document: Any) -> Train | None:
    """A recipe as a run wrote it, whose version may not have known all keys."""
    try:
        return resolve_train(document)
    except (TypeError, ValueError):
        return None


def options_of(options: Options, facts: dict[str, Any]) -> Options:
    """The options of a resume: what was decided when the run began, where nothing else is given."""
    known = get_type_hints(Options)
    undecided = {
        name: value
        for name, value in facts.get("used", {}).items()
        if name in known and getattr(options, name) in ("auto", None)
    }
    for name, value in undecided.items():
        allowed = get_args(known[name])
        if value not in allowed and not (
            int in allowed and type(value) is int
        ):
            raise RunError(
                f"run.json is not what resgraph wrote: `used.{name}` is {value!r}"
            )
    if options.data is None and isinstance(
        where := facts.get("data", {}).get("path"), str
    ):
        undecided["data"] = Path(where)
    return replace(options, **undecided)


def check_change(
    path: Path, plan: Plan, changed: Plan, options: Options
) -> None:
    """Raises `RunError` that shows the difference where this run cannot resume with `changed`."""
    before, after = plan.source(), changed.source()
    if before != after:
        lines = list(
            difflib.unified_diff(
                before.splitlines(),
                after.splitlines(),
                "the run",
                "the spec",
                lineterm="",
            )
        )
        shown = "\n".join(lines[:40]) + ("\n…" if len(lines) > 40 else "")
        raise RunError(
            f"the spec is another net than {path} trains; build it anew\n{shown}"
        )
    recipes = recipe_of(plan), recipe_of(changed)
    keys = changed_keys(*recipes)
    for fixed, what in _KEPT.items():
        if keys & fixed:
            changes = _changes(*recipes, keys & fixed)
            raise RunError(
                f"{what} cannot change within it: {changes}; build anew"
            )
    if keys - FREE and not options.allow_change:
        changes = _changes(*recipes, keys - FREE)
        raise RunError(
            f"the recipe differs: {changes}; --allow-change resumes with it"
        )


def _changes(before: Train, after: Train, keys: set[str]) -> str:
    """`optimizer.lr` 0.1 → 0.2, for every value below some keys that differs."""
    old, new = (
        flat(keyed(recipe.document().get, keys))
        for recipe in (before, after)
    )
    differing = [
        name for name in sorted(old | new) if old.get(name) != new.get(name)
    ]
    return ", ".join(
        f"`{name}` {old.get(name, 'none')} → {new.get(name, 'none')}"
        for name in differing
    )


def check_classes(data: DataSet, trained_on: list[str]) -> None:
    """Raises `UsageError` where a set has other classes than the run's, whose numbers their order
    gives."""
    odd = sorted(set(data.classes) ^ set(trained_on))
    if odd:
        raise UsageError(
            f"{data.about} are not of the classes that the run was trained on: only one has"
            f" {first_few(odd, 5)}"
        )
    if list(data.classes) != trained_on:
        raise UsageError(
            f"{data.about} have the classes that the run was trained on, but in another order"
        )


def check_data(
    data: DataSet, facts: dict[str, Any], options: Options
) -> None:
    """Raises where a resume would see other images than the run has seen, as far as their numbers
    and names say it."""
    check_classes(data, facts.get("classes", list(data.classes)))
    if options.allow_change:
        return
    before = facts.get("data", {})
    counts = {"train": len(data.train), "validation": len(data.validation)}
    changes = [
        f"{name} {before[name]} → {count}"
        for name, count in counts.items()
        if before.get(name, count) != count
    ]
    if changes:
        raise RunError(
            f"the images are others than when the run began ({', '.join(changes)}); --allow-change"
            " resumes with these"
        )
    known = before.get("digests", {})  # older runs have none
    now = digests(data) if known else {}
    other = [
        name for name, digest in now.items() if known.get(name) != digest
    ]
    if other:
        raise RunError(
            "the images are others than when the run began: as many, but not the same"
            f" ({', '.join(other)}). Were some renamed or replaced? --allow-change resumes"
            " with these"
        )


def is_complete(run: RunDirectory, steps: int) -> bool:
    """Whether no step is left; raises `RunError` where the run is beyond the end of its recipe."""
    done = max(
        (entry["step"] for entry in run_checkpoints(run).entries()),
        default=0,
    )
    if done > steps:
        raise RunError(
            f"{run.path} is at step {done:,} already, and the recipe ends at {steps:,}; give it"
            " more"
        )
    return done == steps


def _report_failure(run: RunDirectory, reporter: Reporter) -> None:
    failure = run.facts().get("failure")
    if failure:
        reporter.say(f"the last try failed: {failure}")


def _report_end(
    run: RunDirectory, ready: Prepared, reporter: Reporter
) -> None:
    reporter.say(
        f"no step is left: the run is at its last one, {ready.steps:,}, and only its results are"
        f" written again; `resgraph resume {run.path} --set train.{ready.train.unit}=N` extends it"
    )


def _report_rate(
    state: State | None, before: Train, ready: Prepared, reporter: Reporter
) -> None:
    """Says where a changed recipe makes the learning rate of the next step another one than it
    would have been."""
    if state is None:
        return
    old, new = (
        LearningRates(recipe, ready.sampler.steps_per_epoch)
        for recipe in (before, ready.train)
    )
    for schedule in (old, new):
        schedule.load(state["schedule"])
    step = state["step"]
    rates = old.lr(step), new.lr(step)
    if math.isclose(*rates, rel_tol=1e-6):
        return
    why = (
        "the schedule is stretched over"
        if old.steps != new.steps
        else "by the changed recipe, of"
    )
    reporter.say(
        f"{why} {counted(new.steps, 'step')}: the learning rate jumps from {rates[0]:.3g} to"
        f" {rates[1]:.3g}"
        f" at step {step + 1:,}"
    )


def changed_keys(before: Train, after: Train) -> set[str]:
    """The keys of the recipe with different values."""
    return {
        name
        for name in Train.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    }


def _adopt(run: RunDirectory, plan: Plan) -> None:
    """First run.json (which names both specs), then spec.yaml: whatever is on disk in between can
    be read."""
    facts = run.facts()
    if facts["spec"] == spec_hash(plan):
        return
    former = [*facts.get("former", ()), facts["spec"]]
    run.update(
        spec=spec_hash(plan),
        former=former,
        recipe=recipe_of(plan).document(),
    )
    run.write("spec.yaml", plan.resolved())

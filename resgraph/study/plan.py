"""A study → the nets that it compares, each checked and costed before anything runs, and the runs
over seeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path, PurePath
from typing import Any, TypeVar

from msgspec.structs import replace

from ..collecting import attributes, each_name
from ..errors import Diagnostic, SpecError, UsageError
from ..language.extends import read_file
from ..language.recipe import Train
from ..language.references import locate
from ..language.variants import variants_of
from ..language.yaml.emit import text_of
from ..ops.base import value_text
from ..plan import Plan, load, plan_of_file
from ..structs import Frozen
from .schema import MOST_RUNS, Nets, Sample, Search, Study
from .space import FACTS, Condition, parse_condition

# draws for each net that a sample wants, before its condition is called too narrow
_TRIES = 200


@dataclass(frozen=True)
class StudyNet:
    """One net of a study: a spec with what the grid or the draw sets. `facts` are what a condition
    may ask of it."""

    name: str
    reference: str
    overrides: tuple[str, ...]
    facts: dict[str, int] = field(compare=False)

    @property
    def row(self) -> dict[str, Any]:
        """As lists of the study's nets have it."""
        said = {
            "net": self.name,
            "spec": self.reference,
            "set": self.overrides,
        }
        return said | self.facts


@dataclass(frozen=True)
class PlannedNet(StudyNet):
    """A net that was checked and costed."""

    plan: Plan = field(repr=False, compare=False)

    @property
    def train(self) -> Train:
        """Its recipe."""
        train = self.plan.spec.train
        assert isinstance(train, Train)
        return train


class Job(Frozen):
    """One run of a study: a net and a seed, with all that its plan is loaded from."""

    point: str
    seed: int
    reference: str
    overrides: tuple[str, ...]
    minutes: float | None = None

    def plan(self) -> Plan:
        """The plan that is trained."""
        return load(self.reference, self.overrides, strict=False)


class StaleError(Exception):
    """The nets of a study that is no longer asked for were left unmade."""


def points(
    study: Study, stale: Callable[[], bool] = lambda: False
) -> list[PlannedNet]:
    """Every net of a study but of a search, which all hold together and are comparable. Raises
    `SpecError` at the first that is not, and `StaleError` once nobody asks any more."""
    drawn = study.file.sample
    made = (
        _drawn(study, drawn)
        if drawn
        else _gridded(study, references(study))
    )
    found = []
    for net in made:
        if stale():
            raise StaleError
        found.append(net)
    if len(found) * len(study.seeds) > MOST_RUNS:
        said = f"{len(found):,} nets over {len(study.seeds):,} seeds: {MOST_RUNS:,} runs at most"
        raise study.wrong("E004", said, ("grid",), "take fewer values")
    need_comparable(study, found)
    return found


_AnyNet = TypeVar("_AnyNet", bound=StudyNet)


def baseline(study: Study, found: Sequence[_AnyNet]) -> _AnyNet:
    """The net that the others are compared with."""
    name = study.file.baseline
    return next((point for point in found if point.name == name), found[0])


def jobs(study: Study, found: Sequence[PlannedNet]) -> list[Job]:
    """The runs: seed by seed, so that a study that is stopped has whole comparisons."""
    return [
        job(study, point, seed) for seed in study.seeds for point in found
    ]


def job(study: Study, point: StudyNet, seed: int) -> Job:
    """The run of one net with one seed."""
    overrides = (*point.overrides, f"train.seed={seed}")
    minutes = study.file.minutes
    return Job(point.name, seed, point.reference, overrides, minutes)


def files(study: Study) -> list[Path]:
    """The files of a study's nets, of which none is read for this; the zoo's are left out."""
    specs = study.file.specs
    found = [locate(reference, study.folder) for reference in specs]
    return [one.path for one in found if not one.zoo]


def references(study: Study) -> list[tuple[str, str]]:
    """The nets by their names: (name, SPEC). Paths begin at the study's folder."""
    nets, written = study.file.nets, study.file.specs
    if isinstance(nets, Nets):
        written = _of_file(study, nets)
    if not written:
        raise study.wrong(
            "E022", "`nets` is empty", ("nets",), "name a SPEC"
        )
    found = []
    for place, name in enumerate(written):
        with _at(study, "nets", place):
            found.append((name, _beside(study, name)))
    # `net.yaml` and `./net.yaml` are one
    if len({reference for _, reference in found}) < len(found):
        raise study.wrong(
            "E022", "a net is listed twice", ("nets",), "each counts once"
        )
    return found


def _of_file(study: Study, nets: Nets) -> list[str]:
    """The variants of a file that a study chooses, all where it names none."""
    known = _variants(study, nets.file)
    for place, name in enumerate(nets.variants or ()):
        if name not in known:
            said = f"`{nets.file}` has no variant `{name}`"
            hint = f"it has {', '.join(known)}" if known else "it has none"
            raise study.wrong(
                "E022", said, ("nets", "variants", place), hint
            )
    if nets.variants is None and not known:
        return [nets.file]
    chosen = known if nets.variants is None else nets.variants
    return [f"{nets.file}::{name}" for name in chosen]


def _variants(study: Study, file: str) -> list[str]:
    with _at(study, "nets", "file"):
        return variants_of(read_file(locate(_beside(study, file)).path)[0])


def _beside(study: Study, reference: str) -> str:
    """A SPEC as the study's folder knows it; a net of the zoo is one everywhere."""
    found = locate(reference, study.folder)
    if found.zoo:
        return reference
    return str(found.path) + (f"::{found.variant}" if found.variant else "")


def _gridded(
    study: Study, named: list[tuple[str, str]]
) -> Iterator[PlannedNet]:
    """Every net with every combination of the grid."""
    grid = study.file.grid
    known: set[str] = set()
    for place, (name, reference) in enumerate(named):
        for chosen in product(*grid.values()):
            values = dict(zip(grid, chosen, strict=True))
            sets, label = _sets(values), _label(values)
            plan = _load(study, reference, sets, place)
            full = f"{_short(name)} {label}".strip()
            if full in known:  # two files may have a variant of one name
                full = f"{name} {label}".strip()
            known.add(full)
            yield _point(study, full, reference, sets, plan)


def _short(reference: str) -> str:
    """`a/net.yaml::v` → `v`, `a/net.yaml` → `net`."""
    return PurePath(reference.rpartition("::")[2]).name.removesuffix(
        ".yaml"
    )


def space_of(study: Study) -> str:
    """The net that `sample` or `search` varies. Raises `SpecError` where there are several."""
    named = references(study)
    if len(named) != 1:
        said = "a space is drawn from one net"
        raise study.wrong("E022", said, ("nets",), "name one net")
    return named[0][1]


def _drawn(study: Study, sample: Sample) -> Iterator[PlannedNet]:
    """As many nets as a sample wants, each once, drawn with its seed."""
    reference, holds = space_of(study), condition(study, sample)
    generator = random.Random(sample.seed)
    found: set[tuple[str, ...]] = set()
    problem: SpecError | None = None
    for _ in range(_TRIES * sample.n):
        if len(found) == sample.n:
            return
        values = {
            path: choice.draw(generator)
            for path, choice in study.choices.items()
        }
        point = drawn_point(study, reference, values, f"net-{len(found)}")
        if isinstance(point, SpecError):
            problem = point
        elif point.overrides not in found and holds(point.facts):
            found.add(point.overrides)
            yield point
    if problem and not found:
        raise problem
    if len(found) < sample.n:
        said = f"only {len(found)} of {sample.n} nets were found"
        hint = "widen `over`, or ask less with `where`"
        raise study.wrong("E022", said, ("sample", "n"), hint)


def drawn_point(
    study: Study, reference: str, values: dict[str, Any], name: str
) -> PlannedNet | SpecError:
    """The net at a place of a space, or why the values there make none, which a space may have.
    Raises `SpecError` where a path of the space names nothing."""
    sets = _sets(values)
    try:
        plan = _load(study, reference, sets)
    except SpecError as problem:
        if any(found.code == "E065" for found in problem.diagnostics):
            raise
        return problem
    return _point(study, name, reference, sets, plan)


def condition(study: Study, space: Sample | Search) -> Condition:
    """What `where` asks of a net; nothing where it does not stand."""
    where = space.where
    if where is None:
        return lambda facts: True
    key = "sample" if space is study.file.sample else "search"
    with _at_where(study, key):
        holds = parse_condition(where)

    def asked(facts: Mapping[str, int]) -> bool:
        with _at_where(study, key):
            return holds(facts)

    return asked


@contextmanager
def _at_where(study: Study, key: str) -> Iterator[None]:
    """Says of a condition that has no value where it is written; of some it is known only when a
    net is asked, as of a division by what a net happens to have."""
    try:
        yield
    except ValueError as error:
        hint = "write `macs < 1e8 and params < 2e6`"
        raise study.wrong(
            "E022", str(error), (key, "where"), hint
        ) from None


def _point(
    study: Study, name: str, reference: str, sets: list[str], plan: Plan
) -> PlannedNet:
    facts = attributes(plan, FACTS)
    return PlannedNet(name, reference, _overrides(study, sets), facts, plan)


def _overrides(study: Study, sets: list[str]) -> tuple[str, ...]:
    """What a run has set: what all have, what is its own, and the budget."""
    budget, length = study.file.budget, []
    if budget and budget.epochs is not None:
        length = [
            "train.iterations=none",
            f"train.epochs={budget.epochs:g}",
        ]
    elif budget and budget.steps is not None:
        length = ["train.epochs=none", f"train.iterations={budget.steps}"]
    return (*_sets(study.file.set), *sets, *length)


def _load(
    study: Study, reference: str, sets: list[str], place: int = 0
) -> Plan:
    """A plan that holds together and has a recipe; what the study sets wrongly is said at its
    place there."""
    try:
        with _at(study, "nets", place):
            spec = study.files.spec(reference, _overrides(study, sets))
            plan = plan_of_file(spec)
    except SpecError as problem:
        raise SpecError(
            _at_study(study, one) for one in problem.diagnostics
        ) from None
    if not isinstance(plan.spec.train, Train):
        said = f"{plan.name} has no `train:`"
        raise study.wrong(
            "E021", said, ("nets",), "write `set: {train: digits}`"
        )
    broken = plan.unmet()
    if broken:
        raise SpecError(broken)
    return plan


@contextmanager
def _at(study: Study, *keys: str | int) -> Iterator[None]:
    """Says of what cannot be read where the study names it."""
    try:
        yield
    except UsageError as problem:
        raise study.wrong("E022", str(problem), keys, "") from None
    except SpecError as problem:
        place = study.place(*keys)
        raise SpecError(
            replace(found, span=found.span or place)
            for found in problem.diagnostics
        ) from None


def _at_study(study: Study, found: Diagnostic) -> Diagnostic:
    """A mistake of an override at the key of the study that sets it."""
    span = found.span
    if span is None or not span.source.is_override:
        return found
    path = span.source.text.partition(":")[0].strip()
    homes = [
        ("set", path),
        ("grid", path),
        ("sample", "over", path),
        ("search", "over", path),
    ]
    home = next(
        (
            keys
            for keys in homes
            if study.place(*keys) != study.place(*keys[:-1])
        ),
        ("budget",),
    )
    return replace(
        found,
        span=study.place(*home),
        edits=(),
        guess=None,
    )


def _sets(values: Mapping[str, Any]) -> list[str]:
    """Values by their paths as overrides."""
    return [f"{path}={_written(value)}" for path, value in values.items()]


def _written(value: Any, *, nested: bool = False) -> str:
    """A value as a spec writes it: text that would be read as something else, in quotes."""
    if isinstance(value, str):
        return text_of(value, nested=nested)
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{k}: {_written(v, nested=True)}" for k, v in value.items()
            )
            + "}"
        )
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(v, nested=True) for v in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _label(values: dict[str, Any]) -> str:
    """`lr=0.1`: each path by its last word, or as much of it as tells it from the others."""
    parts = []
    for path, value in values.items():
        words = path.split(".")
        ends = [other.split(".") for other in values if other != path]
        size = next(
            (
                n
                for n in range(1, len(words))
                if all(e[-n:] != words[-n:] for e in ends)
            ),
            len(words),
        )
        parts.append(f"{'.'.join(words[-size:])}={_written(value)}")
    return " ".join(parts)


def need_comparable(study: Study, found: Sequence[PlannedNet]) -> None:
    """Nets that are compared have their baseline among them, see the same images, as many of them,
    and are as large where that is asked for. Raises `SpecError`."""
    _need_baseline(study, found)
    base = baseline(study, found)
    for point in found:
        if point.train.data != base.train.data:
            said = f"{point.name} is trained on other data than {base.name}"
            raise study.wrong(
                "E022", said, ("nets",), "write `set: {train.data: …}`"
            )
        if not study.file.budget and _length(point.train) != _length(
            base.train
        ):
            two = f"{_length(point.train)} and {_length(base.train)}"
            said = (
                f"{point.name} and {base.name} have unequal budgets: {two}"
            )
            raise study.wrong(
                "E022", said, ("nets",), "write `budget: {epochs: …}`"
            )
    _need_equal_size(study, found, base)


def _need_baseline(study: Study, found: Sequence[PlannedNet]) -> None:
    name = study.file.baseline
    if name is not None and name not in each_name(found):
        hint = f"the nets are {', '.join(each_name(found[:20]))}"
        said = f"no net of the study is called `{name}`"
        raise study.wrong("E022", said, ("baseline",), hint)


def _need_equal_size(
    study: Study, found: Sequence[PlannedNet], base: PlannedNet
) -> None:
    for fact, share in (
        study.file.match.shares() if study.file.match else {}
    ).items():
        for point in found:
            mine, other = point.facts[fact], base.facts[fact]
            if abs(mine - other) > share * other:
                far = f"{abs(mine - other) / max(other, 1):.1%}"
                said = f"{point.name} has {mine:,} {fact}, {far} from {base.name}'s {other:,}"
                hint = "make the nets as large as one another, or widen `match`"
                raise study.wrong("E022", said, ("match", fact), hint)


def _length(train: Train) -> str:
    return f"{value_text(train.length)} {train.unit} of batch {train.batch}"

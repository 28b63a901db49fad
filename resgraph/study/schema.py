"""The keys of a study and what each may hold, as records; a mistake becomes a diagnostic at its
place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, field
from msgspec.structs import asdict

from ..errors import Source, Span, SpecError, fault
from ..language.diagnose.keys import locate as place_of
from ..language.diagnose.keys import refused
from ..language.overrides import is_path
from ..language.recipe import Train
from ..language.record import (
    Info,
    Record,
    Validator,
    belongs,
    path_of,
    validator,
)
from ..language.spec import SpecFiles
from ..language.yaml.reader import open_source
from ..language.yaml.tree import Mapping
from ..structs import Frozen
from .reading import read_record
from .space import Choices, parse_choices

MOST_SEEDS = 1000
MOST_RUNS = 100_000
"""Of one study: more is a mistake in its grid."""
_SEED = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_MEASURE = re.compile(
    r"(?P<part>validation|training) (?P<score>error|loss)"
    r"(?: (?:at the end|at its (?P<best>best)|over the last (?P<last>[1-9]\d{0,3})"
    r" evaluations))?"
)
_LENGTHS = frozenset(["train.epochs", "train.iterations"])
_PERCENT = re.compile(r"\d+(\.\d+)? ?%")


class Measure(Frozen):
    """Which number of a run counts, said before anything runs. `last` is how many evaluations it is
    the mean of; 0 means the best one."""

    part: Literal["validation", "train"]
    score: str
    last: int

    def __str__(self) -> str:
        ends = {0: "at its best", 1: "at the end"}
        last = ends.get(self.last, f"over the last {self.last} evaluations")
        return f"{self.name} {last}"

    @property
    def name(self) -> str:
        """`validation error`, wherever it is read."""
        return f"{'training' if self.part == 'train' else self.part} {self.score}"

    @property
    def unit(self) -> str:
        """`%` of an error."""
        return " %" if self.score == "error" else ""


def parse_measure(text: str) -> Measure:
    """`validation error`, `training loss at its best`, `validation error over the last 5
    evaluations`."""
    found = _MEASURE.fullmatch(" ".join(text.split()))
    if found is None:
        raise refused(
            f"`{text}` is nothing that a run measures",
            "write `validation error`, and where it is read: `at the end`, `at its best`,"
            " `over the last 5 evaluations`",
        )
    last = 0 if found["best"] else int(found["last"] or 1)
    part: Literal["validation", "train"] = (
        "train" if found["part"] == "training" else "validation"
    )
    return Measure(part, found["score"], last)


class Nets(Record):
    """Variants of one file."""

    file: str
    """The spec of the variants; nets of several files are a list, `nets: [a.yaml, b.yaml]`."""
    variants: list[str] | None = None
    """Those that are compared; all where they are not named."""

    @classmethod
    def home_of(cls, key: str) -> str:
        """What a name for a net is written as."""
        return (
            "nets are named by files or variants; those that differ in a setting are a `grid`:"
            " `grid: {train.optimizer.lr: [0.05, 0.1]}`"
        )


class Sample(Record):
    """Nets drawn at random from a space."""

    n: Annotated[int, Meta(ge=1, le=MOST_RUNS)]
    """How many nets are drawn."""
    over: dict[str, Any]
    """The values of each path."""
    seed: _SEED = 0
    """Random seed of the draw."""
    where: str | None = None
    """What holds for every net: `macs < 1e8 and params < 2e6`."""


class Search(Record):
    """A search by Optuna, where a grid is too large."""

    trials: Annotated[int, Meta(ge=1, le=MOST_RUNS)]
    """How many nets are trained."""
    over: dict[str, Any]
    """The values of each path."""
    sampler: Literal["tpe", "random"] = "tpe"
    prune: bool = False
    """Stop a trial early whose mean over seeds falls behind the median's."""
    seed: _SEED = 0
    """Random seed of the sampler."""
    where: str | None = None
    """What holds for every net."""


class Budget(Record):
    """What every run may use."""

    epochs: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    steps: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    minutes: Annotated[float, Meta(gt=0, le=10**6)] | None = None
    """Not reproducible to the byte: the table says the steps reached."""

    def __str__(self) -> str:
        """`12 epochs`."""
        return " ".join(
            f"{value:g} {key.removesuffix('s') if value == 1 else key}"
            for key, value in asdict(self).items()
            if value is not None
        )

    def __post_init__(self) -> None:
        said = [
            key for key, value in asdict(self).items() if value is not None
        ]
        if len(said) != 1:
            raise refused(
                "a budget is one of `epochs`, `steps` and `minutes`",
                "write `budget: {epochs: 12}`",
            )


def _percent(value: Any, _: Info) -> Any:
    if value is not None and not _PERCENT.fullmatch(str(value)):
        raise refused(f"`{value}` is no percentage", "write `params: 5 %`")
    return value


_Percentage = Annotated[str | None, Validator(_percent, before=True)]


class MatchRule(Record):
    """What must be equal among the nets, within a share of the baseline's."""

    params: _Percentage = None
    macs: _Percentage = None

    def shares(self) -> dict[str, float]:
        """`{"params": 0.05}`."""
        return {
            key: float(value.rstrip(" %")) / 100
            for key, value in asdict(self).items()
            if value
        }


class StudyFile(Record):
    """The keys of a study."""

    study: Annotated[str, Meta(min_length=1, max_length=200)]
    """Its title."""
    about: str = ""
    nets: str | list[str] | Nets
    """What is compared: a SPEC, several, or `{file: net.yaml, variants: [a, b]}`."""
    baseline: str | None = None
    """The net that the others are compared with; the first where none is named."""
    set: dict[str, Any] = {}
    """What all runs have set, by its path: `{train.batch: 64}`."""
    grid: dict[str, list[Any]] = {}
    """Values of a path, each of them with each of the others: `{train.optimizer.lr: [0.05,
    0.1]}`."""
    sample: Sample | None = None
    search: Search | None = None
    seeds: int | list[_SEED] = 3
    """How many, from 0, or which. A seed gives every net the same order of images and the same
    augmentation."""
    budget: Budget | None = None
    match: MatchRule | None = None
    measure: str = "validation error"
    """What is compared, and where a run is read: `at the end` (default), `at its best`, `over the
    last 5 evaluations`."""

    COMMAND = "sweep"

    @classmethod
    def home_of(cls, key: str) -> str:
        """Where a key of a budget or of the nets' recipe is written, or what the command says."""
        if key in Budget.__struct_fields__:
            return belongs("budget", key)
        scope, _, _ = key.partition(".")
        inner = () if scope == "train" else path_of(key, Train)
        # a study has seeds of its own
        if scope != "train" and inner in ((), ("seed",)):
            return super().home_of(key)
        path = ".".join(["train", *inner]) if inner else key
        return f"`set` says it of all runs, `grid` compares values: `set: {{{path}: …}}`"

    @validator("measure")
    @staticmethod
    def _measured(value: str, _: Info) -> str:
        return str(parse_measure(value))

    @validator("seeds")
    @staticmethod
    def _some_seeds(value: int | list[int], _: Info) -> int | list[int]:
        count = len(value) if isinstance(value, list) else value
        if not 1 <= count <= MOST_SEEDS:
            raise refused(
                f"{count} seeds: at least 1 and at most {MOST_SEEDS:,}"
            )
        if isinstance(value, list) and len(set(value)) < count:
            raise refused("a seed is listed twice", "each counts once")
        return value

    @validator("grid")
    @staticmethod
    def _some_values(
        value: dict[str, list[Any]], _: Info
    ) -> dict[str, list[Any]]:
        for path, values in value.items():
            if not values:
                raise refused(f"`{path}` has no values", inner=path)
            if len({*map(repr, values)}) < len(values):
                raise refused(
                    f"`{path}` lists a value twice",
                    "each counts once",
                    inner=path,
                )
        return value

    def __post_init__(self) -> None:
        ways = [
            key
            for key in ("grid", "sample", "search")
            if getattr(self, key)
        ]
        if len(ways) > 1:
            text = "`grid` lists nets, `sample` draws them and `search` finds them: say one"
            raise refused(text, inner=ways[1])
        said = {"set": self.set, "grid": self.grid}
        for key, paths in {**said, **self.spaces}.items():
            for path in paths:
                if not is_path(path):
                    raise refused(
                        f"`{path}` is no path of a spec",
                        "write names with dots between them, as `let.e`; `variants` are applied"
                        " before",
                        inner=key,
                    )
            if "train.seed" in paths:
                raise refused(
                    "`train.seed` is what `seeds` sets", inner=key
                )
            if self.budget and (length := _LENGTHS & paths.keys()):
                text = f"`budget` and `{min(length)}` both say how long a run is"
                raise refused(text, inner=key)

    @property
    def specs(self) -> list[str]:
        """The nets as they are named; of variants, their file."""
        nets = self.nets.file if isinstance(self.nets, Nets) else self.nets
        return [nets] if isinstance(nets, str) else nets

    @property
    def minutes(self) -> float | None:
        """How long a run may take, where the budget is one of time."""
        return self.budget.minutes if self.budget else None

    @property
    def spaces(self) -> dict[str, dict[str, Any]]:
        """The values that `sample` or `search` draws from, by path."""
        given = {"sample": self.sample, "search": self.search}
        return {key: space.over for key, space in given.items() if space}


class Study(Frozen, eq=False):
    """A study as it was written."""

    source: Source
    tree: Mapping
    file: StudyFile
    folder: Path
    choices: dict[str, Choices]
    """The values of each path that `sample` or `search` draws from."""
    files: SpecFiles = field(default_factory=SpecFiles)

    @property
    def seeds(self) -> list[int]:
        """0 to n - 1 where only their number is said."""
        said = self.file.seeds
        return list(range(said)) if isinstance(said, int) else said

    @property
    def measure(self) -> Measure:
        """Which number of a run counts."""
        return parse_measure(self.file.measure)

    def place(self, *keys: str | int) -> Span:
        """Where a value is written, or the nearest outer one."""
        return place_of(self.tree, keys)[0]

    def wrong(
        self, code: str, said: str, keys: tuple[str | int, ...], hint: str
    ) -> SpecError:
        """A mistake at a place of the study."""
        return fault(code, said, self.place(*keys), hint).spec_error()


def load_study(path: Path) -> Study:
    """The study in a file. Raises `SpecError` with every mistake in it that needs no net to be
    seen."""
    return study_of(open_source(path), path.parent)


def study_of(source: Source, folder: Path) -> Study:
    """As `load_study`, of a text; `folder` is where paths begin."""
    tree, file = read_record(source, StudyFile)
    choices: dict[str, Choices] = {}
    study = Study(source, tree, file, folder, choices)
    hint = "write a list, `16..64`, `16..64 step 8` or `0.01..1 log`"
    for key, over in file.spaces.items():
        for name, written in over.items():
            try:
                choices[name] = parse_choices(written)
            except ValueError as error:
                place = (key, "over", name)
                raise study.wrong("E022", str(error), place, hint) from None
    return study

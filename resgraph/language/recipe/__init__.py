"""The `train:` key of a spec (a recipe's name, or a mapping over one) → `Train`, a validated
record.

A recipe is plain YAML in `library/recipes`; whoever names one may override it key by key. Lengths
(`at`, `length`) count what the run counts: `epochs: 100` makes them epochs, `iterations: 64_000`
iterations, as the papers do. Where a recipe is named and given another length, those that it has
itself are stretched with it and count what the new length counts; those that are written beside its
name are taken as written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from ...ops.base import number_text
from ..diagnose.nearest import did_you_mean
from ..yaml.limits import LIMITS
from ..yaml.scalars import read_plain
from .augment import Augment
from .base import Count, Off, Record, Seed, Share, off
from .data import Data
from .errors import (
    Mistake,
    beyond_the_end,
    error_of,
    in_plain_words,
    record_at,
    refused,
    unquoted,
)
from .steps import (
    Constant,
    Ema,
    Hold,
    Optimizer,
    Progressive,
    Ramp,
    Schedule,
    Steps,
    Warmup,
)
from .stretch import LENGTHS, stretched

TAGS: Mapping[str, str] = {
    "data": "set",
    "optimizer": "name",
    "schedule": "kind",
    "warmup": "kind",
    "crop": "kind",
}
"""The key that says which of several records a mapping is; `schedule: cosine` is short for
`schedule: {kind: cosine}`."""


class Train(Record):
    """How a net is trained. `batch` counts the images of one optimizer step over all processes and
    accumulations.
    """

    about: str = ""
    """One line on where the recipe comes from."""
    data: Data
    """The data set, by its `set`."""
    augment: Augment = Augment()
    """Data augmentation of the training images."""
    normalize: Literal["per-channel", "per-pixel", "scale"] = "per-channel"
    """Mean 0 and deviation 1 in each channel (`per-channel`), minus the mean image (`per-pixel`),
    or only scaled to [0, 1] (`scale`); measured on training images."""
    epochs: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Length of the run, in epochs. A recipe has `epochs` or `iterations`."""
    iterations: Count | None = None
    """Length of the run, in optimizer steps."""
    batch: Annotated[int, Field(ge=1, le=1_000_000)]
    """Images of one optimizer step, over all processes and accumulations."""
    accumulate: Annotated[int, Field(ge=1, le=4096), Off(1)] = 1
    """Forward and backward passes of one optimizer step (gradient accumulation)."""
    optimizer: Optimizer
    """The optimizer, by its `name`."""
    schedule: Schedule = Constant()
    """The learning rate schedule, by its `kind`."""
    warmup: Warmup | None = None
    """Learning rate warm-up, by its `kind`."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    clip: Annotated[float, Field(gt=0, le=10**6)] | None = None
    """Largest norm of the gradient (gradient clipping)."""
    ema: Ema | None = None
    """Exponential moving average of the weights."""
    progressive: Progressive | None = None
    """Smaller images first."""
    sync_bn: bool = False
    """SyncBatchNorm: batch statistics over all processes."""
    evaluate_every: Count = 1
    """Epochs between evaluations."""
    seed: Seed = 0
    """Random seed of the initial weights, the order of the images and the augmentation."""

    @field_validator("iterations")
    @classmethod
    def _one_length(cls, value: int | None, info: Any) -> int | None:
        if value is not None and info.data.get("epochs") is not None:
            raise refused(
                "the run has a length in `epochs` already: say one of the two"
            )
        return value

    @field_validator("batch")
    @classmethod
    def _some_length(cls, value: int, info: Any) -> int:
        if (
            "epochs" in info.data
            and "iterations" in info.data
            and not (info.data["epochs"] or info.data["iterations"])
        ):
            raise refused("the run has no length: say `epochs` or `iterations`")
        return value

    @field_validator("accumulate")
    @classmethod
    def _whole_parts(cls, value: int, info: Any) -> int:
        batch = info.data.get("batch", value)
        if batch % value:
            raise ValueError(
                f"a batch of {batch} cannot be cut into {value} equal parts"
            )
        return value

    @field_validator("schedule", "warmup")
    @classmethod
    def _within_the_run(cls, value: Any, info: Any) -> Any:
        whole = info.data.get("epochs") or info.data.get("iterations")
        places = (
            value.at
            if isinstance(value, Steps)
            else (value.length,)
            if isinstance(value, Ramp | Hold)
            else ()
        )
        if whole is not None and places and places[-1] >= whole:
            raise beyond_the_end(
                info.field_name,
                places,
                whole,
                "epochs" if info.data.get("epochs") else "iterations",
            )
        return value

    @property
    def unit(self) -> Literal["epochs", "iterations"]:
        """What the lengths of the schedule and the warm-up count."""
        return "epochs" if self.epochs is not None else "iterations"

    @property
    def length(self) -> float:
        """The length of the run, in `unit`."""
        return self.epochs if self.epochs is not None else float(self.iterations or 0)

    def document(self) -> dict[str, Any]:
        """The record as a mapping that `resolve_train` reads back to an equal record: no names, no
        defaults left out."""
        return self.model_dump(mode="json", exclude_none=True)


def recipe_names() -> tuple[str, ...]:
    """The named recipes, sorted."""
    files = (resources.files("resgraph") / "library" / "recipes").iterdir()
    return tuple(
        sorted(
            file.name.removesuffix(".yaml")
            for file in files
            if file.name.endswith(".yaml")
        )
    )


def recipe_text(name: str) -> str:
    """The YAML of a named recipe, comments included."""
    return (
        resources.files("resgraph") / "library" / "recipes" / f"{name}.yaml"
    ).read_text(encoding="utf-8")


def resolve_train(value: str | Mapping[str, Any]) -> Train:
    """`train: digits`, or `train: {recipe: digits, epochs: 20}`, as a whole record.

    Mappings merge key by key; one that changes its kind (`data.set`, `schedule.kind`, …) replaces
    whole; the word `none` turns a key off, or takes it away. Another `epochs` or `iterations` than
    the named recipe's stretches the recipe's own `schedule.at` and `warmup.length`; a mapping that
    names no recipe is taken as written.

    Raises pydantic's `ValidationError`; each `loc` is a path of keys as a user writes them (no
    union tags), and names the key itself where it is unknown, the mapping where a key is
    missing."""
    written = {"recipe": value} if isinstance(value, str) else dict(value)
    wrong: list[Mistake] = []
    merged = _resolved(written, wrong)
    try:
        train = Train.model_validate_json(json.dumps(merged))
    except ValidationError as error:
        if not unquoted(error, merged, TAGS):
            lender = (
                ""
                if any(key in written for key in LENGTHS)
                else str(written.get("recipe", ""))
            )
            raise error_of(
                [*wrong, *in_plain_words(error, merged, Train, TAGS, lender)]
            ) from None
        train = resolve_train(merged)
    if wrong:
        raise error_of(wrong)
    return train


def _resolved(value: Mapping[str, Any], wrong: list[Mistake]) -> dict[str, Any]:
    """The mapping laid over the recipe that it names, which may itself name one; `wrong` gathers
    what cannot be."""
    own = {
        key: _counted(item) if key in LENGTHS else item
        for key, item in value.items()
        if key != "recipe"
    }
    if "recipe" not in value:
        return _merge({}, own, wrong)
    name, names = value["recipe"], recipe_names()
    if name not in names:
        hint = did_you_mean(str(name), names) or f"known: {', '.join(names)}"
        raise error_of(
            [Mistake(("recipe",), f"no recipe is called `{name}`", name, hint)]
        )
    text = recipe_text(name)
    return _merge(stretched(_resolved(yaml.safe_load(text), wrong), own), own, wrong)


def _counted(length: Any) -> Any:
    """A length in quotes as the number that it is: what it stretches is stretched before anything
    is validated."""
    number = read_plain(length, LIMITS.digits) if isinstance(length, str) else None
    return (
        number
        if isinstance(number, int | float) and not isinstance(number, bool)
        else length
    )


def _merge(
    base: Mapping[str, Any], over: Mapping[str, Any], wrong: list[Mistake],
    at: tuple[str, ...] = (), place: tuple[str, ...] = (),
) -> dict[str, Any]:  # fmt: skip
    """`over` laid over `base`, both at a `place` of a recipe; in `at` the tag of a union stands
    behind its key."""
    merged = dict(base)
    for key, item in over.items():
        tag = TAGS.get(key)
        if item == "none":
            record = record_at(Train, at, TAGS)
            if key not in record.model_fields or (place and key == TAGS.get(place[-1])):
                merged[key] = item  # refused later, as any other unknown key, or kind
                continue
            merged.pop(key, None)
            if (value := off(record, key)) is ...:
                wrong.append(_cannot_be_none(record, (*place, key)))
            elif value is not None:
                merged[key] = value
            continue
        if tag and isinstance(item, str):
            item = {tag: item}
        before = merged.get(key)
        if not isinstance(item, Mapping):
            merged[key] = item
            continue
        below = before if isinstance(before, Mapping) else {}
        kind = item.get(tag, below.get(tag)) if tag else None
        if tag and kind != below.get(tag):
            below = {}
        merged[key] = _merge(
            below,
            item,
            wrong,
            (*at, key, str(kind)) if tag else (*at, key),
            (*place, key),
        )
    given = [key for key in LENGTHS if over.get(key, "none") != "none"]
    if len(given) == 1:  # in place of the recipe's own
        merged = {
            key: item
            for key, item in merged.items()
            if key not in LENGTHS or key in given
        }
    return merged


def _cannot_be_none(record: type[BaseModel], place: tuple[str, ...]) -> Mistake:
    """The mistake of a `none` where nothing is off."""
    default = record.model_fields[place[-1]].default
    said = f"`{place[-1]}` has no `none`"
    if default is None:
        return Mistake(
            place, said, "none", "write a number, or leave it out: then the net decides"
        )
    numbers = (
        [number_text(part) for part in default] if isinstance(default, tuple) else []
    )
    shown = f"[{', '.join(numbers)}]" if numbers else default
    return Mistake(
        place, said, "none", f"write a value: `{place[-1]}: {shown}` is the default"
    )

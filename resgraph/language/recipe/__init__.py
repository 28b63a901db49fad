"""The `train:` key of a spec (a recipe's name, or a mapping over one) → `Train`, a validated
record.

A recipe is plain YAML in `library/recipes`; whoever names one may override it key by key. Lengths
(`at`, `length`) count what the run counts: `epochs: 100` makes them epochs, `iterations: 64_000`
iterations, as the papers do. Where a recipe is named and given another length, those that it has
itself are stretched with it and count what the new length counts; those that are written beside its
name are taken as written."""

import json
from collections.abc import Mapping
from functools import cache, reduce
from importlib import resources
from operator import getitem
from typing import Annotated, Any, Literal

import yaml
from msgspec import Meta, to_builtins

from ...collecting import without_keys
from ...ops.base import number_text
from ...structs import fields
from ..diagnose.keys import Mistake, mistakes, path_in, refused
from ..diagnose.nearest import near_or_all
from ..reading import read
from ..record import (
    TAGS,
    Info,
    Record,
    WrongRecord,
    belongs,
    path_of,
    record_at,
    validator,
)
from ..yaml.reader import LOADER
from ..yaml.scalars import number_in
from .augment import Augment
from .base import NO_OFF, Count, Off, RateFactor, Seed, Share, off
from .data import Data
from .start import (
    Measured,
    Normalize,
    Parts,
    Rates,
    StartingWeights,
    Whiten,
    WrittenWeights,
)
from .steps import (
    Constant,
    Ema,
    Optimizer,
    Progressive,
    Schedule,
    Steps,
    Warmup,
)
from .stretch import LENGTHS, fitting, stretched
from .target import LABEL, AnyGoal


class WrongRecipe(ValueError):
    """A recipe that cannot be, with all that is wrong with it."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes


class Train(Record):
    """How a net is trained. `batch` counts the images of one optimizer step over all processes and
    accumulations.
    """

    about: str = ""
    """One line on where the recipe comes from."""
    data: Data
    """The data set, by its `set`."""
    target: Annotated[AnyGoal, NO_OFF] = LABEL
    """What the net learns to say of each image, by its `kind`: loss and score follow."""
    weights: WrittenWeights | None = None
    """Weights to start from: a file, relative to the spec (.safetensors, .pth), a run,
    `hf-hub:OWNER/NAME` or `torchvision:NAME`."""
    freeze: Parts = ()
    """Rows, blocks, paths or modules whose weights and running statistics stay as they are;
    `all but head` names what learns."""
    rates: Rates | None = None
    """Factors of the learning rate, by depth and by name."""
    whiten: Whiten | None = None
    """A first convolution that whitens patches of the training images."""
    sampling: Literal["balanced"] | None = None
    """`balanced` draws each class as often as any other in an epoch, which has as many images as
    ever: those of a rare class come again, changed anew, and of a common one some do not come."""
    augment: Augment = Augment()
    """Data augmentation of the training images."""
    normalize: Normalize = None
    """Mean 0 and deviation 1 in each channel (`per-channel`, also `measured`), minus the mean image
    (`per-pixel`), or only scaled to [0, 1] (`scale`), measured on training images; as `weights` or
    their model card say it, as `imagenet`, or as written. By default `weights` where they say it,
    else `per-channel`."""
    epochs: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    """Length of the run, in epochs. A recipe has `epochs` or `iterations`."""
    iterations: Count | None = None
    """Length of the run, in optimizer steps."""
    batch: Annotated[int, Meta(ge=1, le=1_000_000)]
    """Images of one optimizer step, over all processes and accumulations."""
    accumulate: Annotated[int, Meta(ge=1, le=4096), Off(1)] = 1
    """Forward and backward passes of one optimizer step (gradient accumulation)."""
    optimizer: Optimizer
    """The optimizer, by its `name`."""
    schedule: Schedule = Constant()
    """The learning rate schedule, by its `kind`."""
    warmup: Warmup | None = None
    """Learning rate warm-up, by its `kind`."""
    loss: (
        Annotated[
            dict[str, RateFactor],
            Meta(min_length=1),
        ]
        | None
    ) = None
    """How much the loss of each output counts, by row; else only the first output's does."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    clip: Annotated[float, Meta(gt=0, le=10**6)] | None = None
    """Largest norm of the gradient (gradient clipping)."""
    ema: Ema | None = None
    """Exponential moving average of the weights."""
    progressive: Progressive | None = None
    """Smaller images first."""
    sync_bn: bool = False
    """SyncBatchNorm: batch statistics over all processes."""
    evaluate_every: Count = 1
    """Epochs between evaluations."""
    views: Literal["mirror", "mirror-shift"] | None = None
    """Views of a validation image over which outputs are averaged (test-time augmentation): it and
    its mirror image, or with `mirror-shift` these and both shifted by a pixel, to either corner."""
    patience: Count | None = None
    """Evaluations without a lower validation error after which the run ends (early stopping)."""
    keep: Annotated[Literal["last", "best"], NO_OFF] = "last"
    """`best` keeps the weights of the lowest validation error too, in best.safetensors."""
    seed: Seed = 0
    """Random seed of the initial weights, the order of the images and the augmentation."""

    @validator("iterations")
    @staticmethod
    def _one_length(value: int | None, info: Info) -> int | None:
        if value is not None and info.data.get("epochs") is not None:
            raise refused(
                "the run has a length in `epochs` already: say one of the two"
            )
        return value

    @validator("batch")
    @staticmethod
    def _some_length(value: int, info: Info) -> int:
        if (
            "epochs" in info.data
            and "iterations" in info.data
            and not (info.data["epochs"] or info.data["iterations"])
        ):
            raise refused(
                "the run has no length: say `epochs` or `iterations`"
            )
        return value

    @validator("accumulate")
    @staticmethod
    def _whole_parts(value: int, info: Info) -> int:
        batch: int = info.data.get("batch", value)
        if batch % value:
            raise ValueError(
                f"a batch of {batch} cannot be cut into {value} equal parts"
            )
        return value

    @validator("schedule", "warmup")
    @staticmethod
    def _within_the_run(value: Any, info: Info) -> Any:
        unit = "epochs" if info.data.get("epochs") else "iterations"
        whole = info.data.get(unit)
        inner = "at" if isinstance(value, Steps) else "length"
        places = getattr(value, inner, None) or ()
        places = places if isinstance(places, tuple) else (places,)
        if not whole or not places or places[-1] < whole:
            return value
        lender = f" (as in recipe `{info.context}`)" if info.context else ""
        raise refused(
            f"`{info.field_name}.{inner}`: {number_text(places[-1])} {unit} is not within the run,"
            f" which ends at {number_text(whole)} {unit}{lender}",
            f"what is written counts {unit}, as the run does: write"
            f" `{fitting(inner, len(places), whole, unit)}`",
            inner=inner,
            beyond=unit,
        )

    @classmethod
    def home_of(cls, key: str) -> str:
        """Where to write a key of one of its records, or what the command says."""
        path = path_of(key, cls)
        return super().home_of(key) or (
            belongs(*path) if len(path) == 2 else ""
        )

    @property
    def start(self) -> StartingWeights | None:
        """What it starts from."""
        if isinstance(self.weights, str):
            return StartingWeights(file=self.weights)
        return self.weights

    @property
    def frozen(self) -> tuple[str, ...]:
        """What `freeze` names."""
        return (
            (self.freeze,) if isinstance(self.freeze, str) else self.freeze
        )

    @property
    def still(self) -> tuple[str, ...]:
        """What stays as it is: what `freeze` names, and the weights that whiten."""
        white = (f"{self.whiten.layer}.weight",) if self.whiten else ()
        return (*self.frozen, *white)

    @property
    def measured(self) -> Measured:
        """How training images are measured, where nothing says their mean and deviation."""
        if self.normalize == "per-pixel" or self.normalize == "scale":
            return self.normalize
        return "per-channel"

    @property
    def unit(self) -> Literal["epochs", "iterations"]:
        """What the lengths of the schedule and the warm-up count."""
        return "epochs" if self.epochs is not None else "iterations"

    @property
    def length(self) -> float:
        """The length of the run, in `unit`."""
        return (
            self.epochs
            if self.epochs is not None
            else float(self.iterations or 0)
        )

    def document(self) -> dict[str, Any]:
        """The record as a mapping that `resolve_train` reads back to an equal record: no names, no
        defaults left out."""
        document: dict[str, Any] = _said(to_builtins(self))
        return document


def _said(value: Any) -> Any:
    """A value without the keys in it that say nothing, and with lists for tuples."""
    if isinstance(value, dict):
        return {
            key: _said(item)
            for key, item in value.items()
            if item is not None
        }
    return (
        [*map(_said, value)] if isinstance(value, tuple | list) else value
    )


@cache
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


@cache
def _recipe_json(name: str) -> str:
    """A named recipe as JSON, which is read in a hundredth of the time, and anew each time: what
    is read is changed."""
    return json.dumps(yaml.load(recipe_text(name), Loader=LOADER))


def resolve_train(value: str | Mapping[str, Any]) -> Train:
    """`train: digits`, or `train: {recipe: digits, epochs: 20}`, as a whole record.

    Mappings merge key by key; one that changes its kind (`data.set`, `schedule.kind`, …) replaces
    whole; the word `none` turns a key off, or takes it away. Another `epochs` or `iterations` than
    the named recipe's stretches the recipe's own `schedule.at` and `warmup.length`; a mapping that
    names no recipe is taken as written.

    Raises `WrongRecipe`; the `loc` of each mistake is a path of keys as a user writes them (no
    union tags), and names the key itself where it is unknown, the mapping where a key is
    missing."""
    return _named(value) if isinstance(value, str) else _written(value)


@cache
def _named(recipe: str) -> Train:
    """A named recipe as it is: many variants and files have the same one."""
    return _written({"recipe": recipe})


def _written(written: Mapping[str, Any]) -> Train:
    wrong: list[Mistake] = []
    merged = _resolved(written, wrong)
    lender = "" if written.keys() & LENGTHS else written.get("recipe", "")
    try:
        train = read(Train, merged, lender)
    except WrongRecord as error:
        if not _unquoted(error, merged):
            raise WrongRecipe(
                *wrong, *mistakes(error, merged, Train)
            ) from None
        train = _written(merged)
    if wrong:
        raise WrongRecipe(*wrong)
    return train


def _unquoted(error: WrongRecord, merged: Any) -> bool:
    """Puts numbers in `merged` for those in quotes where a number is wanted; whether there were
    any."""
    found = False
    for detail in error.mistakes:
        number = number_in(detail["input"])
        if (
            detail["type"] in ("int_type", "float_type")
            and number is not None
        ):
            *path, last = path_in(merged, detail["loc"])
            reduce(getitem, path, merged)[last] = number
            found = True
    return found


def _resolved(
    value: Mapping[str, Any], wrong: list[Mistake]
) -> dict[str, Any]:
    """The mapping laid over the recipe that it names, which may itself name one; `wrong` gathers
    what cannot be."""
    own = without_keys(value, ("recipe",))
    for key in LENGTHS & own.keys():
        # what it stretches is stretched before anything is validated
        if (number := number_in(own[key])) is not None:
            own[key] = number
    if "recipe" not in value:
        return _merge({}, own, wrong)
    name, names = value["recipe"], recipe_names()
    if name not in names:
        hint = near_or_all(str(name), names, "known:")
        raise WrongRecipe(
            Mistake(("recipe",), f"no recipe is called `{name}`", hint)
        )
    base = stretched(_resolved(json.loads(_recipe_json(name)), wrong), own)
    if any(own.get(key, "none") != "none" for key in LENGTHS):
        for key in LENGTHS:
            base.pop(key, None)
    return _merge(base, own, wrong)


def _merge(
    base: Mapping[str, Any], over: Mapping[str, Any], wrong: list[Mistake],
    place: tuple[str, ...] = (), record: type[Record] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`over` laid over `base`, both at a `place` of a recipe, where a `record` stands."""
    record = record or Train
    tag = TAGS.get(place[-1]) if place else None
    merged = dict(base)
    for key, item in over.items():
        if (
            item != "none"
            or key == tag
            or key not in record.__struct_fields__
        ):
            merged[key] = _laid_over(
                merged.get(key), item, wrong, (*place, key), record
            )
            continue
        merged.pop(key, None)
        if (value := off(record, key)) is ...:
            wrong.append(_cannot_be_none(record, (*place, key)))
        elif value is not None:
            merged[key] = value
    return merged


def _laid_over(
    below: Any,
    item: Any,
    wrong: list[Mistake],
    place: tuple[str, ...],
    record: type[Record],
) -> Any:
    """The value at a key of `record`; one that changes its kind starts from nothing."""
    tag = TAGS.get(place[-1])
    if tag and isinstance(item, str):
        item = {tag: item}
    if not isinstance(item, Mapping):
        return item
    below = below if isinstance(below, Mapping) else {}
    kind = item.get(tag, below.get(tag)) if tag else None
    if tag and kind != below.get(tag):
        below = {}
    inner = record_at(record, (place[-1], str(kind)))
    return _merge(below, item, wrong, place, inner)


def _cannot_be_none(
    record: type[Record], place: tuple[str, ...]
) -> Mistake:
    """The mistake of a `none` where nothing is off."""
    key = place[-1]
    default = fields(record)[key].default
    if isinstance(default, tuple):
        default = f"[{', '.join(map(number_text, default))}]"
    if isinstance(default, Record):
        default = getattr(default, TAGS[key])
    hint = f"write a value: `{key}: {default}` is the default"
    if default is None:
        hint = "write a number, or leave it out: then the net decides"
    return Mistake(place, f"`{key}` has no `none`", hint)

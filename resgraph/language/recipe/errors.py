"""pydantic's errors of a recipe → errors at the keys as a user writes them, each with what to write
instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from ...errors import Hint
from ...ops.base import number_text
from ..diagnose.nearest import certain, did_you_mean, meant, sure
from ..yaml.limits import LIMITS
from ..yaml.scalars import read_plain

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place of a recipe, what to do, and the value that was given."""

    loc: Location
    said: str
    value: Any
    hint: str | Hint = ""
    kind: Literal["key", "missing", "value"] = "value"
    name: str = ""  # of the key that is unknown or missing
    of: str = ""  # pydantic's type of the error


_ELSEWHERE = {
    "batch_size": "batch", "beta1": "betas", "clip_grad": "clip", "dataset": "data",
    "data_dir": "path", "decay": "weight_decay", "eta_min": "end", "gamma": "factor",
    "grad_clip": "clip", "hflip": "flip", "horizontal_flip": "flip", "learning_rate": "lr",
    "lr_schedule": "schedule", "lr_scheduler": "schedule", "max_epochs": "epochs",
    "max_iters": "iterations", "milestones": "at", "num_classes": "classes",
    "num_epochs": "epochs", "optim": "optimizer", "root": "path", "scheduler": "schedule",
    "steps": "iterations", "test_size": "test", "total_steps": "iterations",
    "train_iters": "iterations", "wd": "weight_decay",
}  # fmt: skip
_LOOSE = frozenset(["beta1", "decay", "eta_min", "num_classes", "steps", "test_size"])
"""Of these, what may mean something else, or count otherwise."""
_OPTIONS = {
    "device": "device cuda gpu gpus accelerator",
    "precision": "precision amp mixed_precision fp16 bf16 fp32 half autocast dtype",
    "compile": "compile torch_compile jit",
    "layout": "layout channels_last memory_format",
    "checkpointing": "checkpointing gradient_checkpointing activation_checkpointing recompute",
    "sharding": "sharding fsdp zero",
    "deterministic": "deterministic",
    "workers": "workers num_workers",
    "threads": "threads num_threads",
    "tensorboard": "tensorboard",
    "output": "output_dir save_dir log_dir logdir",
    "save-every": "save_every checkpoint_every save_freq",
}
"""Options of `resgraph build`, which say how a run is done and not what is learned, and what others
call them."""
_KINDS = {
    "cifar": "cifar10",
    "imagefolder": "folder",
    "imagenet": "folder",
    "multistep": "steps",
}
"""What other programs call the keys of a recipe, and its kinds."""
# CIFAR-100 is one too, and shards may hold ImageNet
_LOOSE_KINDS = frozenset(["cifar", "imagenet"])
_FOREIGN = (
    "adam nadam radam adamax adagrad adadelta adafactor adabelief rmsprop rprop lamb lars lion sgdw"
    " sgdp muon lbfgs exponential poly plateau onecycle cyclic mnist fashionmnist kmnist emnist"
    " svhn stl10 tinyimagenet places365 coco voc flowers102 food101 pets center five augmix"
    " autoaugment trivialaugment"
)
"""Optimizers, schedules, data sets and crops that resgraph has not; one letter can part them from
those it has."""


def error_of(mistakes: Iterable[Mistake]) -> ValidationError:
    """A `ValidationError` whose details have the `Mistake` in their context."""
    details = []
    for mistake in mistakes:
        text = f"the key {mistake.said}" if mistake.kind == "missing" else mistake.said
        text += f"; {mistake.hint}" if mistake.hint else ""
        error = PydanticCustomError(
            "train", "{text}", {"text": text, "mistake": mistake}
        )
        details.append(
            InitErrorDetails(type=error, loc=mistake.loc, input=mistake.value)
        )
    return ValidationError.from_exception_data("train", details)


def refused(said: str, hint: str | Hint = "") -> PydanticCustomError:
    """What a validator of ours raises where its words name their place themselves."""
    text = f"{said}; {hint}" if hint else said
    return PydanticCustomError(
        "refused", "{text}", {"text": text, "said": said, "hint": hint}
    )


def beyond_the_end(
    key: str, places: Sequence[float], whole: float, unit: str
) -> PydanticCustomError:
    """The error for a milestone or a warm-up that ends when the run does, or later; `places` are
    all of its kind."""
    inner = "at" if key == "schedule" else "length"
    said = {
        "inner": inner,
        "name": f"{key}.{inner}",
        "place": number_text(places[-1]),
        "unit": unit,
    }
    said |= {
        "whole": number_text(whole),
        "fitting": _fitting(key, len(places), whole, unit),
    }
    text = (
        "`{name}`: {place} {unit} is not within the run, which ends at {whole} {unit}"
    )
    return PydanticCustomError("beyond_the_end", text, said)


def _fitting(key: str, count: int, whole: float, unit: str) -> str:
    """As many places as were written that would do: a half and three quarters of the run, or its
    twentieth part."""
    shares = (
        [0.05]
        if key == "warmup"
        else [1 - 0.5 ** (place + 1) for place in range(min(count, 3))]
    )
    places = [
        whole * share if unit == "epochs" else max(1, round(whole * share))
        for share in shares
    ]
    texts = ", ".join(number_text(round(place, 6)) for place in places)
    return f"length: {texts}" if key == "warmup" else f"at: [{texts}]"


def in_plain_words(
    error: ValidationError,
    merged: Mapping[str, Any],
    model: type[BaseModel],
    tags: Mapping[str, str],
    lender: str = "",
) -> list[Mistake]:
    """Its mistakes with the tags of unions taken out of their places, and with words for a reader.

    `lender` is the recipe from which the run has its length.
    """
    mistakes: list[Mistake] = []
    for detail in error.errors():
        loc, value, of = (
            _untagged(detail["loc"], merged, tags),
            detail["input"],
            detail["type"],
        )
        context: dict[str, Any] = detail.get("ctx", {})
        if of == "extra_forbidden":
            name = str(loc[-1])
            hint = _instead(name, model, detail["loc"][:-1], tags)
            found = Mistake(loc, f"unknown key `{name}`", value, hint, "key", name)
        elif of == "missing":
            found = Mistake(
                loc[:-1], f"`{loc[-1]}` is missing", value, "", "missing", str(loc[-1])
            )
        elif of == "union_tag_not_found":
            tag = str(context["discriminator"]).strip("'")
            if meant_for := (
                [key for key in value if certain(str(key), [tag])]
                if isinstance(value, Mapping)
                else []
            ):
                key = str(meant_for[0])
                mistakes.append(
                    Mistake(
                        (*loc, key),
                        f"unknown key `{key}`",
                        value,
                        sure(key, [tag]),
                        "key",
                        key,
                    )
                )
                continue
            listed = f"one of {', '.join(_kinds(model, detail['loc'], tag))}"
            found = Mistake(
                loc, f"`{tag}` of `{loc[-1]}` is missing", value, listed, "missing", tag
            )
        elif of == "beyond_the_end":
            said = detail["msg"] + (f" (as in recipe `{lender}`)" if lender else "")
            way_out = (
                f"what is written counts {context['unit']}, as the run does: write"
                f" `{context['fitting']}`"
            )
            found = Mistake((*loc, context["inner"]), said, value, way_out, of=of)
        elif of == "union_tag_invalid":
            found = _no_such_kind(
                (*loc, context["discriminator"].strip("'")), context, value
            )
        elif of == "refused":
            found = Mistake(loc, context["said"], value, context["hint"], of=of)
        else:
            said = str(context["error"]) if of == "value_error" else detail["msg"]
            found = Mistake(
                loc,
                said[:1].lower() + said[1:],
                value,
                word_meant(of, context, value),
                of=of,
            )
        mistakes.append(found)
    return mistakes


def word_meant(of: str, context: Mapping[str, Any], value: Any) -> Hint:
    """The word that was meant by a value that is none of those that a key takes."""
    known = (
        re.findall(r"'([^']+)'", context.get("expected", ""))
        if of == "literal_error"
        else []
    )
    known = ["true", "false"] if of == "bool_type" else known
    return sure(value, known) if isinstance(value, str) else Hint()


def unquoted(error: ValidationError, merged: Any, tags: Mapping[str, str]) -> bool:
    """Puts numbers in `merged` for those in quotes where a number is wanted; whether there were
    any."""
    found = False
    for detail in error.errors():
        if detail["type"] not in ("int_type", "float_type") or not isinstance(
            detail["input"], str
        ):
            continue
        number = read_plain(detail["input"], LIMITS.digits)
        if isinstance(number, int | float) and not isinstance(number, bool):
            *path, last = _untagged(detail["loc"], merged, tags)
            reduce(getitem, path, merged)[last] = number
            found = True
    return found


def _no_such_kind(loc: Location, context: Mapping[str, Any], value: Any) -> Mistake:
    """The tag of a union that has no such record."""
    known, tag = (
        [name.strip("' ") for name in context["expected_tags"].split(",")],
        context["tag"],
    )
    said = f"`{tag}` is not one of {', '.join(f'`{name}`' for name in known)}"
    if tag.lower().replace("-", "") in _FOREIGN.split():
        return Mistake(loc, said, value, f"resgraph has no `{tag}`")
    plain = _KINDS.get(tag.lower(), "")
    hint = (
        meant(plain, sure=tag.lower() not in _LOOSE_KINDS)
        if plain in known
        else did_you_mean(tag, known)
    )
    return Mistake(loc, said, value, hint)


def _instead(
    key: str, model: type[BaseModel], loc: Location, tags: Mapping[str, str]
) -> str | Hint:
    """What to write for a key that is none of those at a place of `model`."""
    known = list(record_at(model, loc, tags).model_fields)
    if option := option_of_build(key):
        return option
    plain = _ELSEWHERE.get(key.lower(), key)
    if plain in known:
        return meant(plain, sure=key.lower() not in _LOOSE)
    if near := did_you_mean(key, known):
        return near
    for name, field in model.model_fields.items() if not loc else ():
        if any(plain in record.model_fields for record in _records(field.annotation)):
            return f"it belongs to `{name}`: `{name}: {{{plain}: …}}`"
    return f"the keys are {', '.join(known)}"


def option_of_build(key: str) -> str:
    """Which option of the command says what a key was meant to; "" of any other key."""
    plain = key.lower().replace("-", "_")
    option = next(
        (option for option, words in _OPTIONS.items() if plain in words.split()), ""
    )
    return (
        f"the command says it, not the spec: `resgraph build --{option} …`"
        if option
        else ""
    )


def record_at(
    model: type[BaseModel], loc: Location, tags: Mapping[str, str]
) -> type[BaseModel]:
    """The record that a place leads to, in which the tag of a union stands behind its key."""
    key, members = "", [model]
    for part in loc:
        if part in model.model_fields:
            key = str(part)
            members = list(_records(model.model_fields[key].annotation)) or members
            model = members[0]
        elif key in tags:
            model = next(
                (
                    m
                    for m in members
                    if part in get_args(m.model_fields[tags[key]].annotation)
                ),
                model,
            )
    return model


def _kinds(model: type[BaseModel], loc: Location, tag: str) -> Iterator[str]:
    """What the tag of the union at a place of `model` can be."""
    for part in loc[:-1]:
        model = next(_records(model.model_fields[str(part)].annotation))
    for record in _records(model.model_fields[str(loc[-1])].annotation):
        yield from (
            f"`{kind}`" for kind in get_args(record.model_fields[tag].annotation)
        )


def place_of(key: str, model: type[BaseModel]) -> tuple[str, ...]:
    """Where a key of `model`, or of a record in it, stands, the outermost first, also by what
    others call it."""
    plain = _ELSEWHERE.get(key.lower(), key)
    level: list[tuple[tuple[str, ...], type[BaseModel]]] = [((), model)]
    while level:
        for path, record in level:
            if plain in record.model_fields:
                return (*path, plain)
        level = [
            ((*path, name), inner)
            for path, record in level
            for name, field in record.model_fields.items()
            for inner in _records(field.annotation)
        ]
    return ()


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from _records(argument)


def _untagged(loc: Location, merged: Any, tags: Mapping[str, str]) -> Location:
    """`("optimizer", "sgd", "lr")` as `("optimizer", "lr")`: without a part right after a
    union's key that is its tag.
    """
    out: list[str | int] = []
    value: Any = merged
    for part in loc:
        tag = tags.get(str(out[-1])) if out else None
        if (
            tag
            and isinstance(value, Mapping)
            and value.get(tag) == part
            and part not in value
        ):
            continue
        out.append(part)
        if isinstance(value, Mapping):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return tuple(out)

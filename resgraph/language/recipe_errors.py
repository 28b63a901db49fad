"""pydantic's errors of a recipe → errors at the keys as a user writes them, each with what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from .words import did_you_mean

Location = tuple[str | int, ...]
Mistake = tuple[Location, str, Any]

_ELSEWHERE = {
    "batch_size": "batch", "beta1": "betas", "clip_grad": "clip", "dataset": "data", "data_dir": "path",
    "decay": "weight_decay", "eta_min": "end", "gamma": "factor", "grad_clip": "clip", "hflip": "flip",
    "horizontal_flip": "flip", "learning_rate": "lr", "lr_schedule": "schedule", "lr_scheduler": "schedule",
    "max_epochs": "epochs", "max_iters": "iterations", "milestones": "at", "num_classes": "classes",
    "num_epochs": "epochs", "optim": "optimizer", "root": "path", "scheduler": "schedule", "steps": "iterations",
    "test_size": "test", "total_steps": "iterations", "train_iters": "iterations", "wd": "weight_decay",
}  # fmt: skip
_KINDS = {"cifar": "cifar10", "imagefolder": "folder", "imagenet": "folder", "multistep": "steps"}
"""What other programs call the keys of a recipe, and its kinds."""


def error_of(mistakes: Iterable[Mistake]) -> ValidationError:
    """A `ValidationError` of places, texts and the values that were given."""
    details = [
        InitErrorDetails(type=PydanticCustomError("train", "{text}", {"text": text}), loc=loc, input=value)
        for loc, text, value in mistakes
    ]
    return ValidationError.from_exception_data("train", details)


def in_plain_words(
    error: ValidationError, merged: Mapping[str, Any], model: type[BaseModel], tags: Mapping[str, str]
) -> ValidationError:
    """The same mistakes with the tags of unions taken out of their places, and with words for a reader.

    A text is what is wrong, and behind a semicolon what to do, where that is known.
    """
    mistakes: list[Mistake] = []
    for detail in error.errors():
        loc = _untagged(detail["loc"], merged, tags)
        context = detail.get("ctx", {})
        if detail["type"] == "extra_forbidden":
            text = f"unknown key `{loc[-1]}`; {_instead(str(loc[-1]), model, detail['loc'][:-1], tags)}"
        elif detail["type"] == "missing":
            loc, text = loc[:-1], f"the key `{loc[-1]}` is missing"
        elif detail["type"] == "union_tag_not_found":
            text = f"the key {context['discriminator'].replace(chr(39), '`')} is missing"
        elif detail["type"] == "union_tag_invalid":
            loc = (*loc, context["discriminator"].strip("'"))
            known = [name.strip("' ") for name in context["expected_tags"].split(",")]
            text = f"`{context['tag']}` is not one of {', '.join(f'`{name}`' for name in known)}"
            hint = did_you_mean(_KINDS.get(context["tag"].lower(), context["tag"]), known)
            text += f"; {hint}" if hint else ""
        else:
            text = detail["msg"].removeprefix("Value error, ")
            text = text[:1].lower() + text[1:]
        mistakes.append((loc, text, detail["input"]))
    return error_of(mistakes)


def _instead(key: str, model: type[BaseModel], loc: Location, tags: Mapping[str, str]) -> str:
    """What to write for a key that is none of those at a place of `model`."""
    known = list(_record_at(model, loc, tags).model_fields)
    plain = _ELSEWHERE.get(key.lower(), key)
    if plain in known:
        return f"did you mean `{plain}`?"
    if near := did_you_mean(key, known):
        return near
    for name, field in model.model_fields.items() if not loc else ():
        if any(plain in record.model_fields for record in _records(field.annotation)):
            return f"it belongs to `{name}`: `{name}: {{{plain}: …}}`"
    return f"the keys are {', '.join(known)}"


def _record_at(model: type[BaseModel], loc: Location, tags: Mapping[str, str]) -> type[BaseModel]:
    """The record that a place leads to, in which the tag of a union stands behind its key."""
    key, members = "", [model]
    for part in loc:
        if part in model.model_fields:
            key = str(part)
            members = list(_records(model.model_fields[key].annotation)) or members
            model = members[0]
        elif key in tags:
            model = next((m for m in members if part in get_args(m.model_fields[tags[key]].annotation)), model)
    return model


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
        if tag and isinstance(value, Mapping) and value.get(tag) == part and part not in value:
            continue
        out.append(part)
        if isinstance(value, Mapping):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return tuple(out)

"""pydantic's errors → diagnostics in the words of the language, at the keys and values that they
speak of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import Diagnostic, Hint, Related, Span, fault, write
from ..ops import VOCABULARY
from .diagnose.nearest import did_you_mean, meant, op_meant
from .recipe import Train
from .recipe.errors import Mistake, option_of_build, place_of, word_meant
from .recipe.stretch import LENGTHS
from .yaml.mistakes import comma_advice
from .yaml.tree import Mapping, Scalar, Sequence, Tree

_NOUNS = {
    "dict_type": "a map of names",
    "model_type": "a map of names",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
_EXAMPLES = {
    "name": "the title of tables and pictures: `name: ResNet-50`",
    "input": "what an image is: `input: 3x224x224`",
    "net": "the rows: `net: {conv1: 7x7 conv 64 /2, …}`",
    "train": "a recipe by its name, `train: digits`, or `train: {recipe: digits, epochs: 20}`",
    "expect": "what the net should come to: `expect: {params: 25_557_032, depth: 50}`",
    "variants": "named sets of `let` values: `variants: {resnet-18: {e: 1}, resnet-50: {}}`",
    "let": "named values: `let: {width: 64}`",
    "blocks": "blocks by their names: `blocks: {pair: {body: …, merge: body + shortcut}}`",
    "ops": "options of ops: `ops: {bn: {momentum: 0.01}}`",
    "unit": "what `conv` means: `unit: conv bn relu`",
    "data": "`data: cifar10`, or `data: {set: folder, path: …}`",
    "optimizer": "`optimizer: {name: sgd, lr: 0.1}`",
    "lr": "the learning rate: `lr: 0.1`",
    "batch": "images of one step: `batch: 128`",
    "schedule": "`schedule: cosine`, or `schedule: {kind: steps, at: [100, 150]}`",
    "warmup": "`warmup: {kind: linear, length: 5}`",
    "augment": "`augment: {flip: true}`",
    "crop": "`crop: {kind: pad, cells: 4}`",
    "randaugment": "`randaugment: {ops: 2, magnitude: 9}`",
    "ema": "`ema: {decay: 0.999}`",
    "progressive": "`progressive: {sides: [128, 160]}`",
    "normalize": "`normalize: per-channel` measures the mean and deviation of the training images",
    "init": "how weights start: `init: {conv: he, zero_last: true}`",
}


_ELSEWHERE = {
    "architecture": "net", "constants": "let", "defaults": "ops", "description": "about",
    "flops": "macs", "gflops": "macs", "inherit": "extends", "layers": "net", "model": "net",
    "modules": "blocks", "network": "net", "parameters": "params", "title": "name",
    "training": "train", "var": "let", "variables": "let", "vars": "let",
}  # fmt: skip
"""What others call the keys of a spec."""


def diagnostics(
    problems: ValidationError, tree: Tree, model: type[BaseModel], root: str = ""
) -> list[Diagnostic]:
    """One mistake for each place; `root` is the key whose value `tree` is."""
    places: dict[tuple[Span, str], list[tuple[str, Any, Span | None]]] = {}
    for error in problems.errors():
        span, key, name = _locate(tree, error["loc"])
        alone = (
            str(error["loc"][-1])
            if error["type"] in ("missing", "extra_forbidden")
            else ""
        )
        places.setdefault((span, alone), []).append((alone or name or root, error, key))
    return [
        _diagnostic(span, found, model, tree) for (span, _), found in places.items()
    ]


def _diagnostic(
    span: Span,
    found: list[tuple[str, Any, Span | None]],
    model: type[BaseModel],
    tree: Tree,
) -> Diagnostic:
    """What is wrong at one place; several errors there are the members of a union."""
    name, error, key = found[0]
    known = _fields(model, error["loc"][:-1])
    context = error.get("ctx", {})
    if error["type"] == "train":
        return _of_recipe(name, context["mistake"], key or span, span, known, tree)
    if error["type"] == "extra_forbidden":
        near = key_meant(name, known)
        hint = (
            near
            if near.certain
            else belongs(name, known) or near or _nearest(name, known)
        )
        held = error["input"] if isinstance(error["input"], dict) else ()
        return _no_key(name, key or span, hint, held)
    if error["type"] == "missing":
        return _missing(name, f"`{name}` is missing", span)
    of_op = len(error["loc"]) > 1 and error["loc"][0] == "ops"
    if of_op and key is not None and name not in VOCABULARY:
        return no_op(name, key)
    nouns = dict.fromkeys(_NOUNS[e["type"]] for _, e, _ in found if e["type"] in _NOUNS)
    if nouns:
        example: str | Hint = word_meant(
            error["type"], context, error["input"]
        ) or _EXAMPLES.get(name, "")
        if isinstance(error["input"], str) and error["type"] in (
            "int_type",
            "float_type",
        ):
            example = comma_advice(error["input"]) or example
        if of_op:
            name, nouns, example = (
                f"ops.{name}",
                {"a map of options": None},
                _EXAMPLES["ops"],
            )
        if name == "input" and isinstance(error["input"], list):
            example = _shape(error["input"])
        return fault(
            "E022", f"`{name}` must be {' or '.join(nouns)}", span, example
        ).diagnostic
    if error["type"] in ("too_short", "string_too_short"):
        return fault(
            "E022", f"`{name}` is empty", span, _EXAMPLES.get(name, "")
        ).diagnostic
    if error["type"] == "refused":
        return fault("E022", context["said"], span, context["hint"]).diagnostic
    said = (
        str(context["error"]) if error["type"] == "value_error" else str(error["msg"])
    )
    return _wrong_value(name, said, error["type"], error["input"], span)


def key_meant(name: str, known: Iterable[str]) -> Hint:
    """The key that an unknown one was meant for."""
    known = list(known)
    plain = _ELSEWHERE.get(name.lower(), "")
    return meant(plain, sure=True) if plain in known else did_you_mean(name, known)


def no_op(name: str, place: Span) -> Diagnostic:
    """A name under `ops:` that is no op's."""
    return fault(
        "E011", f"no op `{name}`", place, op_meant(name, VOCABULARY)
    ).diagnostic


def _shape(axes: list[Any]) -> Hint:
    """`3x224x224` for `[3, 224, 224]`; with a batch axis, or channels last, it takes a person."""
    shape = "x".join(map(str, axes[-3:]))
    plain = (
        len(axes) == 3
        and all(isinstance(axis, int) for axis in axes)
        and axes[0] <= axes[2]
    )
    return replace(write(shape), certain=plain)


def _of_recipe(
    name: str, mistake: Mistake, key: Span, span: Span, known: list[str], tree: Tree
) -> Diagnostic:
    """A mistake that was found in a recipe."""
    if mistake.kind == "key":
        return _no_key(mistake.name, key, mistake.hint or _nearest(name, known))
    if mistake.kind == "missing":
        return _missing(mistake.name, mistake.said, span, mistake.hint)
    if mistake.of and mistake.of not in ("beyond_the_end", "refused"):
        return _wrong_value(
            name, mistake.said, mistake.of, mistake.value, span, mistake.hint
        )
    problem = fault("E022", mistake.said, span, mistake.hint).diagnostic
    return _with_length(problem, tree) if mistake.of == "beyond_the_end" else problem


def _no_key(
    name: str, place: Span, hint: str | Hint, held: Iterable[str] = ()
) -> Diagnostic:
    """An unknown key; a misspelled one is one mistake, not two: what is missing, and what is too
    many.

    `held` are names that are unknown because they stand below it.
    """
    causes = ("E011", "E021", "E030", "E034")
    return fault(
        "E020",
        f"no key `{name}` here",
        place,
        hint,
        names=frozenset(held),
        causes=causes,
    ).diagnostic


def _missing(name: str, said: str, span: Span, hint: str | Hint = "") -> Diagnostic:
    return fault(
        "E021", said, span, hint or _EXAMPLES.get(name, ""), about=name
    ).diagnostic


def _with_length(problem: Diagnostic, tree: Tree) -> Diagnostic:
    """A milestone beyond the end of the run, with the place of the length where that is another
    line."""
    length = next(
        (key for key in LENGTHS if isinstance(tree, Mapping) and key in tree.entries),
        "",
    )
    if not length or problem.span is None:
        return problem
    place = _locate(tree, (length,))[0]
    if (place.source, place.line) == (problem.span.source, problem.span.line):
        return problem
    return replace(problem, related=(Related(place, "the length of the run"),))


def _wrong_value(
    name: str, said: str, kind: str, value: Any, span: Span, near: str | Hint = ""
) -> Diagnostic:
    """What pydantic says of a value, or a validator of ours that leaves it to others to name the
    key."""
    must = re.sub(r"^[Ii]nput should be (a valid )?", "", said)
    if must == said:
        return fault("E022", f"`{name}`: {said[0].lower()}{said[1:]}", span).diagnostic
    article = (
        "a "
        if re.match(r"(?:number|integer|string|dictionary|list|array)", must)
        else ""
    )
    of_number = isinstance(value, str) and kind.startswith(("int_", "float_"))
    hint = near or (comma_advice(value) if of_number else "") or _EXAMPLES.get(name, "")
    return fault(
        "E022", f"`{name}` must be {article}{_plain(must)}", span, hint
    ).diagnostic


def _plain(text: str) -> str:
    """pydantic's words for kinds of values in those of YAML."""
    for theirs, ours in {
        "integer": "whole number", "dictionary": "map", "string": "text",
        "boolean": "true or false", "array": "list", "an object": "a map of names",
        "greater than or equal to": "at least", "less than or equal to": "at most",
    }.items():  # fmt: skip
        text = text.replace(theirs, ours)
    return re.sub(r"'([^']*)'", r"`\1`", text)


def belongs(name: str, known: Collection[str]) -> str:
    """Where a key belongs that does not stand at the top of a file, or in a variant."""
    place = ("recipe",) if name == "recipe" else place_of(name, Train)
    if "train" in known and place and (len(place) == 1 or place[0] == "optimizer"):
        inner = f"{': {'.join(place)}: …{'}' * len(place)}"
        return f"it belongs to `train`: `train: {{{inner}`"
    if "train" in known and (option := option_of_build(name)):
        return option
    if "expect" in known and name in ("params", "macs", "depth", "output"):
        return f"it belongs to `expect`: `expect: {{{name}: …}}`"
    return ""


def _nearest(name: str, known: Iterable[str]) -> str | Hint:
    return did_you_mean(name, known) or (
        f"the keys are {', '.join(known)}" if known else ""
    )


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that is found at a location."""
    for part in location:
        field = model.model_fields.get(str(part))
        inner = (
            [t for t in (field.annotation, *get_args(field.annotation)) if _is_model(t)]
            if field
            else []
        )
        model = inner[0] if inner else model
    return list(model.model_fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _locate(
    tree: Tree, location: tuple[int | str, ...]
) -> tuple[Span, Span | None, str]:
    """The place of a value, its key's, and the key; parts of a location that are no keys (union
    members) are passed."""
    key: Span | None = None
    name = ""
    for part in location:
        if isinstance(tree, Mapping) and part in tree.entries:
            entry = tree.entries[str(part)]
            key, tree, name = entry.key.span, entry.value, str(part)
        elif (
            isinstance(tree, Sequence)
            and isinstance(part, int)
            and part < len(tree.items)
        ):
            key, tree = None, tree.items[part]
    span = tree.span
    if isinstance(tree, Mapping) and not isinstance(tree, Scalar):
        span = Span(span.source, span.line, span.column, span.line, span.column + 1)
    return span, key, name

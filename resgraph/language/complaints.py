"""pydantic's errors → diagnostics in the words of the language, at the keys and values that they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import Diagnostic, Related, Span, fault
from .mistakes import comma_advice
from .recipe import Train
from .stretch import LENGTHS
from .tree import Mapping, Scalar, Sequence, Tree
from .words import did_you_mean

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
    "init": "how weights start: `init: {conv: he, zero_last: true}`",
}


_ELSEWHERE = {
    "architecture": "net", "constants": "let", "defaults": "ops", "description": "about", "flops": "macs",
    "gflops": "macs", "inherit": "extends", "layers": "net", "model": "net", "modules": "blocks", "network": "net",
    "parameters": "params", "title": "name", "training": "train", "variables": "let", "vars": "let",
}  # fmt: skip
"""What others call the keys of a spec."""


def diagnostics(problems: ValidationError, tree: Tree, model: type[BaseModel], root: str = "") -> list[Diagnostic]:
    """One mistake for each place; `root` is the key whose value `tree` is."""
    places: dict[tuple[Span, str], list[tuple[str, Any, Span | None]]] = {}
    for error in problems.errors():
        span, key, name = _locate(tree, error["loc"])
        alone = str(error["loc"][-1]) if error["type"] in ("missing", "extra_forbidden") else ""
        places.setdefault((span, alone), []).append((alone or name or root, error, key))
    out = [_with_length(_diagnostic(span, found, model), tree) for (span, _), found in places.items()]
    # A misspelled key is one mistake, not two: what is missing, and what is too many.
    unknown = " ".join(problem.help for problem in out if problem.code == "E020" and "did you mean" in problem.help)
    return [d for d in out if d.code != "E021" or f"`{d.message.split('`')[1]}`" not in unknown]


def _diagnostic(span: Span, found: list[tuple[str, Any, Span | None]], model: type[BaseModel]) -> Diagnostic:
    """What is wrong at one place; several errors there are the members of a union."""
    name, error, key = found[0]
    if error["type"] == "extra_forbidden":
        known = _fields(model, error["loc"][:-1])
        plain = _ELSEWHERE.get(name.lower(), "")
        hint = f"did you mean `{plain}`?" if plain in known else did_you_mean(name, known)
        hint = hint or _belongs(name, known) or _nearest(name, known)
        return fault("E020", f"no key `{name}` here", key or span, hint).diagnostic
    if error["type"] == "missing":
        return fault("E021", f"`{name}` is missing", span, _EXAMPLES.get(name, "")).diagnostic
    nouns = dict.fromkeys(_NOUNS[e["type"]] for _, e, _ in found if e["type"] in _NOUNS)
    if nouns:
        hint = _EXAMPLES.get(name, "")
        if name == "input" and isinstance(error["input"], list):
            hint = f"write `{'x'.join(map(str, error['input'][-3:]))}`"
        return fault("E022", f"`{name}` must be {' or '.join(nouns)}", span, hint).diagnostic
    if error["type"] in ("too_short", "string_too_short"):
        return fault("E022", f"`{name}` is empty", span, _EXAMPLES.get(name, "")).diagnostic
    problem = _in_words(name, str(error["msg"]), key or span, span, _fields(model, error["loc"][:-1]))
    advice = comma_advice(error["input"]) if isinstance(error["input"], str) and "number" in problem.message else ""
    return replace(problem, help=advice) if advice else problem


def _with_length(problem: Diagnostic, tree: Tree) -> Diagnostic:
    """A milestone beyond the end of the run, with the place of the length where that is another line."""
    length = next((key for key in LENGTHS if isinstance(tree, Mapping) and key in tree.entries), "")
    if "is not within the run" not in problem.message or not length or problem.span is None:
        return problem
    place = _locate(tree, (length,))[0]
    if (place.source, place.line) == (problem.span.source, problem.span.line):
        return problem
    return replace(problem, related=(Related(place, "the length of the run"),))


def _in_words(name: str, message: str, key: Span, span: Span, known: list[str]) -> Diagnostic:
    """A message that a validator of ours wrote, or that pydantic did."""
    text = re.sub(r"^Value error, ", "", message)
    text, _, hint = text.partition("; ")
    if text.startswith("unknown key `"):
        hint = hint or _nearest(name, known)
        return fault("E020", f"no key {text.removeprefix('unknown key ')} here", key, hint).diagnostic
    if text.startswith("the key `"):
        missing = text.split("`")[1]
        return fault("E021", text.removeprefix("the key "), span, hint or _EXAMPLES.get(missing, "")).diagnostic
    must = re.sub(r"^[Ii]nput should be (a valid )?", "", text)
    if must != text:
        article = "a " if re.match(r"(?:number|integer|string|dictionary|list|array)", must) else ""
        return fault("E022", f"`{name}` must be {article}{_plain(must)}", span, _EXAMPLES.get(name, "")).diagnostic
    said, listed, choices = text.partition(": one of ")
    hint = hint or (f"one of {choices}" if listed else "")
    prefix = "" if "`" in said else f"`{name}`: "
    return fault("E022", f"{prefix}{said[0].lower()}{said[1:]}", span, hint).diagnostic


def _plain(text: str) -> str:
    """pydantic's words for kinds of values in those of YAML."""
    for theirs, ours in {
        "integer": "whole number", "dictionary": "map", "string": "text", "boolean": "true or false", "array": "list",
        "an object": "a map of names",
        "greater than or equal to": "at least", "less than or equal to": "at most",
    }.items():  # fmt: skip
        text = text.replace(theirs, ours)
    return text


def _belongs(name: str, known: list[str]) -> str:
    """Where in a file a key belongs that does not stand at its top."""
    if "train" in known and name in {*Train.model_fields, "recipe"}:
        return f"it belongs to `train`: `train: {{{name}: …}}`"
    if "expect" in known and name in ("params", "macs", "depth", "output"):
        return f"it belongs to `expect`: `expect: {{{name}: …}}`"
    return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known) or (f"the keys are {', '.join(known)}" if known else "")


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that is found at a location."""
    for part in location:
        field = model.model_fields.get(str(part))
        inner = [t for t in (field.annotation, *get_args(field.annotation)) if _is_model(t)] if field else []
        model = inner[0] if inner else model
    return list(model.model_fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _locate(tree: Tree, location: tuple[int | str, ...]) -> tuple[Span, Span | None, str]:
    """The place of a value, its key's, and the key; parts of a location that are no keys (union members) are passed."""
    key: Span | None = None
    name = ""
    for part in location:
        if isinstance(tree, Mapping) and part in tree.entries:
            entry = tree.entries[str(part)]
            key, tree, name = entry.key.span, entry.value, str(part)
        elif isinstance(tree, Sequence) and isinstance(part, int) and part < len(tree.items):
            key, tree = None, tree.items[part]
    span = tree.span
    if isinstance(tree, Mapping) and not isinstance(tree, Scalar):
        span = Span(span.source, span.line, span.column, span.line, span.column + 1)
    return span, key, name

"""pydantic's errors of the keys and values of a spec → what is wrong and what to write, in the
words of the language; and that as diagnostics at the places of a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from msgspec.structs import replace

from ...collecting import among, of_type
from ...errors import (
    NOWHERE,
    Diagnostic,
    Hint,
    Related,
    Span,
    fault,
    ticked,
)
from ...structs import Frozen, fields
from ..reading import read
from ..record import (
    Location,
    Record,
    WrongRecord,
    described,
    record_at,
    records,
)
from ..yaml import tree as trees
from ..yaml.mistakes import comma_advice
from .aliases import (
    FOREIGN_KINDS,
    KEYS,
    KINDS,
    LOOSE_KEYS,
    LOOSE_KINDS,
    OTHERWISE,
    OWN_DATA,
)
from .nearest import did_you_mean, meant, sure


class Mistake(Frozen):
    """What is wrong at the keys that lead to a value, and what to do."""

    loc: Location
    said: str
    hint: str | Hint = ""
    code: str = "E022"
    missing: str = ""  # the key that is
    # the key that gives the run its length, which the value exceeds
    beyond: str = ""

    def __str__(self) -> str:
        return f"{self.said}; {self.hint}" if self.hint else self.said

    def at(self, tree: trees.Tree) -> Diagnostic:
        """The diagnostic at its place in what was written."""
        span, key = locate(tree, self.loc)
        # what is below an unknown key is unread
        of_key = self.code in ("E011", "E020")
        found = fault(
            self.code,
            self.said,
            (of_key and key) or span,
            self.hint,
            about=self.missing,
            causes=("E011", "E021", "E030", "E034")
            if self.code == "E020"
            else ("E034",),
        ).diagnostic
        length, written = locate(tree, (self.beyond,))
        if written and (length.source, length.line) != (
            span.source,
            span.line,
        ):
            related = (Related(length, "the length of the run"),)
            return replace(found, related=related)
        return found


def locate(tree: trees.Tree, loc: Location) -> tuple[Span, Span]:
    """The place of a value, and its key's; a part of the location that is not there is passed."""
    key = NOWHERE
    for part in loc:
        if part in tree.entries:
            entry = tree.entries[str(part)]
            key, tree = entry.key.span, entry.value
        elif isinstance(tree, trees.Sequence) and isinstance(part, int):
            key, tree = NOWHERE, tree.items[part]
    span = tree.span
    if isinstance(tree, trees.Mapping):  # its first character stands for it
        span = Span(
            span.source, span.line, span.column, span.line, span.column + 1
        )
    return span, key


def refused(
    said: str, hint: str | Hint = "", *, inner: str = "", beyond: str = ""
) -> ValueError:
    """What a validator of ours raises where its words name their place themselves; `inner` is the
    key below that they are of."""
    # as it takes long to load, and is needed for mistakes alone
    from pydantic_core import PydanticCustomError

    context = {"said": said, "hint": hint, "inner": inner, "beyond": beyond}
    return PydanticCustomError(
        "refused", "{said}; {hint}" if hint else "{said}", context
    )


EXAMPLES = {
    "name": "the title of tables and pictures: `name: ResNet-50`",
    "study": "its first line is its title: `study: depth on digits`",
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
    "loss": "how much each output counts: `loss: {head: 1, aux1: 0.3}`",
    "batch": "images of one step: `batch: 128`",
    "schedule": "`schedule: cosine`, or `schedule: {kind: steps, at: [100, 150]}`",
    "warmup": "`warmup: {kind: linear, length: 5}`",
    "augment": "`augment: {flip: true}`",
    "crop": "`crop: {kind: pad, cells: 4}`",
    "randaugment": "`randaugment: {ops: 2, magnitude: 9}`",
    "ema": "`ema: {decay: 0.999}`",
    "whiten": "`whiten: {layer: conv1.0.conv, images: 5000}`",
    "progressive": "`progressive: {sides: [128, 160]}`",
    "normalize": "`normalize: per-channel` measures the mean and deviation of the training images",
    "weights": "a file, a run, `hf-hub:timm/resnet50.a1_in1k`, or `{file: …, key: …}`",
    "freeze": "`freeze: [conv1, conv2]`, or `freeze: all but head`",
    "rates": "`rates: {decay: 0.75, by: {head: 10}}`",
    "init": "how weights start: `init: {conv: he, zero_last: true}`",
}
_NOUNS = {
    "dict_type": "a map of names",
    "model_type": "a map of names",
    "model_attributes_type": "a map of names",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
_PLAIN = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
"""pydantic's words in those of YAML."""


class _Wrong(Frozen):
    """pydantic's errors at one place; several are those of the members of a union."""

    loc: Location  # keys and indices only
    name: str  # the key that is unknown or missing, or that the value is of
    model: type[Record]
    details: list[Any]

    @property
    def value(self) -> Any:
        return self.details[0]["input"]

    @property
    def context(self) -> dict[str, Any]:
        context: dict[str, Any] = self.details[0].get("ctx", {})
        return context

    @property
    def around(self) -> type[Record]:
        """The record in which the place is."""
        return record_at(self.model, self.details[0]["loc"][:-1])


def mistakes(
    error: WrongRecord, value: Any, model: type[Record]
) -> list[Mistake]:
    """What is wrong with a value that was to be a `model`: one mistake for each place."""
    places: dict[tuple[Location, str], list[Any]] = {}
    for detail in error.mistakes:
        of_key = detail["type"] in ("missing", "extra_forbidden")
        key = str(detail["loc"][-1]) if of_key else ""
        places.setdefault((path_in(value, detail["loc"]), key), []).append(
            detail
        )
    out = []
    for (loc, key), details in places.items():
        if not key and _is_other_kind(loc, details, places):
            continue
        name = key or next(of_type(str, loc[::-1]), "")
        say = _SAY.get(details[0]["type"], _wrong_value)
        out.append(say(_Wrong(loc, name, model, details)))
    return out


def _is_other_kind(
    loc: Location,
    details: list[Any],
    places: Iterable[tuple[Location, str]],
) -> bool:
    """Whether a value is only not what other members of its union are: of the one that it is meant
    for, something within is wrong."""
    kinds = all(detail["type"] in _NOUNS for detail in details)
    return kinds and any(
        other[: len(loc)] == loc and (len(other) > len(loc) or key)
        for other, key in places
    )


def _unknown_key(wrong: _Wrong) -> Mistake:
    name, known = wrong.name, list(fields(wrong.around))
    near, home = key_meant(name, known), wrong.around.home_of(name)
    best = (
        near
        if near.certain
        else home or near or f"the keys are {', '.join(known)}"
    )
    said = f"unknown key `{name}`"
    return Mistake(wrong.loc, said, best, "E020")


def _missing_key(wrong: _Wrong) -> Mistake:
    said, name = f"`{wrong.name}` is missing", wrong.name
    what = EXAMPLES.get(name) or _meaning(wrong.around, name)
    return Mistake(wrong.loc, said, what, "E021", name)


def _meaning(record: type[Record], key: str) -> str:
    """What a record says of a key, within a sentence."""
    meaning = described(record).get(key, "").rstrip(".")
    return meaning[:1].lower() + meaning[1:]


def _no_kind(wrong: _Wrong) -> Mistake:
    """A mapping without the key that says which record it is, or with that key misspelled."""
    tag, key = wrong.context["discriminator"].strip("'"), str(wrong.loc[-1])
    given = wrong.value if isinstance(wrong.value, dict) else {}
    for name in given:
        if near := sure(str(name), [tag]):
            return Mistake(
                (*wrong.loc, name), f"unknown key `{name}`", near, "E020"
            )
    members = records(fields(wrong.around)[key].type)
    one, *others = _fitting_kinds(members, tag, given)
    sole = f"write `{tag}: {one}`, whose keys these are"
    hint = f"one of {ticked([one, *others])}" if others else sole
    return Mistake(
        wrong.loc, f"`{tag}` of `{key}` is missing", hint, "E021", tag
    )


def _fitting_kinds(
    members: Iterable[type[Record]], tag: str, given: dict[str, Any]
) -> list[str]:
    """The kinds of these records that have what is given, or all where none has."""
    known = {
        kind: _takes(member, {**given, tag: kind})
        for member in members
        for kind in get_args(fields(member)[tag].type)
    }
    return [kind for kind, takes in known.items() if takes] or [*known]


def _takes(record: type[Record], given: dict[str, Any]) -> bool:
    """Whether a record has these keys and takes their values, whatever else it needs."""
    try:
        read(record, given)
    except WrongRecord as error:
        return all(detail["type"] == "missing" for detail in error.mistakes)
    return True


def _no_such_kind(wrong: _Wrong) -> Mistake:
    """The tag of a union that has no such record."""
    tag, expected = wrong.context["tag"], wrong.context["expected_tags"]
    known = [name.strip("' ") for name in expected.split(",")]
    plain, own = KINDS.get(tag.lower(), ""), wrong.loc[-1] == "data"
    word = tag.lower().replace("-", "")
    other = OTHERWISE.get(word, OWN_DATA if own else "")
    if word in FOREIGN_KINDS.split():
        hint = Hint(
            "; ".join(filter(None, [f"resgraph has no `{tag}`", other]))
        )
    elif plain in known:
        hint = meant(plain, sure=tag.lower() not in LOOSE_KINDS)
    else:
        hint = did_you_mean(tag, known) or Hint(other)
    loc = (*wrong.loc, wrong.context["discriminator"].strip("'"))
    return Mistake(loc, f"`{tag}` is not one of {ticked(known)}", hint)


def _empty(wrong: _Wrong) -> Mistake:
    return Mistake(
        wrong.loc, f"`{wrong.name}` is empty", EXAMPLES.get(wrong.name, "")
    )


def _refused(wrong: _Wrong) -> Mistake:
    said, hint, inner, beyond = wrong.context.values()
    loc = (*wrong.loc, inner) if inner else wrong.loc
    return Mistake(loc, said, hint, beyond=beyond)


def _wrong_value(wrong: _Wrong) -> Mistake:
    """What pydantic says of a value, or a validator of ours that leaves it to others to name the
    key."""
    nouns = dict.fromkeys(
        _NOUNS[detail["type"]]
        for detail in wrong.details
        if detail["type"] in _NOUNS
    )
    text = str(wrong.context.get("error") or wrong.details[0]["msg"])
    must = " or ".join(nouns) or _plain(text)
    if not must:
        return Mistake(
            wrong.loc, f"`{wrong.name}`: {text[0].lower()}{text[1:]}"
        )
    hint = _value_meant(wrong) or EXAMPLES.get(wrong.name, "")
    return Mistake(wrong.loc, f"`{wrong.name}` must be {must}", hint)


def _plain(text: str) -> str:
    """pydantic's `Input should be …` in the words of YAML; "" of other texts."""
    must = text.removeprefix("Input should be ")
    for theirs, ours in _PLAIN.items():
        must = must.replace(theirs, ours)
    return "" if must == text else re.sub(r"'([^']*)'", r"`\1`", must)


def _value_meant(wrong: _Wrong) -> Hint:
    """The value that was meant by one with a comma, or by a word that is none of those taken."""
    kind, value = wrong.details[0]["type"], wrong.value
    if not isinstance(value, str):
        return Hint()
    if kind in ("int_type", "float_type"):
        return comma_advice(value)
    known = re.findall(r"'([^']+)'", wrong.context.get("expected", ""))
    return sure(value, ["true", "false"] if kind == "bool_type" else known)


_SAY: dict[str, Callable[[_Wrong], Mistake]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing_key,
    "refused": _refused,
    "string_too_short": _empty,
    "too_short": _empty,
    "union_tag_invalid": _no_such_kind,
    "union_tag_not_found": _no_kind,
}


def key_meant(key: str, known: Sequence[str]) -> Hint:
    """The key that an unknown one was meant for."""
    plain = KEYS.get(key.lower(), "").split()
    for word in among(plain, known):
        return meant(word, sure=key.lower() not in LOOSE_KEYS)
    return did_you_mean(key, known)


def path_in(value: Any, loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """`("optimizer", "lr")` for pydantic's `("optimizer", "sgd", "lr")`: what leads to a part of a
    value, without the members of unions."""
    out = []
    for part in loc:
        keys = range(len(value)) if isinstance(value, list) else value
        if isinstance(keys, range | dict) and part in keys:
            out.append(part)
            value = value[part]
    return tuple(out)

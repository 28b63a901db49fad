"""An analysis and a place in its text → what can be written there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from ..collecting import each_name, each_text, flatten, of_type, without
from ..language.diagnose.word import functions_of_tensors
from ..language.grammar.arithmetic import FUNCTIONS
from ..language.grammar.label import ABOUT_AGAIN, AGAIN, phrase_at
from ..language.grammar.records import BlockDef
from ..language.grammar.targets import (
    Target,
    fields_of,
    literal_words,
    takes_mode,
)
from ..language.grammar.words import (
    ACT,
    BLOCK_KEYS,
    CALL_KEYS,
    MODES,
    POLICIES,
)
from ..language.library import library_index, standard_block
from ..language.lints import LINTS
from ..language.recipe import recipe_names
from ..language.references import zoo_names
from ..language.schema import File
from ..language.yaml.tree import KeyValue, Scalar
from ..ops import ACTIVATIONS, NORMS, VOCABULARY
from ..outputs.json_schema import KEYS
from ..structs import Frozen
from .analysis import Analysis, entries
from .recipe import keys_at, recipe_place, study_keys, values_at

CompletionKind = Literal[
    "key", "op", "block", "option", "mode", "value", "name", "function"
]


class Candidate(Frozen):
    """A text that can stand at a place, and what it is."""

    text: str
    kind: CompletionKind
    about: str = ""


def complete(
    analysis: Analysis, text: str, line: int, column: int
) -> list[Candidate]:
    """What can be written at a place, counted from 1, of a text that may be newer than the
    analysis."""
    lines = text.split("\n")
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    section, key = _where(lines, line, before)
    found = (
        _of_study(analysis, section)
        if analysis.is_study
        else _candidates(
            analysis, section, key, before, _keys(lines, line, before)
        )
    )
    return list({candidate.text: candidate for candidate in found}.values())


def _of_study(analysis: Analysis, section: str) -> Iterator[Candidate]:
    """The keys of a study, and the nets that it can name."""
    if not section:
        for name, about in study_keys().items():
            yield Candidate(name, "key", about)
    elif section == "nets":
        yield from _words([*_beside(analysis), *zoo_names()], "value")


def _candidates(
    analysis: Analysis, section: str, key: str, before: str, keys: list[str]
) -> Iterator[Candidate]:
    if not section:
        yield from (
            Candidate(name, "key", KEYS[name])
            for name in File.__struct_fields__
        )
        return
    if key == "shortcut":
        yield from _words(POLICIES, "value")
    found = _of_key(analysis, key, before, keys)
    yield from (
        _in_section(analysis, section, before, keys)
        if found is None
        else found
    )


def _of_key(
    analysis: Analysis, key: str, before: str, keys: list[str]
) -> Iterable[Candidate] | None:
    """What a key can be wherever it stands; None of others."""
    units = ["conv", *sorted(NORMS), *sorted(ACTIVATIONS)]
    of_key: dict[str, Iterable[Candidate]] = {
        "unit": chain(_words(units, "op"), _lets(analysis, keys)),
        # it names what flows in, and nothing has these names before
        "reads": (),
        "gives": _words(_to_give(analysis, before, keys), "name"),
    }
    return of_key.get(key)


def _in_section(
    analysis: Analysis, section: str, before: str, keys: list[str]
) -> Iterator[Candidate]:
    rows = _rows(analysis)
    simple: dict[str, Collection[str]] = {
        "output": [*rows, *_streams(analysis)],
        "aux": rows,
        "allow": tuple(LINTS),
        "extends": (*_beside(analysis), *zoo_names()),
    }
    if section == "train":
        yield from _recipe(analysis, before, keys, rows)
    elif section in simple:
        yield from _words(simple[section], "value")
    elif section == "ops" and not re.search(r"[:{]\s*\S*$", before.strip()):
        yield from _ops()
    elif section in ("blocks", "net", "shortcut") and _in_value(before):
        yield from _label(analysis, before, keys)
    elif section == "blocks" and before.startswith("    "):
        yield from _words(sorted(BLOCK_KEYS), "key")


def _recipe(
    analysis: Analysis, before: str, keys: list[str], rows: list[str]
) -> Iterator[Candidate]:
    """Within a recipe: keys, or what one of them can be."""
    place = recipe_place(before, keys)
    if "by" in place.path or place.key in ("freeze", "by"):
        yield from _words(rows, "value")
    elif place.key == "train":
        yield from _words(recipe_names(), "value")
    elif place.key:
        yield from _words(values_at(place, analysis.tree), "value")
    else:
        for name, text in keys_at(place, analysis.tree).items():
            yield Candidate(name, "key", text)


def _rows(analysis: Analysis) -> list[str]:
    """The rows of the net, which a recipe can name."""
    return each_name(analysis.rows)


def _streams(analysis: Analysis) -> list[str]:
    """The streams that rows give, as `stage.y1`."""
    rows = analysis.rows
    return [end for row in rows if row.gives for end in row.ends()]


def _to_give(analysis: Analysis, before: str, keys: list[str]) -> list[str]:
    """What a block may hand on: its streams and paths, or of one in a row those on its line."""
    if keys[:1] == ["blocks"]:
        return _above(analysis, keys)
    written = re.findall(r"([A-Za-z_]\w*):\s", before)
    return without(written, {*keys, *BLOCK_KEYS, *CALL_KEYS})


def _beside(analysis: Analysis) -> list[str]:
    """The other specs in the directory of a text."""
    here = Path(analysis.source.name)
    return sorted(
        path.name
        for path in islice(here.parent.glob("*.yaml"), 1000)
        if path.name != here.name
    )


def _in_value(before: str) -> bool:
    """Whether the cursor is behind a colon or a dash of its line."""
    return re.search(r":\s|^\s*-\s", before) is not None


def _where(lines: list[str], line: int, before: str) -> tuple[str, str]:
    """The top-level key of a place ("" where one is written), and the nearest key before it."""
    key = re.findall(r"([A-Za-z_][\w-]*):(?=\s)", before)
    if re.match(r"[A-Za-z_]*$", before):
        return "", ""
    for text in [before, *reversed(lines[: line - 1])]:
        if found := re.match(r"([A-Za-z_][\w-]*):", text):
            return found[1], key[-1] if key else ""
    return "", ""


def _keys(lines: list[str], line: int, before: str) -> list[str]:
    """The keys that lead to a place by indentation, which holds while the text cannot be parsed."""
    keys: list[str] = []
    indent = len(before) + 1
    for text in [before, *reversed(lines[: line - 1])]:
        found = re.match(r"( *)([A-Za-z_][\w-]*):", text)
        if found and len(found[1]) < indent:
            keys.insert(0, found[2])
            indent = len(found[1])
    return keys


def _label(
    analysis: Analysis, before: str, keys: list[str]
) -> Iterator[Candidate]:
    """Within a label or an equation."""
    label = re.split(r":\s|^\s*-\s|[\[{,](?![^(]*\))", before)[-1]
    # the word under the cursor is still being written
    written = re.split(r"\s+", label.lstrip())[:-1]
    place = 2 if len(written) > 1 and written[1] == "x" else 0
    place += (
        len(written) > place
        and re.match(r"\d+x\d+$", written[place]) is not None
    )
    open_bracket = label.count("(") > label.count(")")
    if open_bracket or re.search(r"[+*]\s*\S*$", label):
        yield from _equation(analysis, keys)
        return
    if written[place:] == [AGAIN] or written[-1:] == ["to"]:
        yield from _words(_above(analysis, keys), "name")
        return
    target = _target(analysis, written, place)
    if target is not None:
        yield from _options(target, written)
        yield from _names(analysis, keys)
    elif place == len(written) or _starts_phrase(written[place:]):
        yield from _ops(" ".join(written[place:]))
        yield from _blocks(analysis)
        yield from _names(analysis, keys)
        yield from _equation(analysis, keys)
        if place == len(written):
            yield Candidate(AGAIN, "op", ABOUT_AGAIN)


def _starts_phrase(words: list[str]) -> bool:
    return any(
        phrase.startswith(" ".join(words) + " ") for phrase in VOCABULARY
    )


def _target(
    analysis: Analysis, written: list[str], place: int
) -> Target | None:
    phrase = phrase_at(written, place)
    if phrase:
        return VOCABULARY[phrase]
    word = "".join(written[place : place + 1])
    if analysis.plan is None:
        return standard_block(word)
    spec = analysis.plan.spec
    return spec.block(getattr(spec.lets.get(word), "text", word))


def _options(target: Target, written: list[str]) -> Iterator[Candidate]:
    last = written[-1] if written else ""
    if isinstance(target, BlockDef):
        if last == "shortcut":
            yield from _words(sorted(POLICIES), "value")
            return
        yield from _words(
            sorted(fields_of(target) - set(written)), "option"
        )
        return
    if last in fields_of(target):
        yield from _words(sorted(literal_words(target, last)), "value")
    yield from _words(
        sorted(fields_of(target) - {"kernel", *written}), "option"
    )
    yield from _words(
        [m for m in sorted(MODES | ACTIVATIONS) if takes_mode(target, m)],
        "mode",
    )
    if any(takes_mode(target, activation) for activation in ACTIVATIONS):
        yield Candidate(ACT, "mode", "the activation of the unit")


def _ops(typed: str = "") -> Iterator[Candidate]:
    """Ops; behind `max`, the `pool` that is left of `max pool`."""
    for phrase, op in VOCABULARY.items():
        if not typed or phrase.startswith(f"{typed} "):
            rest = phrase[len(typed) :].lstrip()
            yield Candidate(rest, "op", op.about())


def _blocks(analysis: Analysis) -> Iterator[Candidate]:
    for name in entries(analysis.tree, "blocks"):
        yield Candidate(name, "block", "of this file")
    for name, file in library_index().items():
        yield Candidate(name, "block", f"of the library, {file}")


def _lets(analysis: Analysis, keys: list[str]) -> Iterator[Candidate]:
    """Names of values: the file's, and in a block its own."""
    yield from _words(entries(analysis.tree, "let"), "name")
    if keys[:1] == ["blocks"]:
        yield from _words(entries(analysis.tree, *keys[:2], "let"), "name")


def _names(analysis: Analysis, keys: list[str]) -> Iterator[Candidate]:
    """`let`s in sight, and in a block the constants of its call."""
    yield from _lets(analysis, keys)
    if keys[:1] == ["blocks"]:
        yield from _words(["in", "out", "stride"], "name")


def _equation(analysis: Analysis, keys: list[str]) -> Iterator[Candidate]:
    """Tensors in sight and functions of them."""
    if keys[:1] == ["blocks"]:
        yield from _words(
            [*_above(analysis, keys), "x", "shortcut"], "name"
        )
        yield from _names(analysis, keys)
    elif keys[:1] == ["net"]:
        inputs = entries(analysis.tree, "input") or ["input"]
        yield from _words([*inputs, *_above(analysis, keys)], "name")
        yield from _names(analysis, keys)
    yield from _words(
        [*functions_of_tensors(), ACT, *FUNCTIONS],
        "function",
    )


def _above(analysis: Analysis, keys: list[str]) -> list[str]:
    """The paths of the block around a place, or the rows above it."""
    if keys[:1] == ["blocks"]:
        return _within(entries(analysis.tree, *keys[:2]))
    rows = list(entries(analysis.tree, "net"))
    if len(keys) > 1 and keys[1] in rows:
        rows = rows[: rows.index(keys[1])]
    made = analysis.rows
    streams_of = {row.name: [*row.ends()] for row in made if row.gives}
    return [*flatten(streams_of.get(row, [row]) for row in rows)]


def _within(block: Mapping[str, KeyValue]) -> list[str]:
    """What a block reads by name, and its paths."""
    items = block["reads"].value.items if "reads" in block else []
    reads = each_text(of_type(Scalar, items))
    return [
        *reads,
        *without(block, BLOCK_KEYS | CALL_KEYS),
    ]


def _words(
    words: Iterable[str], kind: CompletionKind
) -> Iterator[Candidate]:
    return (Candidate(word, kind) for word in words)

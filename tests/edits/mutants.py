"""A right spec → one that is wrong by one slip: of a word, of the format, of what other programs say."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from resgraph.language.foreign import FOREIGN, SYNONYMS
from resgraph.ops import VOCABULARY

from .slips import slips
from .specs import Right, Word, replaced, words

CERTAIN = ("missing", "doubled", "swapped", "upper", "capital")
"""Slips of a word that are mended to the original net."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A text with a mistake: of which kind, and what was written for what."""

    right: Right
    text: str
    kind: str
    word: str  # that is wrong
    said: str

    def __str__(self) -> str:
        return f"{self.right.path.stem}: {self.kind}: {self.said}"


Made = tuple[str, str, str]  # the text, the wrong word, and what was done
Make = Callable[[str, random.Random], Made | None]


def mutant(right: Right, kind: str, rng: random.Random) -> Wrong | None:
    """The spec with one mistake of a kind, if it has a place for such."""
    made = MAKERS[kind](right.text, rng)
    return (
        Wrong(right, made[0], kind, *made[1:])
        if made and made[0] != right.text
        else None
    )


def _put(text: str, word: Word, by: str) -> Made:
    return (
        replaced(text, word, by),
        by,
        f"line {word.line}: `{word.text}` as `{by}`",
    )


def _slip(kind: str) -> Make:
    def make(text: str, rng: random.Random) -> Made | None:
        word = _word(text, rng, least=4)
        found = (
            [wrong for k, wrong in slips(word.text) if k == kind]
            if word
            else []
        )
        return (
            _put(text, word, rng.choice(found)) if word and found else None
        )

    return make


def _word(text: str, rng: random.Random, least: int = 1) -> Word | None:
    """A word that is used, and so means something; the name of a definition may be any."""
    found = [
        w
        for w in words(text)
        if not w.defines and sum(map(str.isalpha, w.text)) >= least
    ]
    return rng.choice(found) if found else None


def _recased(change: Callable[[str], str]) -> Make:
    def make(text: str, rng: random.Random) -> Made | None:
        word = _word(text, rng, least=2)
        return _put(text, word, change(word.text)) if word else None

    return make


def _plural(text: str, rng: random.Random) -> Made | None:
    word = _word(text, rng, least=4)
    return (
        _put(
            text,
            word,
            word.text.removesuffix("s")
            if word.text.endswith("s")
            else f"{word.text}s",
        )
        if word
        else None
    )


def _twice(text: str, rng: random.Random) -> Made | None:
    """Two letters of one word replaced, as far apart as can be."""
    word = _word(text, rng, least=5)
    if not word:
        return None
    letters = [
        at for at, letter in enumerate(word.text) if letter.isalpha()
    ]
    other = list(word.text)
    for at in (letters[0], letters[-1]):
        other[at] = rng.choice(
            [c for c in "bcdfghjkqvwxz" if c != other[at].lower()]
        )
    return _put(text, word, "".join(other))


def _renamed(others: Callable[[str], list[str]]) -> Make:
    """An op of a label by another name."""

    def make(text: str, rng: random.Random) -> Made | None:
        found = [
            f
            for f in _OP.finditer(text)
            if _in_label(text, f) and others(f[0])
        ]
        if not found:
            return None
        one = rng.choice(found)
        other = rng.choice(others(one[0]))
        return (
            text[: one.start()] + other + text[one.end() :],
            other,
            f"`{one[0]}` as `{other}`",
        )

    return make


_OP = re.compile(
    rf"(?<=[0-9\[,:] )(?:{'|'.join(sorted(VOCABULARY, key=len, reverse=True))})(?=[\],\n ])"
)


def _in_label(text: str, found: re.Match[str]) -> bool:
    line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
    return (
        re.match(r"\s*(?:about|name|ops|unit)\b", line) is None
        and "#" not in line
    )


def _sub(pattern: str, by: str | Callable[[re.Match[str]], str]) -> Make:
    """One of the places that a pattern matches, written otherwise."""

    def make(text: str, rng: random.Random) -> Made | None:
        found = [
            f
            for f in re.finditer(pattern, text, re.MULTILINE)
            if _in_label(text, f)
        ]
        if not found:
            return None
        one = rng.choice(found)
        other = by(one) if callable(by) else one.expand(by)
        return (
            text[: one.start()] + other + text[one.end() :],
            other,
            f"`{one[0]}` as `{other}`",
        )

    return make


def _space(character: str) -> Make:
    return _sub(r"(?<=[a-z0-9]) (?=[a-z0-9/])", character)


MAKERS: dict[str, Make] = {
    **{
        kind: _slip(kind)
        for kind in ("missing", "doubled", "swapped", "replaced", "extra")
    },
    "upper": _recased(str.upper),
    "capital": _recased(str.capitalize),
    "plural": _plural,
    "two slips": _twice,
    "synonym": _renamed(
        lambda op: [word for word, ours in SYNONYMS.items() if ours == op]
    ),
    "foreign": _renamed(lambda op: sorted(FOREIGN)),
    "no-break space": _space("\u00a0"),
    "thin space": _space("\u2009"),
    "zero width": _sub(r"(?<=[a-z])(?=[a-z])", "\u200b"),
    "repeat behind": _sub(
        r"\b([0-9a-z.]+) x ([a-z][a-z0-9-]*)", r"\2 x \1"
    ),
    "repeat times": _sub(r"\b([0-9a-z.]+) x (?=[a-z])", r"\1 * "),
    "repeat joined": _sub(r"\b([0-9]+) x (?=[a-z])", r"\1x "),
    "repeat alone": _sub(r"\b([0-9]+) x (?=[a-z])", r"\1 "),
    "kernel joined": _sub(r"\b([0-9]+x[0-9]+) (?=conv)", r"\1"),
    "kernel star": _sub(r"\b([0-9]+)x([0-9]+)(?= [a-z])", r"\1*\2"),
    "kernel behind": _sub(r"\b([0-9]+x[0-9]+) (conv|max pool)", r"\2 \1"),
    "kernel spaced": _sub(r"\b([0-9]+)x([0-9]+)(?= [a-z])", r"\1 x \2"),
    "comma": _sub(r"(?<=conv [0-9]{2}) (?=/)", ", "),
    "equals": _sub(r"^(\s+[a-z0-9]+): +(?=[0-9a-z])", r"\1 = "),
    "stride spaced": _sub(r" /(?=[0-9])", " / "),
    "stride joined": _sub(r"(?<=[0-9]) /(?=[0-9])", "/"),
    "stride assigned": _sub(r" /([0-9])", r" stride=\1"),
    "stride short": _sub(r" /([0-9])", r" s\1"),
    "option assigned": _sub(r"\b(groups|pad|dilation) ([0-9]+)", r"\1=\2"),
    "index": _sub(r"\b([a-z]+)\.([0-9])\b", r"\1[\2]"),
    "null": _sub(r"\bnone\b", "null"),
    "quoted": _sub(r"(?<=: )([0-9_.]+)(?=[,}\n])", r"'\1'"),
    "sum": _sub(r"relu\(body \+ shortcut\)", "relu(add(body, shortcut))"),
    "identity": _sub(r"(?<=\+ )shortcut", "identity"),
}
"""Makers of mistakes by their kinds."""

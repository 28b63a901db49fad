"""A label whose first word means nothing → the error, with the word that was meant where there is
one.

Each guess knows one way to be wrong; the first that recognizes it has the word."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from msgspec.structs import replace

from ...collecting import each_text, first_found
from ...errors import NOWHERE, Fault, Hint, Span, fault, ticked, write
from ...ops import ACTIVATIONS, AMONG, POINTWISE, REDUCTIONS, VOCABULARY
from ...structs import Frozen
from ..foreign import CONCATS, SIGNS, foreign, squeezed
from ..grammar.records import Chunk
from ..torch_call import call_meant
from .names import foreign_letters
from .nearest import certain, did_you_mean, meant, sure

ELEMENT = r"[A-Za-z_]\w*(?:\.[0-9]+)+"
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_NO_NEAR = (
    "`resgraph blocks` lists the ops and the standard blocks; or it is an op of a package that is"
    " not installed here"
)
_FIRST_WORDS = frozenset(phrase.partition(" ")[0] for phrase in VOCABULARY)
_ALONE = ("avg pool", "max pool")
"""Which do nothing by themselves: alone, the global one is meant."""


class _Words(Frozen):
    """What follows a repeat and a kernel: its chunks, and the whole text's place."""

    parts: list[Chunk]
    words: Collection[str]  # blocks, and `let`s that stand for a word
    span: Span

    @property
    def first(self) -> str:
        return self.parts[0].text

    @property
    def second(self) -> str:
        return self.parts[1].text if len(self.parts) > 1 else ""

    @property
    def second_known(self) -> bool:
        """Whether what follows the first word begins an op, is a name, or a repeat's `x`."""
        return self.second in {*_FIRST_WORDS, *self.known, "x"}

    @property
    def place(self) -> Span:
        return self.parts[0].span

    @property
    def known(self) -> set[str]:
        return {*VOCABULARY, *self.words}

    def spoken(self, count: int) -> tuple[str, Span]:
        """The first words, and their place."""
        parts = self.parts[:count]
        text = " ".join(each_text(parts))
        return text, self.place.to(parts[-1].span)

    def unknown(
        self, hint: str | Hint, place: Span = NOWHERE, text: str = ""
    ) -> Fault:
        message = f"no op or block `{short(text or self.first)}`"
        return fault("E011", message, place or self.place, hint)


def unknown_word(
    parts: list[Chunk], words: Collection[str], span: Span
) -> Fault:
    """The error for a label whose first word means nothing; `span` is the whole label's."""
    if not parts:
        return fault("E011", "an op or a block is missing here", span)
    label = _Words(parts, words, span)
    if (
        label.first.isdecimal()
        and label.second[:1].isalpha()
        and not label.second_known
    ):
        # a kernel or a repeat: it is the word behind it that is wrong
        label = _Words(parts[1:], words, span)
    found = first_found(guess(label) for guess in _GUESSES)
    return found or _nearest(label)


def _listed(label: _Words) -> Fault | None:
    """A list within a label, as in `2 x [ln, fc 8]`, or in quotes, where it is text."""
    if not label.first.startswith("["):
        return None
    hint = (
        "take the quotes away: they make the list a text"
        if label.span.written().lstrip("\"'").startswith("[")
        else "a count repeats one op or block: make the list a block,"
        " `blocks: {pair: {body: […]}}`, and repeat `pair`"
    )
    return fault("E011", "a list is no op or block", label.place, hint)


def _respelled(label: _Words) -> Fault | None:
    """A kernel, a repeat or both in one word with the op."""
    first, certainly = label.first, True
    plain = respelled_word(first, label.words)
    if not plain:
        return None
    kernel = re.fullmatch(r"([0-9]{1,4})[xX×]", first)
    if kernel and label.second in VOCABULARY:
        plain = f"{kernel[1]}x{kernel[1]}"
        # a convolution does nothing without a kernel
        certainly = label.second == "conv"
    hint = replace(write(plain), certain=certainly)
    return fault("E011", f"no op or block `{first}`", label.place, hint)


def respelled_word(word: str, words: Collection[str]) -> str:
    """A kernel, a repeat or both in one word with the op, as the language writes them; "" for
    anything else."""
    for pattern, write_plain in _SPELLINGS:
        if found := re.fullmatch(pattern, word):
            plain, op = write_plain(found)
            block = op in words and " x " in plain  # a block has no kernel
            return plain if not op or op in VOCABULARY or block else ""
    return ""


_SPELLINGS: tuple[
    tuple[str, Callable[[re.Match[str]], tuple[str, str]]], ...
] = (
    (r"([0-9]{1,4})[X×*]([0-9]{1,4})", lambda m: (f"{m[1]}x{m[2]}", "")),
    (rf"([0-9]{{1,4}}|{ELEMENT})[xX×*]", lambda m: (f"{m[1]} x", "")),
    (
        r"([0-9]{1,4}x[0-9]{1,4})[-_]?([A-Za-z]+)",
        lambda m: (f"{m[1]} {m[2]}", m[2]),
    ),
    (
        r"([A-Za-z]+)[-_]?([0-9]{1,4}x[0-9]{1,4})",
        lambda m: (f"{m[2]} {m[1].lower()}", m[1].lower()),
    ),
    (
        r"([0-9]{1,4})[xX×*]([A-Za-z][\w-]*)",
        lambda m: (f"{m[1]} x {m[2]}", m[2]),
    ),
)
"""How others write kernels and repeats → how a label does, and the op in it."""


def _call(label: _Words) -> Fault | None:
    """`conv(3, 64)`, as in Python."""
    if not _CALL.match(label.first):
        return None
    called = label.first.partition("(")[0]
    if function := sure(called, functions_of_tensors()):
        place = label.place.part(0, len(called))
        return fault(
            "E030", f"no function `{called}` of tensors", place, function
        )
    hint = "a label is like `3x3 conv 64 /2`"
    if called in label.words:
        hint = f"a call is like `{called} 64 /2`"
    elif layer := call_meant(" ".join(each_text(label.parts))):
        hint = layer.text
    return fault(
        "E011", "this is a call in Python, not a label", label.span, hint
    )


def functions_of_tensors() -> list[str]:
    """What an equation can call."""
    calls = (
        w
        for w in ACTIVATIONS
        if " " not in w and VOCABULARY[w].in_equation()
    )
    words = dict.fromkeys([*AMONG, *REDUCTIONS, *POINTWISE])
    return ["concat", *words, *sorted(calls)]


def _repeated(label: _Words) -> Fault | None:
    """A number or a size before a word that is one: a repeat that lost its `x`, or a kernel."""
    first, second = label.first, label.second
    if not label.second_known or second == "x":
        return None
    if re.fullmatch(rf"[0-9]{{1,4}}|{ELEMENT}", first):
        message = f"`{first} {second}` is not how a repeat is written"
        place = label.place.to(label.parts[1].span)
        return fault("E011", message, place, write(f"{first} x {second}"))
    if not re.fullmatch(r"\w+x\w+", first):
        return None
    hint = (
        "a kernel that a name stands for is an option: `conv 64 kernel k`"
    )
    return fault(
        "E014", f"`{short(first)}` is not a kernel size", label.place, hint
    )


def _kernel_within(label: _Words) -> Fault | None:
    """`dw 3x3 conv`, a kernel within the words of an op."""
    first, *rest = label.parts
    if not re.fullmatch(r"[0-9]{1,4}(x[0-9]{1,4})*", label.second):
        return None
    for behind in filter(None, (rest[1:3], rest[1:2])):
        text = " ".join(each_text([first, *behind]))
        place = label.place.to(behind[-1].span)
        right = text if text in VOCABULARY else certain(text, VOCABULARY)
        if right and "kernel" in VOCABULARY[right].fields():
            hint = write(f"{label.second} {right}")
            return fault(
                "E014", "a kernel stands before its op", place, hint
            )
        if answer := foreign(text):
            return label.unknown(answer, place, text)
    return None


def _strided(label: _Words) -> Fault | None:
    """`maxpool/2`, a word and a stride that touch."""
    found = re.fullmatch(r"([A-Za-z][\w-]*)/(\w+)", label.first)
    known = label.known
    if not found:
        return None
    right = found[1] if found[1] in known else certain(found[1], known)
    hint = write(f"{right} /{found[2]}", ": a stride stands apart")
    return label.unknown(hint) if right else None


def _sign(label: _Words) -> Fault | None:
    """`add` and `concat`, which others have as layers."""
    plain = squeezed(label.first)
    if plain in CONCATS:
        equation = "concat(a b)"
    elif plain in SIGNS:
        equation = f"a {SIGNS[plain]} b"
    else:
        return None
    hint = f"an equation joins what has names: `{equation}`"
    return fault(
        "E011", f"no op or block `{label.first}`", label.place, hint
    )


def _certain_words(label: _Words) -> Fault | None:
    """The longest of the first three words that is one of ours for certain, or is another's."""
    for count in range(min(3, len(label.parts)), 0, -1):
        text, place = label.spoken(count)
        hint = Hint(foreign(text)) or sure(text, label.known)
        alone = (
            len(label.parts) == 1
            and label.place.column == label.span.column
        )
        if alone and hint.write in _ALONE:
            hint = meant(f"global {hint.write}", sure=False)
        if hint:
            return label.unknown(replace(hint, span=place), place, text)
    return None


def _shared(label: _Words) -> Fault | None:
    """Words that several ops share: `pool`, `global pool`."""
    count = 2 if label.second.isalpha() else 1
    text, place = label.spoken(count)
    said = set(text.split())
    shared = sorted(
        phrase for phrase in VOCABULARY if said < set(phrase.split())
    )
    if len(shared) < 2:
        return None
    listed = f"{ticked(shared[:-1])} or `{shared[-1]}`"
    place = label.place.to(label.parts[len(said) - 1].span)
    hint = Hint(f"did you mean {listed}?", shared[0], False, place)
    return _noted(label, hint)


def _phrase(label: _Words) -> Fault | None:
    """An op of several words that are nearly those: `max pxl`."""
    for count in range(min(3, len(label.parts)), 1, -1):
        text, place = label.spoken(count)
        phrases = [
            phrase
            for phrase in VOCABULARY
            if phrase.count(" ") == count - 1
        ]
        if near := did_you_mean(text, phrases):
            return _noted(label, replace(near, span=place))
    return None


def _nearest(label: _Words) -> Fault:
    near = did_you_mean(label.first, VOCABULARY, label.words)
    others = Hint(_NO_NEAR, names=frozenset(label.words))
    return _noted(label, near or others, about=label.first)


def _noted(label: _Words, hint: Hint, about: str = "") -> Fault:
    notes = filter(None, [foreign_letters(label.first)])
    message = f"no op or block `{short(label.first)}`"
    return fault("E011", message, label.place, hint, *notes, about=about)


def _width(label: _Words) -> Fault | None:
    """A width behind a kernel, as the paper's tables have it: `3x3 64`."""
    if (
        not label.first.isdecimal()
        or label.span.column == label.place.column
    ):
        return None
    return label.unknown(meant(f"conv {label.first}", sure=False))


_GUESSES = (
    _listed, _respelled, _call, _repeated, _kernel_within, _strided, _sign, _certain_words,
    _shared, _phrase, _width,
)  # fmt: skip


def short(text: str) -> str:
    return text if len(text) <= 64 else f"{text[:63]}…"

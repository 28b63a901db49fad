"""An item of a path that is no label and no equation → the error, with what was meant.

Each guess knows one way to be wrong; the first that recognizes it has the word. Where none does,
and the text is an equation, it is one of names that are not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ...collecting import each_text, first_found
from ...errors import Fault, Hint, Span, fault, write
from ...ops import ACTIVATIONS, VOCABULARY
from ...structs import Frozen
from ..foreign import (
    CONCATS,
    SIGNS,
    SYNONYMS,
    is_foreign,
    plain_calls,
    squeezed,
)
from ..grammar.binding import LAYERS
from ..grammar.expression import ExpressionError, parse_expression
from ..grammar.label import KERNEL, PAIR, chunks, parse_equation, word_at
from ..grammar.parse import Parser, UnreadItem
from ..grammar.records import Chunk, TensorExpr
from ..grammar.words import CONSTANTS, TENSOR_NAMES
from ..yaml.characters import LOOK_ALIKES, look_alikes
from .applied import applied
from .names import foreign_letters
from .nearest import certain, did_you_mean, nearest
from .word import (
    ELEMENT,
    functions_of_tensors,
    respelled_word,
    unknown_word,
)

_CALL_OF_AN_OP = re.compile(
    r"(?:[Cc]onv\w*|[Ll]inear|fc|bn|gn|ln|dropout|[A-Z]\w*|(?:torch\.)?nn\.\w+)\("
)
"""A call in Python, `conv(3, 64)`: an equation by its form, and no function of tensors or numbers
has such a name."""
_SIGN = re.compile(r"[(+*⊕]|\s[-×·⋅⊙⊗÷–⊖]\s")
_TIMES = ("×", "X", "\u0445")  # the last is Cyrillic


class _Item(Frozen):
    """A text, cut in chunks, and the names in sight."""

    text: str
    span: Span
    first: bool  # of its path: it may be an equation
    parts: list[Chunk]
    parser: Parser

    @property
    def texts(self) -> list[str]:
        return each_text(self.parts)

    @property
    def words(self) -> frozenset[str]:
        return self.parser.words

    @property
    def tensors(self) -> frozenset[str]:
        return self.parser.names | TENSOR_NAMES

    @property
    def repeated(self) -> bool:
        return len(self.parts) > 2 and self.parts[1].text == "x"

    @property
    def behind(self) -> list[Chunk]:
        """What follows the repeat and the kernel."""
        rest = self.parts[2 if self.repeated else 0 :]
        return rest[1:] if rest and KERNEL.match(rest[0].text) else rest

    def has_word(self, place: int) -> bool:
        return bool(word_at(self.texts, place, self.words))

    def unknown(self, parts: list[Chunk] | None = None) -> Fault:
        return unknown_word(
            self.parts if parts is None else parts, self.words, self.span
        )


def item_meant(failure: UnreadItem, parser: Parser) -> TensorExpr | Fault:
    """The error for a text that is no item; or the equation that it is, if it is one."""
    text, span = failure.text, failure.span
    item = _Item(text, span, failure.first, chunks(text, span), parser)
    if failure.rule == "word":
        return item.unknown()
    found = first_found(guess(item) for guess in _GUESSES)
    return found or _equation(item)


# -- nearly a label


def _look_alike(item: _Item) -> Fault | None:
    found = LOOK_ALIKES.search(item.text)
    if not found:
        return None
    said, hint = look_alikes(found[0])
    return fault("E010", said, item.span.part(*found.span()), hint)


def _pair(item: _Item) -> Fault | None:
    """`(3, 3) conv`."""
    found = PAIR.fullmatch(item.texts[0]) if item.parts else None
    if not found or not item.has_word(1):
        return None
    message = f"`{item.texts[0]}` is not how a size is written"
    hint = write(f"{found[1]}x{found[2]}")
    return fault("E010", message, item.parts[0].span, hint)


def _spaced_kernel(item: _Item) -> Fault | None:
    """`3 x 3 conv`."""
    if not item.repeated or len(item.parts) < 4:
        return None
    down, _, across = item.texts[:3]
    # `2 x 3x3` repeats, whatever is wrong behind it
    if not (across.isdecimal() and KERNEL.match(f"{down}x{across}")):
        return None
    message = f"`{down} x {across}` is not a kernel size"
    place = item.parts[0].span.to(item.parts[2].span)
    return fault(
        "E014", message, place, write(f"{down}x{across}", ", in one word")
    )


def _other_times(item: _Item) -> Fault | None:
    """Another sign for the `x` of a repeat; `n * …` may be a product."""
    if len(item.parts) < 3:
        return None
    number, sign, *behind = item.texts
    if sign not in _TIMES and not (sign == "*" and number.isdecimal()):
        return None
    if not item.has_word(3 if KERNEL.match(behind[0]) else 2):
        return None
    notes = filter(None, [foreign_letters(sign)])
    message = f"`{number} {sign}` is not how a repeat is written"
    place = item.parts[0].span.to(item.parts[1].span)
    return fault("E011", message, place, write(f"{number} x"), *notes)


def _starred(item: _Item) -> Fault | None:
    """`3*bottleneck`, and `3* bottleneck`."""
    if len(item.behind) < len(item.parts) or "*" not in item.text:
        return None
    starred = respelled_word(item.texts[0], item.words)
    alone = re.search(r" x [A-Za-z]", starred)  # the whole of it
    known = "*" in item.texts[0] and starred and (alone or item.has_word(1))
    return item.unknown() if known else None


def _turned(item: _Item) -> Fault | None:
    """`bottleneck x 3`."""
    first, _, count = (*item.texts, "", "", "")[:3]
    if not item.repeated or not (
        first in item.words or first in VOCABULARY
    ):
        return None
    hint = write(
        f"{count} x {first}", span=item.parts[0].span.to(item.parts[2].span)
    )
    message = "a repeat stands before what it repeats"
    return fault("E011", message, item.parts[0].span, hint)


def _unknown_op(item: _Item) -> Fault | None:
    """What has a repeat or a kernel is a label."""
    behind = item.behind
    return item.unknown(behind) if len(behind) < len(item.parts) else None


# -- nearly an equation


def _assigned(item: _Item) -> Fault | None:
    """`body = …`, as other languages give a name."""
    found = re.match(r"([A-Za-z_]\w*)\s*=", item.text)
    if not found:
        return None
    message = "a name and what it stands for are parted by a colon"
    place = item.span.part(0, found.end())
    return fault("E010", message, place, f"write `{found[1]}: …`")


def _name(item: _Item) -> Fault | None:
    """A name within a path."""
    text = item.text
    if item.first or text not in item.tensors:
        return None
    hint = f"only the first item of a path can be a name: `[{text}, …]`, or add it in an equation"
    message = f"`{text}` is a name, not an op or a block"
    return fault("E016", message, item.span, hint)


def _signless(item: _Item) -> Fault | None:
    """Several names, and no sign between them."""
    if (
        not item.first
        or len(item.parts) < 2
        or not item.tensors.issuperset(item.texts)
    ):
        return None
    plain = " + ".join(item.texts)
    message = "an equation has a sign between its values"
    return fault(
        "E010", message, item.span, Hint(f"write `{plain}`", plain)
    )


def _python(item: _Item) -> Fault | None:
    """`torch.cat((a, b), 1)`."""
    plain = plain_calls(item.text) if item.first else item.text
    if plain == item.text:
        return None
    if not {*re.findall(r"(\w+)\(", plain)}.issubset(
        functions_of_tensors()
    ):
        return None
    message = "an equation calls functions by their names here, not as Python does"
    hint = Hint(f"write `{plain}`", plain, item.text.endswith(plain))
    return fault("E010", message, item.span, hint)


def _applied(item: _Item) -> Fault | None:
    """`leaky relu(body + shortcut)`."""
    if not item.first:
        return None
    return applied(item.text, item.span, item.tensors, item.parser.blocks)


def _layer(item: _Item) -> Fault | None:
    """What is no equation, or rather a layer than one of unknown names."""
    label = (
        _is_sign(item)
        or not _is_equation(item.text)
        or _is_counted(item.parts, item.words)
        or _is_call(item)
        or _is_worded(item)
        or _is_layer(item.text, item.words, item.tensors)
    )
    return item.unknown() if label else None


def _is_sign(item: _Item) -> bool:
    word = squeezed(item.text.partition(" ")[0])
    return (
        word in SIGNS or word in CONCATS
    ) and item.text not in item.parser.names


def _is_equation(text: str) -> bool:
    """Whether a text that is no label was meant as an equation, which decides what its error
    says."""
    return parses(text) or _SIGN.search(text) is not None


def parses(text: str) -> bool:
    """Whether a text is an expression."""
    try:
        parse_expression(text)
    except ExpressionError:
        return False
    return True


def _is_counted(parts: list[Chunk], words: Collection[str]) -> bool:
    """Whether `3x bottleneck 64*e` or `reps.0 bottleneck` is what a text is: a repeat that lost its
    `x`, or a space."""
    if len(parts) < 2 or not re.fullmatch(
        rf"([0-9]{{1,4}}|{ELEMENT})[xX×*]?", parts[0].text
    ):
        return False
    second = parts[1].text
    return second in LAYERS or (
        second in words and second not in ACTIVATIONS
    )


def _is_call(item: _Item) -> bool:
    """Whether a text is an op or a block with its arguments in brackets, as Python has it."""
    called = re.match(r"([A-Za-z][\w-]*)\(", item.text)
    block = called is not None and called[1] in item.parser.blocks
    return block or _CALL_OF_AN_OP.match(item.text) is not None


def _is_worded(item: _Item) -> bool:
    """Whether a text is a word and something beside it, as only a label has it: `rdop path
    0.1*e`."""
    first, second = (*item.texts, "", "")[:2]
    word = re.fullmatch(r"[A-Za-z][A-Za-z-]+", first)
    named = first in item.parser.names or first in CONSTANTS
    return word is not None and not named and second[:1].isalnum()


def _is_layer(
    text: str, words: Collection[str], names: Collection[str]
) -> bool:
    """Whether a text that parses as an equation is a layer with an unknown word: `maxpool /2`,
    `batch-norm`.

    It begins with no name of a tensor and nothing near to one; alone, the word must be near to one
    of a layer."""
    found = re.fullmatch(r"([A-Za-z][\w-]*)( ?/\w+)?", text)
    if not found:
        return False
    word, parts = found[1], found[1].split("-")
    if any(part in names or certain(part, names) for part in parts):
        return False
    ours = squeezed(word) in SYNONYMS or certain(
        word, {*VOCABULARY, *words}
    )
    if is_foreign(word) or ours:
        return True
    likely = found[2] is not None or bool(
        did_you_mean(word, VOCABULARY, words)
    )
    return likely and not any(nearest(part, names) for part in parts)


def _equation(item: _Item) -> TensorExpr | Fault:
    """An equation over names that are not in sight, which can only stand first."""
    try:
        equation = parse_equation(item.text, item.span)
    except Fault as problem:
        return problem
    if item.first:
        return equation
    if item.text.replace("_", "").replace(".", "").isalnum():
        return item.unknown()
    message = "an equation can only be the first item of a path"
    return fault("E016", message, item.span, "give it a path of its own")


_GUESSES: tuple[Callable[[_Item], Fault | None], ...] = (
    _look_alike, _pair, _spaced_kernel, _other_times, _starred, _turned, _unknown_op,
    _assigned, _name, _signless, _python, _applied, _layer,
)  # fmt: skip

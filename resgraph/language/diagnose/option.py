"""What stands behind a label's word and is no option of it → the error, with what was meant.

Each guess knows one way to be wrong; the first that recognizes it has the word."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from msgspec.structs import replace

from ...collecting import first_found, the_only, without
from ...errors import Fault, Hint, Span, fault, ticked, write
from ...ops import ACTIVATIONS
from ..foreign import SYNONYMS, squeezed
from ..grammar import binding
from ..grammar.arithmetic import spec_text
from ..grammar.binding import LAYERS, Binder, Rule, UnreadOption
from ..grammar.expression import BinaryOp, NumberLiteral
from ..grammar.label import parse_expr, phrase_at
from ..grammar.records import (
    BlockDef,
    Bound,
    Chunk,
    Expr,
    Label,
    Option,
    Word,
)
from ..grammar.targets import (
    Target,
    example_number,
    literal_words,
    mode_hint,
    takes_mode,
)
from ..grammar.words import MODES, POLICIES
from .names import policy_hint
from .nearest import did_you_mean, nearest, op_meant, sure
from .word import short

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_KERNEL = re.compile(r"[0-9]+(?:x[0-9]+){1,2}\Z")
_TOUCHING = re.compile(r"([A-Za-z][\w-]*)(/\w+)\Z")
_UNBIASED = ("nobias", "unbiased", "biasless")
_NORMS = ("bn", "gn", "ln")


def bind(label: Label, target: Target, words: Collection[str]) -> Bound:
    """As the grammar's `bind`; its `Fault` says what was meant."""
    try:
        return binding.bind(label, target, words)
    except UnreadOption as failure:
        problem = _RULES[failure.rule](failure.binder, failure.part)
    raise problem


def in_number(label: Label, target: Target, place: int) -> Fault | None:
    """The error for a number with an unknown name, at a place of the rest: an option that was
    taken for it."""
    binder, part = Binder(label, target, ()), label.rest[place]
    binder.place = place + 1
    found = _TOUCHING.match(part.text)
    if found and found[1] in binder.fields:
        return run_together(part)
    if place and binder.texts[place - 1] in binder.fields:
        return None  # the value of an option
    return first_found(guess(binder, part) for guess in _NAMES)


def _refused(
    binder: Binder, text: str, span: Span, hint: str | Hint, **more: Any
) -> Fault:
    """That a label's word has no option of that name; `more` as of any fault."""
    said = f"`{binder.label.word}` has no option `{text}`"
    return fault("E012", said, span, hint, **more)


# -- a number, or anything that is no mode and no option


def _number(binder: Binder, part: Chunk) -> Fault:
    found = first_found(guess(binder, part) for guess in _GUESSES)
    return found or _quotient(binder, part)


def _list(binder: Binder, part: Chunk) -> Fault | None:
    if not part.text.startswith(("[", "shortcut=[")):
        return None
    hint = "layers one after another are items of one list"
    if "shortcut" in binder.fields:
        hint = long_form(binder.label.word)
    return fault(
        "E012", "a list cannot stand within a label", part.span, hint
    )


def _assigned(binder: Binder, part: Chunk) -> Fault | None:
    """`stride=2`, as another language would have it."""
    key, sign, value = part.text.partition("=")
    if not sign:
        return None
    plain = {"stride": f"/{value}", "width": value}.get(
        key, f"{key} {value}"
    )
    plain = (
        "bias none" if (key, value.lower()) == ("bias", "false") else plain
    )
    hint: str | Hint = "an option is a word and its value: `groups 32`"
    if value and (key in binder.fields or key == "width"):
        hint = write(plain)
    message = f"a label has no `=`, as in `{short(part.text)}`"
    return fault("E012", message, part.span, hint)


def _unbiased(binder: Binder, part: Chunk) -> Fault | None:
    plain = part.text.lower().replace("-", "").replace("_", "")
    if "bias" not in binder.fields or plain not in _UNBIASED:
        return None
    return _refused(binder, part.text, part.span, write("bias none"))


def _lettered(binder: Binder, part: Chunk) -> Fault | None:
    """`s2`, a stride as papers write it."""
    found = re.fullmatch(r"s([1-9])", part.text)
    if "stride" not in binder.fields or not found:
        return None
    return _refused(binder, part.text, part.span, write(f"/{found[1]}"))


def _second_layer(binder: Binder, part: Chunk) -> Fault | None:
    label, behind = binder.label, binder.label.rest[binder.place :]
    layer = behind[0] if behind and _KERNEL.match(part.text) else part
    if layer.text not in LAYERS and layer.text not in binder.words:
        return None
    cut = part.span.column - label.span.column
    first = label.text[:cut].rstrip(" ,\n")
    second = label.text[cut:].rstrip("]")
    hint = f"layers one after another are a list: `[{short(first)}, {short(second)}]`"
    if layer.text in _NORMS and label.word.endswith("conv"):
        pattern = r"\b(bn|ln|gn(?: [0-9]+)?) (?=[a-z])"
        layers = re.sub(pattern, r"\1, ", f"{first}, {second}")
        hint = _of_every_conv(layer.text, short(layers))
    message = f"a second layer, `{short(layer.text)}`, within one label"
    return fault("E012", message, part.span, hint)


def _of_every_conv(norm: str, layers: str) -> str:
    return (
        f"`unit: conv {norm} relu` says what every `conv` has behind it; behind this one alone,"
        f" `[{layers}]`"
    )


def _size(binder: Binder, part: Chunk) -> Fault | None:
    """A kernel behind its op, or a size for a number."""
    if not _KERNEL.match(part.text):
        return None
    label = binder.label
    if "kernel" in binder.fields:
        place = label.word_span.to(part.span)
        hint = write(f"{part.text} {label.word}", span=place)
        hint = replace(hint, certain=binder.place == 1)
        return fault(
            "E014", "a kernel stands before its op", part.span, hint
        )
    first, *others = part.text.split("x")
    axes = "along every axis" if others[1:] else "down and across"
    message = (
        f"`{label.word}` takes a number, and `{short(part.text)}` is a size"
    )
    return fault(
        "E012",
        message,
        part.span,
        write(first) if {*others} == {first} else f"it is the same {axes}",
    )


def _touching(binder: Binder, part: Chunk) -> Fault | None:
    found = _TOUCHING.match(part.text)
    if not found:
        return None
    option = found[1] in binder.fields and binder.number is not None
    known = option or found[1] in MODES or found[1] in ACTIVATIONS
    return run_together(part) if known else None


def run_together(part: Chunk) -> Fault:
    """The error for `first/2`, an option or a mode and a stride that touch."""
    word, _, stride = part.text.partition("/")
    hint = write(f"{word} /{stride}", ": a stride stands apart")
    message = f"`{part.text}` is a word and a stride in one"
    return fault("E015", message, part.span, hint)


def _foreign_letters(binder: Binder, part: Chunk) -> Fault | None:
    return None if part.text.isascii() else _unreadable(part)


def _unreadable(part: Chunk) -> Fault | None:
    """The error for what is no expression, which names the character."""
    try:
        parse_expr(part.text, part.span)
    except Fault as problem:
        return problem
    return None


def _first_word(binder: Binder) -> str:
    """The number before, where it is a word, and so perhaps an option."""
    text = binder.number.text if isinstance(binder.number, Expr) else ""
    return text if _WORD.match(text) else ""


def _option_before(binder: Binder, part: object = None) -> Fault | None:
    """The error for the number before, which is for certain a misspelled option."""
    return _named_before(binder, sure)


def _maybe_option_before(binder: Binder, part: Chunk) -> Fault | None:
    return _named_before(binder, did_you_mean)


def _named_before(
    binder: Binder, near: Callable[..., Hint]
) -> Fault | None:
    first = _first_word(binder)
    hint = near(first, binder.fields) if first else None
    return (
        _refused(binder, first, binder.number.span, hint)
        if hint and binder.number
        else None
    )


def _unknown_option(binder: Binder, part: Chunk) -> Fault | None:
    target, text = binder.target, part.text
    if not _WORD.match(text) or (binder.number is None and target.number):
        return None
    if isinstance(target, BlockDef) and text in target.reads:
        return _undeclared(binder, part, target)
    modes = {
        word for word in MODES | ACTIVATIONS if takes_mode(target, word)
    }
    hint = (
        _norm_behind(binder, part)
        or op_meant(text, binder.fields | modes)
        or _flag_behind(binder, part)
        or _function_meant(binder)
        or _options_of(binder)
    )
    names = {text, nearest(text, binder.words)}
    return _refused(binder, text, part.span, hint, names=names)


def _options_of(binder: Binder) -> str:
    if not binder.fields:
        return "it has no options"
    return f"its options are {', '.join(sorted(binder.fields))}"


def _undeclared(binder: Binder, part: Chunk, block: BlockDef) -> Fault:
    """The error for an option that the block reads and does not declare, perhaps by a slip."""
    text = part.text
    let = f"`let: {{{text}: …}}`"
    hint = f"the block reads it, and has to declare it with a value of its own: {let}"
    if declared := nearest(text, block.lets):
        hint = f"the block reads `{text}` and declares `{declared}`: one of the two is misspelled"
    names, causes = [text, declared], ["E030", "E034"]
    return _refused(
        binder, text, part.span, hint, names=names, causes=causes
    )


def _norm_behind(binder: Binder, part: Chunk) -> str:
    """What to write for a norm behind a convolution."""
    label, norm = binder.label, SYNONYMS.get(squeezed(part.text), "")
    if norm not in _NORMS or label.word not in ("conv", "depthwise conv"):
        return ""
    before = label.text[: part.span.column - label.span.column].rstrip(" ,")
    return _of_every_conv(norm, f"{before}, {norm}")


def _flag_behind(binder: Binder, part: Chunk) -> str:
    """What to write for the `true` behind a flag."""
    before = binder.texts[binder.place - 2] if binder.place > 1 else ""
    if part.text not in ("true", "false") or before not in binder.fields:
        return ""
    if part.text == "true":
        return f"`{before}` alone says so"
    return f"leave `{before}` out too"


def _function_meant(binder: Binder) -> str:
    """What to write for `relu body + shortcut`."""
    rest, word = " ".join(binder.texts), binder.label.word
    if word in ACTIVATIONS and (
        len(binder.texts) == 1 or set("+*(") & set(rest)
    ):
        return f"in an equation it has brackets: `{word}({rest})`"
    return ""


def _second_number(binder: Binder, part: Chunk) -> Fault | None:
    if binder.number is None:
        return None
    hint, first = "", _first_word(binder)
    if part.text in ("+", "-", "*"):
        hint = "a sum in a label has no spaces, or brackets: `16+16`"
    if isinstance(binder.target, BlockDef) and first in binder.target.reads:
        hint = f"a call sets what its block's `let:` declares, and `{first}` is the file's"
    message = (
        f"`{binder.label.word}` takes one number, and this is a second"
    )
    return fault("E013", message, part.span, hint)


def _no_number(binder: Binder, part: Chunk) -> Fault | None:
    """A number behind an op that takes none."""
    if binder.target.number:
        return None
    word, text = binder.label.word, part.text
    hint: str | Hint = Hint(
        "leave it out: as many channels come out as come in", ""
    )
    if needed := _needed(binder.target):
        hint = write(f"{needed} {text}")
    small = text.isdigit() and int(text) < 16
    if small and "kernel" in binder.fields and word != "depthwise conv":
        kernel = f"{text}x{text} {word}"
        hint = f"a kernel stands before, `{kernel}`, and a stride behind, `/{text}`"
    return fault("E012", f"`{word}` takes no number", part.span, hint)


def _needed(target: Target) -> str:
    """The option that an op cannot do without, "" where it has none or several, or a kernel."""
    fields = target.fields().items()
    needed = [key for key, field in fields if field.required]
    found = without(needed, ("op", "kernel", "width"))
    return the_only(found, "")


def _quotient(binder: Binder, part: Chunk) -> Fault:
    """A width and a stride without a space, or a quotient: a question, for either may be meant."""
    if problem := _unreadable(part):
        return problem
    tree = parse_expr(part.text, part.span).tree
    assert isinstance(tree, BinaryOp)
    assert isinstance(tree.left, NumberLiteral) and isinstance(
        tree.right, NumberLiteral
    )
    apart = f"{spec_text(tree.left.value)} /{spec_text(tree.right.value)}"
    hint = Hint(f"did you mean `{apart}`? a stride stands apart", apart)
    message = f"`{part.text}` divides one number by another"
    return fault("E015", message, part.span, hint)


_GUESSES: tuple[Callable[[Binder, Chunk], Fault | None], ...] = (
    _list, _assigned, _unbiased, _lettered, _second_layer, _size, _touching, _foreign_letters,
    _option_before, _unknown_option, _maybe_option_before, _second_number, _no_number,
)  # fmt: skip
_NAMES = (_unbiased, _lettered, _touching)
"""Those that know a name which could be a number's."""


# -- strides, modes, values, policies, keys


def _stride(binder: Binder, slash: Chunk) -> Fault:
    """The stride that lost its slash to a space."""
    behind = binder.label.rest[binder.place :][:1] or (slash,)
    found = re.fullmatch(r"[0-9]{1,4}", behind[0].text)
    hint = write(
        f"/{found[0]}" if found else "/2",
        ", without a space",
        slash.span.to(behind[0].span),
    )
    hint = replace(hint, certain=found is not None)
    return fault("E010", "a stride is expected after `/`", slash.span, hint)


def _mode(binder: Binder, part: Chunk) -> Fault:
    text = (
        phrase_at(binder.texts, binder.place - 1, ACTIVATIONS) or part.text
    )
    return _option_before(binder) or _no_mode(
        binder, f"`{text}`", text, part.span
    )


def _long_mode(binder: Binder, mode: Option) -> Fault:
    """A mode in the long form, which may be anything."""
    text = mode.value.text if isinstance(mode.value, Word | Expr) else ""
    return _no_mode(
        binder, f"`{text}`" if text else "such mode", text, mode.span
    )


def _no_mode(binder: Binder, said: str, text: str, span: Span) -> Fault:
    hint = mode_hint(binder.target, text)
    return fault(
        "E012", f"`{binder.label.word}` takes no {said}", span, hint
    )


def _value(binder: Binder, part: Chunk) -> Fault:
    """An option at the end of a label, whose value is missing."""
    key = part.text
    choices = [
        *sorted(literal_words(binder.target, key)),
        *example_number(binder.target, key),
    ]
    examples = ticked((f"{key} {choice}" for choice in choices), " or ")
    hint = f"write it behind: {examples}"
    return _option_before(binder) or fault(
        "E012", f"`{key}` needs a value", part.span, hint
    )


def _policy(binder: Binder, part: Chunk) -> Fault:
    listed = ticked(sorted(POLICIES))
    hint = (
        policy_hint(part.text)
        or f"they are {listed}; {long_form(binder.label.word)}"
    )
    return fault(
        "E012", f"no shortcut policy `{part.text}`", part.span, hint
    )


def long_form(block: str) -> str:
    """How a call says a shortcut that is a path."""
    return (
        f"a path takes the long form: `{{block: {block}, shortcut: […]}}`"
    )


def _key(binder: Binder, option: Option) -> Fault:
    """A key of the long form."""
    number = binder.target.number
    known = [*binder.fields, "repeat", *([number] if number else [])]
    listed = f"its options are {', '.join(sorted(known))}"
    hint = did_you_mean(option.key, known) or listed
    return _refused(binder, option.key, option.span, hint)


_RULES: dict[Rule, Callable[[Binder, Any], Fault]] = {
    "number": _number, "stride": _stride, "mode": _mode, "value": _value, "policy": _policy,
    "key": _key, "long mode": _long_mode,
}  # fmt: skip

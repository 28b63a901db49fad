"""A label whose word means nothing → the error, with the word that was meant where there is one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ...errors import Fault, Hint, Span, fault, write
from ...ops import ACTIVATIONS, VOCABULARY
from ..foreign import CONCATS, SIGNS, SYNONYMS, foreign, is_foreign, squeezed
from ..grammar.arithmetic import value_text
from ..grammar.expression import Binary, ExpressionError, Number, parse_expression
from ..grammar.records import Chunk, Expr, Label
from ..grammar.words import BLOCK_KEYS, POLICIES, foreign_letters
from ..yaml.tree import Entry, Scalar, Tree
from ..yaml.tree import Mapping as MappingTree
from .nearest import certain, did_you_mean, meant, nearest, sure
from .usage import words_in

# A call in Python, `conv(3, 64)`: an equation by its form, and no function of tensors or numbers
# has such a name.
CALL_OF_AN_OP = re.compile(
    r"(?:[Cc]onv\w*|[Ll]inear|fc|bn|gn|ln|dropout|[A-Z]\w*|nn\.\w+)\("
)
ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*=")
"""`body = …`, as other languages give a name."""
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_ELEMENT = r"[A-Za-z_]\w*(?:\.[0-9]+)+"
_NO_NEAR = (
    "`resgraph blocks` lists the ops and the standard blocks; or it is an op of a package that is"
    " not installed here"
)
_LAYERS = frozenset(phrase.partition(" ")[0] for phrase in VOCABULARY) - ACTIVATIONS


def unknown_word(parts: list[Chunk], words: Collection[str], span: Span) -> Fault:
    """The error for a label whose first word means nothing."""
    if not parts:
        return fault("E011", "an op or a block is missing here", span)
    first = parts[0].text
    if respelled := respelled_word(first, words):
        kernel = re.fullmatch(r"([0-9]{1,4})[xX×]", first)
        alone = True
        if kernel and len(parts) > 1 and parts[1].text in VOCABULARY:
            respelled = f"{kernel[1]}x{kernel[1]}"
            alone = parts[1].text == "conv"  # which does nothing without a kernel
        return fault(
            "E011",
            f"no op or block `{first}`",
            parts[0].span,
            replace(write(respelled), certain=alone),
        )
    if _CALL.match(first):
        called = first.partition("(")[0]
        if function := sure(called, functions_of_tensors()):
            place = parts[0].span.part(0, len(called))
            return fault("E030", f"no function `{called}` of tensors", place, function)
        hint = (
            f"a call is like `{called} 64 /2`"
            if called in words
            else "a label is like `3x3 conv 64 /2`"
        )
        return fault("E011", "this is a call in Python, not a label", span, hint)
    known = {*words, *VOCABULARY, *(phrase.partition(" ")[0] for phrase in VOCABULARY)}
    if len(parts) > 1 and parts[1].text in known:
        if re.fullmatch(rf"[0-9]{{1,4}}|{_ELEMENT}", first):
            message = f"`{first} {parts[1].text}` is not how a repeat is written"
            return fault(
                "E011",
                message,
                _both(parts[0].span, parts[1].span),
                write(f"{first} x {parts[1].text}"),
            )
        if re.fullmatch(r"\w+x\w+", first):
            hint = "a kernel that a name stands for is an option: `conv 64 kernel k`"
            return fault(
                "E014", f"`{short(first)}` is not a kernel size", parts[0].span, hint
            )
    if known_before := _strided(first, words):
        return fault(
            "E011", f"no op or block `{short(first)}`", parts[0].span, known_before
        )
    return _unknown_op(
        parts, words, alone=len(parts) == 1 and parts[0].span.column == span.column
    )


def _unknown_op(parts: list[Chunk], words: Collection[str], *, alone: bool) -> Fault:
    """The error for words that are no op and no block; `alone` of a label that says nothing
    else."""
    first, span = parts[0].text, parts[0].span
    if sign := SIGNS.get(
        squeezed(first), "concat" if squeezed(first) in CONCATS else ""
    ):
        equation = "concat(a b)" if sign == "concat" else f"a {sign} b"
        return fault(
            "E011",
            f"no op or block `{first}`",
            span,
            f"an equation joins what has names: `{equation}`",
        )
    known = {*VOCABULARY, *words}
    spoken = [
        (
            " ".join(part.text for part in parts[:count]),
            _both(span, parts[count - 1].span),
            count,
        )
        for count in (3, 2, 1)
        if count <= len(parts)
    ]
    for text, place, _ in spoken:
        if hint := Hint(foreign(text)) or sure(text, known):
            # of a pool alone, the only one that does anything
            if alone and hint.write in (
                "avg pool",
                "max pool",
            ):
                hint = meant(f"global {hint.write}", sure=False)
            return fault(
                "E011",
                f"no op or block `{short(text)}`",
                place,
                replace(hint, span=place),
            )
    notes = [foreign_letters(first)] if foreign_letters(first) else []
    worded = len(parts) > 1 and parts[1].text.isalpha()
    if shared := _of_phrases(spoken[-2][0] if worded else first, parts):
        return fault(
            "E011", f"no op or block `{short(first)}`", span, shared, "", *notes
        )
    for text, place, count in spoken[:-1]:  # of `max pxl`, two words
        if near := did_you_mean(
            text, [phrase for phrase in VOCABULARY if phrase.count(" ") == count - 1]
        ):
            return fault(
                "E011",
                f"no op or block `{short(first)}`",
                span,
                replace(near, span=place),
                "",
                *notes,
            )
    near = did_you_mean(first, VOCABULARY, words) or Hint(
        _NO_NEAR, names=frozenset(words)
    )
    return fault(
        "E011", f"no op or block `{short(first)}`", span, near, "", *notes, about=first
    )


def is_layer(text: str, words: Collection[str], names: Collection[str]) -> bool:
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
    if (
        is_foreign(word)
        or squeezed(word) in SYNONYMS
        or certain(word, {*VOCABULARY, *words})
    ):
        return True
    likely = found[2] is not None or bool(did_you_mean(word, VOCABULARY, words))
    return likely and not any(nearest(part, names) for part in parts)


def _strided(first: str, words: Collection[str]) -> Hint:
    """`maxpool/2`, a word and a stride that touch: the word that was meant, and the stride
    apart."""
    found = re.fullmatch(r"([A-Za-z][\w-]*)/(\w+)", first)
    if not found:
        return Hint()
    known = {*VOCABULARY, *words}
    right = found[1] if found[1] in known else certain(found[1], known)
    return write(f"{right} /{found[2]}", ": a stride stands apart") if right else Hint()


def _of_phrases(text: str, parts: list[Chunk]) -> Hint:
    """What was meant by words that several ops share: `pool`, `global pool`."""
    said = set(text.split())
    shared = sorted(phrase for phrase in VOCABULARY if said < set(phrase.split()))
    if len(shared) < 2:
        return Hint()
    last = parts[len(said) - 1].span
    listed = f"{', '.join(f'`{phrase}`' for phrase in shared[:-1])} or `{shared[-1]}`"
    return Hint(f"did you mean {listed}?", shared[0], False, _both(parts[0].span, last))


def respelled_word(word: str, words: Collection[str]) -> str:
    """A kernel, a repeat or both in one word with the op, as the language writes them; "" for
    anything else."""
    if found := re.fullmatch(r"([0-9]{1,4})[X×*]([0-9]{1,4})", word):
        return "x".join(found.groups())
    if found := re.fullmatch(rf"([0-9]{{1,4}}|{_ELEMENT})[xX×*]", word):
        return f"{found[1]} x"
    if found := re.fullmatch(r"([0-9]{1,4}x[0-9]{1,4})[-_]?([A-Za-z]+)", word):
        return f"{found[1]} {found[2]}" if found[2] in VOCABULARY else ""
    if found := re.fullmatch(r"([A-Za-z]+)[-_]?([0-9]{1,4}x[0-9]{1,4})", word):
        return (
            f"{found[2]} {found[1].lower()}" if found[1].lower() in VOCABULARY else ""
        )
    if found := re.fullmatch(r"([0-9]{1,4})[xX×*]([A-Za-z][\w-]*)", word):
        return (
            f"{found[1]} x {found[2]}"
            if found[2] in VOCABULARY or found[2] in words
            else ""
        )
    return ""


def _both(first: Span, last: Span) -> Span:
    return replace(first, end_line=last.end_line, end_column=last.end_column)


def short(text: str) -> str:
    return text if len(text) <= 64 else f"{text[:63]}…"


def functions_of_tensors() -> list[str]:
    """What an equation can call."""
    calls = (
        word
        for word in ACTIVATIONS
        if " " not in word and VOCABULARY[word].in_equation()
    )
    return ["concat", *sorted(calls)]


def is_worded(parts: list[Chunk], names: Collection[str]) -> bool:
    """Whether a text is a word and something beside it, as only a label has it: `rdop path
    0.1*e`."""
    word = re.fullmatch(r"[A-Za-z][A-Za-z-]+", parts[0].text)
    return (
        word is not None
        and word[0] not in names
        and len(parts) > 1
        and parts[1].text[0].isalnum()
    )


def unit_meant(text: str) -> Hint:
    """`conv bn relu` for `ConvBNReLU`, `conv + bn + relu` and `relu(bn(conv))`; nothing for what
    may be read twice."""
    if len(text) > 64 or re.search(r"[^\w\s+>/,.&|()-]", text):
        return Hint()
    called = re.fullmatch(r"(?:\w+\()+\w+\)+", text.strip())
    runs = re.findall(r"[A-Za-z0-9]+", text)
    readings = list(_ops_in("".join(reversed(runs) if called else runs).lower()))
    words = len(text.replace(",", " ").split())
    if (
        len(readings) != 1
        or readings[0].count("conv") != 1
        or len(readings[0]) == words
    ):
        # where there are as many words as ops, one of them is wrong, and told of
        return Hint()
    return replace(write(" ".join(readings[0])), certain=not called)


def _ops_in(word: str) -> Iterator[list[str]]:
    """Each way to cut a word of small letters into ops that a unit can have, also as others call
    them."""
    if not word:
        yield []
    for end in range(2, len(word) + 1):
        op = SYNONYMS.get(word[:end], word[:end])
        if op in _IN_UNITS:
            yield from ([op, *rest] for rest in _ops_in(word[end:]))


_IN_UNITS = frozenset(
    [
        "conv",
        "bn",
        "gn",
        "ln",
        "prelu",
        *(word for word in ACTIVATIONS if " " not in word),
    ]
)


def is_counted(parts: list[Chunk], words: Collection[str]) -> bool:
    """Whether `3x bottleneck 64*e` or `reps.0 bottleneck` is what a text is: a repeat that lost its
    `x`, or a space."""
    return (
        len(parts) > 1
        and re.fullmatch(rf"([0-9]{{1,4}}|{_ELEMENT})[xX×*]?", parts[0].text)
        is not None
        and (
            parts[1].text in _LAYERS
            or (parts[1].text in words and parts[1].text not in ACTIVATIONS)
        )
    )


def turned(parts: list[Chunk], words: Collection[str]) -> Fault | None:
    """The error for `bottleneck x 3`."""
    first, times, *rest = (part.text for part in parts)
    if times != "x" or not rest or not (first in words or first in VOCABULARY):
        return None
    place = _both(parts[0].span, parts[2].span)
    hint = write(f"{rest[0]} x {first}", span=place)
    return fault("E011", "a repeat stands before what it repeats", parts[0].span, hint)


def misplaced(
    label: Label, place: int, fields: Collection[str], words: Collection[str]
) -> Fault | None:
    """The error for `stride=2`, `s2`, a kernel behind its op, and a layer behind a layer, at a
    place of the rest."""
    part, *behind = label.rest[place:]
    word = label.word
    if part.text.startswith(("[", "shortcut=[")):
        hint = (
            long_form(word)
            if "shortcut" in fields
            else "layers one after another are items of one list"
        )
        return fault("E012", "a list cannot stand within a label", part.span, hint)
    if "=" in part.text:
        return assigned(part, fields)
    if "bias" in fields and part.text.lower().replace("-", "").replace("_", "") in (
        "nobias",
        "unbiased",
        "biasless",
    ):
        return fault(
            "E012",
            f"`{word}` has no option `{part.text}`",
            part.span,
            write("bias none"),
        )
    if "stride" in fields and (found := re.fullmatch(r"s([1-9])", part.text)):
        return fault(
            "E012",
            f"`{word}` has no option `{part.text}`",
            part.span,
            write(f"/{found[1]}"),
        )
    layer = behind[0] if behind and re.fullmatch(r"[0-9]+x[0-9]+", part.text) else part
    if layer.text in _LAYERS or layer.text in words:
        cut = part.span.column - label.span.column
        first, second = label.text[:cut].rstrip(" ,\n"), label.text[cut:].rstrip("]")
        hint = (
            f"layers one after another are a list: `[{short(first)}, {short(second)}]`"
        )
        if layer.text in ("bn", "gn", "ln") and word.endswith("conv"):
            layers = re.sub(
                r"\b(bn|ln|gn(?: [0-9]+)?) (?=[a-z])", r"\1, ", f"{first}, {second}"
            )
            unit = (
                f"`unit: conv {layer.text} relu` says what every `conv` has behind it"
            )
            hint = f"{unit}; behind this one alone, `[{short(layers)}]`"
        return fault(
            "E012",
            f"a second layer, `{short(layer.text)}`, within one label",
            part.span,
            hint,
        )
    if re.fullmatch(r"[0-9]+x[0-9]+", part.text):
        if "kernel" in fields:
            before = write(
                f"{part.text} {word}", span=_both(label.word_span, part.span)
            )
            return fault(
                "E014",
                "a kernel stands before its op",
                part.span,
                replace(before, certain=place == 0),
            )
        down, across = part.text.split("x")
        one = write(down) if down == across else "it is the same down and across"
        return fault(
            "E012",
            f"`{word}` takes a number, and `{short(part.text)}` is a size",
            part.span,
            one,
        )
    return None


def numberless(word: str, fields: Collection[str], number: str) -> str | Hint:
    """What to write for a number behind an op that takes none."""
    if (
        "kernel" in fields
        and number.isdigit()
        and int(number) < 16
        and word != "depthwise conv"
    ):
        kernel = f"{number}x{number} {word}"
        return f"a kernel stands before, `{kernel}`, and a stride behind, `/{number}`"
    return Hint("leave it out: as many channels come out as come in", "")


def long_form(block: str) -> str:
    """How a call says a shortcut that is a path."""
    return f"a path takes the long form: `{{block: {block}, shortcut: […]}}`"


def assigned(part: Chunk, fields: Collection[str]) -> Fault:
    """The error for `stride=2`, as another language would have it."""
    key, _, value = part.text.partition("=")
    plain = (
        f"/{value}"
        if key == "stride"
        else value
        if key == "width"
        else f"{key} {value}"
    )
    plain = "bias none" if (key, value.lower()) == ("bias", "false") else plain
    known = key in fields or key == "width"
    hint = (
        write(plain)
        if known and value
        else "an option is a word and its value: `groups 32`"
    )
    return fault(
        "E012", f"a label has no `=`, as in `{short(part.text)}`", part.span, hint
    )


def run_together(part: Chunk) -> Fault:
    """The error for `first/2`, an option or a mode and a stride that touch."""
    word, _, stride = part.text.partition("/")
    hint = write(f"{word} /{stride}", ": a stride stands apart")
    return fault(
        "E015", f"`{part.text}` is a word and a stride in one", part.span, hint
    )


def refuse_quotient(expr: Expr) -> Expr:
    """`64/2` in a label is a stride that lost its space, or a quotient: a question, for either may
    be meant."""
    tree = expr.tree
    if isinstance(tree, Binary) and tree.symbol == "/":
        left, right = tree.left, tree.right
        if isinstance(left, Number) and isinstance(right, Number):
            apart = f"{value_text(left.value)} /{value_text(right.value)}"
            hint = Hint(f"did you mean `{apart}`? a stride stands apart", apart)
            raise fault(
                "E015", f"`{expr.text}` divides one number by another", expr.span, hint
            )
    return expr


def misspelled_key(key: str, value: Tree, entries: Mapping[str, Entry]) -> str:
    """The key of a block that was meant by one that reads like a path, and that no path reads; ""
    for a path."""
    if key in BLOCK_KEYS or any(
        key in words_in(entry.value) for entry in entries.values()
    ):
        return ""
    missing = BLOCK_KEYS - entries.keys()
    if isinstance(value, Scalar):
        if "shortcut" in missing and value.text in POLICIES - {"none"}:
            return "shortcut"
        several = len(entries.keys() - BLOCK_KEYS) > 1
        if (
            "merge" in missing
            and several
            and set("(+*") & set(value.text)
            and _parses(value.text)
        ):
            return "merge"
    holds_names = (
        isinstance(value, MappingTree)
        and not {"op", "block", "merge"} & value.entries.keys()
    )
    near = nearest(key, missing)
    return near if holds_names == (near == "let") and _alike(key, near) else ""


def _alike(one: str, other: str) -> bool:
    return (
        one.lower() == other
        or difflib.SequenceMatcher(None, one.lower(), other).ratio() > 0.8
    )


def is_equation(text: str) -> bool:
    """Whether a text that is no label was meant as an equation, which decides what its error
    says."""
    return _parses(text) or re.search(r"[(+*⊕]|\s[-×·⋅⊙⊗÷–⊖]\s", text) is not None


def _parses(text: str) -> bool:
    try:
        parse_expression(text)
    except ExpressionError:
        return False
    return True

"""The words that the language keeps for itself, and the nearest right word to a wrong one."""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import chain, count

from ..errors import Hint, Span, write

CONSTANTS = frozenset(["x", "in", "out", "stride", "index", "total", "row_index", "row_total", "input", "shortcut"])
"""What a block's call gives (LANGUAGE.md rule 4), and the names of tensors that need no definition."""

ACT = "act"
"""The activation of the unit in force, unless a `let` has that name."""
TENSOR_NAMES = frozenset(["x", "input", "shortcut"])
COUNTERS = frozenset(["index", "total", "row_index", "row_total"])
POLICIES = frozenset(["projection", "projection always", "zero-pad", "identity", "none"])
OPTIONS = {"A": "zero-pad", "B": "projection", "C": "projection always"}
"""The shortcuts of He et al. 2015, section 3.3, by their letters."""
MODES = frozenset(["linear", "bare"])
BLOCK_KEYS = frozenset(["about", "let", "unit", "shortcut", "merge"])
CALL_KEYS = frozenset(["block", "repeat", "out", "stride"])
FILE_KEYS = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net", "variants", "extends",
    "allow", "expect", "train",
)  # fmt: skip
"""The keys of a spec."""
NO_VARIANT = frozenset(["blocks", "net", "variants", "extends"])
"""Of those, what a variant cannot set."""

ELSEWHERE = {
    "batchnorm": "bn", "groupnorm": "gn", "layernorm": "ln", "convolution": "conv", "dwconv": "depthwise conv",
    "linear": "fc", "dense": "fc", "maxpool": "max pool", "avgpool": "avg pool", "averagepool": "avg pool",
    "gap": "global avg pool", "globalavgpool": "global avg pool", "adaptiveavgpool": "global avg pool",
    "leakyrelu": "leaky relu", "droppath": "drop path", "stochasticdepth": "drop path", "deconv": "up conv",
    "transposedconv": "up conv", "convtranspose": "up conv", "swish": "silu", "layerscale": "scale",
}  # fmt: skip
"""What other libraries and papers call the words of the language, without what is no letter."""

TENSORS = {
    "identity": "shortcut", "skip": "shortcut", "residual": "shortcut", "res": "shortcut", "projection": "shortcut",
    "input": "x", "inputs": "x", "inp": "x", "features": "x",
}  # fmt: skip
SIGNS = {
    "add": "+", "sum": "+", "plus": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "times": "*",
    "prod": "*",
}  # fmt: skip
"""What others call the tensors of a block, and the signs of an equation."""

# Attributes of torch.nn.Module (2.13), which a row or a path cannot be called since they become attributes of one.
_MODULE = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "reset_parameters",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)


def name_problem(name: str, taken: Iterable[str] = (), *, dashes: bool = False) -> str:
    """Why `name` cannot be a name, or "" where it can; `taken` are words of the language (ops, blocks)."""
    letters = "A-Za-z0-9_-" if dashes else "A-Za-z0-9_"
    if not re.fullmatch(rf"[A-Za-z][{letters}]*\Z", name):
        extra = " and `-`" if dashes else ""
        return f"a name begins with a letter (a to z) and goes on with letters, digits, `_`{extra}"
    if len(name) > 64:
        return "a name has at most 64 characters"
    if name in CONSTANTS or name in MODES:
        return "it is a word of the language"
    if keyword.iskeyword(name) or name in _MODULE:
        return f"it is a word of {'Python' if keyword.iskeyword(name) else 'torch.nn.Module'}"
    if name in taken:
        return "an op or a block has that name"
    return ""


def other_name(name: str, taken: Iterable[str] = (), *, dashes: bool = False) -> str:
    """What to do about a name that cannot be one: another that can, and is close to it."""
    taken = frozenset(taken)
    plain = re.sub(r"[^A-Za-z0-9_-]+" if dashes else r"[^A-Za-z0-9_]+", "_", name[:32]).strip("_-") or "a"
    plain = plain if plain[0].isalpha() and plain.isascii() else f"n{plain}"
    others = chain([plain], (f"{plain}{number}" for number in count(1)))
    free = next(other for other in others if not name_problem(other, taken, dashes=dashes))
    return f"give it another name, such as `{free}`"


def policy_hint(word: str) -> Hint:
    """What to write for a shortcut policy that there is not: `option-B`, `zeropad`."""
    letter = re.fullmatch(r"(?:[Oo]ption|[Tt]ype)?[\s_-]*([ABC])", word)
    return write(OPTIONS[letter[1]], f", which is option {letter[1]}") if letter else did_you_mean(word, POLICIES)


def did_you_mean(word: str, known: Iterable[str], rather: Iterable[str] = ()) -> Hint:
    """`did you mean `groups`?`, or an empty hint where nothing is near; of two as near, one of `rather`."""
    known, rather = list(known), list(rather)
    near = nearest(word, known, rather)
    return meant(near, sure=certain(word, {*known, *rather}) == near) if near else Hint()


def meant(word: str, *, sure: bool, span: Span | None = None) -> Hint:
    """`did you mean `groups`?`, of a word that is the right one for `sure`, or perhaps."""
    return Hint(f"did you mean `{word}`?", word, sure, span, frozenset([word]))


def known_here(names: Collection[str]) -> Hint:
    """All that an unknown name may stand for."""
    return Hint(f"known here: {', '.join(names)}", names=frozenset(names)) if names else Hint()


def certain(word: str, known: Collection[str]) -> str:
    """The one of `known` that a wrong word is for certain: but for its case, an `s`, or one slip; "" for none."""
    lower = word.lower()
    if lower in known:
        return lower
    found = [k for k in known if k in (lower + "s", lower.removesuffix("s"))]
    found = found or [k for k in known if len(word) > 3 and _one_slip(lower, k)]
    return found[0] if len(found) == 1 else ""


def _one_slip(one: str, other: str) -> bool:
    """One letter missing, doubled or changed, or two swapped."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[at:], other[at:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def nearest(word: str, known: Iterable[str], rather: Iterable[str] = ()) -> str:
    """The right word that a wrong one is nearest to, or ""."""
    wanted, preferred = word[:64], frozenset(rather)
    words = sorted({*known, *preferred})
    if wanted.lower() in words:
        return wanted.lower()
    near = difflib.get_close_matches(wanted, words, n=3, cutoff=0.6)
    near = near or difflib.get_close_matches(wanted.lower(), words, n=3, cutoff=0.6)
    likeness = {found: difflib.SequenceMatcher(None, found, wanted).ratio() for found in near}
    return max(near, key=lambda found: (likeness[found], found in preferred), default="")


def foreign_letters(word: str) -> str:
    """The letters of a word that only look like the language's own: `U+0441 CYRILLIC SMALL LETTER ES`, or ""."""
    found = dict.fromkeys(c for c in word if ord(c) > 127 and c.isalpha())
    return ", ".join(f"`{c}` is U+{ord(c):04X} {unicodedata.name(c, 'without a name')}" for c in [*found][:3])

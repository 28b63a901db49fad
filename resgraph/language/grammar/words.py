"""The words that the language keeps for itself, and which names are free."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, count

from ...errors import Hint, write
from ..diagnose.nearest import did_you_mean

CONSTANTS = frozenset(
    [
        "x",
        "in",
        "out",
        "stride",
        "index",
        "total",
        "row_index",
        "row_total",
        "input",
        "shortcut",
    ]
)
"""What a block's call gives (LANGUAGE.md rule 4), and the names of tensors that need no
definition."""

ACT = "act"
"""The activation of the unit in force, unless a `let` has that name."""
TENSOR_NAMES = frozenset(["x", "input", "shortcut"])
COUNTERS = frozenset(["index", "total", "row_index", "row_total"])
POLICIES = frozenset(
    ["projection", "projection always", "zero-pad", "identity", "none"]
)
OPTIONS = {"A": "zero-pad", "B": "projection", "C": "projection always"}
"""The shortcuts of He et al. 2015, section 3.3, by their letters."""
MODES = frozenset(["linear", "bare"])
BLOCK_KEYS = frozenset(["about", "let", "unit", "shortcut", "merge"])
CALL_KEYS = frozenset(["block", "repeat", "out", "stride"])
FILE_KEYS = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net",
    "variants", "extends", "allow", "expect", "train",
)  # fmt: skip
"""The keys of a spec."""
NO_VARIANT = frozenset(["blocks", "net", "variants", "extends"])
"""Of those, what a variant cannot set."""

# Attributes of torch.nn.Module (2.13), which a row or a path cannot be called since they become
# attributes of one.
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
    """Why `name` cannot be a name, or "" where it can; `taken` are words of the language (ops,
    blocks)."""
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
    plain = (
        re.sub(
            r"[^A-Za-z0-9_-]+" if dashes else r"[^A-Za-z0-9_]+", "_", name[:32]
        ).strip("_-")
        or "a"
    )
    plain = plain if plain[0].isalpha() and plain.isascii() else f"n{plain}"
    others = chain([plain], (f"{plain}{number}" for number in count(1)))
    free = next(
        other for other in others if not name_problem(other, taken, dashes=dashes)
    )
    return f"give it another name, such as `{free}`"


def policy_hint(word: str) -> Hint:
    """What to write for a shortcut policy that there is not: `option-B`, `zeropad`."""
    letter = re.fullmatch(r"(?:[Oo]ption|[Tt]ype)?[\s_-]*([ABC])", word)
    return (
        write(OPTIONS[letter[1]], f", which is option {letter[1]}")
        if letter
        else did_you_mean(word, POLICIES)
    )


def foreign_letters(word: str) -> str:
    """The letters of a word that only look like the language's own: `U+0441 CYRILLIC SMALL LETTER
    ES`, or ""."""
    found = dict.fromkeys(c for c in word if ord(c) > 127 and c.isalpha())
    return ", ".join(
        f"`{c}` is U+{ord(c):04X} {unicodedata.name(c, 'without a name')}"
        for c in [*found][:3]
    )

"""The words that the language keeps for itself, and which names are free."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator

from ..yaml.tree import Tree

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


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
"""What a block's call gives (rule 4 of the language), and the names of tensors that need no
definition."""

ACT = "act"
"""The activation of the unit in force, unless a `let` has that name."""
TENSOR_NAMES = frozenset(["x", "input", "shortcut"])
COUNTERS = frozenset(["index", "total", "row_index", "row_total"])
POLICIES = frozenset(
    [
        "projection",
        "projection always",
        "zero-pad",
        "zero-pad centered",
        "identity",
        "none",
    ]
)
MODES = frozenset(["linear", "bare"])
BLOCK_KEYS = frozenset(
    ["about", "let", "unit", "shortcut", "reads", "merge", "gives"]
)
ABOUT_STREAMS = {
    "reads": "The names, in the block, of several streams that flow in side by side.",
    "gives": "The paths that the block hands back side by side: `stage2.a` reads one of a row.",
}
STREAM_KEYS = frozenset(ABOUT_STREAMS)
"""Of those, what a path may be called all the same, where no names of streams stand behind it:
they came after the first edition."""
CALL_KEYS = frozenset(["block", "repeat", "out", "stride"])
FILE_KEYS = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net",
    "output", "aux", "variants", "extends", "allow", "expect", "train",
)  # fmt: skip
"""The keys of a spec."""
LATER_KEYS = frozenset(["output", "aux"])
"""Of those, what a `let` may be called all the same: they came after the first edition."""
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


def name_problem(
    name: str, taken: Iterable[str] = (), *, dashes: bool = False
) -> str:
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


def words_in(tree: Tree) -> Iterator[str]:
    """Every word in the texts of a tree; `a-b` counts as itself and as its parts. Keys do not
    count."""
    stack: list[Tree] = [tree]
    while stack:
        top = stack.pop()
        stack += top.items
        for key, entry in top.entries.items():
            if key != "about":
                stack.append(entry.value)
        if isinstance(top.value, str):
            yield from words_of(top.value)


def words_of(text: str) -> Iterator[str]:
    """Every word in a text."""
    for word in _WORD.findall(text):
        yield word
        yield from word.split("-")

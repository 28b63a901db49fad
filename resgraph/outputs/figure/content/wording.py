"""An op → the words of a picture: its label taken apart, and its long name."""

from __future__ import annotations

import re
from functools import lru_cache

from ....ops import VOCABULARY, Binary, DepthwiseConv, Op
from ....ops.base import shape_text
from ....structs import Frozen

LONG = {
    phrase: name
    for op in VOCABULARY.values()
    for phrase, name in zip(op.phrases(), op.long_names, strict=False)
    if name
}
_TYPESET = str.maketrans("*-/", "×−÷")

_LABEL = re.compile(
    r" *(-?\d[\d_.]*(?:e-?\d+)?(?!\S))? *(/\S+)? *(.*)", re.DOTALL
)
"""What stands behind the word of a label: a number, a stride, and the rest."""


_SIZE = re.compile(r"\b\d+(?:x\d+)+")


class Wording(Frozen):
    """A label in parts: `3x3 conv 64 /2 groups 32` is 3×3, conv, 64, /2 and `groups 32`."""

    kernel: str
    word: str
    number: str
    stride: str
    rest: str

    @property
    def long(self) -> str:
        """The word as prose has it, with the kernel after it: `Conv 3×3`."""
        word = LONG.get(self.word, self.word)
        return f"{word[:1].upper()}{word[1:]} {self.kernel}".strip()


@lru_cache(maxsize=4096)
def wording(op: Op) -> Wording:
    """The label of an op, taken apart."""
    _, _, after = op.label().partition(op.op)
    found = _LABEL.match(after)
    assert found
    number, stride, rest = found.groups("")
    if {*".e"} & {*number}:
        number = f"{float(number):.3g}"
    rest = _SIZE.sub(lambda size: _times(size[0]), rest)
    return Wording(_kernel(op), op.op, number, _times(stride), rest)


def _times(text: str) -> str:
    """A size with the sign that it is read with."""
    return text.replace("x", "×")


def _kernel(op: Op) -> str:
    """`3×3`, or `3×3 to 9×9` of several."""
    said = op.label().partition(op.op)[0].strip()
    if isinstance(op, DepthwiseConv) and op.mixed > 1:
        said += f" to {shape_text(op.largest)}"
    return _times(said)


def symbol(op: Op) -> str:
    """The sign of an op that joins values, with its constant operand where it has one: `+`, `1 −`,
    `concat`."""
    if not isinstance(op, Binary):
        return op.op if op.op == "concat" else op.label()
    sign = op.symbol.translate(_TYPESET)
    if op.left is not None:
        return f"{op.left:.3g} {sign}"
    return f"{sign} {op.right:.3g}" if op.right is not None else sign

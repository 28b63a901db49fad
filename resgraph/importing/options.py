"""A net's ops → what its file says once, under `ops:`, and what a label still has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import field
from msgspec.structs import replace

from ..collecting import among, attributes, by_key, each_name, each_op
from ..ops import Op
from ..ops.base import value_text
from ..ops.padding import Surrounded, uneven
from ..structs import Frozen
from .captured import Captured, CapturedOp


class SaidOnce(Frozen):
    """Options that are not said in labels: by op and key, the commonest value in the net. `same`
    are the steps that pad as TensorFlow does."""

    values: Mapping[str, Mapping[str, Any]] = {}
    same: frozenset[str] = frozenset()
    labels: dict[Op, str] = field(default_factory=dict)

    def departs(self, op: Op) -> dict[str, Any]:
        """The quiet options in which an op is not as the file says."""
        usual = self.values.get(op.op, {})
        keys = among(op.fields(), op.quiet)
        found = attributes(op, keys)
        return {
            k: v
            for k, v in found.items()
            if v != usual.get(k, _default(op, k))
        }

    def label(self, op: Op) -> str:
        """An op's label, with the quiet options and the bias in which it departs."""
        if op not in self.labels:
            plain = op
            more = self.departs(op)
            bias = getattr(op, "bias", None)
            if bias is not None:
                plain = replace(op, bias=_default(op, "bias"))
                usual = self.bias(op, normed=False)
                more |= {} if bias == usual else {"bias": bias}
            said = (f"{key} {value_text(v)}" for key, v in more.items())
            self.labels[op] = " ".join([plain.label(), *said])
        return self.labels[op]

    def bias(self, op: Op, *, normed: bool) -> str:
        """A layer's bias where its label says none, in a unit with or without a norm."""
        said: str = self.values.get(op.op, {}).get("bias", "")
        return said or _usual_bias(op, normed=normed)

    @property
    def pads_same(self) -> bool:
        """Whether anything in the net is padded otherwise than it would be."""
        return bool(self.same)

    def lines(self, net: Captured, *, normed: bool) -> Iterator[str]:
        """What `ops:` holds, an op each."""
        known = {step.op.op: step.op for step in net.steps.values()}
        for word, options in self.values.items():
            said = [
                f"{key}: {value_text(value)}"
                for key, value in options.items()
                if key != "bias"
                or value != _usual_bias(known[word], normed=normed)
            ]
            if said:
                yield f"{word}: {{{', '.join(said)}}}"


def _usual_bias(op: Op, *, normed: bool) -> str:
    """By the language: of a convolution, one where no norm stands beside it."""
    if op.word != "conv":
        return str(_default(op, "bias"))
    return "none" if normed else "default"


def _default(op: Op, key: str) -> Any:
    return op.fields()[key].default


def said_once(net: Captured) -> SaidOnce:
    """What a file says of its ops."""
    ops = by_key((step.op.op, step) for step in net.steps.values())
    same = {s.name for each in ops.values() for s in each if _same(s, net)}
    padded = any(_is_uneven(net.steps[name].op) for name in same)
    same = same if padded else set()
    values = {word: dict(_common(each, same)) for word, each in ops.items()}
    return SaidOnce(values, frozenset(same))


def _common(
    steps: list[CapturedOp], same: set[str]
) -> Iterator[tuple[str, Any]]:
    """The options of one op that its file says."""
    op, *_ = ops = each_op(steps)
    if any(map(_says_pad, ops)) and same.issuperset(each_name(steps)):
        yield "pad", "same"
    for key in op.fields():
        # ops of one word may be of two kinds: `max` of some tensors, and over one
        found = Counter(getattr(each, key, None) for each in ops)
        usual, count = found.most_common(1)[0]
        most = key == "bias" and 2 * count > len(steps)
        # that there is none cannot be said in a label
        quiet = key in op.quiet and None not in found
        if most or (quiet and usual != _default(op, key)):
            yield key, usual


def _says_pad(op: Op) -> bool:
    return isinstance(op, Surrounded) and op.pad is not None


def _is_uneven(op: Op) -> bool:
    """Whether it is padded as only TensorFlow does: a torch window of 4 with 1 cell around it has
    what `pad same` gives at even sizes alone."""
    return isinstance(op, Surrounded) and uneven(op.padding)


def _same(step: CapturedOp, net: Captured) -> bool:
    """Whether a window has the cells around it that TensorFlow gives it."""
    op = step.op
    if not isinstance(op, Surrounded) or op.window is None:
        return False
    if getattr(op, "ceil", False):  # which does not go with it
        return False
    shapes = [net.steps[name].shape for name in step.inputs]
    return replace(op, pad="same").fitted(*shapes).padding == op.padding

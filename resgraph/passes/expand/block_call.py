"""A block's call → its constants (`in`, `out`, `stride`) and the values that it sets."""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

from ...errors import Fault, Span, fault
from ...language.environment import Environment, Given
from ...language.grammar.arithmetic import NameValue
from ...language.grammar.records import (
    BlockDef,
    Bound,
    Expr,
    Inline,
    ItemDef,
    Label,
    Option,
    PathDef,
    ShortcutDef,
    Value,
    Word,
)
from ...ops import Shape
from ...ops.base import value_text
from .graph_builder import Tensor
from .option import per_axis, whole
from .unit import LabelContext


class Caller(Struct, eq=False):
    """Where a call is written: the names in sight, what a label there is read in, the words that it
    can begin with, and whether it is the first copy of a repeat, which alone has the stride."""

    env: Environment
    setting: LabelContext
    words: frozenset[str]
    first: bool


class BlockCall(Struct, eq=False):
    """What a call gives a block. `into` and `out` are None where an earlier mistake hides them."""

    bound: Bound
    caller: Caller
    into: int | None
    out: int | None
    stride: tuple[int, ...]
    values: dict[str, NameValue]
    shortcut: ShortcutDef | None
    span: Span  # the word of the call
    repeated: bool
    # its width, where a `let` chose a block that works its own out
    unused: Value | None = None
    # of the streams that flow in, where several do
    widths: tuple[int | None, ...] = ()

    @property
    def constants(self) -> dict[str, NameValue | None]:
        """`in`, `out` and `stride` as values."""
        each = tuple(map(Fraction, self.stride))
        into = (
            _fractions(self.widths) if self.widths else fraction(self.into)
        )
        return {
            "in": into,
            "out": fraction(self.out) if self.sized else into,
            "stride": each[0] if len(set(each)) == 1 else each,
        }

    def given(self) -> dict[str, Given]:
        """Where its constants and values were written, those that follow from the call too."""
        span = self.bound.label.span
        given = {
            name: Given(Word(value_text(value), span), None)
            for name, value in self.constants.items()
        }
        for name, option in self.bound.options.items():
            here = name != "stride" or max(self.stride) > 1
            if here and not isinstance(option.value, PathDef):
                given[name] = Given(option.value, self.caller.env)
        if self.bound.number is not None:
            given["out"] = Given(self.bound.number, self.caller.env)
        return given

    @property
    def sized(self) -> bool:
        """Whether a width is written in it."""
        return self.bound.number is not None

    @property
    def changes(self) -> bool:
        """Whether the block's output has another shape than its input (rule 6)."""
        return self.into != self.out or max(self.stride) > 1


def fraction(number: int | None) -> Fraction | None:
    return None if number is None else Fraction(number)


def _fractions(widths: tuple[int | None, ...]) -> NameValue | None:
    each = [fraction(width) for width in widths if width is not None]
    return tuple(each) if len(each) == len(widths) else None  # type: ignore[arg-type]


def call_of(
    item: ItemDef, block: BlockDef, flow: Tensor, caller: Caller
) -> BlockCall:
    """Work out a call where it is written."""
    into, axes, env = flow.width, flow.axes, caller.env
    unused = None
    if isinstance(item, Label):
        bound = caller.setting.bind(item, block, caller.words)
        if item.chosen and not block.uses("out"):
            unused = bound.number
        _refuse_unused(bound, block, env, width=not unused)
    else:
        bound = _of_inline(item)
    stride = bound.options.get("stride")
    values, shortcut = _values(bound, env)
    return BlockCall(
        bound,
        caller,
        into,
        into if bound.number is None else _width(bound.number, env),
        _stride(stride, env, axes)
        if stride and caller.first
        else (1,) * (axes or 2),
        values,
        shortcut,
        item.word_span,
        item.repeat is not None,
        unused,
        flow.widths(),
    )


def _of_inline(item: Inline) -> Bound:
    options = {}
    if item.stride is not None:
        options["stride"] = Option("stride", item.stride.span, item.stride)
    return Bound(
        Label("", item.span, "", item.span), item.out, options, None
    )


def refuse_other_width(
    call: BlockCall, block: BlockDef, shape: Shape | None
) -> None:
    """Raises `Fault` where a call says a width, and a block that works its own out hands back
    another."""
    if call.unused is not None and shape and shape[0] != call.out:
        said = (
            f"`{block.name}` never uses `out`, and hands back a width of {shape[0]:,}, not"
            f" {call.out:,}"
        )
        hint = "write `out` in the block, or the width that it has"
        raise fault("E036", said, call.unused.span, hint)


def _refuse_unused(
    bound: Bound, block: BlockDef, env: Environment, *, width: bool
) -> None:
    """Raises `Fault` for what a block never reads; a stride that is worked out, and is 1, is as
    good as none."""
    if width and bound.number is not None and not block.uses("out"):
        said = f"`{block.name}` never uses `out`, so a width says nothing"
        hint = _worked_out(block, bound.number)
        raise fault("E036", said, bound.number.span, hint)
    stride, shortcut = map(bound.options.get, ("stride", "shortcut"))
    if (
        stride
        and not block.uses("stride")
        and max(_stride(stride, env)) > 1
    ):
        raise unread_stride(block, stride)
    if shortcut and "shortcut" not in block.reads:
        said = (
            f"`{block.name}` reads no `shortcut`, so a policy says nothing"
        )
        hint = "take it out, or read it in the block's `merge:`"
        raise fault("E036", said, shortcut.span, hint)


def unread_stride(block: BlockDef, stride: Option) -> Fault:
    """E036, for a stride that a block is called with and never reads."""
    said = f"`{block.name}` never uses `stride`, so `/…` says nothing"
    hint = "take it out, or write `/stride` in the block"
    return fault("E036", said, stride.span, hint)


def _worked_out(block: BlockDef, number: Value) -> str:
    """What to write for a width that a block works out by itself: its call, or the value that was
    meant."""
    alone = f"its width is worked out in the block: write `{block.name}`"
    lets = (
        name
        for name, value in block.lets.items()
        if isinstance(value, Expr)
    )
    if not isinstance(number, Expr) or not (let := next(lets, "")):
        return alone
    return f"{alone}, or `{block.name} {let} {number.text}`"


def _values(
    bound: Bound, env: Environment
) -> tuple[dict[str, NameValue], ShortcutDef | None]:
    values: dict[str, NameValue] = {}
    shortcut: ShortcutDef | None = None
    for key, option in bound.options.items():
        if key == "shortcut":
            if not isinstance(option.value, Word | PathDef):
                raise fault(
                    "E012", "a shortcut is a policy or a path", option.span
                )
            shortcut = option.value
        elif key != "stride":
            assert not isinstance(option.value, PathDef)
            values[key] = env.value(option.value)
    return values, shortcut


def _width(number: Value, env: Environment) -> int:
    width = whole(env.value(number), "out", number, env)
    if not 1 <= width <= 1_000_000:
        said = f"a width must be 1 to 1,000,000, and this is {width:,}"
        raise fault("E035", said, number.span)
    return width


def _stride(
    option: Option, env: Environment, axes: int = 0
) -> tuple[int, ...]:
    """The stride along each axis of the map that comes in; `axes` is 0 where that is not known or
    none."""
    size = option.value
    assert not isinstance(size, PathDef)
    value = env.value(size)
    each = per_axis(value, "stride", size.span, axes)
    strides = tuple(whole(part, "stride", size, env) for part in each)
    for odd in strides:
        if not 1 <= odd <= 64:
            said = f"a stride must be 1 to 64, and this is {odd:,}"
            raise fault("E035", said, size.span)
    return strides

"""Rule 6: a call, its block and its file → what `shortcut` is in that call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from ...errors import NOWHERE, Fault, Source, Span, fault
from ...graph import ShortcutKind
from ...language.environment import Environment
from ...language.grammar.label import parse_label
from ...language.grammar.records import (
    BlockDef,
    PathDef,
    UnitDef,
    Word,
)
from ...language.spec import Spec
from ...ops import Op, Shape, shape_text
from ...ops.base import AXES
from ...ops.shape import ZeroPad
from .block_call import BlockCall, unread_stride


class ShortcutPlan(Struct, eq=False):
    """What to make when `shortcut` is first read: nothing, an op, or a path with the unit and names
    it is read in."""

    kind: ShortcutKind
    op: Op | None = None
    path: PathDef | None = None
    unit: UnitDef | None = None
    env: Environment | None = None
    problem: Fault | None = None

    @property
    def written(self) -> Span:
        """Where somebody wrote the path."""
        return (
            self.path.span
            if self.path and not self.path.span.source.ours
            else NOWHERE
        )


def _written(text: str) -> PathDef:
    span = Span(
        Source("the default shortcut", text, ours=True, default=True),
        1,
        1,
        1,
        len(text) + 1,
    )
    label = parse_label(text, span, ())
    assert label is not None
    return PathDef(span, None, (label,), False)


_PROJECTIONS = {
    axes: _written(f"{shape_text((1,) * axes)} conv out /stride linear")
    for axes in AXES
}
_VECTOR = _written("fc out")


def shortcut_plan(
    call: BlockCall, block: BlockDef, spec: Spec, shape: Shape | None
) -> ShortcutPlan:
    """The shortcut of one call of `block`: the call's own, else the block's, else the file's.

    `shape` is what flows in, None where an earlier mistake hides it.
    """
    chosen = call.shortcut or block.shortcut or spec.shortcut
    policy = chosen.text if isinstance(chosen, Word) else "projection"
    is_own = isinstance(chosen, PathDef) and chosen is block.shortcut
    if policy == "none" or is_own:
        _refuse_unread(call, block)
    if policy != "projection always" and (
        not call.changes or call.into is None
    ):
        return ShortcutPlan("identity")
    if isinstance(chosen, PathDef):
        return _written_out(chosen, call, block, spec)
    return _POLICIES[policy](call, shape)


def _refuse_unread(call: BlockCall, block: BlockDef) -> None:
    """Raises `Fault` (E036) for a stride that no path of a block reads; its shortcut is its own, or
    none where the shape changes."""
    if max(call.stride) > 1 and "stride" not in block.reads:
        raise unread_stride(block, call.bound.options["stride"])


def _nothing(call: BlockCall, shape: Shape | None) -> ShortcutPlan:
    return ShortcutPlan("none")


def _zero_pad(
    call: BlockCall, shape: Shape | None, *, centered: bool = False
) -> ShortcutPlan:
    op = ZeroPad(width=call.out or 1, stride=call.stride, centered=centered)
    return ShortcutPlan("zero-pad", op)


def _identity(call: BlockCall, shape: Shape | None) -> ShortcutPlan:
    return ShortcutPlan(
        "identity", problem=_cannot_be_identity(call, shape)
    )


def _projection(call: BlockCall, shape: Shape | None) -> ShortcutPlan:
    axes = len(shape) - 1 if shape else 2
    return ShortcutPlan("projection", path=_PROJECTIONS.get(axes, _VECTOR))


_POLICIES: dict[str, Callable[[BlockCall, Shape | None], ShortcutPlan]] = {
    "none": _nothing,
    "zero-pad": _zero_pad,
    "zero-pad centered": partial(_zero_pad, centered=True),
    "identity": _identity,
    "projection": _projection,
    "projection always": _projection,
}
"""What a shortcut is where the shape changes, by the policy's word."""


def _written_out(
    path: PathDef, call: BlockCall, block: BlockDef, spec: Spec
) -> ShortcutPlan:
    """A path is read among the names where it stands: in the call, the block or the file."""
    if call.shortcut is not None:
        env = call.caller.env.with_constants(call.constants, call.given)
        return ShortcutPlan("path", path=path, env=env)
    if block.shortcut is not None:
        return ShortcutPlan("path", path=path)
    env = Environment(spec.lets, {}).with_constants(
        call.constants, call.given
    )
    return ShortcutPlan("path", path=path, unit=spec.unit, env=env)


def _cannot_be_identity(call: BlockCall, shape: Shape | None) -> Fault:
    """E041, with the shape that comes in and the one that has to come out."""
    assert shape is not None and call.out is not None
    sizes = [
        -(-size // stride)
        for size, stride in zip(shape[1:], call.stride, strict=False)
    ]
    change = f"{shape_text(shape)} into {shape_text((call.out, *sizes))}"
    help_ = "use `shortcut: projection` (option B) or `shortcut: zero-pad` (option A)"
    note = (
        "He et al. 2016, section 3.3: identity only where dimensions match"
    )
    where = "in the first block of this row" if call.repeated else "here"
    said = f"an identity shortcut cannot change {change}"
    return fault(
        "E041",
        said,
        call.span,
        help_,
        note,
        label=f"the shape changes {where}",
    )

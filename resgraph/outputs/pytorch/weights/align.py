"""A state dict from elsewhere and a net → which entry is which: by order, shape and names, never
guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby, islice
from typing import Any

from ....errors import RunError
from ....ops.base import Shape, shape_text
from .order import SHORTCUTS, diverge, names_tell_order, numbers_are_turned

_ROLES = frozenset(["weight", "bias", "running_mean", "running_var", "gain"])
UNLEARNED = "num_batches_tracked"  # a counter, which old checkpoints lack
_COMPARED = 16  # orders of one scope that are compared
_SEARCHED = 10_000  # partial orders looked at within one scope


class AlignmentError(RunError):
    """A state dict is not of this net, or could be in more than one way."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one module, by role: `weight`, `bias`, `running_mean`, …"""

    prefix: str
    keys: dict[str, str]
    shapes: dict[str, Shape]
    signature: tuple[object, ...]  # what its counterpart must have too


@dataclass(slots=True)
class _Scope:
    """Our names as a tree: what stands below a name, in order; `units` are all those within."""

    units: list[Entries] = field(default_factory=list)
    children: dict[str, _Scope] = field(default_factory=dict)


def align(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    """The key in `theirs` of every entry of `ours`; both map keys, in execution order, to tensors
    or shapes.

    Where the order differs, what stands below one of our names may be reordered as a whole (a
    shortcut before its body, a scale before its block), if exactly one such order fits. Modules of
    one shape are told apart by their names: equal names belong together, a shortcut is a shortcut,
    `conv1` comes before `conv2`. Raises `AlignmentError` with the first disagreement, or with two
    readings where order, shape and names leave more than one."""
    mine, its = _named_alike(_units(ours), _units(theirs))
    if len(mine) != len(its):
        raise AlignmentError(_count_message(mine, its))
    orders = _orders(_tree(mine), its)
    if not orders:
        raise AlignmentError(
            _disagreement(mine, its)
            or "the modules are the same, in an order that does not fit"
        )
    for unit, *readings in zip(its, *orders[:2], strict=True):
        if readings[0] is not readings[-1]:
            raise _ambiguous(unit, *readings)
    _refuse_untold(orders[0], its)
    _refuse_turned(mine, orders[0], its)
    pairs = {
        key: other.keys[role]
        for one, other in zip(orders[0], its, strict=True)
        for role, key in one.keys.items()
        if role in other.keys
    }
    return {key: pairs[key] for key in ours if key in pairs}


def _named_alike(
    mine: list[Entries], its: list[Entries]
) -> tuple[list[Entries], list[Entries]]:
    """Both sides with what names tell in their signatures: modules of one name and shape, and
    shortcuts.

    Shortcuts only where both sides have as many of each shape: a `proj` may be something else.
    """
    sides = mine, its
    alike = set.intersection(*({(u.prefix, u.signature) for u in s} for s in sides))
    named = [
        [_marked(u, u.prefix * ((u.prefix, u.signature) in alike)) for u in side]
        for side in sides
    ]
    flagged = [
        [_marked(u, not SHORTCUTS.isdisjoint(u.prefix.split("."))) for u in side]
        for side in named
    ]
    one, other = (Counter(unit.signature for unit in side) for side in flagged)
    mine, its = flagged if one == other else named
    return mine, its


def _marked(unit: Entries, mark: object) -> Entries:
    return replace(unit, signature=(mark, *unit.signature))


def _refuse_untold(mine: Sequence[Entries], its: Sequence[Entries]) -> None:
    """Refuse a pairing in which two modules could change places and nothing in their names speaks
    against it.

    It is enough to look at neighbours among the modules of one signature: if each comes before the
    next, all do."""
    last: dict[tuple[object, ...], tuple[Entries, Entries]] = {}
    for ours, theirs in zip(mine, its, strict=True):
        if ours.signature in last:
            our_last, their_last = last[ours.signature]
            ordered = names_tell_order(their_last.prefix, theirs.prefix) or _same_parts(
                diverge(their_last.prefix, theirs.prefix), our_last.prefix, ours.prefix
            )
            if not ordered:
                raise _ambiguous(theirs, our_last, ours)
        last[ours.signature] = ours, theirs


def _refuse_turned(
    written: Sequence[Entries],
    mine: Sequence[Entries],
    its: Sequence[Entries],
) -> None:
    """Refuse a pairing by which modules of one shape run here in the order of their numbers, and
    there against it.

    So would the second and third of four that another net calls its first and second, if equal
    names were all that counts."""
    counterpart = {one.prefix: other for one, other in zip(mine, its, strict=True)}
    last: dict[tuple[object, ...], Entries] = {}
    for unit in written:
        shapes = _signature(unit.shapes)
        if (before := last.get(shapes)) and numbers_are_turned(
            counterpart[before.prefix].prefix, counterpart[unit.prefix].prefix
        ):
            raise _ambiguous(counterpart[unit.prefix], before, unit)
        last[shapes] = unit


def _same_parts(parts: tuple[str, str] | None, one: str, other: str) -> bool:
    """Whether our two names differ in the very parts in which theirs do: `….gate.…` and
    `….value.…`."""
    if parts is None:
        return False
    ours, others = set(one.split(".")), set(other.split("."))
    return parts[0] in ours - others and parts[1] in others - ours


def _ambiguous(theirs: Entries, one: Entries, other: Entries) -> AlignmentError:
    return AlignmentError(
        f"`{theirs.prefix}` could be `{one.prefix}` or `{other.prefix}`: order, shape and names do"
        " not tell"
    )


def _signature(shapes: Mapping[str, Shape]) -> tuple[tuple[str, Shape], ...]:
    learned = shapes.keys() - {UNLEARNED}
    return tuple((role, trimmed(shapes[role])) for role in sorted(learned))


def trimmed(shape: Shape) -> Shape:
    """A shape without the axes of size 1 at its end: a 1x1 convolution is a linear layer."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _units(entries: Mapping[str, Any]) -> list[Entries]:
    units = []
    for prefix, keys in groupby(entries, key=lambda key: key.rpartition(".")[0]):
        leaves = {key.rpartition(".")[2]: key for key in keys}
        # `layer_scale`, `gamma`: the one thing that is learned
        if len(leaves) == 1 and not leaves.keys() & _ROLES:
            leaves = {"weight": next(iter(leaves.values()))}
        shapes = {
            leaf: tuple(getattr(entries[key], "shape", entries[key]))
            for leaf, key in leaves.items()
        }
        units.append(Entries(prefix, leaves, shapes, _signature(shapes)))
    return units


def _tree(units: Sequence[Entries]) -> _Scope:
    root = _Scope()
    for unit in units:
        scope = root
        scope.units.append(unit)
        for part in unit.prefix.split("."):
            scope = scope.children.setdefault(part, _Scope())
            scope.units.append(unit)
    return root


def _orders(scope: _Scope, its: Sequence[Entries]) -> list[list[Entries]]:
    """The orders of a scope's units that fit; its own order alone where that does.

    Of several, those whose scopes lie best within those of the other side: a shortcut, not a part
    of it and the body."""
    mine = [unit.signature for unit in scope.units]
    wanted = [unit.signature for unit in its]
    if mine == wanted:
        return [scope.units]
    if len(mine) != len(wanted) or Counter(mine) != Counter(wanted):
        return []
    found = list(islice(_arrangements(list(scope.children.values()), its), _COMPARED))
    if len(found) < 2:
        return found
    broken = [_crossings(order, its) for order in found]
    pairs = zip(found, broken, strict=True)
    return [order for order, count in pairs if count == min(broken)]


def _crossings(order: Sequence[Entries], its: Sequence[Entries]) -> int:
    """How many pairs of scopes, one of ours and one of theirs, overlap without either holding the
    other."""
    return sum(
        a < c < b < d or c < a < d < b
        for a, b in _extents(order).values()
        for c, d in _extents(its).values()
    )


def _extents(units: Sequence[Entries]) -> dict[str, tuple[int, int]]:
    """From where to where each scope reaches."""
    found: dict[str, tuple[int, int]] = {}
    for place, unit in enumerate(units):
        for name in accumulate(unit.prefix.split("."), "{}.{}".format):
            found[name] = (found.get(name, (place, 0))[0], place + 1)
    return found


def _arrangements(
    children: list[_Scope], its: Sequence[Entries]
) -> Iterator[list[Entries]]:
    """Children one after another so that they have the wanted signatures; equal children keep their
    order."""
    waiting: list[tuple[list[_Scope], list[Entries]]] = [(children, [])]
    for _ in range(_SEARCHED):
        if not waiting:
            return
        left, done = waiting.pop()
        if not left:
            yield done
            continue
        tried = set()
        found = []
        for index, child in enumerate(left):
            kind = tuple(unit.signature for unit in child.units)
            if kind not in tried:
                tried.add(kind)
                part = its[len(done) : len(done) + len(kind)]
                rest = left[:index] + left[index + 1 :]
                found += [(rest, done + order) for order in _orders(child, part)]
        waiting += reversed(found)


def _described(unit: Entries) -> str:
    entries = (
        f"{role} {shape_text(shape) or 'a number'}"
        for role, shape in unit.shapes.items()
        if role != UNLEARNED
    )
    return f"`{unit.prefix}` ({', '.join(entries)})"


def _disagreement(mine: Sequence[Entries], its: Sequence[Entries]) -> str:
    """The first one, in words; "" where one side is a beginning of the other."""
    pairs = zip(mine, its, strict=False)
    for number, (one, other) in enumerate(pairs, 1):
        if one.signature != other.signature:
            return (
                f"module {number} differs: here {_described(one)}, in the state dict"
                f" {_described(other)}"
            )
    return ""


def _count_message(mine: Sequence[Entries], its: Sequence[Entries]) -> str:
    text = f"the net has {len(mine)} modules with parameters, the state dict {len(its)}"
    if first := _disagreement(mine, its):
        return f"{text}; {first}"
    extra = [*mine[len(its) :], *its[len(mine) :]][0]
    where = "the net" if len(mine) > len(its) else "the state dict"
    return f"{text}; only {where} has {_described(extra)}"

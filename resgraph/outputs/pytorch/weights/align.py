"""A state dict from elsewhere and a net → which entry is which: by order, shape and names, never
guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import accumulate, groupby, islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ....collecting import by_key, flatten, picked
from ....dotted import last_word
from ....errors import RunError
from ....ops.base import Shape, shape_text
from ....structs import Frozen
from .order import (
    APART,
    ROLES,
    SETTLED,
    SHORTCUTS,
    diverge,
    modules_of,
    names_tell_order,
    numbers_are_turned,
)

_CALLED = {"scale": "weight", "height_rel": "down", "width_rel": "across"}
"""What timm calls a tensor of a module → what it is called here."""
UNLEARNED = "num_batches_tracked"  # a counter, which old checkpoints lack
_COMPARED = 16  # orders of one scope that are compared
_SEARCHED = 10_000  # partial orders looked at within one scope


class AlignmentError(RunError):
    """A state dict is not of this net, or could be in more than one way."""


class Entries(Frozen):
    """The entries of one module, by role: `weight`, `bias`, `running_mean`, …"""

    prefix: str
    keys: dict[str, str]
    shapes: dict[str, Shape]
    signature: tuple[object, ...]  # what its counterpart must have too
    # one tensor, which stands in a scope beside its modules
    is_loose: bool = False


class _Scope(Struct):
    """Our names as a tree: what stands below a name, in order; `units` are all those within."""

    units: list[Entries] = []
    children: dict[str, _Scope] = {}


def align(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, str]:
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
    paired = _paired(mine, its)
    _refuse_turned(mine, paired)
    pairs = {
        key: other.keys[role]
        for one, other in paired
        for role, key in one.keys.items()
        if role in other.keys
    }
    return picked(pairs, ours)


_Pairs = list[tuple[Entries, Entries]]


def _paired(mine: list[Entries], its: list[Entries]) -> _Pairs:
    """Ours and theirs, one to one: the tensors that stand beside modules apart, where that fits."""
    beside = _beside(mine, its)
    failed: list[AlignmentError] = []
    for apart in [beside, []] if beside else [[]]:
        try:
            found = _in_order(*_without(apart, mine, its))
            _refuse_untold(apart)
            _refuse_elsewhere(apart, found)
        except AlignmentError as error:
            failed.append(error)
        else:
            return found + apart
    raise failed[0]


def _in_order(mine: list[Entries], its: list[Entries]) -> _Pairs:
    """Ours and theirs in order, but where that does not fit for the scopes that are the only ones
    of their shapes."""
    alone: list[_Pairs] = []
    left, rest = mine, its
    orders = _orders(_tree(mine), its)
    if not orders:
        alone = _alone(mine, its)
        left, rest = _without([*flatten(alone)], mine, its)
        orders = _orders(_tree(left), rest)
    if not orders:
        raise AlignmentError(
            _disagreement(mine, its)
            or "the modules are the same, in an order that does not fit"
        )
    _refuse_two(orders, rest)
    scopes = [[*zip(orders[0], rest, strict=True)], *alone]
    for pairs in scopes:
        _refuse_untold(pairs)
    return [
        *{
            pair[0].prefix: pair for pairs in scopes for pair in pairs
        }.values()
    ]


def _refuse_two(orders: list[list[Entries]], its: list[Entries]) -> None:
    """Refuse where two orders fit, at the first module that they read apart."""
    for unit, *readings in zip(its, *orders[:2], strict=True):
        if readings[0] is not readings[-1]:
            raise _ambiguous(unit, *readings)


def _without(
    pairs: _Pairs, mine: list[Entries], its: list[Entries]
) -> tuple[list[Entries], list[Entries]]:
    """Both sides without what is paired."""
    here, there = ({pair[side].prefix for pair in pairs} for side in (0, 1))
    return (
        [unit for unit in mine if unit.prefix not in here],
        [unit for unit in its if unit.prefix not in there],
    )


def _beside(mine: list[Entries], its: list[Entries]) -> _Pairs:
    """Their tensors that stand in a scope beside its modules (`cls_token`, `skipinit_gain`), and
    ours of these shapes, in order, if nothing else of theirs has them.

    A state dict has them first in their scope, wherever they are used."""
    loose = [unit for unit in its if unit.is_loose]
    ours = _alike(
        loose, mine, {unit.signature for unit in its if not unit.is_loose}
    )
    if Counter(map(_axes, ours)) != Counter(map(_axes, loose)):
        return []
    return [
        *zip(sorted(ours, key=_axes), sorted(loose, key=_axes), strict=True)
    ]


def _alike(
    loose: list[Entries], mine: list[Entries], others: Set[object]
) -> list[Entries]:
    """Ours that are one tensor of a shape of these, and look like none of the others."""
    single = [unit for unit in mine if unit.keys.keys() == {"weight"}]
    shapes = {*map(_axes, loose)}
    return [
        u
        for u in single
        if u.signature not in others and _axes(u) in shapes
    ]


def _axes(unit: Entries) -> Shape:
    """The shape of the one tensor of a module without axes of size 1, which are anywhere: a token
    is 1x1x192 or 192."""
    return squeezed(unit.shapes["weight"])


def squeezed(shape: Shape) -> Shape:
    """A shape without its axes of size 1."""
    return tuple(side for side in shape if side > 1)


def _alone(mine: list[Entries], its: list[Entries]) -> list[_Pairs]:
    """The scopes that can be one only: what is within, in its order, is within one scope on either
    side, and a shape of it is nowhere else."""
    here, there = map(_sole_scopes, (mine, its))
    return [
        [
            *zip(
                mine[slice(*here[content])],
                its[slice(*there[content])],
                strict=True,
            )
        ]
        for content in here
        if content in there
    ]


def _sole_scopes(
    units: list[Entries],
) -> dict[tuple[object, ...], tuple[int, int]]:
    """What stands within a scope → where it begins and ends, of the scopes that nothing else is
    like, and that hold a module that nothing else is like."""
    count: Counter[object] = Counter(unit.signature for unit in units)
    return {
        content: extents[0]
        for content, extents in _scopes_by_content(units).items()
        if len(extents) == 1 and any(count[kind] == 1 for kind in content)
    }


def _scopes_by_content(
    units: list[Entries],
) -> dict[tuple[object, ...], list[tuple[int, int]]]:
    """What stands within a scope → where such scopes begin and end; one within another of the same
    content is that other."""
    return by_key(
        (tuple(unit.signature for unit in units[slice(*extent)]), extent)
        for extent in sorted(set(_extents(units).values()))
    )


def _refuse_elsewhere(beside: _Pairs, found: _Pairs) -> None:
    """Refuse a tensor beside modules that ours has among other modules: nearest to it must stand
    some of these, and no others."""
    near: dict[str, list[str]] = {"": []}
    for one, other in found:
        for scope in _scopes_of(one.prefix):
            near.setdefault(scope, []).append(other.prefix)
    for one, other in beside:
        scope = _scopes_of(other.prefix)[-1]
        around = next(
            near[own] for own in _scopes_of(one.prefix)[::-1] if own in near
        )
        if not all(name.startswith(scope) for name in around):
            raise AlignmentError(
                f"`{other.prefix}` stands beside other modules than `{one.prefix}`, the one of its"
                f" shape; {SETTLED}"
            )


def _scopes_of(name: str) -> list[str]:
    """`a.b.c` → "", `a.`, `a.b.`"""
    return ["", *accumulate(f"{part}." for part in name.split(".")[:-1])]


def _named_alike(
    mine: list[Entries], its: list[Entries]
) -> tuple[list[Entries], list[Entries]]:
    """Both sides with what names tell in their signatures: modules of one name and shape, and
    shortcuts, queries, keys and values.

    These only where both sides have as many of each shape: a `proj` may be something else."""
    sides = mine, its
    alike = set.intersection(
        *({(u.prefix, u.signature) for u in s} for s in sides)
    )
    named = [
        [
            _marked(u, u.prefix * ((u.prefix, u.signature) in alike))
            for u in side
        ]
        for side in sides
    ]
    return _flagged(named)


def _flagged(
    named: list[list[Entries]],
) -> tuple[list[Entries], list[Entries]]:
    told = [
        Counter((u.signature, _role_of_name(u.prefix)) for u in side)
        for side in named
    ]
    uneven = {
        kind
        for one in (told[0] - told[1], told[1] - told[0])
        for kind, _ in one
    }
    mine, its = (
        [
            _marked(
                u, u.signature not in uneven and _role_of_name(u.prefix)
            )
            for u in side
        ]
        for side in named
    )
    return mine, its


def _role_of_name(name: str) -> tuple[object, ...]:
    """Whether a module is of a shortcut, and which of a query, a key and a value it is."""
    parts = name.split(".")
    return (
        not SHORTCUTS.isdisjoint(parts),
        *sorted(APART.intersection(parts)),
    )


def _marked(unit: Entries, mark: object) -> Entries:
    return replace(unit, signature=(mark, *unit.signature))


def _refuse_untold(pairs: _Pairs) -> None:
    """Refuse a pairing in which two modules could change places and nothing in their names speaks
    against it.

    It is enough to look at neighbours among the modules of one signature: if each comes before the
    next, all do."""
    last: dict[tuple[object, ...], tuple[Entries, Entries]] = {}
    for ours, theirs in pairs:
        if ours.signature in last:
            our_last, their_last = last[ours.signature]
            ordered = names_tell_order(
                their_last.prefix, theirs.prefix
            ) or _same_parts(
                diverge(their_last.prefix, theirs.prefix),
                our_last.prefix,
                ours.prefix,
            )
            if not ordered:
                raise _ambiguous(theirs, our_last, ours)
        last[ours.signature] = ours, theirs


def _refuse_turned(written: Sequence[Entries], pairs: _Pairs) -> None:
    """Refuse a pairing by which modules of one shape run here in the order of their numbers, and
    there against it.

    So would the second and third of four that another net calls its first and second, if equal
    names were all that counts."""
    counterpart = {one.prefix: other for one, other in pairs}
    last: dict[tuple[object, ...], Entries] = {}
    for unit in written:
        shapes = _signature(unit.shapes)
        if (before := last.get(shapes)) and numbers_are_turned(
            counterpart[before.prefix].prefix,
            counterpart[unit.prefix].prefix,
        ):
            raise _ambiguous(counterpart[unit.prefix], before, unit)
        last[shapes] = unit


def _same_parts(
    parts: tuple[str, str] | None, one: str, other: str
) -> bool:
    """Whether our two names differ in the very parts in which theirs do: `….gate.…` and
    `….value.…`."""
    if parts is None:
        return False
    ours, others = set(one.split(".")), set(other.split("."))
    return parts[0] in ours - others and parts[1] in others - ours


def _ambiguous(
    theirs: Entries, one: Entries, other: Entries
) -> AlignmentError:
    return AlignmentError(
        f"`{theirs.prefix}` could be `{one.prefix}` or `{other.prefix}`: order, shape and names do"
        f" not tell; {SETTLED}"
    )


def _signature(
    shapes: Mapping[str, Shape],
) -> tuple[tuple[str, Shape], ...]:
    learned = shapes.keys() - {UNLEARNED}
    return tuple((role, trimmed(shapes[role])) for role in sorted(learned))


def trimmed(shape: Shape) -> Shape:
    """A shape without the axes of size 1 at its end: a 1x1 convolution is a linear layer."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _units(entries: Mapping[str, Any]) -> list[Entries]:
    units = []
    modules = modules_of(entries)
    for prefix, group in groupby(entries, key=modules.__getitem__):
        keys = list(group)
        leaves = {
            _CALLED.get(leaf, leaf): key
            for key in keys
            for leaf in [last_word(key)]
        }
        # `layer_scale`, `gamma`: the one thing that is learned
        if len(leaves) == 1 and not leaves.keys() & ROLES:
            leaves = {"weight": keys[0]}
        shapes = {
            role: tuple(getattr(entries[key], "shape", entries[key]))
            for role, key in leaves.items()
        }
        units.append(
            Entries(
                prefix,
                leaves,
                shapes,
                _signature(shapes),
                prefix == keys[0],
            )
        )
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
    found = list(
        islice(_arrangements(list(scope.children.values()), its), _COMPARED)
    )
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
                found += [
                    (rest, done + order) for order in _orders(child, part)
                ]
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

"""A net's entries and those of a file, whatever their order → which is kept, new, adapted, missing
and unused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise
from math import prod
from typing import Any

from ....collecting import (
    at_keys,
    by_key,
    each_name,
    the_only,
    without,
    without_keys,
)
from ....dotted import first_word, last_word, scope_of
from ....errors import RunError, ticked
from ....language.references import FIRST
from ....ops.base import Shape, shape_text
from ....structs import Frozen
from ....zoo import zoo_nets
from .align import UNLEARNED, AlignmentError, align, squeezed, trimmed
from .order import (
    SETTLED,
    diverge,
    keeps_order,
    modules_of,
    numbers_are_turned,
    written_orders,
)

Shapes = Mapping[str, Shape]
_NO_PARAMETERS = ("running_mean", "running_var", UNLEARNED)
"""What a net keeps beside its parameters."""


class Match(Frozen):
    """Which entries of a net and of a file belong together; each of either side is in one list."""

    kept: dict[str, str]
    """Our key → theirs: taken as it is."""
    adapted: dict[str, str]
    """Our key → theirs: the first convolution, whose images have another number of channels."""
    new: dict[str, str]
    """Our key → theirs: the head, which has another width; initialised, and not taken."""
    missing: tuple[str, ...]
    """Our keys that the file lacks; initialised."""
    unused: tuple[str, ...]
    """Their keys that the net lacks."""

    @property
    def taken(self) -> dict[str, str]:
        """Our key → theirs, of all that is read from the file."""
        return {**self.kept, **self.adapted}


def matched(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    settled: Mapping[str, str] = {},
) -> Match:
    """Pair what has the right place, shape and name; both map keys to tensors or shapes, ours in
    execution order.

    Three things may differ, and are said: the width of the last layer, the channels of the first,
    and whether there is a last layer at all. `settled` maps our names (of modules or entries) to
    theirs, for what names do not tell. Raises `AlignmentError` for another net, and where two
    readings remain."""
    mine, its = _shapes(ours), _shapes(theirs)
    fixed = _settled(mine, its, settled)
    left = without_keys(mine, fixed)
    rest = without_keys(its, {*fixed.values()})
    try:
        pairs = (
            _below(_wrapper(left, rest), left, rest)
            if left and rest
            else {}
        )
        return _sorted_out(mine, its, {**fixed, **pairs})
    except RunError as error:
        if like := _like_in_zoo(mine, its):
            raise AlignmentError(f"{error}; {like}") from None
        raise


def _like_in_zoo(mine: Shapes, its: Shapes) -> str:
    """The nets of the zoo that have as many parameters as a file, where ours has not; with another
    number of classes, too."""
    own = {_parameters(mine), _of_imagenet(mine)}
    counts = {_parameters(its), _of_imagenet(its)} - own
    alike = [net for net in zoo_nets() if net.params in counts]
    alike.sort(key=lambda net: net.file not in FIRST)
    names = ticked(each_name(alike[:3]), " or ")
    return (
        f"it has as many parameters as {names} of the zoo" if alike else ""
    )


def _parameters(side: Shapes) -> int:
    return sum(
        prod(shape)
        for key, shape in side.items()
        if last_word(key) not in _NO_PARAMETERS
    )


def _of_imagenet(side: Shapes) -> int:
    """The parameters with a last layer for 1,000 classes."""
    last = next(
        (s for s in reversed([*side.values()]) if len(s) == 2), (0, 0)
    )
    return _parameters(side) + (1000 - last[0]) * (last[1] + 1)


def _wrapper(mine: Shapes, its: Shapes) -> str:
    """What the file has before our names, as a module around the net has (`model.`): below it stand
    names of ours alone. "" where it has them as they are, or below two."""
    if mine.keys() & its.keys():
        return ""
    below = by_key(
        (key[: place + 1], key[place + 1 :])
        for key in its
        for place, sign in enumerate(key)
        if sign == "."
    )
    found = [
        wrapper
        for wrapper, names in below.items()
        if mine.keys() >= {*names} and 2 * len(names) > len(mine)
    ]
    return the_only(found, "")


def _below(wrapper: str, mine: Shapes, its: Shapes) -> dict[str, str]:
    """The pairs of what stands below a wrapper; what does not is not the net's. Raises
    `AlignmentError`."""
    inner = {
        key.removeprefix(wrapper): shape
        for key, shape in its.items()
        if key.startswith(wrapper)
    }
    try:
        pairs = _by_rows(mine, inner) or _by_order(mine, inner)
    except RunError:
        if told := _told_by_names(mine, inner):
            raise AlignmentError(
                f"the file has the names of the net, and {told}"
            ) from None
        raise
    return {key: f"{wrapper}{theirs}" for key, theirs in pairs.items()}


def _told_by_names(mine: Shapes, inner: Shapes) -> str:
    """In what two sides differ of which one has all names of the other; else ""."""
    gone, more = without(mine, inner), without(inner, mine)
    if bool(gone) == bool(more):
        return ""
    first, *others = gone or more
    some = f"`{first}`{', …' * bool(others)}"
    if gone:
        return f"lacks {len(gone):,} of its {len(mine):,} tensors: {some}"
    return f"{len(more):,} more: {some}; {SETTLED}"


def _shapes(entries: Mapping[str, Any]) -> dict[str, Shape]:
    return {
        key: tuple(getattr(entry, "shape", entry))
        for key, entry in entries.items()
    }


def _sorted_out(
    mine: Shapes, its: Shapes, pairs: Mapping[str, str]
) -> Match:
    stem, head = _ends(mine)
    kept, adapted, new = {}, {}, {}
    for key, theirs in pairs.items():
        shapes = mine[key], its[theirs]
        one, other = map(squeezed, shapes)
        at = scope_of(key), _differ_at(*shapes)
        if one == other:
            kept[key] = theirs
        elif at == (stem, {1}):
            adapted[key] = theirs
        elif at == (head, {0}):
            new[key] = theirs
        else:
            here, there = (shape_text(s) or "a number" for s in shapes)
            raise AlignmentError(
                f"`{key}` is {here} here, and {there} in the file (`{theirs}`)"
            )
    missing, unused = without(mine, pairs), without(its, {*pairs.values()})
    return Match(kept, adapted, new, tuple(missing), tuple(unused))


def _ends(side: Shapes) -> tuple[str, str]:
    """The first module and the last."""
    modules = [
        name for key, name in modules_of(side).items() if name != key
    ]
    return modules[0], modules[-1]


def _differ_at(one: Shape, other: Shape) -> set[int]:
    """The axes in which two shapes of as many axes differ; -1 where they have not as many."""
    one, other = trimmed(one), trimmed(other)
    if len(one) != len(other):
        return {-1}
    return {
        axis
        for axis, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b
    }


def _settled(
    mine: Shapes, its: Shapes, names: Mapping[str, str]
) -> dict[str, str]:
    """The pairs that a map of names settles: of entries, or of all entries of a module."""
    found: dict[str, str] = {}
    for ours, theirs in names.items():
        within = {
            key: f"{theirs}{key.removeprefix(ours)}"
            for key in mine
            if f"{key}.".startswith(f"{ours}.")
        }
        pairs = {
            key: other for key, other in within.items() if other in its
        }
        if not pairs:
            side, name = ("file", theirs) if within else ("net", ours)
            raise AlignmentError(
                f"the map names `{name}`, which the {side} lacks"
            )
        found |= pairs
    if len(set(found.values())) < len(found):
        raise AlignmentError(
            "the map gives one entry of the file to two of the net"
        )
    return found


def _rows(keys: Mapping[str, object]) -> dict[str, set[str]]:
    rows: dict[str, set[str]] = {}
    for key in keys:
        if not key.endswith(UNLEARNED):
            rows.setdefault(first_word(key), set()).add(key)
    return rows


def _by_rows(mine: Shapes, its: Shapes) -> dict[str, str]:
    """Equal names, if the file has ours: rows that both have are the same, name by name, and these
    are half of our rows at least; one side alone may have another row, its head. Else nothing.

    A row whose names differ in part was changed, and what is equal in it may be another layer."""
    ours, theirs = _rows(mine), _rows(its)
    shared = ours.keys() & theirs.keys()
    same = {row for row in shared if ours[row] == theirs[row]}
    if not 0 < len(ours) <= 2 * len(same):
        return {}
    for row in shared - same:
        raise AlignmentError(
            f"row `{row}` has other layers in the file: only"
            f" {_one_sided(ours[row], theirs[row])}"
        )
    added, gone = ours.keys() - same, theirs.keys() - same
    if added and gone:
        return {}
    if not (_are_heads(mine, added) and _are_heads(its, gone)):
        return {}
    return {
        key: key for key in mine if key in its and first_word(key) in same
    }


def _are_heads(side: Shapes, rows: Set[str]) -> bool:
    """Whether rows hold nothing but linear layers."""
    modules = {scope_of(key) for key in side if first_word(key) in rows}
    weights = [side.get(f"{module}.weight", ()) for module in modules]
    return all(len(trimmed(weight)) == 2 for weight in weights)


def _one_sided(ours: set[str], theirs: set[str]) -> str:
    sides = [
        ("the net has", ours - theirs),
        ("the file has", theirs - ours),
    ]
    side, keys = next((side, keys) for side, keys in sides if keys)
    return f"{side} `{min(keys)}`"


def _by_order(mine: Shapes, its: Shapes) -> dict[str, str]:
    """By the order in which the file's entries stand, if it is one of modules and fits, else the
    one pairing that their names allow."""
    found: list[dict[str, str]] = []
    failed: list[RunError] = []
    for order in _readings(its):
        try:
            pairs = _aligned(mine, at_keys(its, order))
        except AlignmentError as error:
            failed.append(error)
            continue
        if order == list(its) and keeps_order(its):
            return pairs
        if pairs not in found:
            found.append(pairs)
    if not found:
        raise failed[0]
    for one, other in pairwise(found):
        key = next(key for key in one if one[key] != other.get(key))
        raise AlignmentError(
            f"`{key}` could be `{one[key]}` or `{other.get(key)}`: order, shape and names do not"
            f" tell; {SETTLED}"
        )
    return found[0]


def _readings(its: Shapes) -> list[list[str]]:
    """The orders in which the file's modules may run: as they stand there, where nothing speaks
    against it and it fits, else by their names."""
    given = list(its)
    if not keeps_order(given):
        return written_orders(given)
    modules = list(dict.fromkeys(map(scope_of, given)))
    if _numbered_backwards(modules):
        return [given]
    try:
        return [given, *written_orders(given)]
    except RunError:
        return [given]


def _numbered_backwards(modules: Sequence[str]) -> bool:
    return any(
        diverge(one, other) is not None and numbers_are_turned(one, other)
        for one, other in pairwise(modules)
    )


def _aligned(mine: Shapes, its: Shapes) -> dict[str, str]:
    """By order, shape and names, where the last layer may be missing on either side or have another
    width, and the first other channels."""
    mine, its = _same_heads(mine, its)
    return align(mine, _eased(mine, its))


def _same_heads(mine: Shapes, its: Shapes) -> tuple[Shapes, Shapes]:
    """Both without the last module of one that the other lacks, if it is a linear layer."""
    sides = [mine, its]
    counts = [len(set(modules_of(side).values())) for side in sides]
    longer = counts.index(max(counts))
    head = _ends(sides[longer])[1]
    weight = sides[longer].get(f"{head}.weight", ())
    if abs(counts[0] - counts[1]) == 1 and len(trimmed(weight)) == 2:
        sides[longer] = {
            key: shape
            for key, shape in sides[longer].items()
            if scope_of(key) != head
        }
    return sides[0], sides[1]


def _eased(mine: Shapes, its: Shapes) -> Shapes:
    """Theirs, with our width of the last module and our channels of the first, where nothing else
    differs."""
    out = dict(its)
    for axis, one, other in zip(
        (1, 0), _ends(mine), _ends(its), strict=True
    ):
        pairs = {
            f"{other}{key.removeprefix(one)}": shape
            for key, shape in mine.items()
            if scope_of(key) == one
        }
        at = [
            _differ_at(shape, its.get(key, ()))
            for key, shape in pairs.items()
        ]
        if all(axes <= {axis} for axes in at):
            out |= pairs
    return out

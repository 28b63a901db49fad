"""How a foreign tensor's axes lie on ours: views and permutations are followed, not made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap
from math import prod

from ...collecting import flatten
from ...ops import Shape
from ...structs import Frozen


class Atom(Frozen, order=True):
    """A part of one of our axes: `size` places, `step` apart, of axis `of`.

    -1 is an axis that was expanded from one place, -2 the batch."""

    of: int
    size: int
    step: int = 1


Axis = tuple[Atom, ...]
"""What one axis of a foreign tensor runs over, coarse to fine; none for an axis of one place."""
Layout = tuple[Axis, ...]
"""A foreign tensor's axes behind its batch."""

EXPANDED, BATCH = -1, -2


def axis_of(of: int, size: int, step: int = 1) -> Axis:
    """An axis of so many places of one of ours."""
    return (Atom(of, size, step),) if size > 1 else ()


def layout(shape: Shape) -> Layout:
    """Of a tensor that lies as ours do."""
    return tuple(starmap(axis_of, enumerate(shape)))


def places(dims: Iterable[int], count: int) -> set[int]:
    """Which axes behind the batch are meant by their numbers among so many; -1 is the batch."""
    return {dim % count - 1 for dim in dims}


def atoms_of(axes: Layout, places: Iterable[int]) -> list[Atom]:
    """All that some axes run over, in our order."""
    return sorted(flatten(axes[place] for place in places))


def flat(axes: Iterable[Axis]) -> Axis:
    """Axes as one, without what runs on."""
    return tuple(flatten(axes))


def stored(shape: Sequence[int]) -> Layout:
    """Of a tensor of that shape, over its numbers as they lie in a row."""
    sizes = enumerate(shape, 1)
    return tuple(axis_of(0, size, prod(shape[n:])) for n, size in sizes)


def sizes(axes: Layout) -> tuple[int, ...]:
    """How long each axis is."""
    return tuple(prod(atom.size for atom in axis) for axis in axes)


def joined(atoms: Iterable[Atom]) -> Axis:
    """Atoms that run on from one another as one."""
    out: list[Atom] = []
    for atom in atoms:
        last = next(reversed(out), None)
        if (
            last
            and last.of == atom.of
            and last.step == atom.size * atom.step
        ):
            out[-1] = Atom(atom.of, last.size * atom.size, atom.step)
        else:
            out.append(atom)
    return tuple(out)


def viewed(axes: Layout, target: Sequence[int]) -> Layout | None:
    """The same numbers in the same order with other axes; None where an atom would have to be cut
    where it does not divide."""
    rest = [*flatten(axes)]
    out: list[Axis] = []
    for size in target:
        taken: list[Atom] = []
        while size > 1:
            if not rest:
                return None
            atom = rest.pop(0)
            if size % atom.size == 0:
                taken.append(atom)
                size //= atom.size
            elif atom.size % size == 0:
                fine = atom.size // size
                taken.append(Atom(atom.of, size, atom.step * fine))
                rest.insert(0, Atom(atom.of, fine, atom.step))
                size = 1
            else:
                return None
        out.append(joined(taken))
    return None if rest else tuple(out)


def equal_parts(axis: Axis, channels: int) -> int:
    """Of how many equal parts of the channels an axis is; 0 where it is of none."""
    match axis:
        case (Atom(of=0, size=parts, step=width),) if (
            parts * width == channels
        ):
            return parts
    return 0


def whole(axis: Axis, of: int, size: int) -> bool:
    """Whether an axis is all of one of ours."""
    return axis == layout((1,) * of + (size,))[of]

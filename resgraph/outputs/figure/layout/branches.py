"""A fork and the layouts of its units → columns, heights and the routes of its links.

The spine is the weightiest path from the entry to the result. Other units stand in columns beside
it; a link whose way is blocked runs in a lane to the right of all that it passes."""

from __future__ import annotations

from msgspec.structs import replace

from ....collecting import by_key
from .. import text
from ..content.parts import ENTRY, FigurePart, Fork, Join, Link, Tile, walk
from . import routing
from .columns import Stacker
from .geometry import Frame, Placed, Placement, Rhythm, Wire
from .notes import notes_apart

NOTE_SIZE, SPINE_NOTE, SIDE_NOTE = 10.5, 190.0, 64.0
"""The size of an equation beside its join, and how wide it may be: less where other columns stand
beside it."""


def place_fork(
    fork: Fork, boxes: list[Placement], rhythm: Rhythm, streams: int
) -> Placement:
    """A fork laid out: units in columns, links routed, framed where it has a frame."""
    units = range(len(boxes))
    inset = rhythm.frame_pad + rhythm.frame_head if fork.frame else 0.0
    opened = _opened(fork, streams)
    frame = Frame(
        opened,
        boxes,
        rhythm,
        inset,
        [0] * len(boxes),
        [0.0] * len(boxes),
        {0: 0.0},
    )
    heights = [box.height for box in boxes]
    on_spine = set(units) if fork.breaks else spine(opened, heights)
    ways = Stacker(frame, on_spine).stack()
    _spread(frame)
    out = Placement(
        fork, 0, 0, max(map(frame.bottom, units), default=inset)
    )
    for unit in units:
        out.put(boxes[unit], frame.at(unit), frame.top[unit])
        out.left = max(out.left, _note_reach(frame, unit, ways))
    wires = notes_apart(routing.wires(frame, ways))
    wires += routing.names(frame)
    out.wires += wires
    _leave(frame, out)
    for wire in wires:
        left, right = routing.reach(wire, rhythm)
        out.left, out.right = max(out.left, -left), max(out.right, right)
    if fork.frame:
        _enclose(fork, out, rhythm.frame_pad)
    out.parts.append(Placed(fork, 0, 0, out.left, out.right, out.height))
    return out


def _enclose(fork: Fork, out: Placement, pad: float) -> None:
    """Room for the frame of a block at both sides, and for what is said in it."""
    out.left = max(out.left + pad, routing.caption_room(fork))
    totals = out.entries[-1] + routing.totals_room(fork)
    out.right = max(out.right + pad, totals)


def _leave(frame: Frame, out: Placement) -> None:
    """Where each stream enters and leaves, and the way of each to the end."""
    fork = frame.fork
    out.height += frame.rhythm.frame_pad if fork.frame else 0
    leaving = fork.exits or (fork.result,)
    for unit in leaving:
        if out.height > frame.bottom(unit) + 0.01:
            x = frame.at(unit)
            out.wires.append(
                Wire(((x, frame.bottom(unit)), (x, out.height)))
            )
    out.entries = tuple(
        frame.at(ENTRY - lane) for lane in range(fork.entries)
    )
    out.exits = tuple(map(frame.at, leaving))


def _opened(fork: Fork, streams: int) -> Fork:
    """A fork as it is laid out: an entry for each stream that flows in, below `ENTRY`, where a wire
    leads to each; and the units that give the streams that flow out, the first of them on the
    spine, where each is one of its own and none has to leave the spine that it came on."""
    exits = fork.exits if len({*fork.exits}) == len(fork.exits) else ()
    if ENTRY in exits[1:] or min(exits, default=0) <= ENTRY - streams:
        exits = ()
    links = [
        replace(link, source=ENTRY - link.port, note="")
        if link.source == ENTRY and 0 < link.port < streams
        else link
        for link in fork.links
    ]
    result = exits[0] if exits else fork.result
    return replace(
        fork, links=links, entries=streams, exits=exits, result=result
    )


def _note_reach(
    frame: Frame, unit: int, ways: dict[Link, routing.Way]
) -> float:
    """How far to the left the equation beside a join reaches, which is cut where it is too long."""
    box = frame.boxes[unit]
    if not isinstance(box.part, Join) or not box.part.note:
        return 0.0
    room = SIDE_NOTE if frame.column[unit] else SPINE_NOTE
    box.part.note = text.fit(box.part.note, NOTE_SIZE, room)
    box.part.below = any(
        way == "down" and frame.at(link.source) < frame.at(unit)
        for link, way in ways.items()
        if link.target == unit
    )
    return (
        box.left
        + 12
        + text.width(box.part.note, NOTE_SIZE)
        - frame.at(unit)
    )


def spine(fork: Fork, heights: list[float]) -> set[int]:
    """The units of the highest path from the entry to the result; of a product, only the first
    factor counts."""
    # what flows in beside the first stream is beside the spine
    score: dict[int, float] = {
        ENTRY - lane: -1e9 for lane in range(fork.entries)
    }
    score[ENTRY] = 0.0
    before: dict[int, int] = {}
    sources = by_key((link.target, link.source) for link in fork.links)
    for unit, part in enumerate(fork.units):
        choices = sources[unit]
        # The other factors of a product are gates, which scale the main path.
        if isinstance(part, Join) and part.symbol == "×":
            choices = choices[:1]
        best = max(choices, key=score.__getitem__, default=ENTRY)
        before[unit] = best
        score[unit] = score[best] + (
            0 if unit in fork.side else heights[unit] + 1
        )
    out = set()
    unit = fork.result
    while unit >= 0:
        out.add(unit)
        unit = before[unit]
    return out


def spine_of(fork: Fork) -> set[int]:
    """The spine of a fork that is not laid out: the longest path counts, by what its units hold;
    of a whole net all is on it."""
    if fork.breaks:
        return {*range(len(fork.units))}
    return spine(
        fork, [1.0 + sum(map(_size, walk(unit))) for unit in fork.units]
    )


def _size(part: FigurePart) -> int:
    return len(part.rows) if isinstance(part, Tile) else 1


def _spread(frame: Frame) -> None:
    """Give each column its x: one to the right of the other, or on both sides of the spine where
    they are many."""
    gap = frame.rhythm.column_gap
    sizes: dict[int, tuple[float, float]] = {}
    for unit, box in enumerate(frame.boxes):
        left, right = sizes.get(frame.column[unit], (0.0, 0.0))
        sizes[frame.column[unit]] = (
            max(left, box.left),
            max(right, box.right),
        )
    for entry in range(frame.fork.entries):
        sizes.setdefault(entry, (0.0, 0.0))
    reach_left, reach_right = sizes.pop(0)
    both = len(sizes) > 2 and _is_fan(frame)
    for index, (column, (left, right)) in enumerate(sorted(sizes.items())):
        if both and index % 2:
            frame.x[column] = -(reach_left + gap + right)
            reach_left += gap + left + right
        else:
            frame.x[column] = reach_right + gap + left
            reach_right += gap + left + right


def _is_fan(frame: Frame) -> bool:
    """Whether all that stands beside the spine leaves one unit and meets again in one, and no
    more."""
    links = frame.fork.links
    side = {unit for unit, column in enumerate(frame.column) if column}
    sources = {link.source for link in links if link.target in side}
    targets = {link.target for link in links if link.source in side}
    columns = len(set(frame.column)) - 1
    return (len(side), len(sources), len(targets)) == (columns, 1, 1)

"""A plan and the name of a row, a block or a path → a figure of that alone, op by op."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ....collecting import each_text, flatten
from ....errors import UsageError
from ....graph import Block, Graph, Path, Stream
from ....language.diagnose.nearest import did_you_mean
from ....ops.base import Cost
from ....structs import Frozen
from .. import text
from ..content import quantity
from ..content.builder import PartBuilder
from ..content.heating import warm
from ..content.parts import Capsule, Chain, FigurePart
from ..content.rows import stride_text, stride_words
from ..content.wiring import spelled
from ..layout.geometry import OPS, Placement, Wire, pairs, starts_with_box
from ..layout.tree import even, place
from ..scene import Rect, Scene, Text
from .header import MARGIN, shortcut_kinds
from .legend import Legend
from .paint import paint as paint_parts

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat

RHYTHM = replace(OPS, loose=27, lane=34, after_split=20)
_SIDE, _GAP, _PAD, _NARROWEST = 40.0, 44.0, 20.0, 560.0
_KINDS = {
    "projection": "projection shortcut",
    "zero-pad": "zero-padded shortcut",
    "path": "shortcut",
}


class Excerpt(Frozen):
    """What is drawn: its name, what it is, and the streams that flow in and out."""

    name: str
    said: str
    part: FigurePart
    takes: tuple[Stream, ...]
    gives: tuple[Stream, ...]
    cost: Cost
    shortcut: str


def draw(plan: Plan, name: str, paint: Sequence[Heat] = ()) -> Scene:
    """The scene of one row, block or path of a plan, painted with numbers or not."""
    graph = plan.graph
    scope = _scope(graph, name)
    above = _ends(graph, f"{name}-input", "input", scope.takes)
    below = _ends(graph, f"{name}-output", "output", scope.gives)
    scale = warm([(scope.part, graph, heat) for heat in paint])
    rhythm = even(RHYTHM, scope.part)
    inner = place(scope.part, rhythm, len(scope.takes))
    inner.right = max(inner.right, _corner(inner, scope.cost))
    placement = _between(above, inner, below)
    reach = placement.left + placement.right
    into, out = (", ".join(each_text(ends)) for ends in (above, below))
    about = f"{scope.said}: {into} in, {out} out."
    scene = Scene(_width(scope, reach), 0, f"{name} of {plan.name}", about)
    spine = (scene.width - placement.right + placement.left) / 2
    top = 96.0
    scene.add(
        Text(MARGIN, 50, name, 20, 700),
        Text(MARGIN, 68, scope.said, 10.5, fill="muted"),
    )
    x = spine - placement.left - _SIDE
    y = top + RHYTHM.capsule + _GAP - _PAD
    card = Rect(
        x, y, reach + 2 * _SIDE, inner.height + 2 * _PAD, 12, "card"
    )
    _card(scene, card, scope.cost)
    paint_parts(scene, placement, spine, top, rhythm)
    _captions(scene, [above[0], below[0]], placement, spine, top)
    _kind(scene, scope.shortcut, placement, spine, top)
    shown = Legend(scale=scale)
    kinds = {scope.shortcut} if scope.shortcut else shortcut_kinds(graph)
    shown.gather(placement, kinds)
    scene.height = shown.draw(scene, top + placement.height + 26) + 10
    return scene


def _width(scope: Excerpt, reach: float) -> float:
    """Of the figure: room for its title, and for what is drawn on its card."""
    title = max(
        text.width(scope.said, 10.5), text.width(scope.name, 20, 700)
    )
    return max(reach + 2 * (MARGIN + _SIDE), title + 2 * MARGIN, _NARROWEST)


def _ends(
    graph: Graph, name: str, caption: str, streams: Sequence[Stream]
) -> list[Capsule]:
    """Where streams come in or leave: the shape of each, and of several its name."""
    shapes = [
        quantity.times(graph.shape(stream.node)) for stream in streams
    ]
    if len(streams) == 1:
        return [Capsule(name, shapes[0], caption=caption)]
    written = spelled(graph)
    words = [written.get(stream.node, stream.name) for stream in streams]
    return [
        Capsule(f"{name}-{word}", f"{word}: {shape}", caption=caption)
        for word, shape in zip(words, shapes, strict=True)
    ]


def _between(
    above: list[Capsule], inner: Placement, below: list[Capsule]
) -> Placement:
    """A drawing with a capsule above each of its entries and one below each of its exits."""
    out = Placement(Chain("ends", [*above, *below]), 0, 0, 0)
    start = RHYTHM.capsule + _GAP
    end = start + inner.height + _GAP
    entries = _row(above, inner.entries, 0, out)
    out.put(inner, 0, start)
    exits = _row(below, inner.exits, end, out)
    arrow = starts_with_box(inner.part)
    ways = pairs(entries, inner.entries, RHYTHM.capsule, _GAP)
    out.wires += [Wire(way, arrow) for way in ways]
    ways = pairs(inner.exits, exits, start + inner.height, _GAP)
    out.wires += [Wire(way, arrow=True) for way in ways]
    out.height = end + RHYTHM.capsule
    return out


def _row(
    capsules: list[Capsule],
    wanted: Sequence[float],
    y: float,
    out: Placement,
) -> list[float]:
    """Put capsules side by side, each where it is wanted or as near as the one to its left lets
    it."""
    places: dict[int, float] = {}
    free = -inf
    for x, at in sorted((x, at) for at, x in enumerate(wanted)):
        box = place(capsules[at], RHYTHM)
        places[at] = max(x, free + box.left)
        free = places[at] + box.right + 16
        out.put(box, places[at], y)
    return [places[at] for at in range(len(wanted))]


def _scope(graph: Graph, name: str) -> Excerpt:
    """The scope called `name`; a `UsageError` where nothing is."""
    known: dict[str, tuple[Path | Block, str]] = {
        row.name: (row, f"row {row.word or row.name}") for row in graph.rows
    }
    # What is alone in a scope has its name: a block of one path, a row of one block. The outer one
    # is meant.
    for block in graph.blocks():
        known.setdefault(block.name, (block, ""))
        for path in block.paths:
            known.setdefault(
                path.name, (path, f"path {path.word} of {block.name}")
            )
    if name not in known:
        usual = f"give a row, a block or a path, as `{next(iter(known))}`"
        hint = did_you_mean(name, list(known)) or usual
        raise UsageError(f"nothing is called `{name}`: {hint}")
    scope, said = known[name]
    builder = PartBuilder(graph, "ops")
    part: FigurePart | None
    shortcut = ""
    if isinstance(scope, Path):
        part = builder.items(scope, "ops", 0)
    else:
        said = _block(scope)
        shortcut = scope.shortcut
        part = fork = builder.block(scope, "ops", 1)
        if fork:
            fork.frame = False
    if part is None:
        raise UsageError(
            f"`{name}` has nothing to draw: it hands on what it is given"
        )
    cost = graph.cost_of(scope)
    gives = scope.gives or (Stream("y", scope.output),)
    return Excerpt(name, said, part, _takes(scope), gives, cost, shortcut)


def _takes(scope: Path | Block) -> tuple[Stream, ...]:
    """The streams that flow in: those of a row are what its first block reads."""
    if isinstance(scope, Block):
        return scope.arguments()
    match scope.items:
        case [Block() as first, *_]:
            return first.arguments()
    return scope.takes or (Stream("x", scope.input),)


def _block(block: Block) -> str:
    """`bottleneck block, 256 → 512, stride 2 · relu(body + shortcut)`."""
    stride = stride_words(stride_text(block))
    merge = f" · {block.merge}" if block.merge else ""
    return (
        f"{block.called} block, {block.into} → {block.out}{stride}{merge}"
    )


def _corner(inner: Placement, cost: Cost) -> float:
    """How far a drawing must reach to the right for its costs to stand in the corner, beside all
    that comes down to them."""
    ends = [*flatten(wire.points for wire in inner.wires)]
    ends += [
        (placed.x + placed.right, placed.bottom)
        for placed in inner.parts
        if placed.is_seen
    ]
    beside = max(
        (x for x, y in ends if y > inner.height - _PAD), default=0.0
    )
    wide = text.width(quantity.params_text(cost), 11, 600)
    return beside + wide + 2 * 14 - _SIDE


def _card(scene: Scene, card: Rect, cost: Cost) -> None:
    """The tinted card around what is drawn, and what all of it costs in its lower right corner."""
    right = card.x + card.width - 14
    bottom = card.y + card.height
    params = quantity.params_text(cost)
    macs = quantity.macs_text(cost)
    scene.add(
        card,
        Text(right, bottom - 27, params, 11, 600, anchor="end"),
        Text(right, bottom - 12, macs, 10.5, fill="muted", anchor="end"),
    )


def _captions(
    scene: Scene,
    ends: list[Capsule],
    placement: Placement,
    spine: float,
    top: float,
) -> None:
    """`input` and `output` beside the capsules."""
    where = placement.where
    for end in ends:
        x = spine - where[id(end)].left - 9
        y = top + where[id(end)].middle + 3.5
        scene.add(Text(x, y, end.caption, 10.5, fill="muted", anchor="end"))


def _kind(
    scene: Scene,
    shortcut: str,
    placement: Placement,
    spine: float,
    top: float,
) -> None:
    """Over the first stretch of the shortcut, what kind it is."""
    ways = (wire for wire in placement.wires if wire.dot and wire.changes)
    first = next(ways, None)
    if first and shortcut in _KINDS:
        (x0, y), (x1, _) = first.moved(spine, top).points[:2]
        said = _KINDS[shortcut]
        x = (x0 + x1) / 2
        scene.add(Text(x, y - 8, said, 10.5, 600, "accent", "middle"))

"""A plan and the name of a row, a block or a path → a figure of that alone, op by op."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....errors import UsageError
from ....graph import Block, Graph, Path
from ....language.diagnose.nearest import did_you_mean
from .. import text
from ..content import quantity
from ..content.builder import Builder
from ..content.parts import Capsule, Chain, Part
from ..layout.geometry import OPS, Placement, Wire, starts_with_box
from ..layout.tree import even, place
from ..scene import Rect, Scene, Text
from .header import MARGIN, shortcut_kinds
from .legend import Legend
from .paint import paint

if TYPE_CHECKING:
    from ....plan import Plan

RHYTHM = replace(OPS, loose=27, lane=34, after_split=20)
_SIDE, _GAP, _PAD, _NARROWEST = 40.0, 44.0, 20.0, 560.0
_KINDS = {
    "projection": "projection shortcut",
    "zero-pad": "zero-padded shortcut",
    "path": "shortcut",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What is drawn: its name, what it is, and the nodes that flow in and out."""

    name: str
    said: str
    part: Part
    input: str
    output: str
    shortcut: str = ""


def draw(plan: Plan, name: str) -> Scene:
    """The scene of one row, block or path of a plan."""
    scope = _scope(plan.graph, name)
    graph = plan.graph
    into, out = graph.nodes[scope.input].shape, graph.nodes[scope.output].shape
    rhythm = even(RHYTHM, scope.part)
    ends = [_end(name, "input", into), _end(name, "output", out)]
    placement = _between(ends, place(Chain("inner", [scope.part]), rhythm))
    title = max(text.width(scope.said, 10.5), text.width(scope.name, 20, 700))
    width = max(
        placement.left + placement.right + 2 * (MARGIN + _SIDE),
        title + 2 * MARGIN,
        _NARROWEST,
    )
    spine = (width - placement.right + placement.left) / 2
    scene = Scene(
        width,
        0,
        f"{name} of {plan.name}",
        f"{scope.said}: {quantity.times(into)} in, {quantity.times(out)} out.",
    )
    scene.add(
        Text(MARGIN, 50, scope.name, 20, 700),
        Text(MARGIN, 68, scope.said, 10.5, fill="muted"),
    )
    top = 96.0
    _card(scene, plan, scope, placement, spine, top)
    paint(scene, placement, spine, top, rhythm)
    _captions(scene, placement, spine, top)
    _kind(scene, scope, placement.wires, spine, top)
    shown = Legend()
    shown.gather(
        placement, shortcut_kinds(graph) if scope.shortcut == "" else {scope.shortcut}
    )
    scene.height = shown.draw(scene, top + placement.height + 26) + 10
    return scene


def _end(name: str, which: str, shape: tuple[int, ...]) -> Capsule:
    return Capsule(f"{name}-{which}", quantity.times(shape), caption=which)


def _between(ends: list[Capsule], inner: Placement) -> Placement:
    """A drawing with a capsule above and one below."""
    chain = Chain("focus", [*ends])
    out = Placement(chain, 0, 0, 0)
    out.put(place(ends[0], RHYTHM), 0, 0)
    start = RHYTHM.capsule + _GAP
    out.put(inner, 0, start)
    end = start + inner.height + _GAP
    out.put(place(ends[1], RHYTHM), 0, end)
    out.wires.append(
        Wire(((0, RHYTHM.capsule), (0, start)), arrow=starts_with_box(inner.part))
    )
    out.wires.append(Wire(((0, start + inner.height), (0, end)), arrow=True))
    out.height = end + RHYTHM.capsule
    return out


def _scope(graph: Graph, name: str) -> Scope:
    """The scope called `name`; a `UsageError` where nothing is."""
    builder = Builder(graph, "ops")
    for row in graph.rows:
        if row.name == name:
            return _path(builder, row, f"row {row.word or row.name}")
    for block in graph.blocks():
        if block.name == name:
            return _block(builder, block)
        for path in block.paths:
            if path.name == name:
                return _path(builder, path, f"path {path.word} of {block.name}")
    blocks = list(graph.blocks())
    known = (
        [row.name for row in graph.rows]
        + [b.name for b in blocks]
        + [p.name for b in blocks for p in b.paths]
    )
    hint = (
        did_you_mean(name, known) or f"give a row, a block or a path, as `{known[0]}`"
    )
    raise UsageError(f"nothing is called `{name}`: {hint}")


def _path(builder: Builder, path: Path, said: str) -> Scope:
    part = builder.items(path, "ops", 0)
    if part is None:
        raise UsageError(
            f"`{path.name}` has nothing to draw: it hands on what it is given"
        )
    return Scope(path.name, said, part, path.input, path.output)


def _block(builder: Builder, block: Block) -> Scope:
    fork = builder.block(block, "ops", 1)
    if fork is None:
        raise UsageError(
            f"`{block.name}` has nothing to draw: it hands on what it is given"
        )
    fork.frame = False
    stride = "" if max(block.stride) == 1 else f", stride {block.stride[0]}"
    merge = f" · {block.merge}" if block.merge else ""
    said = f"{block.block or 'inline'} block, {block.into} → {block.out}{stride}{merge}"
    return Scope(block.name, said, fork, block.input, block.output, block.shortcut)


def _card(
    scene: Scene,
    plan: Plan,
    scope: Scope,
    placement: Placement,
    spine: float,
    top: float,
) -> None:
    """The tinted card around what is drawn, and what all of it costs in its lower right corner."""
    inner = next(
        p
        for p in placement.parts
        if isinstance(p.part, Chain) and p.part.name == "inner"
    )
    x, y = spine - placement.left - _SIDE, top + inner.y - _PAD
    width, height = (
        placement.left + placement.right + 2 * _SIDE,
        inner.height + 2 * _PAD,
    )
    scene.add(Rect(x, y, width, height, 12, "card"))
    prefix = scope.name + "."
    nodes = [
        node
        for node in plan.graph.nodes.values()
        if node.name == scope.name or node.name.startswith(prefix)
    ]
    params, macs = (
        sum(node.cost.params for node in nodes),
        sum(node.cost.macs for node in nodes),
    )
    right = x + width - 14
    scene.add(
        Text(
            right,
            y + height - 27,
            f"{quantity.short(params)} params",
            11,
            600,
            anchor="end",
        )
    )
    scene.add(
        Text(
            right,
            y + height - 12,
            f"{quantity.short(macs)} MACs",
            10.5,
            fill="muted",
            anchor="end",
        )
    )


def _captions(scene: Scene, placement: Placement, spine: float, top: float) -> None:
    for placed in placement.parts:
        if isinstance(placed.part, Capsule):
            y = top + placed.y + placed.height / 2 + 3.5
            scene.add(
                Text(
                    spine - placed.left - 9,
                    y,
                    placed.part.caption,
                    10.5,
                    fill="muted",
                    anchor="end",
                )
            )


def _kind(
    scene: Scene, scope: Scope, wires: list[Wire], spine: float, top: float
) -> None:
    """Over the first stretch of the shortcut, what kind it is."""
    for wire in wires:
        if wire.dot and wire.changes and scope.shortcut in _KINDS:
            (x0, y), (x1, _) = wire.points[0], wire.points[1]
            said = _KINDS[scope.shortcut]
            scene.add(
                Text(
                    spine + (x0 + x1) / 2,
                    top + y - 8,
                    said,
                    10.5,
                    600,
                    "accent",
                    "middle",
                )
            )
            return

"""What stands around a drawing: its title and totals at the top, and a legend of what occurs at the bottom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...graph import Block, Graph, Layer
from . import quantity, text
from .layout import Placement
from .parts import Fork, Join, OpBox, Strip, Tile
from .scene import Line, Rect, Scene, Shape, Text
from .style import FAMILIES
from .wording import LONG

if TYPE_CHECKING:
    from ...plan import Plan

MARGIN = 36.0
_OPTIONS = {"zero-pad": "option A", "projection": "option B"}


def subtitle(graph: Graph, about: str) -> str:
    """What kind of net it is, from its graph: its blocks and what its shortcuts do where the shape changes."""
    blocks = [item for row in graph.rows for item in row.items if isinstance(item, Block)]
    merged = [block for block in blocks if block.merge]
    if not merged:
        return about
    names = list(dict.fromkeys(block.block for block in merged))
    said = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "") + " blocks"
    kinds = dict.fromkeys(block.shortcut for block in merged if _changes(graph, block))
    named = [kind for kind in kinds if kind in ("projection", "zero-pad")]
    shortcuts = ", ".join(f"{kind} shortcuts ({_OPTIONS[kind]})" for kind in named)
    return f"{said} · {shortcuts}" if shortcuts else said


def _changes(graph: Graph, block: Block) -> bool:
    return graph.nodes[block.input].shape != graph.nodes[block.output].shape


def macs_text(macs: int) -> str:
    """`11.5 GMACs`, `352 M MACs`."""
    said = quantity.short(macs)
    return f"{said}MACs" if said.endswith("G") else f"{said} MACs"


def header(scene: Scene, plan: Plan, width: float) -> float:
    """Name and kind at the left, totals at the right; returns the y below them."""
    graph = plan.graph
    totals = f"{quantity.short(plan.params)} params · {macs_text(plan.macs)}"
    counted = [quantity.plural(sum(1 for block in graph.blocks() if block.merge), "block")]
    counted = [] if counted == ["0 blocks"] else counted
    counted += [quantity.plural(len(graph.nodes) - 1, "op"), f"depth {plan.depth}"]
    right = width - MARGIN
    room = right - MARGIN - text.width(totals, 11, 600) - 24
    scene.add(Text(MARGIN, 50, text.fit(plan.name, 20, room, 650), 20, 650))
    scene.add(Text(right, 50, totals, 11, 600, anchor="end"))
    said = ", ".join(counted)
    room = right - MARGIN - text.width(said, 10.5) - 24
    kind = subtitle(graph, plan.spec.about or "")
    scene.add(Text(MARGIN, 68, text.fit(kind, 10.5, room), 10.5, fill="muted"))
    scene.add(Text(right, 68, said, 10.5, fill="muted", anchor="end"))
    return 68


@dataclass(slots=True)
class Legend:
    """What occurs in a drawing, gathered from its parts and wires."""

    families: dict[str, None] = field(default_factory=dict)
    identity: bool = False
    changes: dict[str, None] = field(default_factory=dict)
    repeats: str = ""
    main: bool = False
    widths: dict[int, int] = field(default_factory=dict)

    def gather(self, placement: Placement, kinds: set[str]) -> None:
        """Note what a placement shows; `kinds` are the kinds of its shortcuts that change the shape."""
        for placed in placement.parts:
            part = placed.part
            if isinstance(part, Strip):
                self.families[part.row.family] = None
            elif isinstance(part, Tile):
                self.families.update({row.family: None for row in part.rows})
            elif isinstance(part, OpBox):
                self.families[part.family] = None
                self.main = True
            elif isinstance(part, Fork) and part.repeat and part.repeat.count > 1:
                self.repeats = self.repeats or ("× N repeats" if part.repeat.equal else "blocks alike, drawn as one")
            elif isinstance(part, Join) and self.main:
                self.families[part.family] = None
        for wire in placement.wires:
            if wire.changes:
                self.changes.update(dict.fromkeys(sorted(kinds)) or {"path": None})
            elif wire.shortcut:
                self.identity = True


def unit_words(graph: Graph) -> str:
    """What goes with a convolution in most layers of a net: `+ BN + ReLU`."""
    short = {"bn": "BN", "gn": "GN", "ln": "LN"}
    found: Counter[tuple[str, ...]] = Counter()
    for layer in layers_of(graph):
        ops = [graph.nodes[name].op for name in layer.nodes]
        if any(op.family == "conv" for op in ops):
            found[tuple(short.get(op.op, LONG.get(op.op, op.op)) for op in ops if op.family != "conv")] += 1
    if not found:
        return ""
    words = max(found, key=lambda words: (len(words), found[words]))
    return " (" + " ".join(f"+ {word}" for word in words) + ")" if words else ""


def shortcut_kinds(graph: Graph) -> set[str]:
    """The kinds of shortcuts by which blocks change the shape."""
    kinds = {str(block.shortcut) for block in graph.blocks() if _changes(graph, block)}
    return kinds & {"projection", "zero-pad", "path"}


def layers_of(graph: Graph) -> list[Layer]:
    """Every layer of a net."""
    out = [item for row in graph.rows for item in row.items if isinstance(item, Layer)]
    for block in graph.blocks():
        out += [item for path in block.paths for item in path.items if isinstance(item, Layer)]
    return out


_CHANGE = {
    "projection": "projection shortcut",
    "zero-pad": "zero-padded shortcut",
    "path": "shortcut that changes shape",
    "none": "shortcut that changes shape",
    "identity": "shortcut that changes shape",
}


def legend(scene: Scene, shown: Legend, graph: Graph, y: float, width: float) -> float:
    """Draw the legend from `y` on, in as many lines as it needs; returns the y below it."""
    right = width - MARGIN
    scene.add(Line(((MARGIN, y), (right, y)), "rule", 1))
    x, y = MARGIN + 3, y + 21
    for shapes_width, label, draw in _entries(shown, graph):
        needed = shapes_width + 7 + text.width(label, SIZE)
        if x + needed > right and x > MARGIN + 3:
            x, y = MARGIN + 3, y + 18
        scene.add(*draw(x, y))
        scene.add(Text(x + shapes_width + 6, y + 3.4, label, SIZE))
        x += needed + 17
    return y + 18


SIZE = 9.75


def _entries(shown: Legend, graph: Graph):  # type: ignore[no-untyped-def]
    if shown.widths:
        yield text.width("conv width", SIZE, 600) + 8 + 33 * len(shown.widths), "", _widths(shown.widths)
    for family, label in FAMILIES.items():
        if family in shown.families and not (shown.widths and family == "conv"):
            said = label + (unit_words(graph) if family == "conv" and not shown.main else "")
            yield 13, said, _swatch(family)
    if shown.main:
        yield 20, "main path", _sample(False)
    if shown.identity:
        yield 20, "identity shortcut", _sample(False)
    for kind in shown.changes:
        yield 22, _CHANGE[kind], _sample(True)
    if shown.repeats:
        yield 15, shown.repeats, _sheets


def _swatch(family: str):  # type: ignore[no-untyped-def]
    def draw(x: float, y: float) -> list[Shape]:
        return [Rect(x, y - 5.5, 13, 11, 2.5, f"{family}-row"), Rect(x, y - 5.5, 3.4, 11, 1.7, family)]

    return draw


def _sample(changes: bool):  # type: ignore[no-untyped-def]
    def draw(x: float, y: float) -> list[Shape]:
        colour = "accent" if changes else "edge"
        return [Line(((x, y), (x + 19, y)), colour, 1.7 if changes else 1.4, dotted=changes, arrow=True)]

    return draw


def _widths(widths: dict[int, int]):  # type: ignore[no-untyped-def]
    """A swatch for each lightness of a convolution, with the greatest width that it stands for."""

    def draw(x: float, y: float) -> list[Shape]:
        out: list[Shape] = [Text(x, y + 3.4, "conv width", SIZE, 600)]
        x += text.width("conv width", SIZE, 600) + 8
        for step, value in widths.items():
            out.append(Rect(x, y - 6.5, 30, 13, 3, f"width-{step}", "conv-line", 0.9))
            out.append(Text(x + 15, y + 3.2, str(value), 9.5, anchor="middle"))
            x += 33
        return out

    return draw


def _sheets(x: float, y: float) -> list[Shape]:
    return [Rect(x + d, y - 6 + d, 9, 8, 2, "tile", "tile-edge") for d in (4, 2, 0)]

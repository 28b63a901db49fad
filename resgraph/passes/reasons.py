"""Claims that do not hold → the usual reasons, where one of the papers' variants explains a number
exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import is_

from msgspec.structs import replace

from ..collecting import of_type
from ..errors import SpecError
from ..graph import Graph
from ..language.grammar.records import (
    BlockDef,
    Chunk,
    Label,
    PathDef,
    PathItem,
    Word,
)
from ..language.spec import Spec
from ..ops import VOCABULARY
from .expand import expand

_LARGEST = 5_000  # nodes of a net that is built again to find out

_OPTIONS = {
    "projection": "with projections where the shape changes (option B, `shortcut: projection`)",
    "zero-pad": "with zero-padded shortcuts (option A, `shortcut: zero-pad`)",
    "projection always": "with projections everywhere (option C, `shortcut: projection always`)",
}


def usual_reasons(
    spec: Spec,
    graph: Graph,
    claims: Mapping[str, int | str],
    measures: Mapping[str, Callable[[Graph], int | str]],
) -> dict[str, str]:
    """What would make the net keep each of the claims, where a usual change does."""
    out: dict[str, str] = {}
    if not claims or len(graph.nodes) > _LARGEST:
        return out
    for said, other in _alternatives(spec, graph):
        try:
            made = expand(other).whole()
        except SpecError:
            continue
        for claim, expected in claims.items():
            if claim not in out and measures[claim](made) == expected:
                number = (
                    f" be {expected:,}" if isinstance(expected, int) else ""
                )
                out[claim] = f"{said} it would{number}"
    return out


def _alternatives(spec: Spec, graph: Graph) -> Iterator[tuple[str, Spec]]:
    """The nets that are most often meant where this one is written."""
    if {block.shortcut for block in graph.blocks()} - {"none", "path"}:
        yield from _other_shortcuts(spec)
    called = dict.fromkeys(block.block for block in graph.blocks())
    blocks = [*filter(None, map(spec.block, called))]
    for kernel, where in {
        "1x1": "first 1x1 conv (v1)",
        "3x3": "3x3 conv (v1.5)",
    }.items():
        moved = {
            block.name: strided
            for block in blocks
            if (strided := _stride_on(block, kernel))
        }
        if moved:
            other = replace(spec, blocks={**spec.blocks, **moved})
            yield f"with the stride on the {where}", other


def _other_shortcuts(spec: Spec) -> Iterator[tuple[str, Spec]]:
    now = (
        spec.shortcut.text
        if isinstance(spec.shortcut, Word)
        else "projection"
    )
    place = spec.shortcut.span if spec.shortcut else spec.tree.span
    for policy, said in _OPTIONS.items():
        if policy != now:
            yield said, replace(spec, shortcut=Word(policy, place))


def _stride_on(block: BlockDef, kernel: str) -> BlockDef | None:
    """The block with the `/stride` of a path on its first conv of that kernel; None where nothing
    changes."""
    before = block.paths.values()
    after = [_moved(path, kernel) for path in before]
    if all(map(is_, before, after)):
        return None
    return replace(block, paths=dict(zip(block.paths, after, strict=True)))


def _convs(path: PathDef) -> list[Label]:
    labels = of_type(Label, path.items)
    conv = VOCABULARY["conv"]
    return [label for label in labels if VOCABULARY.get(label.word) is conv]


def _moved(path: PathDef, kernel: str) -> PathDef:
    convs = _convs(path)
    strided = [*filter(_stride_of, convs)]
    wanted = [
        conv
        for conv in convs
        if conv.kernel and conv.text.startswith(kernel)
    ]
    if (
        len(convs) < 2
        or len(strided) != 1
        or not wanted
        or wanted[0] is strided[0]
    ):
        return path
    (giver,), taker, (chunk,) = strided, wanted[0], _stride_of(strided[0])
    items = (
        _with_stride(item, giver, taker, chunk) for item in path.known()
    )
    return replace(path, items=tuple(items))


def _stride_of(label: Label) -> list[Chunk]:
    return [chunk for chunk in label.rest if chunk.text == "/stride"][:1]


def _with_stride(
    item: PathItem, giver: Label, taker: Label, chunk: Chunk
) -> PathItem:
    if item is giver:
        return replace(
            giver, rest=tuple(c for c in giver.rest if c is not chunk)
        )
    return (
        replace(taker, rest=(*taker.rest, chunk)) if item is taker else item
    )

"""A net of several outputs and the `loss` of its recipe → how much each output counts, and where
the two do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from operator import eq

from ..errors import Diagnostic, Fault, fault
from ..graph import Graph
from ..language.diagnose.nearest import near_or_all
from ..language.recipe import Train
from ..language.recipe.target import PixelLabel
from ..language.spec import Spec
from ..ops import Shape, shape_text


def loss_weights(train: Train, graph: Graph) -> tuple[float, ...]:
    """Of each output in its order, how much its loss counts: as `loss` says, else only the first
    does."""
    if train.loss is None:
        return (1.0, *(0.0 for _ in graph.outputs[1:]))
    return tuple(
        train.loss.get(output.row, 0.0) for output in graph.outputs
    )


def unfit_loss(spec: Spec, graph: Graph, train: Train) -> list[Diagnostic]:
    """E051 at each name in `loss` that is no output or has a shape of its own, else at what no loss
    reaches."""
    wrong = [*_named(spec, train, graph)] or [
        *_unreached(spec, train, graph)
    ]
    return [problem.diagnostic for problem in wrong]


def _named(spec: Spec, train: Train, graph: Graph) -> Iterator[Fault]:
    shapes = {
        output.row: graph.shape(output.node) for output in graph.outputs
    }
    wanted = graph.shape(graph.output)
    fits = _coarser if isinstance(train.target, PixelLabel) else eq
    for row in train.loss or ():
        place = spec.place("train", "loss", row, of_key=True)
        if row not in shapes:
            hint = near_or_all(row, shapes, "it gives")
            said = f"`loss` weighs `{row}`, which is no output of the net"
            yield fault("E051", said, place, hint, about=row)
        elif not fits(shapes[row], wanted):
            said = (
                f"`loss` holds `{row}`, {shape_text(shapes[row])}, against the target of"
                f" `{graph.outputs[0].row}`, {shape_text(wanted)}"
            )
            yield fault(
                "E051", said, place, "give both one shape, or leave it out"
            )


def _coarser(shape: Shape, wanted: Shape) -> bool:
    """Whether a map has as many classes: an auxiliary one may be coarser, as PSPNet's (Zhao et al.
    2017, section 3.3)."""
    return (shape[0], len(shape)) == (wanted[0], len(wanted))


def _unreached(spec: Spec, train: Train, graph: Graph) -> Iterator[Fault]:
    """The outputs with parameters of their own that no loss reaches: they would stay as they
    start."""
    weights = dict(
        zip(graph.outputs, loss_weights(train, graph), strict=True)
    )
    reached = {o.row: weight for o, weight in weights.items() if weight}
    idle = [output for output in weights if output.row not in reached]
    learning = graph.above(o.node for o in weights if o not in idle)
    for output in idle:
        own = graph.above([output.node]) - learning
        if not any(graph.nodes[name].cost.params for name in own):
            continue
        named = reached | {output.row: 0.3}
        example = ", ".join(f"{row}: {w:g}" for row, w in named.items())
        said = (
            f"no loss reaches `{output.row}`, which would stay as it starts"
        )
        hint = f"write `loss: {{{example}}}` in `train`, or take the output out"
        yield fault(
            "E051",
            said,
            spec.place("net", output.row),
            hint,
            about=output.row,
        )

"""A net and the data set of its recipe → where the two do not fit, as far as that is known before
the set is read."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ..errors import Diagnostic, fault
from ..graph import Graph, Path
from ..language.recipe import Train
from ..language.recipe.target import SingleLabel
from ..language.spec import Spec
from ..ops import Shape, shape_text
from .target_fit import FITS, Fit, other_output


def image_input(inputs: Mapping[str, Shape]) -> str:
    """The input that images go to: the first of three axes, else the first with places."""
    order = {
        name: (len(shape) != 3, len(shape) == 1)
        for name, shape in inputs.items()
    }
    return min(order, key=order.__getitem__)


def other_images(name: str, images: Shape, reads: Shape) -> Fit:
    """Where a net `reads` other shapes than a set has.

    A net on vectors reads images row by row.
    """
    if reads in (images, (prod(images),)):
        return FITS
    message = f"the net reads {shape_text(reads)}, but {name} has images of {shape_text(images)}"
    return message, f"write `input: {shape_text(images)}`"


def unfit(spec: Spec, graph: Graph, train: Train) -> list[Diagnostic]:
    """E051 at the input, and at the last row's output, as far as the recipe says what the images
    and classes are."""
    data, target = train.data, train.target
    if len(spec.inputs) > 1 and not data.feeds_names:
        return []
    output = graph.shape(graph.output)
    name = data.title if data.shape else f"`{data.set}`"
    reads = spec.inputs[image_input(spec.inputs)]
    images = other_images(name, data.shape, reads) if data.shape else FITS
    known = data.class_count if isinstance(target, SingleLabel) else None
    classes = other_output(target, name, known, reads, output)
    return placed(spec, graph, images, classes)


def placed(
    spec: Spec,
    graph: Graph,
    images: Fit,
    classes: Fit,
) -> list[Diagnostic]:
    """E051 at the input for what is wrong with the images, and at the last row's output for the
    classes."""
    output = graph.nodes[graph.output]
    last: Path = graph.rows[-1]
    place = output.origin.spans[0]
    if place.source is not spec.tree.span.source:
        place = spec.place("net", last.name)
    said = [(spec.place("input"), *images), (place, *classes)]
    return [
        fault("E051", message, place, hint).diagnostic
        for place, message, hint in said
        if message
    ]

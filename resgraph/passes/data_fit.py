"""A net and the data set of its recipe → where the two do not fit, as far as that is known before the set is read."""

from __future__ import annotations

from math import prod

from ..errors import Diagnostic, fault
from ..graph import Graph, Path
from ..language.recipe_data import Cifar, Digits
from ..language.spec import Spec
from ..ops import Shape, shape_text


def other_images(name: str, images: Shape, reads: Shape) -> tuple[str, str]:
    """What is wrong, and what to do, where a net `reads` other shapes than a set has; ("", "") where it does not.

    A net on vectors reads images row by row.
    """
    if reads in (images, (prod(images),)):
        return "", ""
    message = f"the net reads {shape_text(reads)}, but {name} has images of {shape_text(images)}"
    return message, f"write `input: {shape_text(images)}`"


def other_classes(name: str, classes: int, output: Shape) -> tuple[str, str]:
    """What is wrong, and what to do, where a net's `output` is not one number per class; ("", "") where it is."""
    if output == (classes,):
        return "", ""
    message = f"the net puts out {shape_text(output)}, but {name} has {classes} classes"
    ending = f"fc {classes}" if len(output) == 1 else f"[global avg pool, fc {classes}]"
    return message, f"end it with `{ending}`"


def unfit(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """E051 at the input, and at the last row's output, where the recipe's set is one whose images are known."""
    data = spec.train.data if spec.train else None
    if not isinstance(data, Digits | Cifar):
        return []
    said = [(spec.place("input"), *other_images(data.title, data.shape, spec.input))]
    output = graph.nodes[graph.output]
    last: Path = graph.rows[-1]
    place = output.origin.calls[0] if output.origin.calls else output.origin.span
    if place.source is not spec.tree.span.source:
        place = spec.place("net", last.name)
    said.append((place, *other_classes(data.title, data.classes, output.shape)))
    return [fault("E051", message, place, hint).diagnostic for place, message, hint in said if message]

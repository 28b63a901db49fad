"""A net and the data set of its recipe → where the two do not fit, as far as that is known before
the set is read."""

from __future__ import annotations

from math import prod

from ..errors import Diagnostic, fault
from ..graph import Graph, Path
from ..language.spec import Spec
from ..ops import Shape, shape_text


def other_images(name: str, images: Shape, reads: Shape) -> tuple[str, str]:
    """What is wrong, and what to do, where a net `reads` other shapes than a set has; ("", "")
    where it does not.

    A net on vectors reads images row by row.
    """
    if reads in (images, (prod(images),)):
        return "", ""
    message = f"the net reads {shape_text(reads)}, but {name} has images of {shape_text(images)}"
    return message, f"write `input: {shape_text(images)}`"


def other_classes(name: str, classes: int | None, output: Shape) -> tuple[str, str]:
    """What is wrong, and what to do, where a net's `output` is not one number per class; ("", "")
    where it is.

    `classes` is None where they are not known yet.
    """
    if len(output) == 1 and output[0] > 1 and classes in (None, output[0]):
        return "", ""
    if classes == 1:
        return (
            f"{name} has one class, which every net gets right",
            "a classifier needs images of two or more",
        )
    wanted = f"fc {classes or 2}"
    known = (
        f"{name} has {classes} classes"
        if classes
        else f"{name} is for classifiers: one number per class, of two or more"
    )
    message = f"the net puts out {shape_text(output)}, but {known}"
    if len(output) == 1 and output[0] > 1:
        return message, f"end it with `{wanted}`"
    if output == (1,):
        own = (
            "one number is not trained here: `resgraph export` writes the net for a loop of"
            " your own"
        )
        return message, f"end it with `{wanted}`; {own}"
    ending = f"end it with `[global avg pool, {wanted}]`"
    if len(output) == 3 and output[0] in (1, classes):
        return (
            message,
            (
                f"{ending}; a map is not trained here: `resgraph export` writes the net for a loop"
                " of your own"
            ),
        )
    return message, ending


def unfit(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """E051 at the input, and at the last row's output, as far as the recipe says what the images
    and classes are."""
    data = spec.train.data if spec.train else None
    if data is None or (len(spec.inputs) > 1 and not data.feeds_names):
        return []
    output = graph.nodes[graph.output].shape
    name = data.title if data.shape else f"`{data.set}`"
    images = other_images(name, data.shape, spec.input) if data.shape else ("", "")
    classes = other_classes(name, data.class_count, output)
    return placed(spec, graph, images, classes)


def placed(
    spec: Spec, graph: Graph, images: tuple[str, str], classes: tuple[str, str]
) -> list[Diagnostic]:
    """E051 at the input for what is wrong with the images, and at the last row's output for the
    classes."""
    output = graph.nodes[graph.output]
    last: Path = graph.rows[-1]
    place = output.origin.calls[0] if output.origin.calls else output.origin.span
    if place.source is not spec.tree.span.source:
        place = spec.place("net", last.name)
    said = [(spec.place("input"), *images), (place, *classes)]
    return [
        fault("E051", message, place, hint).diagnostic
        for place, message, hint in said
        if message
    ]

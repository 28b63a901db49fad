"""A recipe's target and the shape that a net puts out → where the two do not fit, with the ending
that this target needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..counting import counted
from ..language.recipe.target import (
    AnyGoal,
    Itself,
    Labels,
    PixelLabel,
    Regression,
    SingleLabel,
)
from ..ops import Shape, shape_text

Fit = tuple[str, str]
"""What is wrong, and what to do; ("", "") where nothing is."""
FITS: Fit = ("", "")


def other_output(
    target: AnyGoal,
    name: str,
    count: int | None,
    reads: Shape,
    output: Shape,
) -> Fit:
    """Where a net's `output` is not what a target needs.

    `count` is how many classes or numbers the set of that `name` has, None where that is not known
    yet; `reads` is the shape that the net reads."""
    return _CHECKS[type(target)](name, count, reads, output)


def _label(
    name: str, classes: int | None, reads: Shape, output: Shape
) -> Fit:
    """One number per class, of two or more."""
    scored = len(output) == 1 and output[0] > 1
    if scored and classes in (None, output[0]):
        return FITS
    if classes == 1:
        said = f"{name} has one class, which every net gets right"
        return said, "a classifier needs images of two or more"
    known = (
        f"{name} is for classifiers: one number per class, of two or more"
    )
    if classes:
        known = f"{name} has {classes} classes"
    message = f"the net puts out {shape_text(output)}, but {known}"
    ending = _vector(f"fc {classes or 2}", output)
    if output == (1,):
        ending = f"{ending}; to learn a number, write `target: number`"
    elif len(output) == 3 and output[0] in (1, classes):
        pixels = "for a class of each pixel write `target: map`"
        ending = f"{pixels}, for one of each image {ending}"
    return message, ending


def _labels(
    name: str, classes: int | None, reads: Shape, output: Shape
) -> Fit:
    """One number per class, of one or more."""
    if len(output) == 1 and classes in (None, output[0]):
        return FITS
    needed = _classes(name, classes, "a number for each class")
    message = f"the net puts out {shape_text(output)}, but {needed}"
    return message, _vector(f"fc {classes or 'N'}", output)


def _number(
    name: str, numbers: int | None, reads: Shape, output: Shape
) -> Fit:
    """As many numbers as the set has; where they are maps of numbers, only reading them tells."""
    if numbers is None or output == (numbers,):
        return FITS
    has = counted(numbers, "number")
    message = f"the net puts out {shape_text(output)}, but {name} has {has}"
    return message, _vector(f"fc {numbers}", output)


def _map(
    name: str, classes: int | None, reads: Shape, output: Shape
) -> Fit:
    """A number per class at each place, of two classes or more."""
    placed = len(output) == len(reads)
    if placed and output[0] > 1 and classes in (None, output[0]):
        return FITS
    needed = _classes(
        name, classes, "a number for each class at each place"
    )
    message = f"the net puts out {shape_text(output)}, but {needed}"
    way = "" if placed else "leave out the pooling and `fc`, and "
    return message, f"{way}end it with `1x1 conv {classes or 'N'} linear`"


def _itself(
    name: str, count: int | None, reads: Shape, output: Shape
) -> Fit:
    """The shape of the input."""
    if output == reads:
        return FITS
    size = shape_text(reads)
    message = f"the net puts out {shape_text(output)}, but an image to learn is {size}"
    if len(reads) == 1:
        return message, _vector(f"fc {reads[0]}", output)
    if output[1:] == reads[1:]:
        return message, f"end it with `1x1 conv {reads[0]} linear`"
    return (
        message,
        f"enlarge the map with `upsample`, and end it with `3x3 conv {reads[0]} linear`",
    )


def _classes(name: str, classes: int | None, needed: str) -> str:
    return (
        f"{name} has {classes} classes"
        if classes
        else f"{name} needs {needed}"
    )


def _vector(last: str, output: Shape) -> str:
    """The ending of a net that puts out numbers of the whole image."""
    if len(output) == 1:
        return f"end it with `{last}`"
    return f"end it with `[global avg pool, {last}]`"


_CHECKS: dict[type[Any], Callable[[str, int | None, Shape, Shape], Fit]] = {
    SingleLabel: _label,
    Labels: _labels,
    Regression: _number,
    PixelLabel: _map,
    Itself: _itself,
}

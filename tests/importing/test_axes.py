"""Views and permutations are followed by the axes of ours that each axis runs over."""

from __future__ import annotations

import pytest
import torch

from resgraph.importing.aten.axes import (
    Atom,
    Layout,
    layout,
    sizes,
    viewed,
    whole,
)
from resgraph.importing.numbers.formulas import (
    CallSizes,
    divisible,
    formula,
)


def numbers(axes: Layout, shape: tuple[int, ...]) -> torch.Tensor:
    """The places in our tensor that a layout's places are, by torch itself."""
    found = torch.zeros(sizes(axes), dtype=torch.long)
    strides = torch.empty(shape).stride()
    for place, axis in enumerate(axes):
        own = torch.zeros(1, dtype=torch.long)
        for atom in axis:
            step = torch.arange(atom.size) * atom.step * strides[atom.of]
            own = (own[:, None] + step[None]).reshape(-1)
        found = found + own.view(
            *(-1 if n == place else 1 for n in range(len(axes)))
        )
    return found


@pytest.mark.parametrize(
    "target",
    [
        (24, 30),
        (720,),
        (4, 6, 5, 6),
        (2, 12, 30),
        (24, 1, 5, 6),
        (24, 5, 2, 3),
        (1, 720),
    ],
)
def test_a_view_keeps_the_order(target: tuple[int, ...]) -> None:
    shape = (24, 5, 6)
    found = viewed(layout(shape), target)
    assert found is not None and sizes(found) == target
    assert torch.equal(
        numbers(found, shape), torch.arange(720).view(target)
    )


def test_a_view_of_moved_axes() -> None:
    shape = (24, 5, 6)
    parts = viewed(layout(shape), (4, 6, 5, 6))
    assert parts is not None
    moved = (parts[1], parts[0], *parts[2:])
    shuffled = viewed(moved, (24, 5, 6))
    assert shuffled is not None
    expected = (
        torch.arange(720).view(4, 6, 5, 6).transpose(0, 1).reshape(24, 5, 6)
    )
    assert torch.equal(numbers(shuffled, shape), expected)


def test_what_does_not_divide_is_no_view() -> None:
    assert viewed(layout((6, 5)), (10, 3)) is None
    assert viewed(layout((6,)), (4,)) is None


def test_whole_axes() -> None:
    assert whole((Atom(0, 8),), 0, 8) and whole((), 0, 1)
    assert not whole((Atom(0, 4, 2),), 0, 8)


SIZES = [
    CallSizes(64, 128, (2, 2)),
    CallSizes(128, 128, (1, 1)),
    CallSizes(128, 256, (2, 2)),
]


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([32, 32, 64], True, "out/4"),
        ([64, 128, 128], True, "in"),
        ([384, 768, 768], True, "6*in"),
        ([3, 3, 3], False, "3"),
        ([10, 10, 10], True, "10"),
        ([8, 8, 16], True, "out/16"),
        ([32, 64, 64], True, "in/2"),
        ([7, 9, 11], True, None),
        (["a", "a", "b"], False, None),
    ],
)
def test_the_simplest_formula(
    values: list[object], width: bool, expected: str | None
) -> None:
    assert formula(values, SIZES, width=width) == expected


def test_rounded_widths_are_the_languages_own() -> None:
    """`make_divisible` as the language evaluates it."""
    import resgraph

    for value in (3, 8, 11, 12, 20, 21, 100, 97):
        text = f"name: n\ninput: 8x4x4\nnet: {{r: 1x1 conv make_divisible({value} 8)}}"
        assert resgraph.loads(text).output[0] == divisible(value, 8)

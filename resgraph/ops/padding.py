"""What stands around a map before a window slides over it → its cells, and torch's words for
them."""

from math import prod
from typing import Literal, Self

from msgspec.structs import replace

from ..collecting import any_of_type, flatten
from .base import (
    Edge,
    Edges,
    Shape,
    ShapeError,
    Sized,
    Window,
    sides,
    sizes_text,
)
from .sliding import cubic, map_text


class Edged(Sized):
    """An op that puts cells around a map: zeros, with `reflect` the map mirrored at its edge cells,
    or with `replicate` its edge cells again."""

    reflect: bool = False
    replicate: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reflect and self.replicate:
            raise ValueError("`reflect` and `replicate` exclude each other")

    @property
    def mode(self) -> str:
        """What torch calls the kind of cells."""
        words = {"reflect": self.reflect, "replicate": self.replicate}
        return next(
            (word for word, said in words.items() if said), "constant"
        )


class Padded(Sized):
    """An op whose window slides over a map with `pad` cells around it: `1` on each side, `0:1`
    before and after it, or `same`, as TensorFlow has it."""

    pad: Edges | Literal["same"] | None = None

    @property
    def usual_padding(self) -> Shape:
        """The cells where none are written, along each axis."""
        raise NotImplementedError(type(self).__name__)

    @property
    def padding(self) -> tuple[Edge, ...]:
        """The cells along each axis, where the op is fitted."""
        assert self.pad != "same", "`fitted` says how many cells that are"
        return self.usual_padding if self.pad is None else self.pad

    @property
    def window(self) -> Window | None:
        """The window that slides, with what stands around the map."""
        raise NotImplementedError(type(self).__name__)

    def fitted(self, *inputs: Shape) -> Self:
        if self.pad != "same":
            return self
        size = self.fitting(inputs[0])[1:]
        bare = replace(self, pad=(0,) * len(size))
        assert bare.window is not None
        edges = same_edges(size, bare.window)
        pad = None if edges == self.usual_padding else edges
        return replace(self, pad=pad)


class Surrounded(Edged, Padded):
    """An op whose window slides over a map and what stands around it."""

    @property
    def apart(self) -> bool:
        """Whether torch's layers cannot put these cells around a map: a copy of it has them."""
        return uneven(self.padding) or (
            self.mode != "constant" and any(self.padding)
        )

    @property
    def keeps_copy(self) -> bool:
        # the gradient of mirrored cells reads the map too, that of zeros nothing
        return self.apart and self.mode == "constant"

    def copied(self, *inputs: Shape) -> int:
        if not self.apart:
            return 0
        channels, *size = inputs[0]
        edges = map(sides, self.padding)
        return channels * prod(
            n + sum(e) for n, e in zip(size, edges, strict=True)
        )


def same_edges(size: Shape, window: Window) -> tuple[Edge, ...]:
    """The cells with which TensorFlow's `padding="SAME"` makes ceil(n/stride) of n: as many before
    as after, or one more after."""
    edges: list[Edge] = []
    for axis, n in enumerate(size):
        k, stride, d, _ = window.along(axis)
        fits = -(-n // int(stride))
        total = max(0, (fits - 1) * int(stride) + d * (k - 1) + 1 - n)
        edges.append(
            (total // 2, total - total // 2) if total % 2 else total // 2
        )
    return tuple(edges)


def uneven(edges: tuple[Edge, ...]) -> bool:
    """Whether an axis has other cells before than after."""
    return any_of_type(tuple, edges)


def fewer(edges: tuple[Edge, ...], cells: int) -> tuple[Edge, ...]:
    """So many cells less on each side."""
    return tuple(
        (edge[0] - cells, edge[1] - cells)
        if isinstance(edge, tuple)
        else edge - cells
        for edge in edges
    )


def torch_edges(edges: tuple[Edge, ...]) -> int | tuple[int, ...]:
    """The cells as `F.pad` takes them: before and after, the last axis first."""
    if not uneven(edges) and len(set(edges)) == 1:
        return sides(edges[0])[0]
    return tuple(flatten(map(sides, reversed(edges))))


def torch_cells(edges: tuple[Edge, ...]) -> int | tuple[int, ...]:
    """The cells as a torch layer takes them: for each axis, or as `F.pad` where sides differ."""
    if uneven(edges):
        return torch_edges(edges)
    return cubic(tuple(sides(edge)[0] for edge in edges))


def need_reflectable(
    edges: tuple[Edge, ...],
    size: Shape,
    fewer: str = "fewer cells of `pad`",
) -> None:
    """Raises `ShapeError` (E043) where a map has not the cells to be mirrored so far."""
    if any(
        max(sides(edge)) >= n for edge, n in zip(edges, size, strict=True)
    ):
        raise ShapeError(
            f"a {map_text(size)} is too small to reflect {sizes_text(edges)} cells at each edge",
            f"use {fewer}, fewer strides before it, or a larger input",
            "E043",
        )

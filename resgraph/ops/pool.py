"""A pool with its options → its shape and torch call: max, average, blur, and the global ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from .base import (
    Call,
    Cells,
    Derivation,
    Op,
    Pair,
    Shape,
    ShapeError,
    Window,
    need_map,
    pair_text,
    target_size,
)
from .sliding import derive_slid, same_padding, slid, square


class _SlidingPool(Op):
    """What the pools with a window have in common. At stride 1 a 1x1 window does nothing."""

    family = "pool"
    kernel: Pair = (1, 1)  # where none is written, as `usual` says
    stride: Pair = (1, 1)
    pad: Cells | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_kernel(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "kernel" in given:
            return given
        stride = given.get("stride", 1)
        both = stride if isinstance(stride, tuple) else (stride, stride)
        known = all(isinstance(number, int) for number in both)
        return {**given, "kernel": tuple(map(cls.usual, both))} if known else given

    @classmethod
    def usual(cls, stride: int) -> int:
        """The kernel where none is written: the stride, so that each cell is read once."""
        return stride

    @property
    def padding(self) -> tuple[int, int]:
        """The cells added on each side, down and across."""
        return self.pad if self.pad is not None else same_padding(self.kernel)

    @property
    def slide(self) -> Window:
        """How the window slides."""
        return Window(self.kernel, self.stride, padding=self.padding)

    @property
    def window(self) -> Window | None:
        return self.slide

    def derive(self, *inputs: Shape) -> Derivation:
        _, height, width = inputs[0]
        return Derivation(("", *derive_slid((height, width), self.slide)))

    def nothing(self) -> bool:
        return self.kernel == self.stride == (1, 1) and self.padding == (0, 0)

    def says(self, key: str) -> bool:
        usual = self.kernel == tuple(map(self.usual, self.stride))
        return not usual if key == "kernel" else super().says(key)


class Pool(_SlidingPool):
    """The largest or the average of each window, `3x3 max pool /2`; `to 7x7`, of 49 windows;
    `to c4`, of as many as the map above has cells.

    `ceil` rounds the size up: a last window may hang over the edge. Padding counts in the average,
    unless it is `inner`; an overhang does not (torch's rule)."""

    autocast = "keeps"
    aliases = (
        "maxpool2d maxpooling maxpooling2d",
        "avgpool2d avgpooling averagepool averagepooling averagepooling2d meanpool",
    )
    op: Literal["max pool", "avg pool"]
    ceil: bool = False
    inner: bool = False
    to: Pair | str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Pool:
        if self.to and (max(self.kernel + self.stride) > 1 or self.pad or self.ceil):
            raise ValueError(
                "`to` fixes the size that comes out: kernel, stride, `pad` and `ceil` do not go"
                " with it"
            )
        if self.inner and (self.op == "max pool" or self.to):
            raise ValueError(
                "`inner` is an `avg pool`'s with a window: its average leaves the padding out"
            )
        if any(2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise ValueError(
                "`pad` is at most half of the kernel, so that no window lies in padding alone"
            )
        return self

    @property
    def window(self) -> Window | None:
        return None if self.to else self.slide

    def nothing(self) -> bool:
        return self.to is None and super().nothing()

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, inputs[0])
        if self.to:
            return channels, *target_size(self.op, self.to, inputs[-1])
        return channels, *slid((size[0], size[1]), self.slide, ceil=self.ceil)

    def derive(self, *inputs: Shape) -> Derivation:
        _, height, width = inputs[0]
        if self.to:
            return Derivation(("", *map(str, self.infer(*inputs)[1:])))
        axes = derive_slid((height, width), self.slide, ceil=self.ceil)
        return Derivation(("", *axes))

    def torch(self, *inputs: Shape) -> Call:
        kind = "MaxPool2d" if self.op == "max pool" else "AvgPool2d"
        if self.sized_by:
            return Call(f"{kind.removesuffix('2d')}To")
        if isinstance(self.to, tuple):
            return Call(f"nn.Adaptive{kind}", (square(self.to),), (), ("output_size",))
        kwargs: list[tuple[str, Any]] = [("kernel_size", square(self.kernel))]
        if self.stride != self.kernel:
            kwargs.append(("stride", square(self.stride)))
        if self.padding != (0, 0):
            kwargs.append(("padding", square(self.padding)))
        if self.ceil:
            kwargs.append(("ceil_mode", True))
        if self.inner:
            kwargs.append(("count_include_pad", False))
        return Call(f"nn.{kind}", (), tuple(kwargs))


class BlurPool(_SlidingPool):
    """A binomial blur, then every stride-th cell (Zhang 2019, section 3.2). Beyond the edges the
    map is reflected, or with `zeros` there are zeros."""

    autocast = "lowers"
    op: Literal["blur pool"] = "blur pool"
    zeros: bool = False

    @model_validator(mode="after")
    def _odd(self) -> BlurPool:
        if any(k % 2 == 0 for k in self.kernel):
            raise ValueError("the kernel of a blur is odd, so that it has a middle")
        return self

    @classmethod
    def usual(cls, stride: int) -> int:
        """The kernel where none is written: 2·stride - 1, the smallest odd one that reads every
        cell."""
        return 2 * stride - 1

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = need_map(self.op, *inputs)
        reflects = not self.zeros
        if reflects and any(p >= n for p, n in zip(self.padding, size, strict=True)):
            cells = pair_text(self.padding)
            raise ShapeError(
                f"a {size[0]}x{size[1]} map is too small to reflect {cells} cells at each edge",
                "use a smaller kernel, `zeros` or `pad 0`, fewer strides before it, or a larger"
                " input",
                "E043",
            )
        return channels, *slid((size[0], size[1]), self.slide)

    def torch(self, *inputs: Shape) -> Call:
        kwargs: list[tuple[str, Any]] = []
        if self.stride != (1, 1):
            kwargs.append(("stride", square(self.stride)))
        if self.padding != (0, 0):
            kwargs.append(("padding", square(self.padding)))
        if self.zeros:
            kwargs.append(("mode", "constant"))
        return Call("BlurPool", (square(self.kernel),), tuple(kwargs))


class GlobalPool(Op):
    """The average or the largest of each channel over the whole map: a vector."""

    family = "pool"
    autocast = "keeps"
    aliases = (
        (
            "gap globalavgpool2d globalaveragepool globalaveragepooling"
            " globalaveragepooling2d"
        ),
        "globalmaxpool2d globalmaxpooling globalmaxpooling2d",
    )
    op: Literal["global avg pool", "global max pool"]

    @property
    def saves_output(self) -> bool:
        # its gradient goes to the cells that equal what came out
        return self.op == "global max pool"

    def infer(self, *inputs: Shape) -> Shape:
        return (need_map(self.op, *inputs)[0],)

    def torch(self, *inputs: Shape) -> Call:
        return Call(
            "GlobalAvgPool" if self.op == "global avg pool" else "GlobalMaxPool"
        )

"""A pool with its options → its shape and torch call: max, average, blur, and the global ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from .base import (
    Autocast,
    AxisSizes,
    Call,
    Cells,
    Derivation,
    Op,
    Shape,
    ShapeError,
    Sized,
    Window,
    flavor,
    need_map,
    shape_text,
    sizes_text,
    spread,
    target_size,
)
from .sliding import cubic, derive_slid, map_text, same_padding, slid


class _SlidingPool(Sized):
    """What the pools with a window have in common. At stride 1 a 1x1 window does nothing."""

    family = "pool"
    kernel: AxisSizes = (1, 1)  # where none is written, as `usual` says
    stride: AxisSizes = (1, 1)
    pad: Cells | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_kernel(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "kernel" in given or "stride" not in given:
            return given
        stride = spread(given["stride"])
        known = isinstance(stride, tuple) and all(isinstance(n, int) for n in stride)
        return {**given, "kernel": tuple(map(cls.usual, stride))} if known else given

    @classmethod
    def usual(cls, stride: int) -> int:
        """The kernel where none is written: the stride, so that each cell is read once."""
        return stride

    @property
    def padding(self) -> Shape:
        """The cells added on each side, along each axis."""
        return self.pad if self.pad is not None else same_padding(self.kernel)

    @property
    def slide(self) -> Window:
        """How the window slides."""
        return Window(self.kernel, self.stride, padding=self.padding)

    @property
    def window(self) -> Window | None:
        return self.slide

    def derive(self, *inputs: Shape) -> Derivation:
        return Derivation(("", *derive_slid(inputs[0][1:], self.slide)))

    def nothing(self) -> bool:
        return max(*self.kernel, *self.stride) == 1 and max(self.padding) == 0

    def says(self, key: str) -> bool:
        usual = self.kernel == tuple(map(self.usual, self.stride))
        return not usual if key == "kernel" else super().says(key)


class Pool(_SlidingPool):
    """The largest or the average of each window, `3x3 max pool /2`; `to 7x7`, of 49 windows;
    `to c4`, of as many as the map above has cells.

    `ceil` rounds the size up: a last window may hang over the edge. Padding counts in the average,
    unless it is `inner`; an overhang does not (torch's rule)."""

    aliases = (
        "maxpool2d maxpooling maxpooling2d",
        "avgpool2d avgpooling averagepool averagepooling averagepooling2d meanpool",
    )
    op: Literal["max pool", "avg pool"]
    ceil: bool = False
    inner: bool = False
    to: AxisSizes | str | None = None

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
    def autocast(self) -> Autocast:  # type: ignore[override]
        # in PyTorch's list for CPUs the pools of volumes are among those in float32
        return "widens" if len(self.kernel) == 3 else "keeps"

    @property
    def window(self) -> Window | None:
        return None if self.to else self.slide

    def nothing(self) -> bool:
        return self.to is None and super().nothing()

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = self.fitting(inputs[0])
        if self.sized_by and len(size) != 2:
            said = f"`{self.op} to {self.to}` pools images, and {shape_text(inputs[0])} comes in"
            raise ShapeError(said, "write the size in numbers", "E044")
        if self.to:
            return channels, *target_size(self.op, self.to, inputs[-1])
        return channels, *slid(tuple(size), self.slide, ceil=self.ceil)

    def derive(self, *inputs: Shape) -> Derivation:
        if self.to:
            return Derivation(("", *map(str, self.infer(*inputs)[1:])))
        axes = derive_slid(inputs[0][1:], self.slide, ceil=self.ceil)
        return Derivation(("", *axes))

    def torch(self, *inputs: Shape) -> Call:
        word = "Max" if self.op == "max pool" else "Avg"
        kind = f"{word}Pool{len(inputs[0]) - 1}d"
        if self.sized_by:
            return Call(f"{word}PoolTo")
        if isinstance(self.to, tuple):
            return Call(f"nn.Adaptive{kind}", (cubic(self.to),), (), ("output_size",))
        kwargs: list[tuple[str, Any]] = [("kernel_size", cubic(self.kernel))]
        if self.stride != self.kernel:
            kwargs.append(("stride", cubic(self.stride)))
        if max(self.padding):
            kwargs.append(("padding", cubic(self.padding)))
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
        channels, *size = self.fitting(inputs[0])
        reflects = not self.zeros
        if reflects and any(p >= n for p, n in zip(self.padding, size, strict=True)):
            cells = sizes_text(self.padding)
            raise ShapeError(
                f"a {map_text(tuple(size))} is too small to reflect {cells} cells at each edge",
                "use a smaller kernel, `zeros` or `pad 0`, fewer strides before it, or a larger"
                " input",
                "E043",
            )
        return channels, *slid(tuple(size), self.slide)

    def torch(self, *inputs: Shape) -> Call:
        kwargs: list[tuple[str, Any]] = []
        if max(self.stride) > 1:
            kwargs.append(("stride", cubic(self.stride)))
        if max(self.padding):
            kwargs.append(("padding", cubic(self.padding)))
        if self.zeros:
            kwargs.append(("mode", "constant"))
        kernel = self.kernel if len(self.kernel) != 2 else cubic(self.kernel)
        return Call("BlurPool", (kernel,), tuple(kwargs))


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
        word = "Avg" if self.op == "global avg pool" else "Max"
        return Call(f"Global{word}Pool{flavor(inputs[0])}")

"""A pool with its options → its shape and torch call: max, average, blur, and the global ones."""

from operator import lt
from typing import Any, Literal

from ..collecting import all_of_type
from .base import (
    Autocast,
    AxisSizes,
    Call,
    Derivation,
    Op,
    Shape,
    ShapeError,
    Sized,
    Window,
    flavor,
    need_map,
    shape_text,
    sides,
    spread,
    target_size,
)
from .padding import (
    Padded,
    Surrounded,
    need_reflectable,
    torch_cells,
    torch_edges,
    uneven,
)
from .sliding import cubic, derive_slid, map_text, same_padding, slid


class _Windowed(Sized):
    """A window of a pool, and how far apart windows are."""

    kernel: AxisSizes = (1, 1)  # where none is written, as `usual` says
    stride: AxisSizes = (1, 1)


class _SlidingPool(Padded, _Windowed):
    """What the pools with a window have in common. At stride 1 a 1x1 window does nothing."""

    family = "pool"

    @classmethod
    def prepare(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Where no kernel is given, that of the stride."""
        stride = spread(given.get("stride"))
        if isinstance(stride, tuple) and all_of_type(int, stride):
            usual = {"kernel": tuple(map(cls.usual, stride))}
            given = usual | given
        return super().prepare(given)

    @classmethod
    def usual(cls, stride: int) -> int:
        """The kernel where none is written: the stride, so that each cell is read once."""
        return stride

    @property
    def usual_padding(self) -> Shape:
        return same_padding(self.kernel)

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
        pads = self.pad is not None and self.pad != "same" and any(self.pad)
        return max(*self.kernel, *self.stride) == 1 and not pads

    def says(self, key: str) -> bool:
        usual = self.kernel == tuple(map(self.usual, self.stride))
        return not usual if key == "kernel" else super().says(key)


class Pool(Surrounded, _SlidingPool):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to and (
            max(self.kernel + self.stride) > 1 or self.pad or self.ceil
        ):
            raise ValueError(
                "`to` fixes the size that comes out: kernel, stride, `pad` and `ceil` do not go"
                " with it"
            )
        if self.inner and (self.op == "max pool" or self.to):
            raise ValueError(
                "`inner` is an `avg pool`'s with a window: its average leaves the padding out"
            )
        self._check_pad()

    def _check_pad(self) -> None:
        """Raises `ValueError` for cells that a pool cannot have around its map."""
        ours = (
            self.mode != "constant"
            or self.pad == "same"
            or uneven(self.padding)
        )
        if ours and self.ceil:
            raise ValueError(
                "`ceil` goes with zeros alone, as many before the map as after it"
            )
        if self.inner and self.mode != "constant":
            raise ValueError(
                f"`inner` leaves the padding out, so `{self.mode}` says nothing"
            )
        if self.pad == "same":
            return
        for edge, k in zip(self.padding, self.kernel, strict=True):
            if not ours and 2 * max(sides(edge)) > k:
                raise ValueError(
                    "`pad` is at most half of the kernel, so that no window lies in padding alone"
                )
            if max(sides(edge)) > k - (k > 1):
                raise ValueError(
                    "`pad` is less than the kernel, so that no window lies in padding alone"
                )

    @property
    def autocast(self) -> Autocast:  # type: ignore[override]
        # in PyTorch's list for CPUs the pools of volumes are among those in float32, and so is what
        # is mirrored or repeated
        return (
            "widens"
            if len(self.kernel) == 3 or self.mode != "constant"
            else "keeps"
        )

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
        if self.reflect:
            need_reflectable(self.padding, tuple(size))
        self._need_cells(tuple(size))
        return channels, *slid(tuple(size), self.slide, ceil=self.ceil)

    def _need_cells(self, size: tuple[int, ...]) -> None:
        """Raises `ShapeError` (E043) for what torch does not average: a volume that is smaller than
        the kernel, however it is padded (`F.avg_pool3d` of 2.13)."""
        alone = self.op == "avg pool" and not self.apart
        if alone and len(size) == 3 and any(map(lt, size, self.kernel)):
            raise ShapeError(
                f"a {map_text(size)} is smaller than a {shape_text(self.kernel)} kernel, and torch"
                " averages no such volume, padded or not",
                "use a smaller kernel, or `global avg pool`",
                "E043",
            )

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
            return Call(
                f"nn.Adaptive{kind}",
                (cubic(self.to),),
                (),
                ("output_size",),
            )
        padding, ours = self.padding, self.apart
        options: list[tuple[str, Any, Any]] = [
            ("kernel_size", cubic(self.kernel), 0),
            ("stride", cubic(self.stride), cubic(self.kernel)),
            ("padding", (torch_edges if ours else torch_cells)(padding), 0),
            ("ceil_mode", self.ceil, False),
            ("count_include_pad", not self.inner, True),
            ("mode", self.mode if ours else "constant", "constant"),
        ]
        said = [
            (key, value) for key, value, usual in options if value != usual
        ]
        return Call(
            f"Padded{kind}" if ours else f"nn.{kind}", (), tuple(said)
        )


class BlurPool(_SlidingPool):
    """A binomial blur, then every stride-th cell (Zhang 2019, section 3.2). Beyond the edges the
    map is reflected; with `zeros` there are zeros, with `replicate` its edge cells again."""

    autocast = "lowers"
    op: Literal["blur pool"] = "blur pool"
    zeros: bool = False
    replicate: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(k % 2 == 0 for k in self.kernel):
            raise ValueError(
                "the kernel of a blur is odd, so that it has a middle"
            )
        if self.zeros and self.replicate:
            raise ValueError("`zeros` and `replicate` exclude each other")

    @property
    def mode(self) -> str:
        """What torch calls the cells beyond the edges."""
        words = {"constant": self.zeros, "replicate": self.replicate}
        return next(
            (word for word, said in words.items() if said), "reflect"
        )

    @classmethod
    def usual(cls, stride: int) -> int:
        """The kernel where none is written: 2·stride - 1, the smallest odd one that reads every
        cell."""
        return 2 * stride - 1

    def infer(self, *inputs: Shape) -> Shape:
        channels, *size = self.fitting(inputs[0])
        if self.mode == "reflect":
            fewer = "a smaller kernel, `zeros` or `pad 0`"
            need_reflectable(self.padding, tuple(size), fewer)
        return channels, *slid(tuple(size), self.slide)

    def torch(self, *inputs: Shape) -> Call:
        kwargs: list[tuple[str, Any]] = []
        if max(self.stride) > 1:
            kwargs.append(("stride", cubic(self.stride)))
        if any(self.padding):
            kwargs.append(("padding", torch_cells(self.padding)))
        if self.mode != "reflect":
            kwargs.append(("mode", self.mode))
        kernel = (
            self.kernel if len(self.kernel) != 2 else cubic(self.kernel)
        )
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

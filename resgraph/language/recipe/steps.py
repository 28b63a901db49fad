"""How a recipe steps: optimizer, schedule, warm-up, sizes and the average of weights."""

from itertools import pairwise
from math import cos, pi
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import Meta
from msgspec.structs import asdict

from ...collecting import without_keys
from ..record import Info, Record, validator
from .base import (
    NO_OFF,
    Count,
    Length,
    Off,
    PositiveShare,
    ProperShare,
    Rate,
    Share,
    UnitShare,
)

Decayless = Literal["norm", "bias", "scale"]


class PartStep(Record):
    """How a part of the net steps, where it is unlike the rest."""

    lr: Rate | None = None
    """Learning rate."""
    weight_decay: UnitShare | None = None
    """Weight decay."""
    until: Length | None = None
    """When it has learned, in the run's unit: the schedule ends there for it."""


class TorchOptimizer(Record):
    """One of `torch.optim`, or of ours beside it: its keys, but for `name`, `no_decay` and `by`,
    are the arguments of that class."""

    torch_class: ClassVar[str]
    fused: ClassVar[bool] = False
    """Whether torch has a fused step of it."""
    shardable: ClassVar[bool] = True
    """Whether a process can step its share of a weight without the others'."""

    @property
    def states(self) -> int:
        """Numbers that it keeps for each weight."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """What the class is called with."""
        ours = {"name", "no_decay", "by", "others"}
        return without_keys(asdict(self), ours)

    def kept(self, params: int, matrices: int) -> int:
        """Numbers that it keeps for all weights, of which so many are in `matrices`."""
        return self.states * params


class Sgd(TorchOptimizer):
    """Stochastic gradient descent with momentum."""

    torch_class = "SGD"
    fused = True
    name: Literal["sgd"]
    lr: Rate
    """Learning rate."""
    momentum: Annotated[Share, Off(0.0)] = 0.9
    """Momentum."""
    nesterov: bool = False
    """Nesterov's momentum."""
    weight_decay: UnitShare = 0.0
    """Weight decay (L2, added to the gradient)."""
    no_decay: tuple[Decayless, ...] = ()
    """Parameters without weight decay: all of a norm, biases, other vectors (`scale`)."""
    by: dict[str, PartStep] = {}
    """Rates and decays of parts, by the names of rows, blocks, paths or modules; the longest name
    counts."""

    @property
    def states(self) -> int:
        """Numbers that it keeps for each weight."""
        return 1 if self.momentum else 0

    @validator("nesterov")
    @staticmethod
    def _needs_momentum(value: bool, info: Info) -> bool:
        if value and info.data.get("momentum") == 0:
            raise ValueError("Nesterov's step needs a momentum above 0")
        return value


class AdamW(TorchOptimizer):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019)."""

    torch_class = "AdamW"
    fused = True
    name: Literal["adamw"]
    lr: Rate
    """Learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay of the running averages of the gradient and of its square."""
    eps: PositiveShare = 1e-8
    """Added to the denominator."""
    weight_decay: Annotated[float, Meta(ge=0, le=1), Off(0.0)] = 0.01
    """Weight decay (decoupled)."""
    no_decay: tuple[Decayless, ...] = ()
    """As of SGD."""
    by: dict[str, PartStep] = {}
    """As of SGD."""

    @property
    def states(self) -> int:
        """The means of the gradient and of its square."""
        return 2


class Lamb(TorchOptimizer):
    """AdamW's step, of each tensor made as long as `lr` times its weights (You et al. 2020, arXiv
    1904.00962); those without weight decay take AdamW's own, as timm's `lamb` has it."""

    torch_class = "Lamb"
    shardable = False
    name: Literal["lamb"]
    lr: Rate
    """Learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """As of AdamW."""
    eps: PositiveShare = 1e-6
    """Added to the denominator."""
    weight_decay: Annotated[float, Meta(ge=0, le=1), Off(0.0)] = 0.01
    """Weight decay (of the step, before its length is set)."""
    no_decay: tuple[Decayless, ...] = ()
    """As of SGD."""

    @property
    def states(self) -> int:
        """The means of the gradient and of its square."""
        return 2


class Muon(TorchOptimizer):
    """Momentum made orthogonal (Jordan et al. 2024), for the weights of convolutions, a row for
    each filter, and of fully connected layers, but for those of the outputs; `others` steps what is
    left. On matrices it is torch's, bit for bit."""

    torch_class = "Muon"
    shardable = False
    name: Literal["muon"]
    lr: Rate
    """Learning rate."""
    momentum: Share = 0.95
    """Momentum."""
    nesterov: bool = True
    """Nesterov's momentum."""
    weight_decay: UnitShare = 0.0
    """Weight decay (decoupled)."""
    iterations: Annotated[int, Meta(ge=1, le=20)] = 5
    """Of Newton and Schulz, in each step."""
    adjust: Annotated[Literal["rows", "adamw", "plain"], NO_OFF] = "rows"
    """The rate of a matrix: times the root of its rows over its columns, where it has more rows; so
    that a step is as large as AdamW's (Liu et al. 2025, arXiv 2502.16982); or as it is."""
    unit: bool = False
    """Bring each matrix to the norm of as many rows of length 1 before its step."""
    no_decay: tuple[Decayless, ...] = ()
    """As of SGD."""
    others: Annotated[Sgd | AdamW, NO_OFF] = AdamW(name="adamw", lr=0.001)
    """The optimizer of biases, norms and output layers, with a rate of its own, which follows the
    same schedule."""

    @property
    def states(self) -> int:
        """The momentum of a matrix."""
        return 1

    def kept(self, params: int, matrices: int) -> int:
        """Numbers that it keeps for all weights, of which so many are in `matrices`."""
        return matrices + self.others.states * (params - matrices)


Optimizer = Sgd | AdamW | Lamb | Muon


class Moment(NamedTuple):
    """Where a run stands when it asks for the next learning rate."""

    step: int
    """Counted from 0."""
    per_unit: int
    """Steps of an epoch, where lengths are in epochs, else 1."""
    share: float
    """Of the run after its warm-up, from 0 on."""
    drops: int
    """Plateaus of the validation error until now."""


def half_cosine(share: float) -> float:
    """1 at 0, 0 from 1 on."""
    return (1 + cos(pi * min(1.0, share))) / 2


class Constant(Record):
    """One learning rate throughout."""

    kind: Literal["constant"] = "constant"

    def scale(self, now: Moment) -> float:
        """1."""
        return 1.0


class Steps(Record):
    """The learning rate times `factor` at each length of `at`."""

    kind: Literal["steps"]
    at: Annotated[tuple[Length, ...], Meta(min_length=1, max_length=100)]
    """When, in the run's unit (epochs or iterations)."""
    factor: ProperShare = 0.1
    """What the learning rate is multiplied by."""

    @validator("at")
    @staticmethod
    def _rising(value: tuple[float, ...], _: Info) -> tuple[float, ...]:
        if any(a >= b for a, b in pairwise(value)):
            raise ValueError("the lengths must rise from one to the next")
        return value

    def scale(self, now: Moment) -> float:
        """`factor` for each length that has passed."""
        passed = sum(now.step >= round(at * now.per_unit) for at in self.at)
        return float(self.factor**passed)


class Cosine(Record):
    """Half a cosine from lr down to `end` of it, after the warm-up (Loshchilov, Hutter 2017,
    without restarts)."""

    kind: Literal["cosine"]
    end: Share = 0.0
    """Last learning rate, relative to `lr`."""

    def scale(self, now: Moment) -> float:
        """Half a cosine."""
        return self.end + (1 - self.end) * half_cosine(now.share)


class Linear(Record):
    """A straight line from lr down to `end` of it, after the warm-up."""

    kind: Literal["linear"]
    end: Share = 0.0
    """Last learning rate, relative to `lr`."""

    def scale(self, now: Moment) -> float:
        """A straight line."""
        return self.end + (1 - self.end) * (1 - now.share)


class OneCycle(Record):
    """Up from `start` of lr over the share `rise` of the run, then down to `end` of it, by cosines
    (Smith 2018)."""

    kind: Literal["one-cycle"]
    rise: ProperShare = 0.3
    """Share of the run in which the rate rises."""
    start: PositiveShare = 0.04
    """First learning rate, relative to `lr`."""
    end: Share = 0.0
    """Last learning rate, relative to `lr`."""

    def scale(self, now: Moment) -> float:
        """Up, then down."""
        if now.share < self.rise:
            return 1 - (1 - self.start) * half_cosine(now.share / self.rise)
        down = (now.share - self.rise) / (1 - self.rise)
        return self.end + (1 - self.end) * half_cosine(down)


class Plateau(Record):
    """The learning rate times `factor` where the validation error fell in none of `patience`
    evaluations."""

    kind: Literal["plateau"]
    factor: ProperShare = 0.1
    """What the learning rate is multiplied by."""
    patience: Count = 5
    """Evaluations without progress."""

    def scale(self, now: Moment) -> float:
        """`factor` for each plateau."""
        return float(self.factor**now.drops)


Schedule = Constant | Steps | Cosine | Linear | OneCycle | Plateau


class Ramp(Record):
    """A straight line from `start` of lr up to lr over `length`."""

    kind: Literal["linear"]
    length: Length
    """How long, in the run's unit."""
    start: Share = 0.0
    """First learning rate, relative to `lr`."""

    def rate(self, base: float, share: float) -> float:
        """The learning rate of a step at whose end `share` of the warm-up is over; `base` is the
        recipe's."""
        return base * (self.start + (1 - self.start) * share)


class Hold(Record):
    """A constant `lr` for `length` (He et al. 2016b, appendix: 0.01 for 400 iterations)."""

    kind: Literal["hold"]
    lr: Rate
    """Learning rate of the warm-up."""
    length: Length
    """How long, in the run's unit."""

    def rate(self, base: float, share: float) -> float:
        """`lr`."""
        return self.lr


class UntilError(Record):
    """A constant `lr` until the training error of the last `window` steps is under `error` percent
    (section 4.2)."""

    length: ClassVar[None] = None
    kind: Literal["until"]
    lr: Rate
    """Learning rate of the warm-up."""
    error: Annotated[float, Meta(gt=0, lt=100)]
    """Training error that ends it, in percent."""
    window: Count = 100
    """Steps over which that error is averaged."""

    def rate(self, base: float, share: float) -> float:
        """`lr`."""
        return self.lr


Warmup = Ramp | Hold | UntilError


class Progressive(Record):
    """Images of these shorter sides over the share `until` of the run, then whole ones (Tan, Le
    2021, section 4)."""

    sides: Annotated[
        tuple[Annotated[int, Meta(ge=4, le=4096)], ...],
        Meta(min_length=1, max_length=5),
    ]
    """Shorter sides of the images, in pixels, from small to large."""
    until: PositiveShare = 0.8
    """Share of the run that is divided among them."""

    @validator("sides")
    @staticmethod
    def _rising(value: tuple[int, ...], _: Info) -> tuple[int, ...]:
        if any(a >= b for a, b in pairwise(value)):
            raise ValueError("the sides must rise from one to the next")
        return value


class Ema(Record):
    """An exponential moving average of the weights, which is what is evaluated and exported."""

    decay: ProperShare
    """Decay of the average at each update; smaller at first (a warm-up of the decay)."""
    every: Count = 1
    """Optimizer steps between updates."""

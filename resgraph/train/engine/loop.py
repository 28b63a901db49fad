"""Net, recipe and batches → steps, evaluations and checkpoints, in the one order that every run and
every resume follows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from msgspec import Struct, field
from torch import Tensor, nn

from ...errors import TrainingError
from ...language.recipe import Train
from ..augment.mix import Batch
from ..data.loader import BatchLoader
from ..parallel.distributed import World
from ..parallel.sharding import gathered
from ..reporter import Epoch, Reporter, Step
from ..rng import key, manual_seed
from ..run.checkpoint import State
from ..settings.decide import Decisions
from ..tasks import Task
from ..tasks.classes import Classes
from .ema import EmaModel
from .evaluate import Score, Sums, score
from .metrics import MetricAccumulator
from .optimizer import load_optimizer, set_lr
from .schedule import LearningRates
from .several import NetOutput, OutputWeights, first, weighed
from .verdicts import Witness
from .views import viewed

CHECK_EVERY = 0.25
"""Seconds between checks of the loss: reading it waits for the device, so not every step does."""
WINDOW = 3.0
"""Seconds over which the shown throughput is measured."""
TIME_UP = 1 << 16
"""Stands among the signals for the end of the minutes that a run has; signals are smaller."""
AGREE_EVERY = 10
"""Steps between checks where all ranks must check at the same step."""
DIVERGENCE_HINT = (
    "a smaller `optimizer.lr`, a `warmup` or `clip: 1.0` may help"
)


class TrainState(Struct):
    """All that a step changes. `model` is the net as it is called: the net itself, or DDP around
    it. A checkpoint is this state."""

    net: nn.Module
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LearningRates
    ema: EmaModel | None
    metrics: MetricAccumulator
    scaler: torch.amp.GradScaler  # does nothing but in fp16
    step: int = 0
    weights: OutputWeights = (1.0,)  # of the outputs in the loss

    @property
    def eval_net(self) -> nn.Module:
        """The net that is evaluated and exported: with EMA weights, where the recipe has `ema`."""
        return self.ema.net if self.ema else self.net

    @property
    def ended(self) -> bool:
        """Whether no step is left, or the recipe has no more patience."""
        return self.step >= self.schedule.steps or self.schedule.given_up

    def start_from(self, give: Callable[[nn.Module], None]) -> None:
        """Other weights than the seed's, before the first step: `give` puts them into the net."""
        give(self.net)
        if self.ema:
            self.ema.net.load_state_dict(self.net.state_dict())

    def state(self, world: World) -> State:
        """Everything that a resume needs, on every rank; of what later steps change it shares the
        tensors only."""
        ema = self.ema and {
            "net": self.ema.net.state_dict(),
            "updates": self.ema.updates,
        }
        return {
            "step": self.step,
            "net": gathered(self.net.state_dict()),
            "optimizer": gathered(self.optimizer.state_dict()),
            "schedule": self.schedule.state(),
            "average": gathered(ema),
            "tally": self.metrics.state(world),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, state: State, world: World) -> None:
        """Resumes from `state`."""
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        load_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load(state["schedule"])
        if self.ema:
            self.ema.net.load_state_dict(state["average"]["net"])
            self.ema.updates = state["average"]["updates"]
        self.metrics.load(state["tally"], world)
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])


class Loop(Struct):
    """Trains to the end of the schedule. `stop_signal` gives the signal that came, or 0; `save`
    writes a checkpoint, `keep_best` the weights of the best evaluation."""

    train: Train
    task: Task
    train_state: TrainState
    data_loader: BatchLoader
    decisions: Decisions
    world: World
    reporter: Reporter
    save: Callable[[State], None]
    keep_best: Callable[[State], object]
    record: Callable[[Epoch, float], None]
    stop_signal: Callable[[], int]
    save_every: int | None = None
    clock: float = 0.0  # seconds before this process took over
    # that the run may last, over all its processes
    minutes: float | None = None
    began: float = field(default_factory=time.monotonic)
    checked: float = 0.0
    window: tuple[float, int] = field(
        default_factory=lambda: (time.monotonic(), 0)
    )
    speed: float = 0.0  # images a second in the last whole window
    seen_images: int = 0  # images since `began`
    witness: Witness | None = None  # of the last evaluation
    found: Score | None = None

    def run(self) -> int:
        """To the end, or to a signal: returns the signal's number, with everything saved, or 0."""
        train_state = self.train_state
        per_epoch = self.data_loader.sampler.steps_per_epoch
        train_state.model.train()
        while True:
            if self._due():
                self._close()
            if train_state.ended:
                return 0
            epoch, first = divmod(train_state.step, per_epoch)
            for batch in self.data_loader.epoch(epoch, first):
                self._step(batch)
                number = self._check()
                if number == TIME_UP:
                    self._close(due=self._due())
                    return 0
                if number:
                    self._save()
                    return number
                if train_state.step >= train_state.schedule.steps:
                    break
                if (
                    self.save_every
                    and train_state.step % self.save_every == 0
                    and train_state.step % per_epoch
                ):
                    self._save()

    def _step(self, batch: Batch) -> None:
        train_state, parts = self.train_state, self.train.accumulate
        lr = train_state.schedule.lr(train_state.step)
        until = partial(train_state.schedule.until, train_state.step)
        set_lr(train_state.optimizer, lr, until)
        seed = key(
            self.train.seed, "step", train_state.step, self.world.rank
        )
        manual_seed(seed, self.decisions.device)
        train_state.optimizer.zero_grad(set_to_none=True)
        size = len(batch.labels) // parts
        for part in range(parts):
            with synchronized(train_state.model, part == parts - 1):
                self._backward(
                    batch, slice(part * size, (part + 1) * size), parts
                )
        if self.train.clip:
            train_state.scaler.unscale_(train_state.optimizer)
            nn.utils.clip_grad_norm_(
                train_state.net.parameters(), self.train.clip
            )
        train_state.scaler.step(train_state.optimizer)
        train_state.scaler.update()
        train_state.step += 1
        self.seen_images += len(batch.labels) * self.world.size
        if train_state.ema:
            train_state.ema.update(train_state.net, train_state.step)
        window = train_state.schedule.window
        if window and train_state.step % window == 0:
            train_state.schedule.saw_training(
                train_state.step,
                train_state.metrics.take_window(self.world),
            )

    def _backward(self, batch: Batch, part: slice, parts: int) -> None:
        with self.decisions.autocast():
            given = self.train_state.model(*batch.inputs(part))
        logits = first(given)
        loss = self._loss(given, batch, part)
        counted = batch.main[part]
        whole = loss / parts
        if getattr(self.train.target, "summed", False):
            # the ranks' gradients are averaged
            whole = loss * self.task.count(counted) * self.world.size
        self.train_state.scaler.scale(whole).backward()  # type: ignore[no-untyped-call]
        self.train_state.metrics.add(
            loss.detach(), logits.detach(), counted, self.train_state.step
        )

    def _loss(self, given: NetOutput, batch: Batch, part: slice) -> Tensor:
        """The loss over the outputs that the recipe weighs."""
        weights, mine = self.train_state.weights, batch.labels[part]
        if batch.partners is None:
            return weighed(
                given, weights, lambda output: self.task.loss(output, mine)
            )
        targets, share = (mine, batch.partners[part]), batch.share
        return weighed(
            given,
            weights,
            lambda output: self.task.mixed(output, targets, share),
        )

    def _check(self) -> int:
        """Every so often: is the loss finite, was a stop requested; and reports the progress."""
        now, step = time.monotonic(), self.train_state.step
        if self.world.size == 1:
            stop_signal = self._stop()
            due = stop_signal or now - self.checked >= CHECK_EVERY
        else:
            due = step % AGREE_EVERY == 0
            stop_signal = (
                self.world.largest(self._stop(), self.decisions.device)
                if due
                else 0
            )
        if not due:
            return 0
        self.checked = now
        loss, error = self._finite()
        epoch = -(-step // self.data_loader.sampler.steps_per_epoch)
        if now - self.window[0] > WINDOW:
            self.window, self.speed = (
                (now, self.seen_images),
                (self.seen_images - self.window[1])
                / (now - self.window[0]),
            )
        speed = self.speed or self.seen_images / max(1e-9, now - self.began)
        lr = self.train_state.schedule.lr(step - 1)
        self.reporter.step(Step(step, epoch, lr, loss, error, speed))
        return stop_signal

    def _stop(self) -> int:
        """The signal that came, `TIME_UP`, or 0."""
        if self.minutes is not None:
            seconds = self.clock + time.monotonic() - self.began
            if seconds >= 60 * self.minutes:
                return TIME_UP
        return self.stop_signal()

    def _finite(self) -> tuple[float, float]:
        """This rank's loss and error since the last evaluation; raises where a loss was not
        finite."""
        loss, error, bad_step = self.train_state.metrics.local()
        if bad_step >= 0:
            lr = self.train_state.schedule.lr(bad_step)
            raise TrainingError(
                f"the loss is not finite at step {bad_step + 1:,}, with a learning rate of"
                f" {lr:.3g}; {DIVERGENCE_HINT}"
            )
        return loss, error

    def _due(self) -> bool:
        train_state = self.train_state
        per_epoch = self.data_loader.sampler.steps_per_epoch
        if train_state.metrics.empty:
            return False
        whole, rest = divmod(train_state.step, per_epoch)
        return train_state.step >= train_state.schedule.steps or (
            rest == 0 and whole % self.train.evaluate_every == 0
        )

    def _close(self, *, due: bool = True) -> None:
        """Evaluates, writes the row, and saves. Where no evaluation was due, what is saved knows
        nothing of it: a resume goes on as if the run had not been cut."""
        train_state = self.train_state
        if not due:
            self._save()
        never = train_state.schedule.lowest == math.inf
        self._finite()
        self.world.same_buffers(train_state.eval_net)
        found = self.judge()
        for failure in self.world.collect(
            self.data_loader.pixels.decode_failures()
        ):
            self.reporter.say(failure)
        loss, error = train_state.metrics.take(self.world)
        if due:
            train_state.schedule.saw_validation(found.error)
        epoch = train_state.step / self.data_loader.sampler.steps_per_epoch
        seconds = self.clock + time.monotonic() - self.began
        row = Epoch(
            step=train_state.step,
            epoch=int(epoch) if epoch == int(epoch) else round(epoch, 3),
            lr=train_state.schedule.lr(train_state.step - 1),
            train_loss=loss,
            train_error=error,
            validation_loss=found.loss,
            validation_error=found.error,
            seconds=seconds,
        )
        self.record(
            row, self.seen_images / max(1e-9, time.monotonic() - self.began)
        )
        self.reporter.epoch(row)
        best = never or (due and train_state.schedule.improved)
        if self.train.keep == "best" and best:
            self.keep_best(gathered(train_state.eval_net.state_dict()))
        if due:
            self._save()

    def judge(self) -> Score:
        """The net (with EMA weights where there are) on the validation part, each image of which
        is witnessed where it has one class."""
        self.witness = Witness() if isinstance(self.task, Classes) else None
        sums = Sums(self.decisions, self.task, self.witness)
        batches = self.data_loader.validation(self.world)
        net = viewed(self.train_state.eval_net, self.train)
        self.found = score(net, batches, sums, self.world)
        return self.found

    def _save(self) -> None:
        """Never with a weight that is not finite."""
        self._finite()
        state = self.train_state.state(self.world)
        for name, value in state["net"].items():
            if (
                value.is_floating_point()
                and not torch.isfinite(value).all()
            ):
                step = self.train_state.step
                lr = self.train_state.schedule.lr(step - 1)
                raise TrainingError(
                    f"`{name}` is not finite after step {step:,}, with a learning rate of"
                    f" {lr:.3g}; nothing was saved of it; {DIVERGENCE_HINT}"
                )
        self.save(state)


def synchronized(
    model: nn.Module, last: bool
) -> AbstractContextManager[None]:
    """Gradients are averaged over the ranks with the last part only."""
    if isinstance(model, nn.parallel.DistributedDataParallel) and not last:
        return model.no_sync()
    return nullcontext()

"""Net, recipe and batches → steps, evaluations and checkpoints, in the one order that every run and
every resume follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import TrainingError
from ...language.recipe import Train
from ..augment.mix import Batch
from ..data.loader import Feed
from ..parallel.distributed import World
from ..parallel.sharding import gathered
from ..reporter import Epoch, Reporter, Step
from ..rng import key
from ..run.checkpoint import State
from ..settings.decide import Decisions
from .ema import Average
from .evaluate import Score, score
from .metrics import Tally
from .optimizer import load_optimizer, set_lr
from .schedule import Schedule

LOOK = 0.25
"""Seconds between looks at the loss: a look waits for the device, so a step must not have one."""
WINDOW = 3.0
"""Seconds over which the shown throughput is measured."""
AGREE = 10
"""Steps between looks where ranks must look together."""
MILDER = "a smaller `optimizer.lr`, a `warmup` or `clip: 1.0` may help"


@dataclass(slots=True)
class Learner:
    """All that a step changes. `model` is the net as it is called: the net itself, or DDP around
    it."""

    net: nn.Module
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    average: Average | None
    tally: Tally
    scaler: torch.amp.GradScaler  # does nothing but in fp16
    step: int = 0

    @property
    def judged(self) -> nn.Module:
        """The net that is evaluated and exported."""
        return self.average.net if self.average else self.net

    def state(self, world: World) -> State:
        """Everything that a resume needs, with no reference to what goes on changing but tensors;
        on every rank."""
        average = self.average and {
            "net": self.average.net.state_dict(),
            "updates": self.average.updates,
        }
        return {
            "step": self.step,
            "net": gathered(self.net.state_dict()),
            "optimizer": gathered(self.optimizer.state_dict()),
            "schedule": self.schedule.state(),
            "average": gathered(average),
            "tally": self.tally.state(world),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, state: State, world: World) -> None:
        """Goes on from `state`."""
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        load_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load(state["schedule"])
        if self.average:
            self.average.net.load_state_dict(state["average"]["net"])
            self.average.updates = state["average"]["updates"]
        self.tally.load(state["tally"], world)
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])


@dataclass(slots=True)
class Loop:
    """Runs a learner to the end of its schedule. `asked` is the signal that came, or 0; `save`
    writes a checkpoint."""

    train: Train
    learner: Learner
    feed: Feed
    decisions: Decisions
    world: World
    reporter: Reporter
    save: Callable[[State], None]
    record: Callable[[Epoch, float], None]
    asked: Callable[[], int]
    save_every: int | None = None
    clock: float = 0.0  # seconds before this process took over
    began: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    window: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), 0))
    pace: float = 0.0  # images a second in the last whole window
    fresh: int = 0  # images since `began`

    def run(self) -> int:
        """To the end, or to a signal: returns the signal's number, with everything saved, or 0."""
        learner, per_epoch = self.learner, self.feed.sampler.steps_per_epoch
        learner.model.train()
        while True:
            if self._due():
                self._close()
            if learner.step >= learner.schedule.steps:
                return 0
            epoch, first = divmod(learner.step, per_epoch)
            for batch in self.feed.epoch(epoch, first):
                self._step(batch)
                number = self._look()
                if number:
                    self._save()
                    return number
                if learner.step >= learner.schedule.steps:
                    break
                if (
                    self.save_every
                    and learner.step % self.save_every == 0
                    and learner.step % per_epoch
                ):
                    self._save()

    def _step(self, batch: Batch) -> None:
        learner, parts = self.learner, self.train.accumulate
        lr = learner.schedule.lr(learner.step)
        set_lr(learner.optimizer, lr)
        torch.manual_seed(key(self.train.seed, "step", learner.step, self.world.rank))
        learner.optimizer.zero_grad(set_to_none=True)
        size = len(batch.labels) // parts
        for part in range(parts):
            with synchronized(learner.model, part == parts - 1):
                self._backward(batch, slice(part * size, (part + 1) * size), parts)
        if self.train.clip:
            learner.scaler.unscale_(learner.optimizer)
            nn.utils.clip_grad_norm_(learner.net.parameters(), self.train.clip)
        learner.scaler.step(learner.optimizer)
        learner.scaler.update()
        learner.step += 1
        self.fresh += len(batch.labels) * self.world.size
        if learner.average:
            learner.average.update(learner.net, learner.step)
        window = learner.schedule.window
        if window and learner.step % window == 0:
            learner.schedule.saw_training(
                learner.step, learner.tally.take_window(self.world)
            )

    def _backward(self, batch: Batch, part: slice, parts: int) -> None:
        labels = batch.labels[part]
        with self.decisions.autocast():
            logits = self.learner.model(batch.images[part])
        logits = logits.float()
        loss = self._loss(logits, labels)
        if batch.partners is not None:
            other = self._loss(logits, batch.partners[part])
            loss = batch.share * loss + (1 - batch.share) * other
        self.learner.scaler.scale(loss / parts).backward()  # type: ignore[no-untyped-call]
        counted = batch.main[part]
        self.learner.tally.add(
            loss.detach(), logits.detach(), counted, self.learner.step
        )

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean over the images that could be read, and 0 where none could."""
        smoothing = self.train.label_smoothing
        total = F.cross_entropy(
            logits,
            labels,
            label_smoothing=smoothing,
            ignore_index=-100,
            reduction="sum",
        )
        return total / (labels >= 0).sum().clamp_min(1)

    def _look(self) -> int:
        """Now and then: is the loss finite, has someone asked to stop, and the progress."""
        now, step = time.monotonic(), self.learner.step
        if self.world.size == 1:
            asked = self.asked()
            due = asked or now - self.looked >= LOOK
        else:
            due = step % AGREE == 0
            asked = (
                self.world.largest(self.asked(), self.decisions.device) if due else 0
            )
        if not due:
            return 0
        self.looked = now
        loss, error = self._finite()
        epoch = -(-step // self.feed.sampler.steps_per_epoch)
        if now - self.window[0] > WINDOW:
            self.window, self.pace = (
                (now, self.fresh),
                (self.fresh - self.window[1]) / (now - self.window[0]),
            )
        speed = self.pace or self.fresh / max(1e-9, now - self.began)
        lr = self.learner.schedule.lr(step - 1)
        self.reporter.step(Step(step, epoch, lr, loss, error, speed))
        return asked

    def _finite(self) -> tuple[float, float]:
        """This rank's loss and error since the last evaluation; raises where a loss was not
        finite."""
        loss, error, bad = self.learner.tally.local()
        if bad >= 0:
            lr = self.learner.schedule.lr(bad)
            raise TrainingError(
                f"the loss is not finite at step {bad + 1:,}, with a learning rate of {lr:.3g};"
                f" {MILDER}"
            )
        return loss, error

    def _due(self) -> bool:
        learner, per_epoch = self.learner, self.feed.sampler.steps_per_epoch
        if learner.tally.empty:
            return False
        whole, rest = divmod(learner.step, per_epoch)
        return learner.step >= learner.schedule.steps or (
            rest == 0 and whole % self.train.evaluate_every == 0
        )

    def _close(self) -> None:
        """Evaluates, writes the row, and saves."""
        learner = self.learner
        self._finite()
        self.world.same_buffers(learner.judged)
        found = self.evaluate()
        for trouble in self.world.collect(self.feed.pixels.troubles()):
            self.reporter.say(trouble)
        loss, error = learner.tally.take(self.world)
        learner.schedule.saw_validation(found.error)
        epoch = learner.step / self.feed.sampler.steps_per_epoch
        seconds = self.clock + time.monotonic() - self.began
        row = Epoch(
            step=learner.step,
            epoch=int(epoch) if epoch == int(epoch) else round(epoch, 3),
            lr=learner.schedule.lr(learner.step - 1),
            train_loss=loss,
            train_error=error,
            validation_loss=found.loss,
            validation_error=found.error,
            seconds=seconds,
        )
        self.record(row, self.fresh / max(1e-9, time.monotonic() - self.began))
        self.reporter.epoch(row)
        self._save()

    def evaluate(self) -> Score:
        """The judged net on the validation part."""
        return score(
            self.learner.judged,
            self.feed.validation(self.world),
            self.decisions,
            self.world,
        )

    def _save(self) -> None:
        """Never with a weight that is not finite."""
        self._finite()
        state = self.learner.state(self.world)
        for name, value in state["net"].items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                step = self.learner.step
                raise TrainingError(
                    f"`{name}` is not finite after step {step:,}, with a learning rate of "
                    f"{self.learner.schedule.lr(step - 1):.3g}; nothing was saved of it; {MILDER}"
                )
        self.save(state)


def synchronized(model: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Gradients are averaged over the ranks with the last part only."""
    if isinstance(model, nn.parallel.DistributedDataParallel) and not last:
        return model.no_sync()
    return nullcontext()

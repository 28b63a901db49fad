"""A net and one batch → what each of its nodes takes in a training step: time, memory, and the
norms of what flows through it.

Times are the stretches between one node and the next, forward and backward, so that they add up to
those of the pass: what stands between two nodes, as a sum of gradients, is the second's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import asdict
from torch import Tensor, nn
from torch.nn import functional

from ..collecting import each_value, without
from ..outputs.heat_csv import MEASURES
from ..outputs.pytorch.trace import NodeObserver, trace
from ..plan import Loader, Plan
from .augment.mix import Batch
from .engine.assemble import make_data_loader
from .engine.several import listed
from .inference import trained
from .options import Options
from .parallel.distributed import process_group
from .prepare import normalization_of, prepare
from .resuming import own_plan


class NodeProfile(Struct):
    """Seconds of both passes, bytes that it keeps for the backward one, the root mean square of its
    output, and the L2 norm of the loss's gradient with respect to it; None where there is none."""

    forward: float = 0.0
    backward: float = 0.0
    memory: float = 0.0
    activation: float | None = None
    gradient: float | None = None

    @property
    def time(self) -> float:
        """Seconds of both passes."""
        return self.forward + self.backward


class Profile(Struct):
    """Every node, what was measured of the whole, and on what (`about`)."""

    name: str
    about: str
    nodes: dict[str, NodeProfile]
    forward: float = 0.0
    backward: float = 0.0

    def values(self, kind: str) -> dict[str, float]:
        """One number of each node that has it, by its field's name or `time`."""
        found = {
            name: getattr(node, kind) for name, node in self.nodes.items()
        }
        return {
            name: value
            for name, value in found.items()
            if value is not None
        }

    def document(self) -> dict[str, Any]:
        """As data."""
        nodes = each_value(asdict, self.nodes)
        return asdict(self) | {"nodes": nodes}

    def csv(self) -> str:
        """A line a node, as `render --paint FILE.csv:COLUMN` reads it; `time` is that of both
        passes."""
        lines = [",".join(["node", *MEASURES, "time"])]
        for name, node in self.nodes.items():
            values = [getattr(node, kind) for kind in (*MEASURES, "time")]
            cells = [
                "" if value is None else f"{value:.6g}" for value in values
            ]
            lines.append(",".join([name, *cells]))
        return "\n".join(lines) + "\n"


class OneStep(Struct):
    """A net, a batch, and the loss of what it gives."""

    net: nn.Module
    inputs: Sequence[Tensor]
    loss: Callable[[Any], Tensor]


def profile_plan(plan: Plan, batch: int, repeats: int) -> Profile:
    """Fresh weights and images of noise, both by seed 0, on the CPU."""
    torch.manual_seed(0)
    net = plan.module(inplace=False)
    inputs = [torch.randn(batch, *shape) for shape in plan.inputs.values()]
    about = (
        f"fresh weights, {batch} images of noise (seed 0), random labels"
    )
    return measured(plan, OneStep(net, inputs, _synthetic), about, repeats)


def profile_run(
    run: Path, load: Loader, options: Options, repeats: int
) -> Profile:
    """A run's weights on the first batch of its own data. Raises `RunError` where it has none."""
    plan = own_plan(run, load)
    with process_group(os.environ, "cpu") as world:
        ready = prepare(plan, options, world)
        data = make_data_loader(
            ready.train,
            ready.data,
            ready.sampler,
            normalization_of(ready),
            ready.decisions,
        )
        batch: Batch = next(iter(data.epoch(0, 0)))
    net = trained(run, plan.module(inplace=False))

    def loss(given: Any) -> Tensor:
        return ready.task.loss(listed(given)[0].float(), batch.main)

    about = f"the weights of {run.name}, its first {len(batch.labels)} training images"
    return measured(
        plan, OneStep(net, batch.inputs(), loss), about, repeats
    )


def _synthetic(given: Any) -> Tensor:
    """Cross-entropy against labels by seed 0, for each place; of one channel, against 0 and 1."""
    draw = torch.Generator().manual_seed(0)
    losses = []
    for output in listed(given):
        classes, places = output.shape[1], (len(output), *output.shape[2:])
        labels = torch.randint(max(classes, 2), places, generator=draw)
        losses.append(
            functional.cross_entropy(output, labels)
            if classes > 1
            else functional.binary_cross_entropy_with_logits(
                output[:, 0], labels.float()
            )
        )
    return sum(losses[1:], losses[0])


def measured(
    plan: Plan, step: OneStep, about: str, repeats: int
) -> Profile:
    """The times of the step of median time, and the memory and norms of one more."""
    step.net.train()
    order = trace(plan).calls
    nodes = without(plan.graph.nodes, plan.graph.inputs)
    times = []
    for _ in range(repeats + 1):  # the first loads libraries and allocates
        observer = _Times(plan, order, nodes)
        observer.run(step)
        times.append(observer)
    middle = sorted(times[1:], key=lambda each: sum(each.totals))[
        repeats // 2
    ]
    norms = _Norms(plan, order, nodes)
    norms.run(step)
    for name, node in norms.nodes.items():
        node.forward = middle.nodes[name].forward
        node.backward = middle.nodes[name].backward
    return Profile(plan.name, about, norms.nodes, *middle.totals)


class _StepObserver(NodeObserver):
    """Follows a step node by node."""

    def __init__(
        self, plan: Plan, order: Sequence[str], nodes: Sequence[str]
    ) -> None:
        super().__init__(plan.graph)
        self.order = iter(order)
        self.nodes = {name: NodeProfile() for name in nodes}
        self.totals = (0.0, 0.0)

    def made(self, name: str, reads: Sequence[Tensor], out: Tensor) -> None:
        """A node that a module made."""
        self.computed(name, out)

    def called(
        self, function: Any, reads: Sequence[Tensor], out: Tensor
    ) -> None:
        """A call of torch, which may be a node."""
        if name := next(self.order, ""):
            self.computed(name, out)

    def computed(self, name: str, out: Tensor) -> None:
        """A node has its value."""

    @contextmanager
    def forward(self) -> Iterator[None]:
        """Around the forward pass."""
        yield

    def run(self, step: OneStep) -> None:
        """One forward and one backward pass."""
        step.net.zero_grad(set_to_none=True)
        began = time.perf_counter()
        with self.forward(), self.watching(step.net):
            given = step.net(*step.inputs)
        middle = time.perf_counter()
        loss = step.loss(given)
        start = time.perf_counter()
        loss.backward()  # type: ignore[no-untyped-call]
        self.totals = middle - began, time.perf_counter() - start


class _Times(_StepObserver):
    """Seconds of each node: from the one before it to itself."""

    def run(self, step: OneStep) -> None:
        """Stamps the passage at each node."""
        self.current = ""
        super().run(step)
        self._spend(time.perf_counter())

    @contextmanager
    def forward(self) -> Iterator[None]:
        """From here on."""
        self.last = time.perf_counter()
        yield

    def computed(self, name: str, out: Tensor) -> None:
        """Until here it was this node's."""
        now = time.perf_counter()
        self.nodes[name].forward += now - self.last
        self.last = now
        if out.requires_grad:
            out.register_hook(lambda _: self._begins(name))  # type: ignore[no-untyped-call]

    def _begins(self, name: str) -> None:
        self._spend(time.perf_counter())
        self.current = name

    def _spend(self, now: float) -> None:
        """What has passed is of the node whose backward pass went on."""
        if self.current:
            self.nodes[self.current].backward += now - self.last
        self.last = now


class _Norms(_StepObserver):
    """Bytes and norms of each node."""

    def run(self, step: OneStep) -> None:
        """One pass, with all that it saves counted once, and parameters not at all."""
        weights = step.net.parameters()
        self.counted = {p.untyped_storage().data_ptr() for p in weights}
        self.waiting = 0
        super().run(step)

    @contextmanager
    def forward(self) -> Iterator[None]:
        """Counts what autograd saves."""
        with torch.autograd.graph.saved_tensors_hooks(
            self._save, lambda value: value
        ):
            yield

    def _save(self, value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in self.counted:
            self.counted.add(storage.data_ptr())
            self.waiting += storage.nbytes()
        return value

    def computed(self, name: str, out: Tensor) -> None:
        """Its norms, and what was saved since the node before."""
        node = self.nodes[name]
        node.memory += self.waiting
        self.waiting = 0
        with torch.no_grad(), torch._C.DisableTorchFunction():
            node.activation = float(out.float().square().mean().sqrt())
        if out.requires_grad:
            out.register_hook(lambda grad: self._gradient(node, grad))  # type: ignore[no-untyped-call]

    def _gradient(self, node: NodeProfile, grad: Tensor) -> None:
        node.gradient = float(grad.float().norm())

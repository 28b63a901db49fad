"""A training step of `cifar-speed` as `resgraph build` makes it (loader, augmentation, net, loss,
both optimizers), beside the same mathematics by hand, as cifar10-airbench publishes them."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path

import torch
import torch.nn.functional as F
from measure import heading, interleaved, rows, table
from settings import clock, parser, start
from torch import Tensor, nn

import resgraph
from resgraph.train import Options
from resgraph.train.engine.assemble import (
    make_data_loader,
    make_train_state,
)
from resgraph.train.engine.loop import Loop
from resgraph.train.engine.muon import orthogonal
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import normalization_of, prepare
from resgraph.train.reporter import Silent

SPEC = Path(__file__).parents[1] / "examples" / "speed" / "cifar-speed.yaml"


def main() -> None:
    settings = start(parser(__doc__, rounds=9))
    batch = settings.batch or (
        2000 if settings.device.startswith("cuda") else 64
    )
    heading("A step of cifar-speed")
    found = interleaved(
        {
            "by hand": ByHand(batch, settings.device),
            "by hand again": ByHand(batch, settings.device),
            "resgraph": Ours(batch, settings.device),
        },
        settings.rounds,
        clock(settings.device),
    )
    table(("", "ms", "ratio", "images/s"), rows(found, "by hand", batch))


class Ours:
    """The loop's own step, a batch after another."""

    def __init__(self, batch: int, device: str) -> None:
        plan = resgraph.load(
            SPEC,
            overrides=[
                f"train.data={{set: synthetic, samples: {4 * batch}}}",
                f"train.batch={batch}",
            ],
        )
        options, world = Options(device=device, precision="fp32"), World()
        ready = prepare(plan, options, world)
        state = make_train_state(
            plan, ready.task, ready.sampler, ready.decisions, world
        )
        loader = make_data_loader(
            ready.train,
            ready.data,
            ready.sampler,
            normalization_of(ready),
            ready.decisions,
        )
        self.loop = Loop(
            ready.train, ready.task, state, loader, ready.decisions, world, Silent(),
            _nothing, _nothing, _nothing, lambda: 0,
        )  # fmt: skip
        state.model.train()
        self.batches = chain.from_iterable(
            loader.epoch(n, 0) for n in count()
        )

    def __call__(self) -> None:
        self.loop._step(next(self.batches))


def _nothing(*_: object) -> None:
    """What a run does between its steps."""


class ByHand:
    """One step in plain torch, in fp32."""

    def __init__(self, batch: int, device: str) -> None:
        self.pixels = torch.randint(
            0, 256, (4 * batch, 3, 32, 32), device=device
        )
        self.labels = torch.randint(0, 10, (4 * batch,), device=device)
        self.batch, self.turn = batch, 0
        layers: list[nn.Module] = [nn.Conv2d(3, 24, 2), nn.GELU()]
        width = 24
        for wide in (64, 256, 256):
            for read, pool in ((width, [nn.MaxPool2d(2)]), (wide, [])):
                norm = nn.BatchNorm2d(wide, 1e-12, 0.4)
                conv = nn.Conv2d(read, wide, 3, padding=1, bias=False)
                norm.weight.requires_grad_(False)
                layers += [conv, *pool, norm, nn.GELU()]
            width = wide
        layers += [
            nn.MaxPool2d(3),
            nn.Flatten(),
            nn.Linear(256, 10, bias=False),
        ]
        layers[0].weight.requires_grad_(False)
        self.net = nn.Sequential(*layers).to(device)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        learned = [p for p in self.net.parameters() if p.requires_grad]
        self.matrices = [p for p in learned if p.ndim == 4]
        self.momenta = [torch.zeros_like(p) for p in self.matrices]
        self.sgd = torch.optim.SGD(
            [p for p in learned if p.ndim < 4],
            0.05,
            0.85,
            nesterov=True,
            fused=True,
        )

    def __call__(self) -> None:
        at = (self.turn % 4) * self.batch
        self.turn += 1
        x = self._images(self.pixels[at : at + self.batch])
        logits = self.net(x) / 256
        labels = self.labels[at : at + self.batch]
        loss = F.cross_entropy(
            logits, labels, label_smoothing=0.2, reduction="sum"
        )
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        self.sgd.step()
        with torch.no_grad():
            for weight, momentum in zip(
                self.matrices, self.momenta, strict=True
            ):
                gradient = weight.grad
                assert gradient is not None
                momentum.mul_(0.6).add_(gradient)
                wanted = gradient.add(momentum, alpha=0.6)
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                step = orthogonal(wanted.reshape(len(weight), -1), 3)
                weight.add_(step.reshape(weight.shape), alpha=-0.24)

    def _images(self, pixels: Tensor) -> Tensor:
        """Normalized, mirrored, and moved by up to two pixels over mirrored edges."""
        x = pixels.float().sub_(120).div_(64)
        flip = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
        x = F.pad(
            torch.where(flip, x.flip(3), x), (2, 2, 2, 2), mode="reflect"
        )
        places = torch.randint(0, 5, (2, len(x), 1), device=x.device)
        span = torch.arange(32, device=x.device)
        down, right = (place + span for place in places)
        row = torch.arange(len(x), device=x.device)[:, None, None]
        moved = x[row, :, down[:, :, None], right[:, None, :]]
        return moved.permute(0, 3, 1, 2)


if __name__ == "__main__":
    main()

"""A small plan that stands in for the real one: a CIFAR-style residual net, written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from resgraph.graph import Graph
from resgraph.language.recipe import Train, resolve_train
from resgraph.ops.base import Shape
from resgraph.plan import loads


class Basic(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.change = (width - width_in, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        more, stride = self.change
        return F.relu(
            y + F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, more))
        )


def residual(
    channels: int, classes: int, widths: tuple[int, ...], blocks: int
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    ]
    before = widths[0]
    for width in widths:
        for place in range(blocks):
            layers.append(
                Basic(
                    before,
                    width,
                    2 if width != widths[0] and not place else 1,
                )
            )
            before = width
    net = nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(before, classes),
    )
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu"
            )
    return net


@cache
def params(
    channels: int, classes: int, widths: tuple[int, ...], blocks: int
) -> int:
    net = residual(channels, classes, widths, blocks)
    return sum(p.numel() for p in net.parameters())


@cache
def graph(shape: Shape, classes: int) -> Graph:
    """A real one, of one row that has a matrix within and gives what the net gives."""
    size = "x".join(map(str, shape))
    head = f"net: {{head: [global avg pool, fc 4, fc {classes}]}}"
    return loads(f"name: small\ninput: {size}\n{head}\n").graph


@dataclass
class FakePlan:
    """Says what `resgraph.plan.Plan` says, for one kind of net."""

    train: Train | None
    input: Shape = (1, 8, 8)
    classes: int = 10
    widths: tuple[int, ...] = (16, 32, 64)
    blocks: int = 3
    name: str = "small"
    dropout: float = 0.0
    spec: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.spec = SimpleNamespace(train=self.train)

    @property
    def output(self) -> Shape:
        return (self.classes,)

    @property
    def graph(self) -> Graph:
        return graph(self.input, self.classes)

    @property
    def params(self) -> int:
        return params(self.input[0], self.classes, self.widths, self.blocks)

    @property
    def macs(self) -> int:
        return 1_000_000

    @property
    def activations(self) -> int:
        return 10_000

    def table(self) -> str:
        return "a table"

    def svg(self) -> str:
        return "<svg xmlns='http://www.w3.org/2000/svg'/>"

    def source(self) -> str:
        return f"# {self.widths} {self.blocks}\n"

    def resolved(self) -> str:
        facts = {
            "name": self.name,
            "input": list(self.input),
            "classes": self.classes,
            "widths": list(self.widths),
            "blocks": self.blocks,
            "dropout": self.dropout,
            "train": self.train.document() if self.train else None,
        }
        return yaml.safe_dump(facts)

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        return {"input": self.input}

    def module(self) -> nn.Module:
        net = residual(
            self.input[0], self.classes, self.widths, self.blocks
        )
        if self.dropout:
            net.insert(len(net) - 1, nn.Dropout(self.dropout))
        return net


def load(path: object) -> FakePlan:
    """What `resgraph.load` does, for fakes."""
    from pathlib import Path

    facts = yaml.safe_load(Path(str(path)).read_text())
    return FakePlan(
        train=resolve_train(facts["train"]),
        input=tuple(facts["input"]),
        classes=facts["classes"],
        widths=tuple(facts["widths"]),
        blocks=facts["blocks"],
        name=facts["name"],
        dropout=facts["dropout"],
    )


def plan(recipe: str | dict[str, object], **facts: object) -> FakePlan:
    """A fake plan with a recipe."""
    return FakePlan(train=resolve_train(recipe), **facts)  # type: ignore[arg-type]


torch.set_num_threads(1)

"""What training asks of a plan, as a protocol: the real one is `resgraph.plan.Plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from torch import nn

from ..language.recipe import Train
from ..ops.base import Shape


class SpecLike(Protocol):
    """The resolved spec."""

    @property
    def train(self) -> Train | None:
        """The recipe."""


class PlanLike(Protocol):
    """A checked net: its facts, its pictures, its source, and the module that the source makes."""

    @property
    def name(self) -> str: ...
    @property
    def spec(self) -> Any: ...
    @property
    def input(self) -> Shape: ...
    @property
    def output(self) -> Shape: ...
    @property
    def params(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def activations(self) -> int: ...
    def table(self) -> str: ...
    def svg(self) -> str: ...
    def source(self) -> str: ...
    def resolved(self) -> str: ...
    def module(self) -> nn.Module: ...


class Loader(Protocol):
    """Path of a spec.yaml → its plan."""

    def __call__(self, path: Path) -> PlanLike: ...

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
    def name(self) -> str: ...  # noqa: D102
    @property
    def spec(self) -> Any: ...  # noqa: D102
    @property
    def input(self) -> Shape: ...  # noqa: A003, D102
    @property
    def output(self) -> Shape: ...  # noqa: D102
    @property
    def params(self) -> int: ...  # noqa: D102
    @property
    def macs(self) -> int: ...  # noqa: D102
    def table(self) -> str: ...  # noqa: D102
    def svg(self) -> str: ...  # noqa: D102
    def source(self) -> str: ...  # noqa: D102
    def resolved(self) -> str: ...  # noqa: D102
    def module(self) -> nn.Module: ...  # noqa: D102


class Loader(Protocol):
    """Path of a spec.yaml → its plan."""

    def __call__(self, path: Path) -> PlanLike: ...  # noqa: D102

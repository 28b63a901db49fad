"""A model as it was captured, before its ops are understood: calls of ATen's ops by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Axes = tuple[int, ...]
"""The sizes of a foreign tensor, its batch among them."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A tensor of the program, as an argument."""

    name: str


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor that a call gives; it has no name where nothing reads it."""

    name: str
    axes: Axes


@dataclass(frozen=True, slots=True)
class Call:
    """An op with its arguments by name, `Wire`s among them; `several` where it gives a list."""

    word: str
    given: Mapping[str, Any]
    outputs: tuple[Output, ...]
    module: str = ""
    several: bool = False

    @property
    def axes(self) -> Axes:
        return self.outputs[0].axes


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter or buffer, by the model's name for it."""

    key: str
    axes: Axes
    learned: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """Calls in order. Of several `inputs` and `outputs` there is one in what import can read."""

    inputs: Sequence[Output]
    parameters: Mapping[str, Parameter]
    calls: Sequence[Call]
    outputs: Sequence[str]

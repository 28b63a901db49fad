"""A model as it was captured, before its ops are understood: calls of ATen's ops by name."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any

from msgspec.structs import replace

from ..collecting import each_name, flatten
from ..language.grammar.words import name_problem
from ..ops import VOCABULARY, Shape
from ..structs import Frozen

MADE_AS = frozenset(
    ("device", "layout", "pin_memory", "dtype", "memory_format")
)
"""Arguments that say what tensors are made as; who runs a program knows that."""
TensorSizes = tuple[int, ...]
"""The sizes of a foreign tensor, its batch among them."""


InputShapes = Mapping[str, Shape]
"""The shape of each input by name, without its batch, in the order in which a model takes them."""


def input_shapes(given: Shape | InputShapes) -> InputShapes:
    """Of one input that has no name, or of several by names that a spec can have."""
    if not isinstance(given, Mapping):
        return {"input": given}
    return {input_name(name): shape for name, shape in given.items()}


def input_name(name: str) -> str:
    """A name that is a word of the language with a number, as `x` of most models."""
    return f"{name}1" if name_problem(name, VOCABULARY) else name


class TensorRef(Frozen):
    """A tensor of the program, as an argument."""

    name: str


class CallResult(Frozen):
    """A tensor that a call gives; it has no name where nothing reads it."""

    name: str
    axes: TensorSizes


class AtenCall(Frozen):
    """An op with its arguments by name, `TensorRef`s among them; `several` where it gives a list.

    `overload` is the form of the op, as `Tensor` of `add.Tensor`."""

    word: str
    given: Mapping[str, Any]
    outputs: tuple[CallResult, ...]
    module: str = ""
    several: bool = False
    overload: str = ""

    @property
    def name(self) -> str:
        """Of its first tensor."""
        return self.outputs[0].name if self.outputs else ""

    @property
    def axes(self) -> TensorSizes:
        return self.outputs[0].axes

    @property
    def made(self) -> set[str]:
        """The tensors that it gives."""
        return set(each_name(self.outputs))

    @property
    def reads(self) -> Iterator[str]:
        """The tensors among its arguments."""
        return _tensors(list(self.given.values()))


def meant(value: Any, known: Mapping[str, Any]) -> Any:
    """An argument, with what is known for the tensors in it."""
    if isinstance(value, TensorRef):
        return known.get(value.name)
    return (
        [meant(v, known) for v in value]
        if isinstance(value, list)
        else value
    )


def _tensors(value: Any) -> Iterator[str]:
    if isinstance(value, TensorRef):
        yield value.name
    elif isinstance(value, list):
        yield from flatten(map(_tensors, value))


class Parameter(Frozen):
    """A parameter or buffer, by the model's name for it."""

    key: str
    axes: TensorSizes
    learned: bool = True


def tied(
    parameters: Mapping[str, Parameter], first: Mapping[str, str]
) -> dict[str, Parameter]:
    """Parameters of which those that are one tensor have one key: of each key, the `first` that is
    the same tensor."""
    return {
        name: replace(each, key=first.get(each.key, each.key))
        for name, each in parameters.items()
    }


def first_keys(tensors: Iterable[tuple[str, Hashable]]) -> dict[str, str]:
    """The keys of tensors with what each is → the first key of the same."""
    known: dict[Hashable, str] = {}
    return {key: known.setdefault(what, key) for key, what in tensors}


def parameters_read(
    parameters: Mapping[str, Parameter], calls: Iterable[AtenCall]
) -> dict[str, Parameter]:
    """Those that calls read."""
    read = {*flatten(call.reads for call in calls)}
    return {name: each for name, each in parameters.items() if name in read}


class AtenProgram(Frozen):
    """Calls in order.

    `ties` is off where equal tensors are one, whosever they are, and `plain` are then the keys of
    those that several layers may begin with, as ones; `classes` are those of the modules by path,
    but for torch's own; `frozen` the keys of parameters that ask for no gradient."""

    inputs: Sequence[CallResult]
    parameters: Mapping[str, Parameter]
    calls: Sequence[AtenCall]
    outputs: Sequence[str]
    ties: bool = True
    plain: Collection[str] = ()
    classes: Mapping[str, str] = {}
    frozen: Collection[str] = ()

    @property
    def names(self) -> list[str]:
        """Of its inputs."""
        return each_name(self.inputs)

    def shapes(self) -> InputShapes:
        """Of its inputs, of several by names that a spec can have."""
        shapes = [each.axes[1:] for each in self.inputs]
        if len(shapes) == 1:
            return input_shapes(shapes[0])
        names = [*map(input_name, self.names)]
        if any(map(name_problem, names)):
            names = [f"input{n}" for n in range(1, len(names) + 1)]
        return dict(zip(names, shapes, strict=True))


def own_classes(modules: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Of modules by path and dotted class: the classes that say what a part of the net is."""
    return {
        path: name.rpartition(".")[2]
        for path, name in modules
        if path and not name.startswith("torch.")
    }

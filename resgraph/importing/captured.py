"""A model as a flat list of steps: one op of ours each, and the names its tensors have in the
model."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import chain
from math import prod

from msgspec.structs import replace

from ..collecting import among, by_key, by_name, only_keys, reached
from ..errors import ResgraphError
from ..ops import Concat, Op, Pad, Shape
from ..ops.base import sides
from ..structs import Frozen


class ImportRefused(ResgraphError):
    """What the language cannot say, or import cannot read: the op, the module that runs it, how far
    import came, and the call of the program with its line in the model's code."""

    exit_code = 1

    def __init__(self, what: str, module: str = "") -> None:
        super().__init__(what)
        self.what, self.module, self.came = what, module, ""
        self.call, self.line = "", ""

    def __str__(self) -> str:
        where = [f"in module `{self.module}`"] if self.module else []
        said = "; ".join(filter(None, [*where, self.line, self.came]))
        return f"{self.what} ({said})" if said else self.what


class MovedKey(str):
    """The key of a tensor whose numbers lie otherwise in the model than in our layer: the sizes of
    its axes in our order, and how far apart places along each are in the model's."""

    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @classmethod
    def of(
        cls, key: str, sizes: Sequence[int], steps: Sequence[int]
    ) -> str:
        """The key itself where the numbers lie alike."""
        if all(steps[n] == prod(sizes[n + 1 :]) for n in range(len(sizes))):
            return key
        made = cls(key)
        made.sizes, made.steps = tuple(sizes), tuple(steps)
        return made


class JoinedKey(str):
    """The keys of several tensors that are one of ours, one behind the other."""

    keys: tuple[str, ...]

    @classmethod
    def of(cls, keys: Sequence[str]) -> JoinedKey:
        made = cls(" + ".join(keys))
        made.keys = tuple(keys)
        return made


class CapturedOp(Frozen):
    """One op, what it reads and what comes out of it.

    `tensors` maps our names of its parameters and buffers (`weight`, `running_mean`) to the
    model's, `MovedKey`s and `JoinedKey`s among them; `module` is the dotted path of the module that
    ran it, "" where that is not known. `sure` is off where other layers may have equal tensors by
    chance, as fresh norms."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    tensors: Mapping[str, str] = {}
    module: str = ""
    sure: bool = True

    @property
    def layer(self) -> Hashable:
        """What it does, and with which weights."""
        laid = (
            (role, key, isinstance(key, MovedKey) and key.steps)
            for role, key in self.tensors.items()
        )
        return self.op, tuple(sorted(laid))

    @property
    def weighs(self) -> bool:
        """Whether it has weights that no other layer has."""
        return bool(self.tensors) and self.sure

    @property
    def path(self) -> list[str]:
        """Of its module, word by word."""
        return self.module.split(".")

    def inside(self, path: Sequence[str]) -> bool:
        """Whether a module runs it."""
        return self.path[: len(path)] == path

    @property
    def steps(self) -> Iterable[CapturedOp]:
        """Itself: where it stands there may be a block of many as well."""
        return (self,)

    @property
    def entry(self) -> str:
        """The first value that it reads."""
        return self.inputs[0]

    @property
    def exit(self) -> str:
        """The value that comes out."""
        return self.name

    @property
    def out(self) -> Shape:
        """Of that value."""
        return self.shape


class Captured(Frozen):
    """A model's steps in topological order, its `inputs` among them; `outputs` are those that it
    returns, in its order. `ties` is off where equal tensors are one, whosever they are; `classes`
    are those of the modules by path, but for torch's own; `fixed` the keys of weights and biases
    that do not learn, `frozen` those of parameters."""

    steps: Mapping[str, CapturedOp]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ties: bool = True
    classes: Mapping[str, str] = {}
    fixed: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()

    @property
    def input(self) -> str:
        """The first."""
        return self.inputs[0]

    @property
    def output(self) -> str:
        """The last that is computed."""
        return among(self.steps, self.outputs)[-1]

    @property
    def shares(self) -> bool:
        """Whether a layer runs more than once."""
        return bool(repeated(self.steps.values()))


def keys_of(key: str) -> Sequence[str]:
    """The model's tensors that one of ours is."""
    return key.keys if isinstance(key, JoinedKey) else (key,)


def repeated(steps: Iterable[CapturedOp]) -> list[list[CapturedOp]]:
    """The layers that run more than once, each time."""
    found = by_key((step.layer, step) for step in steps if step.weighs)
    return [each for each in found.values() if len(each) > 1]


def readers(steps: Iterable[CapturedOp]) -> dict[str, list[str]]:
    """The steps that read each value, once for each time that they do."""
    return by_key(
        (source, step.name) for step in steps for source in step.inputs
    )


def captured(
    steps: Iterable[CapturedOp],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> Captured:
    """The steps that the outputs rest on; what is concatenated again and again is concatenated
    to what was (as DenseNet's layers say it)."""
    known = by_name(_without_idle_pads(steps, outputs))
    needed = reached(outputs, lambda name: known[name].inputs, inputs)
    kept = only_keys(known, needed.union(inputs))
    nested = by_name(_nested(kept.values()))
    return Captured(nested, tuple(inputs), tuple(outputs))


def _without_idle_pads(
    steps: Iterable[CapturedOp], outputs: Collection[str]
) -> Iterator[CapturedOp]:
    """Those that pad nothing are left out: a U-Net has them where its sizes fit."""
    same: dict[str, str] = {}
    for step in steps:
        inputs = tuple(same.get(name, name) for name in step.inputs)
        if _idle(step.op) and step.name not in outputs:
            same[step.name] = inputs[0]
        else:
            yield replace(step, inputs=inputs)


def _idle(op: Op) -> bool:
    return isinstance(op, Pad) and not any(chain(*map(sides, op.cells)))


def _nested(steps: Iterable[CapturedOp]) -> Iterable[CapturedOp]:
    """Concatenations as tails of earlier ones whose parts they begin with."""
    whole: dict[tuple[str, ...], str] = {}
    for step in steps:
        if isinstance(step.op, Concat):
            parts = step.inputs
            for size in range(len(parts) - 1, 1, -1):
                if parts[:size] in whole:
                    step = replace(
                        step, inputs=(whole[parts[:size]], *parts[size:])
                    )
                    break
            whole.setdefault(parts, step.name)
        yield step

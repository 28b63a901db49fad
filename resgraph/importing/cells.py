"""Steps one after another → labels, as the file's `unit:` puts convolution, norm and activation
together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, ClassVar

from msgspec.structs import replace

from ..collecting import attributes, each_op, flatten, of_type, without
from ..ops import (
    ACTIVATIONS,
    NORMS,
    BlurPool,
    Conv,
    DepthwiseConv,
    Fc,
    Gain,
    LayerNorm,
    Op,
    Pool,
    Shape,
    UpConv,
)
from ..structs import Frozen
from .captured import CapturedOp
from .options import SaidOnce
from .regions.structure import Region, RegionItem

Convolution = Conv | DepthwiseConv | UpConv


@dataclass(frozen=True)
class Unit:
    """What "conv" means in a file, `conv bn relu`: each word as a label has it, `gn 16`; `said` is
    what labels need not say."""

    words: tuple[str, ...] = ("conv", "bn", "relu")
    said: SaidOnce = field(default_factory=SaidOnce, compare=False)

    @cached_property
    def norm(self) -> str:
        return next(filter(_names_norm, self.words), "")

    @cached_property
    def activation(self) -> str:
        rest = without(self.words, ("conv", self.norm))
        return next(
            (word for word in rest if not word.startswith("gain")), ""
        )

    @property
    def before(self) -> bool:
        """Whether norm and activation stand before the convolution."""
        return len(self.words) > 1 and self.words[-1] == "conv"

    @property
    def text(self) -> str:
        """As the key `unit:` has it."""
        plain = all(" " not in word for word in self.words)
        return (
            " ".join(self.words) if plain else f"[{', '.join(self.words)}]"
        )


def _names_norm(word: str) -> bool:
    return any(f"{word} ".startswith(f"{norm} ") for norm in NORMS)


class Cell(Frozen, eq=False, dict=True):
    """One label: an op with what its unit adds (`mode`); `steps` are all that it stands for."""

    op: Op
    steps: tuple[CapturedOp, ...]
    mode: str
    unit: Unit
    gates: ClassVar[bool] = False  # as a block may

    @property
    def items(self) -> Sequence[RegionItem]:
        """What of a path it stands for."""
        return self.steps

    @property
    def word(self) -> str:
        """What is called."""
        return "act" if self.op.role == "activation" else self.op.op

    @property
    def exit(self) -> str:
        """The value that comes out."""
        return self.steps[-1].name

    @property
    def out(self) -> Shape:
        """Of that value."""
        return self.steps[-1].shape

    @cached_property
    def options(self) -> dict[str, Any]:
        """What a label may have to say, in its order."""
        op, said = self.op, self.unit.said
        keys = without(op.fields(), ("op", *op.quiet))
        found = attributes(op, keys)
        if "bias" in found:
            usual = said.bias(op, normed=bool(self.unit.norm))
            found["bias"] = (
                None if found["bias"] == usual else found["bias"]
            )
        if self.pads_same and found["pad"] is not None:
            whole = "pad" in said.values.get(op.op, {})
            found["pad"] = None if whole else "same"
        return found | said.departs(op)

    @property
    def pads_same(self) -> bool:
        """Whether it is padded as TensorFlow does, in a net that is."""
        return any(step.name in self.unit.said.same for step in self.steps)

    @cached_property
    def kind(self) -> tuple[Any, ...]:
        """What two labels share that differ in numbers only."""
        return self.kind_of(one=False)

    def kind_of(self, *, one: bool) -> tuple[Any, ...]:
        """The same; of `one` activation it counts that there is one."""
        flags = [
            (k, v)
            for k, v in self.options.items()
            if isinstance(v, bool | str) and k != "pad"
        ]
        kernel = self.options.get("kernel", ())
        pointwise = isinstance(kernel, tuple) and set(kernel) == {1}
        act = "act" if one and self.activation else ""
        words = (
            act or self.mode,
            pointwise and self.op.weighted,
            self.pads_same,
        )
        word = act if self.op.role == "activation" and act else self.op.op
        return (
            word,
            *words,
            tuple(flags),
            tuple(self.unit.said.departs(self.op)),
        )

    @property
    def alike(self) -> tuple[Any, ...]:
        """What elements share that one label can say."""
        return self.kind_of(one=True)

    @property
    def plain(self) -> tuple[Any, ...]:
        """The same, whether there is an activation behind it or none."""
        if self.mode == "bare" or not isinstance(self.op, Convolution):
            return self.alike
        return replace(self, mode="linear", steps=self.steps[:1]).kind

    @cached_property
    def activation(self) -> str:
        """The one that it holds or is; "" where there is none."""
        found = [s for s in self.steps if s.op.role == "activation"]
        return self.unit.said.label(found[-1].op) if found else ""

    @property
    def vanishes(self) -> bool:
        """Whether it does nothing at stride 1: a pool whose kernel follows from its stride."""
        op = self.op
        if (
            not isinstance(op, Pool | BlurPool)
            or op.says("kernel")
            or op.pad
        ):
            return False
        return not (isinstance(op, Pool) and op.to)


def units(items: Iterable[RegionItem], said: SaidOnce) -> list[Unit]:
    """The units that a net may have been written in, the one with the shortest labels first."""
    runs = list(_runs(items))
    found = [
        Unit(words, said) for words in (("conv",), *_candidates(runs, said))
    ]
    if not any(
        isinstance(step.op, Convolution) for run in runs for step in run
    ):
        return [Unit(said=said)]
    length = {unit: _length(runs, unit) for unit in found}
    return sorted(found, key=lambda unit: (length[unit], len(unit.words)))


def _candidates(
    runs: Iterable[list[CapturedOp]], said: SaidOnce
) -> Iterator[tuple[str, ...]]:
    """Of the commonest norm and the two commonest activations; and what stands most often behind
    a convolution."""
    norms = Counter[str]()
    acts = Counter[str]()
    tails = Counter[tuple[str, ...]]()
    for run in runs:
        tails.update(tuple(map(said.label, tail)) for tail in _tails(run))
        norms.update(
            said.label(step.op) for step in run if _is_norm(step.op)
        )
        acts.update(_activations(run))
    names = [word for word, _ in norms.most_common(1)]
    yield from (("conv", norm) for norm in names)
    for act, _ in acts.most_common(2):
        yield from (("conv", act), (act, "conv"))
        for norm in names:
            yield from (("conv", norm, act), (norm, act, "conv"))
    yield from (("conv", *tail) for tail, _ in tails.most_common(2))


def _activations(run: Iterable[CapturedOp]) -> Iterator[str]:
    """But for those of an fc."""
    for before, after in pairwise(run):
        if after.op.role == "activation" and not isinstance(before.op, Fc):
            yield after.op.label()


def _tails(run: Sequence[CapturedOp]) -> Iterator[Iterator[Op]]:
    """Of each convolution."""
    for place, step in enumerate(run):
        if isinstance(step.op, Convolution):
            yield _tail(run[place + 1 :])


def _tail(run: Iterable[CapturedOp]) -> Iterator[Op]:
    """What may be the unit of a convolution that it stands behind: at most one of each kind."""
    seen: set[str] = set()
    for op in each_op(run):
        kind = op.role or op.op
        if kind in seen or not (
            op.role == "activation" or _is_norm(op) or isinstance(op, Gain)
        ):
            return
        seen.add(kind)
        yield op


def _is_norm(op: Op) -> bool:
    return op.role == "norm" and not isinstance(op, LayerNorm)


def _length(runs: Iterable[list[CapturedOp]], unit: Unit) -> float:
    """Of all labels; one that departs from its unit is a little longer, by another activation more
    than by none."""
    made = [*flatten(_labelled(run, unit) for run in runs)]
    modes = [cell.mode for cell in made if not isinstance(cell.op, Fc)]
    said = sum(bool(cell.options.get("bias")) for cell in made)
    less = sum(mode in ("linear", "bare") for mode in modes)
    return (
        len(made)
        + 0.15 * (less + said)
        + 0.3 * (sum(map(bool, modes)) - less)
    )


def _runs(items: Iterable[RegionItem]) -> Iterator[list[CapturedOp]]:
    """Steps that stand one after another, in rows and in paths."""
    for _, group in groupby(items, type):
        run = [*group]
        yield [*of_type(CapturedOp, run)]
        for branch in flatten(b.branches for b in of_type(Region, run)):
            yield from _runs(branch.items)


def cells(items: Sequence[RegionItem], unit: Unit) -> list[Cell | Region]:
    """A path's items as labels and blocks."""
    found: list[Cell | Region] = []
    for _, group in groupby(items, type):
        run = [*group]
        found += of_type(Region, run)
        found += _labelled([*of_type(CapturedOp, run)], unit)
    return found


def _labelled(run: Sequence[CapturedOp], unit: Unit) -> list[Cell]:
    found: list[Cell] = []
    place = 0
    while place < len(run):
        cell = _label(run, place, unit)
        found.append(cell)
        place += len(cell.steps)
    return found


def _label(run: Sequence[CapturedOp], place: int, unit: Unit) -> Cell:
    step, rest = run[place], run[place + 1 :]
    if isinstance(step.op, Fc):
        named = bool(rest) and rest[0].op.label() in ACTIVATIONS
        mode = rest[0].op.label() if named else ""
        return Cell(step.op, (step, *rest[:named]), mode, unit)
    if unit.before:
        own = tuple(run[place : place + len(unit.words)])
        if _is_unit(own, unit):
            return Cell(own[-1].op, own, "", unit)
    if not isinstance(step.op, Convolution):
        return Cell(step.op, (step,), "", unit)
    if unit.before:
        return Cell(step.op, (step,), "bare", unit)
    return _behind(step, rest, unit)


def _is_unit(steps: Sequence[CapturedOp], unit: Unit) -> bool:
    return len(steps) == len(unit.words) and all(
        isinstance(step.op, Convolution)
        if word == "conv"
        else unit.said.label(step.op) == word
        for step, word in zip(steps, unit.words, strict=True)
    )


def _behind(
    conv: CapturedOp, rest: Sequence[CapturedOp], unit: Unit
) -> Cell:
    """A convolution with as much of its unit as stands behind it, or with another activation."""
    behind = [unit.said.label(step.op) for step in rest[: len(unit.words)]]
    fits = (
        (mode, len(words))
        for mode, words in _modes(unit, rest)
        if behind[: len(words)] == words
    )
    mode, count = next(fits, ("bare", 0))
    return Cell(conv.op, (conv, *rest[:count]), mode, unit)


def _modes(
    unit: Unit, rest: Sequence[CapturedOp]
) -> Iterator[tuple[str, list[str]]]:
    """What a label may say, and what then stands behind its convolution: rule 5 of the language."""
    tail = list(unit.words[1:])
    place = tail.index(unit.activation) if unit.activation else len(tail)
    word = rest[place].op.label() if place < len(rest) else ""
    if word in ACTIVATIONS and word != unit.activation:
        yield word, [*tail[:place], word, *tail[place + 1 :]]
    yield "", tail
    norms = [*filter(_names_norm, tail)]
    if norms != tail:
        yield "linear", norms

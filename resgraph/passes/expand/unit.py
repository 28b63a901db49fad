"""A layer's label and the unit in force → the ops that it stands for, in order, each with its
word."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from ...errors import Fault, Span, fault
from ...language.diagnose.option import bind
from ...language.environment import Environment
from ...language.grammar.records import Bound, Label, Option, UnitDef
from ...language.grammar.targets import (
    Target,
    fields_of,
    mode_hint,
    takes_mode,
)
from ...language.grammar.words import ACT
from ...ops import ACTIVATIONS, NORMS, VOCABULARY, Op
from ...structs import Frozen
from .option import Unsaid, make_op


class Worded(Struct):
    """An op of a layer, its word in names ("" where the layer's own name is enough), and what its
    options were worked out from."""

    word: str
    op: Op
    source: OptionSource | None = None


class OptionSource(Struct, eq=False):
    """What the options of an op were worked out from: its label, the names in sight there, and the
    unit in force, whose labels may be the op's own."""

    bound: Bound
    env: Environment
    unit: UnitDef


class LabelContext(Frozen):
    """What a label is read in: the unit, the default options of ops, the words that stand for
    words."""

    unit: UnitDef
    defaults: dict[str, dict[str, Option]]
    words: frozenset[str]
    # what `act` means where the unit has no activation: in a library block, ReLU
    spare: str = ""
    # one for a label, however often it is made
    bounds: dict[tuple[Label, Target], Bound] = field(default_factory=dict)

    def bind(
        self, label: Label, target: Target, words: frozenset[str]
    ) -> Bound:
        """The label's options, read once."""
        if (label, target) not in self.bounds:
            self.bounds[label, target] = bind(label, target, words)
        return self.bounds[label, target]

    def words_as(
        self, resolve: Callable[[str], str]
    ) -> list[tuple[Label, str]]:
        """The labels of the unit, with what the word of each stands for."""
        return [(label, resolve(label.word)) for label in self.unit.labels]


class LayerPlace(Struct, eq=False):
    """Where the label of a layer is read: the names in sight, what turns a word that is a `let`
    into the word it stands for, and the axes of the map that comes in (0 where that is none or not
    known)."""

    env: Environment
    resolve: Callable[[str], str]
    axes: int


def activation_of(
    setting: LabelContext, resolve: Callable[[str], str], place: Span
) -> tuple[Label, str]:
    """What `act` means, the activation of a unit: its label and word. Raises `Fault` at `place`
    where there is none."""
    words = setting.words_as(resolve)
    circular = next((label for label, name in words if name == ACT), None)
    if circular:
        raise _circular(circular)
    found = [(label, name) for label, name in words if name in ACTIVATIONS]
    if found:
        return found[-1]
    if setting.spare:
        return Label(
            setting.spare, place, setting.spare, place
        ), setting.spare
    unit = " ".join(name for _, name in words)
    hint = "write the activation itself, or give the unit one"
    said = f"`act` is the activation of the unit, and `{unit}` has none"
    raise fault("E030", said, place, hint)


def layer_ops(
    cls: type[Op],
    bound: Bound,
    place: LayerPlace,
    setting: LabelContext,
) -> list[Worded]:
    """The ops of one layer label."""
    env, axes = place.env, place.axes
    mode, chosen = _mode(cls, bound, setting, place.resolve)
    unit = setting.words_as(place.resolve)
    fields = {}
    if cls.word == "conv" and "bias" in fields_of(cls):
        normed = any(name in NORMS for _, name in unit)
        fields["bias"] = "none" if normed else "default"
    defaults = setting.defaults.get(bound.label.word, {})
    op = make_op(cls, bound, env, Unsaid(defaults, fields, axes))
    source = OptionSource(bound, env, setting.unit)
    if cls.word != "conv":
        main = Worded("", op, source)
        return (
            [main, unit_op(chosen, mode, setting, env, axes)]
            if chosen
            else [main]
        )
    return _numbered(
        Worded("conv", op, source)
        if name == "conv"
        else unit_op(label, name, setting, env, axes)
        for label, name in _in_mode(unit, mode, chosen)
    )


def _mode(
    cls: type[Op],
    bound: Bound,
    setting: LabelContext,
    resolve: Callable[[str], str],
) -> tuple[str, Label | None]:
    """The mode of a label, and the label of the activation that it may be. Raises `Fault` where the
    op takes no such mode."""
    if bound.mode is None:
        return "", None
    mode, span = resolve(bound.mode.text), bound.mode.span
    chosen = Label(mode, span, mode, span)
    if mode == ACT:
        chosen, mode = activation_of(setting, resolve, span)
    if not takes_mode(cls, mode):
        said = f"`{bound.label.word}` takes no `{mode}`"
        raise fault("E012", said, span, mode_hint(cls, mode))
    return mode, chosen


def _in_mode(
    labels: list[tuple[Label, str]], mode: str, label: Label | None
) -> list[tuple[Label, str]]:
    """Rule 5: what a mode leaves of a unit, and what it puts there."""
    names = [name for _, name in labels]
    conv = names.index("conv")
    if mode == "bare":
        return [labels[conv]]
    if mode == "linear":
        return [
            labels[conv],
            *(each for each in labels[conv:] if each[1] in NORMS),
        ]
    if label is None:
        return labels
    places = [
        place for place, name in enumerate(names) if name in ACTIVATIONS
    ]
    if min(places, default=conv) < conv:
        said = f"the unit `{' '.join(names)}` puts its activation before the conv"
        hint = "leave it out, or write `linear`, and give it a place of its own behind"
        raise fault("E012", said, label.span, hint)
    last = max(places, default=len(labels))
    return [*labels[:last], (label, mode), *labels[last + 1 :]]


def unit_op(
    label: Label,
    name: str,
    setting: LabelContext,
    env: Environment,
    axes: int = 0,
) -> Worded:
    """The op of a word of the unit, or of an activation that a label names."""
    if name == ACT:
        raise _circular(label)
    if name not in VOCABULARY:
        message = f"`{label.word}` is `{name}`, and a unit is made of ops"
        raise fault(
            "E025", message, label.span, "as in `unit: conv bn relu`"
        )
    cls = VOCABULARY[name]
    named = label if label.word == name else replace(label, word=name)
    bound = setting.bind(named, cls, setting.words)
    defaults = setting.defaults.get(name, {})
    op = make_op(cls, bound, env, Unsaid(defaults, axes=axes))
    source = OptionSource(bound, env, setting.unit)
    return Worded(name.replace(" ", "_"), op, source)


def _circular(label: Label) -> Fault:
    hint = "write the activation itself, or let `act` stand for it: `let: {act: silu}`"
    return fault(
        "E025",
        "`act` is the activation of the unit, so the unit itself must say which",
        label.span,
        hint,
    )


def _numbered(ops: Iterable[Worded]) -> list[Worded]:
    """A second `bn` in a unit is `bn2`."""
    seen: dict[str, int] = {}
    out: list[Worded] = []
    for worded in ops:
        count = seen[worded.word] = seen.get(worded.word, 0) + 1
        numbered = (
            replace(worded, word=f"{worded.word}{count}")
            if count > 1
            else worded
        )
        out.append(numbered)
    return out

"""A layer's label and the unit in force → the ops that it stands for, in order, each with its word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import fault
from ..language.binding import bind
from ..language.environment import Environment
from ..language.records import Bound, Label, Option, UnitDef
from ..language.targets import mode_hint, takes_mode
from ..language.words import MODES
from ..ops import ACTIVATIONS, NORMS, VOCABULARY, Op
from .options import make_op


@dataclass(frozen=True, slots=True)
class Worded:
    """An op of a layer, and its word in names: "" where the layer's own name is enough."""

    word: str
    op: Op


@dataclass(frozen=True, slots=True)
class Setting:
    """What a label is read in: the unit, the default options of ops, the words that stand for words."""

    unit: UnitDef
    defaults: dict[str, dict[str, Option]]
    words: frozenset[str]
    bounds: dict[tuple[Label, type[Op]], Bound] = field(
        default_factory=dict
    )  # one for a label, however often it is made

    def bind(self, label: Label, cls: type[Op], words: frozenset[str]) -> Bound:
        """The label's options, read once."""
        if (label, cls) not in self.bounds:
            self.bounds[label, cls] = bind(label, cls, words)
        return self.bounds[label, cls]


def layer_ops(
    cls: type[Op], bound: Bound, env: Environment, setting: Setting, resolve: Callable[[str], str]
) -> list[Worded]:
    """The ops of one layer label; `resolve` turns a word that is a `let` into the word it stands for."""
    word = bound.label.word
    defaults = setting.defaults.get(word, {})
    mode = resolve(bound.mode.text) if bound.mode else ""
    if bound.mode and not takes_mode(cls, mode):
        raise fault("E012", f"`{word}` takes no `{mode}`", bound.mode.span, mode_hint(cls, mode))
    if cls.word != "conv":
        main = Worded("", make_op(cls, bound, defaults, env, {}))
        return [main, _activation(mode, bound, setting, env)] if mode else [main]
    labels = _in_mode([(label, resolve(label.word)) for label in setting.unit.labels], mode, bound)
    normed = any(resolve(label.word) in NORMS for label in setting.unit.labels)
    extra = {"bias": "none" if normed else "default"} if "bias" in cls.model_fields else {}
    ops: list[Worded] = []
    for label, name in labels:
        if name == "conv":
            ops.append(Worded("conv", make_op(cls, bound, defaults, env, extra)))
        else:
            ops.append(Worded(name.replace(" ", "_"), _unit_op(label, name, setting, env)))
    return _numbered(ops)


def _in_mode(labels: list[tuple[Label, str]], mode: str, bound: Bound) -> list[tuple[Label, str]]:
    """Rule 5: what a mode leaves of a unit, and what it puts there."""
    conv = next(place for place, (_, name) in enumerate(labels) if name == "conv")
    before, after = labels[:conv], labels[conv + 1 :]
    if mode == "bare":
        return [labels[conv]]
    if mode == "linear":
        return [labels[conv], *((label, name) for label, name in after if name in NORMS)]
    if not mode:
        return labels
    assert bound.mode is not None
    chosen = (Label(mode, bound.mode.span, mode, bound.mode.span), mode)
    if any(name in ACTIVATIONS for _, name in before):
        unit = " ".join(name for _, name in labels)
        hint = "leave it out, or write `linear`, and give it a place of its own behind"
        raise fault("E012", f"the unit `{unit}` puts its activation before the conv", bound.mode.span, hint)
    places = [place for place, (_, name) in enumerate(after) if name in ACTIVATIONS]
    if not places:
        return [*labels, chosen]
    after[places[-1]] = chosen
    return [*before, labels[conv], *after]


def _unit_op(label: Label, name: str, setting: Setting, env: Environment) -> Op:
    if name not in VOCABULARY:
        message = f"`{label.word}` is `{name}`, and a unit is made of ops"
        raise fault("E025", message, label.span, "as in `unit: conv bn relu`")
    cls = VOCABULARY[name]
    named = label if label.word == name else Label(name, label.span, name, label.span)
    return make_op(cls, setting.bind(named, cls, setting.words), setting.defaults.get(name, {}), env, {})


def _activation(mode: str, bound: Bound, setting: Setting, env: Environment) -> Worded:
    assert bound.mode is not None and mode not in MODES
    label = Label(mode, bound.mode.span, mode, bound.mode.span)
    return Worded(mode.replace(" ", "_"), _unit_op(label, mode, setting, env))


def _numbered(ops: list[Worded]) -> list[Worded]:
    """A second `bn` in a unit is `bn2`."""
    seen: dict[str, int] = {}
    out: list[Worded] = []
    for worded in ops:
        count = seen[worded.word] = seen.get(worded.word, 0) + 1
        out.append(Worded(f"{worded.word}{count}" if count > 1 else worded.word, worded.op))
    return out

"""The words of labels and equations → what they stand for in a net: ops, blocks, activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from ...errors import Span, fault
from ...language.diagnose.nearest import did_you_mean
from ...language.environment import Environment
from ...language.grammar.own import FIRST, Words
from ...language.grammar.records import BlockDef, Inline, ItemDef, Label
from ...language.grammar.targets import Target
from ...language.grammar.values import word_lets
from ...language.grammar.words import ACT
from ...language.spec import Spec
from ...ops import ACTIVATIONS, VOCABULARY
from .place import Place
from .unit import Worded, activation_of, unit_op


class Names:
    """The names of one net."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.inside: dict[BlockDef, Words] = {}

    def resolve(self, word: str, env: Environment) -> str:
        """The op or block that a word stands for: itself, or the value of a `let`."""
        if word in FIRST or self.spec.block(word):
            return word
        value = env.find(word)
        return value if isinstance(value, str) else word

    def words(self, place: Place) -> Words:
        """The words that a label can begin with, beside ops and blocks."""
        block = place.block
        if block is None:
            return self.spec.words
        if block not in self.inside:
            self.inside[block] = self.spec.words | word_lets(block.lets)
        return self.inside[block]

    def target(self, item: ItemDef, place: Place) -> tuple[ItemDef, Target]:
        """What an item is a layer of or calls; the item comes with the word that a `let` in it
        stands for. Raises `Fault` where there is no such op or block."""
        if isinstance(item, Inline):
            return item, item.block
        word = self.resolve(item.word, place.env)
        if word == ACT and not self.spec.block(ACT):
            item = self._activation(item, place)
            word = item.word
        found = self.spec.block(word) or VOCABULARY.get(word)
        if found is None:
            hint = did_you_mean(word, VOCABULARY)
            raise fault(
                "E011", f"no op or block `{word}`", item.word_span, hint
            )
        if item.word != word:
            item = replace(item, word=word, chosen=True)
        return item, found

    def resolver(self, place: Place) -> Callable[[str], str]:
        """`resolve` at a place."""
        return partial(self.resolve, env=place.env)

    def _of_unit(self, span: Span, place: Place) -> tuple[Label, str]:
        """The unit's activation, with its word, for an `act` at `span`."""
        return activation_of(place.setting, self.resolver(place), span)

    def _activation(self, item: Label, place: Place) -> Label:
        """The item that `act` stands for: the unit's activation, with its options."""
        if item.rest or item.options:
            span = item.rest[0].span if item.rest else item.span
            said = "`act` is the unit's activation, with the options that it has there"
            raise fault("E012", said, span)
        label, word = self._of_unit(item.word_span, place)
        return replace(
            item, word=word, rest=label.rest, options=label.options
        )

    def function(
        self, word: str, span: Span, place: Place
    ) -> Worded | None:
        """The activation that an equation calls by a word: an op's, a `let`'s, or the unit's; None
        for other words."""
        name = self.resolve(word, place.env)
        label = Label(name, span, name, span)
        if name == ACT and not self.spec.block(ACT):
            label, name = self._of_unit(span, place)
        if name not in ACTIVATIONS:
            return None
        if not VOCABULARY[name].in_equation():
            said = f"`{name}` cannot stand in an equation: it has an option without a default"
            hint = f"make it a layer of the path: `[…, {name}]`"
            raise fault("E030", said, span, hint)
        return unit_op(label, name, place.setting, place.env)

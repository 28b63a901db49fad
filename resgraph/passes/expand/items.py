"""The items of a path → nodes: layers with their units, blocks with their paths, merges and
shortcuts.

A mistake does not stop the walk: what comes out of an item with one is worked out from what was
meant where that can be known; what follows from an unknown shape is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial

from ...errors import Fault, Span, fault
from ...graph import Block, Layer, Origin, Path
from ...language.diagnose.nearest import did_you_mean
from ...language.environment import Environment, Unknown
from ...language.grammar.arithmetic import Value, value_text
from ...language.grammar.records import (
    BlockDef,
    Equation,
    Inline,
    ItemDef,
    Label,
    PathDef,
)
from ...language.grammar.targets import Target
from ...language.grammar.values import words_of
from ...language.grammar.words import ACT
from ...language.spec import Spec
from ...ops import ACTIVATIONS, VOCABULARY, Op
from .block_call import Call, call_of, refuse_other_width
from .equation import EquationBuilder
from .graph_builder import Builder, Flow, Nothing
from .meant import apart, keeps_shape, meant, shaping, width_and_stride
from .place import Place, counters_of, in_file
from .repeat import Counters, Repeats
from .shortcut import ShortcutPlan, shortcut_plan
from .unit import Setting, activation_of, layer_ops, unit_op

_NESTED = 32  # blocks within blocks


class ItemMaker:
    """Makes the paths of one net, row by row."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.builder = Builder()
        self.env = Environment(spec.lets, {})
        self.setting = Setting(spec.unit, spec.defaults, spec.words)
        self.open: list[BlockDef] = []
        self.blocks_seen = 0
        self.blocks_total = 0
        self.repeats = Repeats(self.builder)

    # -- paths and items
    # --------------------------------------------------------------------------------------------

    def path(
        self,
        name: str,
        word: str,
        definition: PathDef,
        flow: Flow | Nothing,
        place: Place,
    ) -> tuple[Path, Flow | Nothing]:
        """A row or a path: its scope and the value that it hands on."""
        scope = Path(name, word, "", "", listed=definition.listed)
        number = 0
        if definition.equation is not None:
            flow = self.equation(
                f"{name}.0" if definition.listed else name,
                definition.equation,
                place,
                scope,
            )
            number = 1
        unread = (
            definition.items[definition.sound :][:1]
            if definition.sound is not None
            else ()
        )
        if definition.sound == 0 and definition.equation is None:
            flow = Flow()
        scope.input = flow.node if isinstance(flow, Flow) else ""
        if isinstance(flow, Nothing):
            return scope, flow
        for item, copy, counters in self.repeats.copies_of(definition, number, place):
            below = f"{name}.{number}" if definition.listed else name
            if item in unread:
                flow = Flow()
            flow = self.item(below, item, copy, flow, place, counters, scope)
            number += 1
        if definition.broken:
            flow = Flow()
        scope.output = flow.node
        return scope, flow

    def equation(
        self, name: str, written: Equation, place: Place, scope: Path
    ) -> Flow | Nothing:
        """The value that a path begins with, and its nodes."""
        origin = place.at(written.span)
        known = {*place.values, *(["shortcut"] if place.plan else [])}
        shortcut_at = place.plan.written if place.plan else None
        try:
            equation = EquationBuilder(
                self.builder, name, written, lambda n: self.value(n, place), known, place.env,
                origin, shortcut=place.shortcut, changes=place.changes, written=shortcut_at,
                activation=partial(self.function, place=place),
            )  # fmt: skip
            scope.equation, flow = equation.build()
        except Unknown:
            return Flow()
        except Fault as problem:
            self.builder.report(problem, origin)
            return Flow()
        return flow

    def function(self, word: str, span: Span, *, place: Place) -> Op | None:
        """The activation that an equation calls by a word: an op's, a `let`'s, or the unit's; None
        for other words."""
        name = self.resolve(word, place.env)
        label = Label(name, span, name, span)
        if name == ACT and not self.spec.block(ACT):
            label, name = activation_of(
                place.setting, partial(self.resolve, env=place.env), span
            )
        if name not in ACTIVATIONS:
            return None
        cls = VOCABULARY[name]
        if not cls.in_equation():
            message = (
                f"`{name}` cannot stand in an equation: its op gives no expression"
            )
            raise fault(
                "E030", message, span, f"make it a layer of the path: `[…, {name}]`"
            )
        return unit_op(label, name, place.setting, place.env)

    def item(
        self,
        name: str,
        item: ItemDef,
        copy: int,
        flow: Flow,
        place: Place,
        counters: Counters,
        scope: Path,
    ) -> Flow:
        """One layer or block, added to its path; the value that comes out."""
        target: Target | None = None
        seen = self.blocks_seen
        try:
            item, target = self.target(item, place)
            if place.block is None and (
                touching := width_and_stride(item, target, place.env)
            ):
                raise touching
            if isinstance(item, Label) and item.guessed:
                return self.guessed(
                    name, item, target, copy, flow, place, counters, scope
                )
            return self.made(name, item, target, copy, flow, place, counters, scope)
        except Unknown:
            return Flow()
        except Fault as problem:
            problem = apart(item, target, problem) or problem
            self.builder.report(
                problem,
                place.at(
                    item.word_span
                    if isinstance(item, Label) and not item.options
                    else item.span
                ),
            )
            if target is None:
                return Flow()
            self.blocks_seen = seen
            again = meant(item, target, problem.diagnostic)
            out = (
                self.guessed(name, again, target, copy, flow, place, counters, scope)
                if again
                else Flow()
            )
            return flow if out.shape is None and keeps_shape(target) else out

    def target(self, item: ItemDef, place: Place) -> tuple[ItemDef, Target]:
        """What an item is a layer of or calls; the item comes with the word that a `let` in it
        stands for."""
        if isinstance(item, Inline):
            return item, item.block
        word = self.resolve(item.word, place.env)
        if word == ACT and not self.spec.block(ACT):
            item = self.activation(item, place)
            word = item.word
        found = VOCABULARY.get(word) or self.spec.block(word)
        if found is None:
            raise fault(
                "E011",
                f"no op or block `{word}`",
                item.word_span,
                did_you_mean(word, VOCABULARY),
            )
        return item if item.word == word else replace(
            item, word=word, chosen=True
        ), found

    def activation(self, item: Label, place: Place) -> Label:
        """The item that `act` stands for: the unit's activation, with the options that it has
        there."""
        if item.rest or item.options:
            place_of_rest = item.rest[0].span if item.rest else item.span
            raise fault(
                "E012",
                "`act` is the unit's activation, with the options that it has there",
                place_of_rest,
            )
        label, word = activation_of(
            place.setting, partial(self.resolve, env=place.env), item.word_span
        )
        return replace(item, word=word, rest=label.rest, options=label.options)

    def made(
        self, name: str, item: ItemDef, target: Target, copy: int, flow: Flow, place: Place,
        counters: Counters, scope: Path,
    ) -> Flow:  # fmt: skip
        """A layer or a block. Raises `Fault` where the item cannot be read as one."""
        origin = place.at(item.span)
        if isinstance(target, BlockDef):
            return self.call(
                name, item, target, copy, flow, place, counters, scope, origin
            )
        assert isinstance(item, Label)
        return self.layer(
            name, item, target, copy, flow, place, scope, origin, counters
        )

    def guessed(
        self, name: str, item: ItemDef, target: Target, copy: int, flow: Flow, place: Place,
        counters: Counters, scope: Path,
    ) -> Flow:  # fmt: skip
        """What comes out of an item as it was meant, if nothing is wrong with that; its mistake was
        told."""
        if not isinstance(target, BlockDef):
            place = place.with_setting(shaping(place.setting))
        with self.builder.silent() as silence:
            try:
                out = self.made(name, item, target, copy, flow, place, counters, scope)
            except (Fault, Unknown):
                return Flow()
        return Flow() if silence.broken else out

    def layer(
        self, name: str, label: Label, cls: type[Op], copy: int, flow: Flow, place: Place,
        scope: Path, origin: Origin, counters: Counters,
    ) -> Flow:  # fmt: skip
        bound = place.setting.bind(label, cls, self.words(place))
        if copy and "stride" in bound.options:
            options = {
                key: option for key, option in bound.options.items() if key != "stride"
            }
            bound = type(bound)(label, bound.number, options, bound.mode)
        env = place.env.with_constants(counters) if counters else place.env
        ops = layer_ops(
            cls, bound, env, place.setting, lambda word: self.resolve(word, place.env)
        )
        if len(ops) == 1 and ops[0].op.nothing():
            if not (label.kernel or label.rest or label.options):
                hint = (
                    f"give it a kernel, a stride or a size: `3x3 {label.word} /2`, `{label.word} to"
                    " 7x7`"
                )
                raise fault(
                    "E021",
                    f"`{label.word}` by itself changes nothing",
                    label.span,
                    hint,
                )
            self.builder.unmade.add(label.word)
            return flow
        nodes: list[str] = []
        for worded in ops:
            below = f"{name}.{worded.word}" if worded.word else name
            flow = self.builder.node(
                below, worded.op, [flow], origin, shortcut=place.shortcut
            )
            nodes.append(below)
        scope.items.append(Layer(name, label.text, tuple(nodes), origin))
        return flow

    # -- blocks
    # ----------------------------------------------------------------------------------

    def call(
        self, name: str, item: ItemDef, block: BlockDef, copy: int, flow: Flow, place: Place,
        counters: Counters, scope: Path, origin: Origin,
    ) -> Flow:  # fmt: skip
        """A block's call: its constants, its paths in the order they are written, its merge."""
        if block in self.open:
            names = [b.name for b in self.open]
            chain = " → ".join([*names[names.index(block.name) :], block.name])
            raise fault(
                "E037",
                f"`{block.name}` calls itself",
                origin.span,
                "",
                "",
                f"the chain is {chain}",
            )
        if len(self.open) >= _NESTED:
            raise fault(
                "E004", f"more than {_NESTED} blocks in one another", origin.span
            )
        if place.block is None and block.merge is not None:
            counters = {
                **counters,
                "index": Fraction(self.blocks_seen),
                "total": Fraction(self.blocks_total),
            }
            self.blocks_seen += 1
        outside = place.env.with_constants(counters) if counters else place.env
        call = call_of(item, block, flow, outside, self.words(place), first=copy == 0)
        lets = {
            key: value for key, value in block.lets.items() if key not in call.values
        }
        constants: Mapping[str, Value | None] = {
            **counters,
            **call.constants,
            **call.values,
        }
        base = (
            Environment({}, counters_of(place.env), None)
            if block.library
            else in_file(place.env, self.env)
        )
        env = Environment(lets, constants, base)
        setting = replace(
            self.setting,
            unit=block.unit or self.spec.unit,
            spare="relu" if block.library else "",
        )
        inside = Place(env, setting, {"x": flow}, origin, block=block)
        inside.changes = call.changes
        inside.plan = shortcut_plan(name, call, block, self.spec, outside, flow.shape)
        self.open.append(block)
        try:
            result, out = self.paths(name, block, flow, inside)
        finally:
            self.open.pop()
        if isinstance(out, Nothing):
            raise fault(
                "E040",
                "this block hands back nothing: its only term is a shortcut that is `none`",
                origin.span,
            )
        refuse_other_width(call, block, out.shape)
        scope.items.append(
            self.scope(name, item, block, call, flow, out, inside, result, origin)
        )
        return out

    def paths(
        self, name: str, block: BlockDef, flow: Flow, inside: Place
    ) -> tuple[Path, Flow | Nothing]:
        if block.merge is None:
            ((_, definition),) = block.paths.items()
            path, out = self.path(name, "", definition, flow, inside)
            inside.paths.append(path)
            return path, out
        for word, definition in block.paths.items():
            path, out = self.path(f"{name}.{word}", word, definition, flow, inside)
            inside.values[word] = out
            if isinstance(out, Flow):
                inside.paths.append(path)
        merge, out = self.path(f"{name}.merge", "merge", block.merge, flow, inside)
        inside.paths.append(merge)
        return merge, out

    def scope(
        self, name: str, item: ItemDef, block: BlockDef, call: Call, flow: Flow, out: Flow,
        inside: Place, result: Path, origin: Origin,
    ) -> Block:  # fmt: skip
        merge = result.equation.text if block.merge and result.equation else ""
        text = item.text if isinstance(item, Label) else ""
        kind = (
            inside.plan.kind if inside.plan and "shortcut" in inside.values else "none"
        )
        return Block(
            name, block.name, text, flow.node, out.node, call.into or 0, call.out or 0,
            call.stride, inside.paths, result, kind, merge, origin, call.sized,
            {key: value_text(value) for key, value in call.values.items()},
        )  # fmt: skip

    # -- names
    # ----------------------------------------------------------------------------------

    def value(self, name: str, place: Place) -> Flow | Nothing | None:
        """The tensor of a name; the shortcut is made where it is first read."""
        if name == "shortcut" and name not in place.values and place.plan is not None:
            place.values[name] = self.shortcut(place, place.plan)
        return place.values.get(name)

    def shortcut(self, place: Place, plan: ShortcutPlan) -> Flow | Nothing:
        flow = place.values["x"]
        assert isinstance(flow, Flow)
        if plan.problem is not None:
            self.builder.report(plan.problem, place.origin)
            return Flow()
        if plan.kind == "none":
            return Nothing()
        scope = Path(plan.name, "shortcut", flow.node, flow.node)
        out: Flow | Nothing = flow
        if plan.op is not None:
            assert place.origin is not None
            out = self.builder.node(
                plan.name, plan.op, [flow], place.origin, shortcut=True
            )
            scope.items.append(
                Layer(plan.name, plan.op.label(), (plan.name,), place.origin)
            )
            scope.output = out.node
        elif plan.path is not None:
            setting = replace(self.setting, unit=plan.unit or place.setting.unit)
            inner = Place(
                plan.env or place.env,
                setting,
                place.values,
                place.origin,
                block=place.block,
                shortcut=True,
            )
            scope, out = self.path(plan.name, "shortcut", plan.path, flow, inner)
        if isinstance(out, Flow):
            place.paths.append(scope)
        return out

    def resolve(self, word: str, env: Environment) -> str:
        """The op or block that a word stands for: itself, or the value of a `let`."""
        if word in VOCABULARY or self.spec.block(word):
            return word
        value = env.find(word)
        return value if isinstance(value, str) else word

    def words(self, place: Place) -> frozenset[str]:
        return (
            self.spec.words
            if place.block is None
            else self.spec.words | words_of(place.block.lets)
        )

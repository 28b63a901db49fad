"""The items of a path → nodes: layers with their units, blocks with their paths, merges and
shortcuts.

A mistake does not stop the walk: what comes out of an item with one is worked out from what was
meant where that can be known; what follows from an unknown shape is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from ...collecting import (
    at_keys,
    each_name,
    each_node,
    each_value,
    flatten,
    without_keys,
)
from ...dotted import last_word
from ...errors import Fault, Span, fault
from ...graph import Block, Item, Layer, Path, Stream
from ...language.environment import Environment, Unknown
from ...language.grammar.arithmetic import NameValue, spec_text
from ...language.grammar.records import (
    Again,
    BlockDef,
    Bound,
    Inline,
    ItemDef,
    Label,
    PathDef,
    PathItem,
    Poison,
    TensorExpr,
)
from ...language.grammar.targets import Target
from ...language.spec import Spec
from ...ops import Op, Shape
from .again import Made, once_more
from .block_call import (
    BlockCall,
    Caller,
    call_of,
    fraction,
    refuse_other_width,
)
from .copies import BlockCopy, Marks, Template, template
from .equation import EquationBuilder
from .graph_builder import (
    Builder,
    Draft,
    Flow,
    Nothing,
    Poisoned,
    Streams,
    Tensor,
)
from .meant import apart, keeps_shape, meant, shaping, width_and_stride
from .names import Names
from .place import Counters, Place, Slot, counters_of
from .repeat import Repeats
from .shortcut import shortcut_plan
from .sized import sized
from .streams import entering, given, refuse_streams, tell_unread
from .unit import LabelContext, LayerPlace, layer_ops

_NESTED = 32  # blocks within blocks


class ItemMaker:
    """Makes the paths of one net, row by row."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.builder = Builder()
        self.names = Names(spec)
        self.env = Environment(spec.lets, {})
        self.setting = LabelContext(spec.unit, spec.defaults, spec.words)
        self.settings: dict[BlockDef, LabelContext] = {}
        self.open: list[BlockDef] = []
        self.blocks_seen = 0
        self.blocks_total: int | None = 0  # None where it cannot be counted
        self.repeats = Repeats(self.builder)
        self.made_scopes = Made()

    # -- paths and items
    # --------------------------------------------------------------------------------------------

    def path(
        self,
        name: str,
        word: str,
        path: PathDef,
        flow: Tensor | Nothing,
        place: Place,
    ) -> tuple[Path, Tensor | Nothing]:
        """A row or a path: its scope and the value that it hands on."""
        scope = Path(name, word, "", "", listed=path.listed)
        if path.equation is not None:
            below = f"{name}.0" if path.listed else name
            flow = self.equation(below, path.equation, place, scope)
        if isinstance(flow, Nothing):
            return scope, flow
        scope.input, scope.takes = flow.node, flow.streams
        second: Template | None = None
        for slot, item in self.repeats.slots(path, place, scope):
            free = self.repeats.free
            if slot.copy == 1:
                flow, second = self.second(slot, item, flow)
            elif (
                slot.copy
                and second
                and second.fits(flow, self.builder, free)
            ):
                flow = self.copied(slot, second, flow)
            else:
                flow = self.item(slot, item, flow)
        if path.broken:
            flow = Poisoned()
        scope.output, scope.gives = flow.node, flow.streams
        self.made_scopes.scopes[name] = scope
        return scope, flow

    def second(
        self, slot: Slot, item: PathItem | Poison, flow: Tensor
    ) -> tuple[Tensor, Template | None]:
        """As `item`, and what those after it are copied from."""
        before, out = self.marks(), self.item(slot, item, flow)
        marks = before, self.marks()
        return out, template(slot, flow, out, self.builder, marks)

    def marks(self) -> Marks:
        """How much was made so far."""
        nodes, errors = len(self.builder.nodes), len(self.builder.errors)
        return Marks(nodes, errors, self.repeats.steps, self.blocks_seen)

    def copied(self, slot: Slot, second: Template, flow: Tensor) -> Tensor:
        """The next block of a repeat, added to its path; the value that comes out."""
        assert isinstance(flow, Flow)
        scopes = self.made_scopes.scopes
        made, out = BlockCopy(
            second, slot.name, flow, self.builder, scopes
        ).made()
        self.repeats.steps += second.steps
        self.blocks_seen += second.blocks
        self.add(slot, made)
        return out

    def add(self, slot: Slot, made: Item) -> None:
        """Add what was made in a slot to its path; `again` finds it there."""
        slot.path.items.append(made)
        self.made_scopes.scopes[slot.name] = made

    def equation(
        self, name: str, written: TensorExpr, place: Place, scope: Path
    ) -> Tensor | Nothing:
        """The value that a path begins with, and its nodes."""
        equation = EquationBuilder(
            self.builder, self.names, place, name, written
        )
        try:
            scope.equation, flow = equation.build()
        except Unknown:
            return Poisoned()
        except Fault as problem:
            self.builder.report(problem, equation.origin)
            return Poisoned()
        return flow

    def item(
        self, slot: Slot, item: PathItem | Poison, flow: Tensor
    ) -> Tensor:
        """One layer or block, added to its path; the value that comes out."""
        if isinstance(item, Again):
            return self.again(slot, item, flow)
        target: Target | None = None
        seen, make = self.blocks_seen, self.made
        if isinstance(item, Poison):
            if item.guess is None:
                return Poisoned()
            item, make = item.guess, self.guessed
        try:
            item, target = self.names.target(item, slot.place)
            if slot.place.block is None and (
                touching := width_and_stride(item, target, slot.place.env)
            ):
                raise touching
            return make(slot, item, target, flow)
        except Unknown:
            return Poisoned()
        except Fault as problem:
            self.blocks_seen = seen
            problem = apart(item, target, problem) or problem
            self.builder.report(problem, slot.place.at(item.span))
            if target is None:
                return Poisoned()
            return Poisoned(
                self.shape_meant(slot, item, target, flow, problem)
            )

    def shape_meant(
        self,
        slot: Slot,
        item: ItemDef,
        target: Target,
        flow: Tensor,
        problem: Fault,
    ) -> Shape | None:
        """What comes out of an item with a mistake, where that can be told."""
        again = meant(item, target, problem.diagnostic)
        shape = (
            self.guessed(slot, again, target, flow).shape if again else None
        )
        return shape or (flow.shape if keeps_shape(target) else None)

    def again(self, slot: Slot, item: Again, flow: Tensor) -> Tensor:
        """What stands above once more, added to its path; the value that comes out."""
        block = slot.place.block
        order = list(block.paths if block else self.spec.rows)
        try:
            scopes = self.made_scopes.named(item, slot, order)
            made, out = once_more(self.builder, scopes, slot, item, flow)
        except Fault as problem:
            self.builder.report(problem, slot.place.at(item.span))
            return Poisoned()
        if made is not None:
            self.add(slot, made)
        return out

    def made(
        self, slot: Slot, item: ItemDef, target: Target, flow: Tensor
    ) -> Tensor:
        """A layer or a block. Raises `Fault` where the item cannot be read as one."""
        if isinstance(target, BlockDef):
            return self.call(slot, item, target, flow)
        assert isinstance(item, Label)
        return self.layer(slot, item, target, flow)

    def guessed(
        self, slot: Slot, item: ItemDef, target: Target, flow: Tensor
    ) -> Tensor:
        """What comes out of an item as it was meant, if nothing is wrong with that; its mistake was
        told."""
        if not isinstance(target, BlockDef):
            place = replace(slot.place, setting=shaping(slot.place.setting))
            slot = replace(slot, place=place)
        with self.builder.silent() as silence:
            try:
                out = self.made(slot, item, target, flow)
            except (Fault, Unknown):
                return Poisoned()
        return Poisoned() if silence.broken else out

    def layer(
        self, slot: Slot, label: Label, cls: type[Op], flow: Tensor
    ) -> Tensor:
        """A label of an op: the nodes of its unit, one after another."""
        place = slot.place
        refuse_streams(flow, f"`{label.word}`", label.span, place)
        bound = place.setting.bind(label, cls, self.names.words(place))
        if slot.copy:
            bound = _without_stride(bound)
        bound, like = sized(bound, slot)
        resolve = self.names.resolver(place)
        layer_place = LayerPlace(slot.env, resolve, flow.axes)
        ops = layer_ops(cls, bound, layer_place, place.setting)
        if len(ops) == 1 and ops[0].op.nothing():
            _refuse_bare(label)
            self.builder.unmade.add(label.word)
            return flow
        origin = place.at(label.span)
        nodes: list[str] = []
        for worded in ops:
            if nodes[:1] == [slot.name]:
                name = self._beside(slot.name, worded.word)
            else:
                name = (
                    f"{slot.name}.{worded.word}"
                    if worded.word
                    else slot.name
                )
            draft = Draft(
                name, worded.op, origin, place.shortcut, worded.source
            )
            flow = self.builder.node(draft, [flow, *like])
            nodes.append(name)
        self.add(slot, Layer(slot.name, label.text, tuple(nodes), origin))
        return flow

    def _beside(self, name: str, word: str) -> str:
        """The name of what follows a layer that is one module, `fc_relu`: a module beside it. No
        path has it."""
        found = f"{name}_{word}"
        paths = {
            *self.spec.rows,
            *flatten(block.paths for block in self.open),
        }
        while last_word(found) in paths:
            found += "_"
        return found

    # -- blocks
    # ----------------------------------------------------------------------------------

    def call(
        self, slot: Slot, item: ItemDef, block: BlockDef, flow: Tensor
    ) -> Tensor:
        """A block's call: its constants, its paths in the order they are written, its merge."""
        self._refuse_nested(block, item.span)
        if slot.place.block is None and block.counted:
            self._count(slot.counters)
        flow = entering(item, block, flow, slot)
        call = self._call(slot, item, block, flow)
        inside = Place(
            self._names_within(slot, block, call),
            self._setting_within(block),
            self._values_within(slot, item, block, flow),
            slot.name,
            slot.place.at(item.span),
            block,
            call,
            shortcut_plan(call, block, self.spec, flow.shape),
        )
        if not isinstance(flow, Streams):
            inside.pending["shortcut"] = partial(
                self.shortcut, inside, flow
            )
        self.open.append(block)
        above = len(self.builder.nodes)
        try:
            result, out = self.paths(inside, block, flow)
        finally:
            self.open.pop()
        if isinstance(out, Nothing):
            said = "this block hands back nothing: its only term is a shortcut that is `none`"
            raise fault("E040", said, item.span)
        refuse_other_width(call, block, out.shape)
        made = _scope(item, inside, block, call, result)
        if isinstance(item, Inline):
            self._name_reads(made, block, above, slot.place)
        self.add(slot, made)
        return out

    def _call(
        self, slot: Slot, item: ItemDef, block: BlockDef, flow: Tensor
    ) -> BlockCall:
        setting, words = slot.place.setting, self.names.words(slot.place)
        caller = Caller(slot.env, setting, words, first=slot.copy == 0)
        return call_of(item, block, flow, caller)

    def _values_within(
        self, slot: Slot, item: ItemDef, block: BlockDef, flow: Tensor
    ) -> dict[str, Tensor | Nothing]:
        """The tensors in sight in a block: what flows in, by names where they are several; and, of
        one that is written where they are in sight, the rows, inputs and paths that its own do not
        hide, and no `let` did."""
        named = (
            flow.parts if isinstance(flow, Streams) and block.takes else {}
        )
        own: dict[str, Tensor | Nothing] = {**named, "x": flow}
        if not isinstance(item, Inline):
            return own
        seen = slot.place.values
        hidden = {"x", "shortcut", *block.paths}
        if slot.place.block:
            hidden |= slot.env.names()
        return at_keys(seen, seen.keys() - hidden) | own

    def _name_reads(
        self, made: Block, block: BlockDef, above: int, place: Place
    ) -> None:
        """What a block that is written in a row or a path is given: beside what flows in, all that
        it reads by name; where streams flow in which it has no names for, that alone."""
        nodes = [*self.builder.nodes.values()][above:]
        named = made.takes and not block.takes
        own = set(each_name(nodes))
        if not named:
            own.update(each_node(made.arguments()))
        read = [*flatten(node.inputs for node in nodes)]
        for path in made.paths:
            read += filter(None, path.ends().values())
        words = place.words()
        made.reads = tuple(
            Stream(words.get(name, name), name)
            for name in dict.fromkeys(read)
            if name not in own
        )
        if named and made.reads:
            made.takes, made.reads = made.reads[:1], made.reads[1:]
            made.input = made.takes[0].node

    def _refuse_nested(self, block: BlockDef, span: Span) -> None:
        """Raises `Fault` for a block within itself, and for too many in one another."""
        if block in self.open:
            names = each_name(self.open[self.open.index(block) :])
            note = f"the chain is {' → '.join([*names, block.name])}"
            raise fault(
                "E037", f"`{block.name}` calls itself", span, "", note
            )
        if len(self.open) >= _NESTED:
            raise fault(
                "E004", f"more than {_NESTED} blocks in one another", span
            )

    def _count(self, counters: Counters) -> None:
        """Count the next of the blocks that are counted: of those in rows, with a merge."""
        total = self.blocks_total
        seen = None if total is None else self.blocks_seen
        counters.update(index=fraction(seen), total=fraction(total))
        self.blocks_seen += 1

    def _names_within(
        self, slot: Slot, block: BlockDef, call: BlockCall
    ) -> Environment:
        """The names in a block: its own `let`s, what the call says, the counters, and those of its
        file. A block of the library knows no file."""
        lets = without_keys(block.lets, call.values)
        constants: Mapping[str, NameValue | None] = {
            **call.constants,
            **call.values,
        }
        file = Environment({}, {}) if block.library else self.env
        outer = file.with_constants(
            slot.counters or counters_of(slot.place.env)
        )
        return Environment(lets, constants, outer, call.given)

    def _setting_within(self, block: BlockDef) -> LabelContext:
        if block not in self.settings:
            unit = block.unit or self.spec.unit
            spare = "relu" if block.library else ""
            self.settings[block] = replace(
                self.setting, unit=unit, spare=spare
            )
        return self.settings[block]

    def paths(
        self, inside: Place, block: BlockDef, flow: Tensor
    ) -> tuple[Path, Tensor | Nothing]:
        """The paths of a block; the last of them, whose value the block hands back."""
        name = inside.name
        if not block.counted:
            (alone,) = block.paths.values()
            path, out = self.path(name, "", alone, flow, inside)
            inside.paths.append(path)
            return path, out
        for word, definition in block.paths.items():
            path, out = self.path(
                f"{name}.{word}", word, definition, flow, inside
            )
            inside.values[word] = out
            if not isinstance(out, Nothing):
                inside.paths.append(path)
        if block.merge:
            path, out = self.path(
                f"{name}.merge", "merge", block.merge, flow, inside
            )
        else:
            out = given(block, inside.values)
            path = Path(f"{name}.gives", "gives", flow.node, out.node)
            path.gives = out.streams
        inside.paths.append(path)
        for word, definition in block.paths.items():
            value, span = inside.values[word], definition.span
            tell_unread(value, word, span, self.builder)
        return path, out

    def shortcut(self, place: Place, flow: Tensor) -> Tensor | Nothing:
        """The value of `shortcut`, and its path."""
        plan, name = place.plan, f"{place.name}.shortcut"
        assert plan is not None and place.origin is not None
        if plan.problem is not None:
            self.builder.report(plan.problem, place.origin)
            return Poisoned()
        if plan.kind == "none":
            return Nothing()
        scope = Path(name, "shortcut", flow.node, flow.node)
        out: Tensor | Nothing = flow
        if plan.op is not None:
            out = self.builder.node(
                Draft(name, plan.op, place.origin, True), [flow]
            )
            layer = Layer(name, plan.op.label(), (name,), place.origin)
            scope.items.append(layer)
            scope.output = out.node
        elif plan.path is not None:
            setting = replace(
                self.setting, unit=plan.unit or place.setting.unit
            )
            inner = Place(
                plan.env or place.env,
                setting,
                place.values,
                place.name,
                origin=place.origin,
                block=place.block,
                shortcut=True,
            )
            scope, out = self.path(name, "shortcut", plan.path, flow, inner)
        if not isinstance(out, Nothing):
            place.paths.append(scope)
        return out


def _without_stride(bound: Bound) -> Bound:
    """Only the first copy of a label has its stride."""
    if "stride" not in bound.options:
        return bound
    return replace(bound, options=without_keys(bound.options, ("stride",)))


def _refuse_bare(label: Label) -> None:
    """Raises `Fault` for a layer that would change nothing, unless it says so: `1x1 max pool`."""
    if label.kernel or label.rest or label.options:
        return
    word = label.word
    hint = f"give it a kernel, a stride or a size: `3x3 {word} /2`, `{word} to 7x7`"
    raise fault(
        "E021", f"`{word}` by itself changes nothing", label.span, hint
    )


def _scope(
    item: ItemDef,
    inside: Place,
    block: BlockDef,
    call: BlockCall,
    result: Path,
) -> Block:
    """The scope of a call whose paths are made."""
    assert inside.origin is not None
    plan = inside.plan if "shortcut" in inside.values else None
    flow = inside.values["x"]
    return Block(
        inside.name,
        block.name,
        item.text,
        flow.node,
        result.output,
        call.into or 0,
        call.out or 0,
        call.stride,
        inside.paths,
        plan.kind if plan else "none",
        result.equation.text if block.merge and result.equation else "",
        inside.origin,
        call.sized,
        each_value(spec_text, call.values),
        takes=flow.streams,
        gives=result.gives,
    )

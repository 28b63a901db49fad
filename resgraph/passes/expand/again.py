"""`again NAME` → the nodes of what stands above, made once more with the same modules.

Nodes are copied, not expanded anew: widths and counters are those of the first time, so that the
weights fit. What flowed into the first of them is what flows in now; whatever else they read from
outside stays what it is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ...collecting import each_name, each_node
from ...dotted import first_word, last_word
from ...errors import Fault, MissingError, fault, ticked
from ...graph import Block, Layer, Node, Path
from ...language.diagnose.nearest import did_you_mean
from ...language.grammar.records import Again
from ...ops import Shape, shape_text
from ...ops.base import Ref
from ...ops.extension import expression, torch_call
from .copies import Repeatable, ScopeCopy
from .graph_builder import (
    Builder,
    Draft,
    Flow,
    Nothing,
    Poisoned,
    Streams,
    Tensor,
    depth_above,
)
from .place import Place, Slot
from .streams import refuse_streams


class Made(Struct):
    """What was made so far, by name, and may be made again."""

    scopes: dict[str, Repeatable] = {}

    def named(
        self, again: Again, slot: Slot, order: Sequence[str]
    ) -> list[Repeatable]:
        """What an item names: one row, path or place of one, or a run of rows; `order` are the rows
        or paths around it, also those that stand below. Raises `Fault`."""
        place = slot.place
        if again.first == again.last:
            return [self._one(again.first, again, slot, order)]
        for name in (again.first, again.last):
            self._one(name, again, slot, order)
        start, end = order.index(again.first), order.index(again.last)
        if start > end:
            said = f"`{again.last}` stands above `{again.first}`"
            hint = f"write `again {again.last}..{again.first}`"
            raise fault("E030", said, again.target, hint)
        names = [
            name
            for name in order[start : end + 1]
            if not isinstance(place.values.get(name), Nothing)
        ]
        return [self._one(name, again, slot, order) for name in names]

    def _one(
        self, name: str, again: Again, slot: Slot, order: Sequence[str]
    ) -> Repeatable:
        place = slot.place
        full = place.below(name)
        if found := self.scopes.get(full):
            return found
        head = first_word(name)
        if slot.name == full or slot.name.startswith(f"{full}."):
            said = f"`{name}` would be a part of itself"
            hint = f"`again` in a row of its own repeats it: `more: 3 x again {name}`"
            raise fault("E037", said, again.target, hint)
        if head in ("x", "input", *place.inputs):
            said = f"`{head}` is an input, and has no layers"
            raise fault(
                "E030", said, again.target, "name a row or a path above"
            )
        raise self._unknown(name, again, place, order)

    def _unknown(
        self, name: str, again: Again, place: Place, order: Sequence[str]
    ) -> Fault:
        """Of a name that nothing above has."""
        head = first_word(name)
        known = [each for each in order if place.below(each) in self.scopes]
        if head in order and head not in known:
            said = f"`{head}` is not made yet: it stands below"
            hint = "`again` repeats what stands above"
            return fault("E030", said, again.target, hint, about=head)
        said = f"nothing above is called `{name}`"
        inside = [
            each.removeprefix(f"{place.name}.") for each in self.scopes
        ]
        listed = ticked(known)
        otherwise = (
            f"above stand {listed}" if known else "nothing stands above"
        )
        near = did_you_mean(name, [*known, *inside])
        return fault(
            "E030", said, again.target, near or otherwise, about=name
        )


def once_more(
    builder: Builder,
    scopes: Sequence[Repeatable],
    slot: Slot,
    again: Again,
    flow: Tensor,
) -> tuple[Block | None, Tensor]:
    """The scopes made once more behind `flow`, as one item of a path, and what comes out; no item
    where a mistake, which was told, spoils it. Raises `Fault`."""
    first = scopes[0]
    if isinstance(first, Path) and first.equation_nodes:
        said = f"`{again.first}` begins with an equation, whose tensors are its own"
        hint = "give its layers a row of their own below the equation, and repeat that"
        raise fault("E045", said, again.target, hint)
    if flow.shape is None or not all(
        [flow.node, *(scope.output for scope in scopes)]
    ):
        return None, Poisoned()
    copy = _Copy(builder, slot, again, _renamed(scopes, slot.name))
    copy.tensors.update(_entering(first, flow, again, builder, slot.place))
    paths = []
    for scope in scopes:
        if not copy.nodes(scope):
            return None, Poisoned()
        paths.append(copy.whole(scope))
    paths[0].equation = None  # what flows in is read for it
    out = copy.value(scopes[-1])
    assert out.shape is not None
    block = Block(
        slot.name, "", again.text, flow.node, out.node, flow.shape[0], out.shape[0],
        (1, 1), paths, "none", "", slot.place.at(again.span),
        again=again.first if len(scopes) == 1 else f"{again.first}..{again.last}",
        takes=copy.streams(first.takes),
        gives=copy.streams(scopes[-1].gives),
    )  # fmt: skip
    return block, out


def _renamed(scopes: Sequence[Repeatable], name: str) -> dict[str, str]:
    """What scopes are called in a copy of that name."""
    if len(scopes) == 1:
        return {scopes[0].name: name}
    return {
        scope.name: f"{name}.{last_word(scope.name)}" for scope in scopes
    }


def _entering(
    scope: Repeatable,
    flow: Tensor,
    again: Again,
    builder: Builder,
    place: Place,
) -> dict[str, Tensor]:
    """What stands for each node that flowed into a scope. Raises `Fault` where another number of
    streams flows in now."""
    takes = scope.takes
    if not takes:
        refuse_streams(flow, f"`{again.text}`", again.span, place)
        return {_input(scope, builder): flow}
    parts = flow.tensors
    if len(parts) != len(takes):
        names = ", ".join(each_name(takes))
        said = (
            f"`{again.first}` was made for {len(takes)} streams ({names}), and here flow in"
            f" {len(parts)}"
        )
        hint = "weights are shared among as many streams: bring as many before `again`"
        raise fault("E045", said, again.span, hint)
    flow.whole()
    before = each_node(takes)
    pairs = {*zip(before, each_node(parts), strict=True)}
    if not len(pairs) == len({*before}) == len({*dict(pairs).values()}):
        said = f"some streams were one tensor where `{again.first}` was made, or are so here"
        hint = "let the same streams be one tensor in both places"
        raise fault("E045", said, again.span, hint)
    return dict(zip(before, parts, strict=True))


def _input(scope: Repeatable, builder: Builder) -> str:
    return (
        builder.nodes[scope.nodes[0]].inputs[0]
        if isinstance(scope, Layer)
        else scope.input
    )


class _Copy(ScopeCopy, Struct):
    """One copy of scopes: what each scope is `renamed` to, and for each node of the first time the
    tensor that stands for it."""

    builder: Builder
    slot: Slot
    again: Again
    renamed: dict[str, str]
    tensors: dict[str, Tensor] = {}

    def name(self, name: str) -> str:
        """A name below one of the scopes as it is in the copy."""
        for old, new in self.renamed.items():
            if name == old or name.startswith(f"{old}."):
                return new + name[len(old) :]
        return name

    def tensor(self, name: str) -> Tensor:
        """What stands for a node; one from outside of the scopes is itself."""
        if name in self.tensors:
            return self.tensors[name]
        node = self.builder.nodes[name]
        return Flow(name, node.shape, node.depth)

    def end(self, node: str) -> str:
        return self.tensor(node).node

    def shares(self, scope: Repeatable) -> str:
        if isinstance(scope, Path):
            # a path of `again` that holds a layer of another path is no module of its own
            lent = bool(scope.items) and all(
                item.shares for item in scope.items
            )
            return scope.shares or ("" if lent else scope.name)
        if isinstance(scope, Block) and scope.again:
            return ""
        return scope.shares or scope.name

    def value(self, scope: Repeatable) -> Tensor:
        """What a scope comes to in the copy."""
        parts = {
            stream.name: self.tensor(stream.node) for stream in scope.gives
        }
        return Streams(parts) if parts else self.tensor(scope.output)

    # -- nodes

    def nodes(self, scope: Repeatable) -> bool:
        """Make the nodes of a scope; False where one cannot be made, which was told."""
        if isinstance(scope, Layer):
            return all(self.node(name, layer=True) for name in scope.nodes)
        if isinstance(scope, Block):
            return all(map(self.nodes, scope.paths))
        made = scope.equation_nodes
        return all(self.node(name, layer=False) for name in made) and all(
            map(self.nodes, scope.items)
        )

    def node(self, name: str, *, layer: bool) -> bool:
        node = self.builder.nodes[name]
        inputs = [*map(self.tensor, node.inputs)]
        self._refuse_misfit(node, inputs, layer=layer)
        before = [
            self.builder.nodes[source].depth for source in node.inputs
        ]
        draft = Draft(
            self.name(name),
            node.op,
            node.origin,
            shortcut=node.depth == depth_above(node.op, before),
            source=self.builder.sources.get(name),
            shares=node.module,
        )
        made = self.builder.node(
            draft,
            inputs,
            lambda problem: fault(
                problem.code, problem.said, self.again.span, problem.hint
            ),
        )
        self.tensors[name] = made
        return bool(made.node)

    def _refuse_misfit(
        self, node: Node, inputs: Sequence[Tensor], *, layer: bool
    ) -> None:
        """Raises `Fault` where the module that was made is none for these shapes."""
        shapes = [tensor.shape or () for tensor in inputs]
        before = [
            self.builder.nodes[source].shape for source in node.inputs
        ]
        if shapes == before or _same_module(
            node, before, shapes, layer=layer
        ):
            return
        into, now = (
            " and ".join(map(shape_text, each)) for each in (before, shapes)
        )
        said = (
            f"`{node.op.label()}` of `{node.module}` was made for {into}, and here"
            f" comes {now}"
        )
        hint = "weights are shared among equal widths: bring it to that width before `again`"
        raise fault("E045", said, self.again.span, hint)

    # -- scopes

    def whole(self, scope: Repeatable) -> Path:
        """A scope as a path of the copy; a layer or block as a path of that alone."""
        word = self.slot.path.word
        if not isinstance(scope, Path):
            into, out = _input(scope, self.builder), scope.output
            return Path(
                self.name(scope.name),
                word,
                self.end(into),
                self.end(out),
                items=[self.item(scope)],
                takes=self.streams(scope.takes),
                gives=self.streams(scope.gives),
            )
        copied = self.path(scope)
        if len(self.renamed) == 1:
            copied.word = word
        return copied


def _same_module(
    node: Node,
    before: Sequence[Shape],
    now: Sequence[Shape],
    *,
    layer: bool,
) -> bool:
    """Whether a module (or, in an equation, an expression) is the same for other shapes."""
    try:
        # an activation of an equation is a module too
        if layer or not node.op.in_forward():
            return torch_call(node.op, before) == torch_call(node.op, now)
        terms = [Ref(str(place)) for place in range(len(now))]
        return expression(node.op, terms, before) == expression(
            node.op, terms, now
        )
    except MissingError:  # an installed op without one: its shapes tell
        return [shape[0] for shape in before] == [shape[0] for shape in now]
    except (IndexError, ValueError, TypeError):
        # other axes than the op knows
        return False

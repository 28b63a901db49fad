"""Streams on their way: those that flow into a block and out of it, and what is wrong where their
numbers do not meet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...collecting import each_text, flatten
from ...errors import Fault, Hint, Span, fault, ticked, write
from ...language.diagnose.nearest import did_you_mean
from ...language.grammar.records import BlockDef, Inline, ItemDef, Word
from .graph_builder import Builder, Nothing, Poisoned, Streams, Tensor
from .place import Place, Slot

Values = Mapping[str, Tensor | Nothing]


def entering(
    item: ItemDef, block: BlockDef, flow: Tensor, slot: Slot
) -> Tensor:
    """What flows into a call, streams under the names that the block has for them. Raises `Fault`
    where it reads another number of them."""
    names = each_text(block.takes)
    if isinstance(item, Inline) and not names:
        return flow  # which its paths may begin at, or not
    if names and isinstance(flow, Poisoned):
        return Streams(dict.fromkeys(names, flow))
    parts = flow.whole().tensors
    if len(parts) != max(1, len(names)):
        raise _another_number(item, block, flow, slot)
    if not names:
        return flow
    if "shortcut" in block.reads:
        said = f"`shortcut` goes past one tensor, and `{block.name}` reads {len(names)}"
        hint = f"read the stream that is meant: `{names[0]}`"
        raise fault(
            "E047", said, _reading(block, "shortcut") or item.span, hint
        )
    return Streams(dict(zip(names, parts, strict=True)))


def _reading(block: BlockDef, name: str) -> Span | None:
    """Where an equation of a block reads a name."""
    equations = (path.equation for path in block.every_path())
    return next(
        (one.span for one in equations if one and name in one.reads()), None
    )


def _another_number(
    item: ItemDef, block: BlockDef, flow: Tensor, slot: Slot
) -> Fault:
    name = f"`{block.name}`" if block.name else "this block"
    names = each_text(block.takes)
    if not isinstance(flow, Streams):
        said = f"{name} reads {_listed(names)}, and one tensor flows in"
        hint = "a block before it makes streams of one: `{a: …, b: …, gives: [a, b]}`"
        return fault("E047", said, item.span, hint)
    if slot.copy:
        given = f"{name} reads {_listed(names)}, and gives {_listed(flow.parts)}"
        said = f"{given}: it cannot follow itself"
        hint = "a block that is repeated gives as many streams as it reads"
        return fault("E047", said, item.span, hint)
    said = (
        f"{_listed(flow.parts)} flow in, and {name} reads {_listed(names)}"
    )
    list_ = ", ".join(flow.parts)
    hint = (
        f"`reads: [{list_}]` in the block reads them all"
        if names or block.paths.keys() != {""}
        else f"begin with one of them: {_choices(flow, slot.place)}"
    )
    return fault("E047", said, item.span, hint)


def refuse_streams(
    flow: Tensor, what: str, span: Span, place: Place
) -> None:
    """Raises `Fault` where several streams flow into what reads one tensor."""
    if isinstance(flow, Streams):
        flow.read.update(flow.parts)  # of which one was meant
        said = f"{_listed(flow.parts)} flow in, and {what} reads one tensor"
        hint = f"begin with one of them: {_choices(flow, place)}"
        raise fault("E047", said, span, hint)


def part_of(
    value: Tensor | Nothing, name: str, stream: str, span: Span
) -> Tensor:
    """The stream of a value that is read by name: `stage2.a`. Raises `Fault` where it has none
    such."""
    if isinstance(value, Poisoned):
        return Poisoned()
    if not isinstance(value, Streams):
        hint = write(name)
        raise fault(
            "E030", f"`{name}` is one tensor, without streams", span, hint
        )
    if stream not in value.parts:
        value.read.update(value.parts)
        said = f"`{name}` gives no stream `{stream}`"
        near = did_you_mean(stream, value.parts)
        meant = Hint(
            near.text, near.write and f"{name}.{near.write}", near.certain
        )
        otherwise = f"its streams are {ticked(value.parts)}"
        raise fault(
            "E030", said, span, meant if near else otherwise, about=stream
        )
    value.read.add(stream)
    return value.parts[stream]


def choices(flow: Streams, name: str) -> str:
    """What may be written for a name of several streams."""
    return ticked((f"{name}.{stream}" for stream in flow.parts), " or ")


def given(block: BlockDef, values: Values) -> Streams:
    """What a block hands back by its `gives`. Raises `Fault` for what is no stream."""
    return Streams(
        {word.text: _one(word, values[word.text]) for word in block.gives}
    )


def _one(word: Word, value: Tensor | Nothing) -> Tensor:
    if isinstance(value, Nothing):
        said = f"`{word.text}` is nothing: its only term is a shortcut that is `none`"
        raise fault("E040", said, word.span)
    if isinstance(value, Streams):
        said = f"`{word.text}` is {_listed(value.parts)}, and a stream is one tensor"
        hint = f"make a path of the one that is meant: {choices(value, word.text)}"
        raise fault("E047", said, word.span, hint)
    return value


def tell_unread(
    flow: Tensor | Nothing, name: str, span: Span, builder: Builder
) -> None:
    """An error for each stream of a row or a path that is made and that nothing reads."""
    if not isinstance(flow, Streams) or flow.read >= flow.parts.keys():
        return
    read = {*flatten(node.inputs for node in builder.nodes.values())}
    for stream in sorted(flow.parts.keys() - flow.read):
        if flow.parts[stream].node not in {*read, ""}:
            said = f"nothing reads the stream `{name}.{stream}`"
            hint = f"read it, or let the last block do without `{stream}`"
            builder.report(fault("E034", said, span, hint, about=stream))


def _choices(flow: Streams, place: Place) -> str:
    found = (name for name, value in place.values.items() if value is flow)
    name = next(found, "")
    if name in ("", "x"):
        return f"{ticked(flow.parts)}"
    return choices(flow, name)


def _listed(names: Collection[str]) -> str:
    return (
        f"{len(names)} streams ({', '.join(names)})"
        if names
        else "one tensor"
    )

"""`upsample to c4` → the map that it names, whose size comes out."""

from __future__ import annotations

from msgspec.structs import replace

from ...errors import Fault, fault
from ...language.diagnose.nearest import did_you_mean, known_here
from ...language.grammar.expression import Name
from ...language.grammar.records import Bound, MapName, Option
from .graph_builder import Nothing, Streams, Tensor
from .option import tree_of
from .place import Slot
from .streams import part_of


def sized(bound: Bound, slot: Slot) -> tuple[Bound, list[Tensor]]:
    """The options of a label, in which `to` may be the word of a tensor in sight, and that tensor.

    A number or a `let` of that name comes first. Raises `Fault` where nothing above is called
    so."""
    to = bound.options.get("to")
    name, stream = _name(to) if to else ("", "")
    if to is None or not name or slot.env.find(name) is not None:
        return bound, []
    found = slot.place.value(name)
    if found is None:
        raise _unknown(name, to, slot)
    if isinstance(found, Nothing):
        said = f"`{name}` is `none`, and so has no size"
        raise fault("E040", said, to.value.span, "name another map")
    if stream or isinstance(found, Streams):
        found = part_of(found, name, stream, to.value.span)
    value = MapName(name, to.value.span)
    options = {**bound.options, "to": replace(to, value=value)}
    return replace(bound, options=options), [found]


def _name(to: Option) -> tuple[str, str]:
    """The name that `to` stands before, and the stream of it that is meant; "" of a number or a
    size."""
    tree = tree_of(to.value)
    if isinstance(tree, Name) and not tree.index:
        return tree.name, tree.stream
    return "", ""


def _unknown(name: str, to: Option, slot: Slot) -> Fault:
    known = sorted(slot.place.known())
    hint = did_you_mean(name, known) or known_here(known)
    said = f"nothing above is called `{name}`"
    return fault("E030", said, to.value.span, hint, about=name, names=known)

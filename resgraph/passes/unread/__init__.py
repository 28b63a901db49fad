"""Specs and their graphs → the rows that no output needs, and what `ops:` and `init:` say of layers
that none of these nets has, an error on its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from ...collecting import flatten, without
from ...errors import Diagnostic, Span, fault
from ...graph import Graph
from ...language.diagnose.usage import is_own
from ...language.lints import allowed
from ...language.spec import Spec
from ...language.yaml.tree import KeyValue, entries_of, mapping_at
from ...ops import VOCABULARY
from ...ops.extension import package_of
from ...structs import Frozen
from ..starts import starts
from .rows import SpecGraph, unread_rows

_INIT = {
    "conv": ("how convolutions start", "convolution"),
    "fc": ("how `fc` starts", "`fc`"),
    "zero_last": ("`zero_last`", "residual branch with weights"),
}
# of the ops whose weights a group of `init:` starts
_FAMILIES = {"conv": "conv", "fc": "dense"}


class _Said(Frozen):
    """What a spec says of one op, or of one group of `init:`: where, in its own file, and where
    each option of it."""

    section: str
    name: str
    key: Span
    options: tuple[Span, ...]


def unread(
    nets: Sequence[SpecGraph], *, alone: bool = False
) -> list[list[Diagnostic]]:
    """An error, for each net, of each row that no output needs and of each option that no layer
    has."""
    found = zip(
        unread_rows(nets, alone=alone),
        unread_options(nets, alone=alone),
        strict=True,
    )
    return [[*rows, *options] for rows, options in found]


def unread_options(
    nets: Sequence[SpecGraph], *, alone: bool
) -> list[list[Diagnostic]]:
    """An error, for each net, of what it says of ops that neither it has nor any of the nets that
    say the same.

    These are all nets of a file, as what stands above its variants is there for each of them; a
    variant that is `alone` answers only for what it says itself."""
    said = [[*_said(spec, alone=alone)] for spec, _ in nets]
    times = Counter(_places(flatten(said)))
    pairs = zip(nets, said, strict=True)
    read = {*_places(flatten(_read(net, own) for (_, net), own in pairs))}
    return [
        [*flatten(_errors(one, read, times) for one in each)]
        for each in said
    ]


def _places(said: Iterable[_Said]) -> Iterator[Span]:
    return flatten(one.options for one in said)


def _read(graph: Graph, said: Iterable[_Said]) -> Iterator[_Said]:
    """What a net reads of what its spec says."""
    return (one for one in said if reads(graph, one.section, one.name))


def reads(graph: Graph, section: str, name: str) -> bool:
    """Whether a net has a layer that reads what `ops:` or `init:` says of a name."""
    nodes = graph.nodes.values()
    if section == "ops":
        return name in graph.unmade or any(
            node.op.op == name for node in nodes
        )
    if name == "zero_last":
        return "conv" in graph.unmade or starts(
            graph, zero_last=True
        ) != starts(graph)
    family = _FAMILIES[name]
    unmade = any(VOCABULARY[word].family == family for word in graph.unmade)
    return unmade or any(
        node.op.family == family or package_of(type(node.op))
        for node in nodes
    )


def _said(spec: Spec, *, alone: bool) -> Iterator[_Said]:
    if "unused" in allowed(spec.tree, inherited=False):
        return
    asked = partial(_is_asked, spec=spec, alone=alone)
    for section in ("ops", "init"):
        written = mapping_at(spec.tree, section)
        for name, entry in written.entries.items():
            options = entries_of(written, name).values()
            places = [*map(_place, options)] or [_place(entry)]
            own = [*filter(asked, places)]
            off = name == "zero_last" and not (
                spec.init and spec.init.zero_last
            )
            if own and not off:
                whole = own == places and asked(entry.key.span)
                first = entry.key.span if whole else own[0]
                yield _Said(section, name, first, tuple(own))


def _is_asked(place: Span, spec: Spec, *, alone: bool) -> bool:
    """Whether what is said at a place is for this net: not in a file that it extends, which may
    have other children.

    Where `--set` makes another net of a file, what the file says may be for the net that it is
    without."""
    if place.source.is_override:
        return True
    own = not spec.reshaped and is_own(place, spec.tree)
    return own and not (
        alone and spec.variants and not spec.setters.is_of_variant(place)
    )


def _place(entry: KeyValue) -> Span:
    """Where an option is set: at its key, or where `--set` gives a key of the file another
    value."""
    return (
        entry.value.span
        if entry.value.span.source.is_override
        else entry.key.span
    )


def _errors(
    said: _Said, read: set[Span], times: Counter[Span]
) -> Iterator[Diagnostic]:
    """One error where nothing of what is said is read, else one for each option that is not.

    `times` counts the nets that say it.
    """
    lost = without(said.options, read)
    where = (
        "any variant"
        if any(times[place] > 1 for place in lost)
        else "the net"
    )
    what, lacks = (
        _INIT[said.name]
        if said.section == "init"
        else (f"options of `{said.name}`", f"`{said.name}`")
    )
    message = (
        f"`{said.section}` sets {what}, and there is no {lacks} in {where}"
    )
    for place in [said.key] if len(lost) == len(said.options) else lost:
        yield fault(
            "E034", message, place, "take it out", about=said.name
        ).diagnostic

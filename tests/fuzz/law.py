"""The law of mutants: what `check` accepts every output takes, and what it refuses it refuses with
a place.

Each function raises `Broken` (or what escaped) where a mutant breaks its part.
"""

from __future__ import annotations

import copyreg
import linecache
import re
import sys
import time
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict
from mutants import Mutant

from resgraph.checked import Checked
from resgraph.errors import Diagnostic, Source, SpecError
from resgraph.graph import Output
from resgraph.language.extends import read_source
from resgraph.language.format import reformat
from resgraph.language.init import Init
from resgraph.language.spec import Spec, parse_spec
from resgraph.outputs.registry import named
from resgraph.outputs.resolved import blame, resolved
from resgraph.passes.lint import linted
from resgraph.passes.unread import reads
from resgraph.plan import Plan, loads, plan_of

LONGEST = 2.0
"""CPU seconds in which a verdict is given."""
MOST_PARAMS = 2 * 10**9
"""Numbers of a net whose source is made: a larger one is only planned and drawn."""


class Broken(Exception):
    """A mutant breaks the law; the text says how."""


@dataclass(frozen=True)
class Verdict:
    """What `check` says of a mutant: a plan, or the codes of what is wrong."""

    plan: Plan | None
    codes: tuple[str, ...]


def must(holds: object, text: str) -> None:
    """Raise `Broken` unless something holds."""
    if not holds:
        raise Broken(text)


def verdict(mutant: Mutant) -> Verdict:
    """What `check` says, soon, and each refusal with its place."""
    began = time.process_time()
    net = checked(mutant)
    spent = time.process_time() - began
    must(spent <= LONGEST, f"check took {spent:.1f} s")
    errors = [d for d in net.problems if d.severity == "error"]
    for diagnostic in (*net.problems, *net.warnings):
        _placed(diagnostic)
    must(net.plan or errors, "refused without a word")
    return Verdict(
        None if errors else net.plan, tuple(d.code for d in errors)
    )


def checked(mutant: Mutant) -> Checked:
    """`resgraph check` of the variant of a mutant, whose text stands for a file's."""
    try:
        spec = parsed(mutant, mutant.text)
        net = plan_of(spec, strict=False)
    except SpecError as problem:
        return Checked(mutant.reference, None, problem.diagnostics)
    found = linted(net.spec, net.graph)
    return Checked(
        mutant.reference, net, (*net.unused, *net.unmet()), found.warnings
    )


def parsed(mutant: Mutant, text: str) -> Spec:
    """The spec of a text in a mutant's place."""
    tree, errors = read_source(
        Source(str(mutant.file), text), mutant.file, allow_outside=False
    )
    return parse_spec(tree, errors, mutant.variant, mutant.overrides)


def _placed(found: Diagnostic) -> None:
    must(re.fullmatch(r"[EW]\d{3}", found.code), f"no code: {found}")
    must(found.message and found.frame(), f"{found.code} says nothing")
    must(found.span, f"{found.code} has no place")
    assert found.span
    lines = found.span.source.text.split("\n")
    inside = 1 <= found.span.line <= found.span.end_line <= len(lines)
    must(
        inside and found.span.column <= len(lines[found.span.line - 1]) + 1,
        f"{found.code} is out of its text",
    )


def draws(net: Plan, *, all_views: bool) -> None:
    """Each picture is XML, and each number in it one."""
    _picture(net.svg())
    if not all_views:
        return
    for view in ("blocks", "ops"):
        _picture(net.svg(view=view))
    for output in (*named("render").values(), *named("show").values()):
        if output.takes != "svg":  # PNG and PDF need packages
            must(net.to(output.name), f"{output.name} is empty")
    must("<html" in net.to("html").lower(), "no page")


def _picture(svg: str) -> None:
    ET.fromstring(svg)
    must(
        not re.search(r"\b(nan|inf|None)\b", re.sub(r">[^<]*<", "><", svg)),
        "a picture with nan in it",
    )


def round_trips(mutant: Mutant, net: Plan) -> None:
    """`fmt` comes to rest after one step, in each form, at the same net; `resolve` gives the same
    net and recipe."""
    for form in ("keep", "long", "short"):
        once = reformat(Source(str(mutant.file), mutant.text), form)
        must(
            reformat(Source(str(mutant.file), once), form) == once,
            f"fmt {form} is not idempotent",
        )
        if once != mutant.text:
            same(
                net,
                _planned(
                    f"fmt {form}",
                    lambda text=once: plan_of(parsed(mutant, text)),
                ),
                f"fmt {form}",
            )
    for defaults in (False, True):
        text = resolved(net, defaults=defaults)
        again = _planned("resolve", lambda text=text: loads(text))
        same(net, again, "resolve")
        must(
            resolved(again, defaults=defaults) == text,
            "resolve is not idempotent",
        )
    must(blame(net), "blame says nothing")


def _planned(what: str, make: Any) -> Plan:
    try:
        made: Plan = make()
    except SpecError as problem:
        raise Broken(
            f"after {what}: {problem.diagnostics[0].frame()}"
        ) from None
    return made


def same(one: Plan, other: Plan, what: str) -> None:
    """Raise `Broken` unless two plans are one net, trained in one way."""
    must(one.input == other.input, f"{what} gives another input")
    for left, right in zip(
        one.graph.nodes.values(), other.graph.nodes.values(), strict=False
    ):
        facts = [
            (n.name, n.op, n.inputs, n.shape, n.cost, n.depth)
            for n in (left, right)
        ]
        must(
            facts[0] == facts[1],
            f"{what} gives another net: {facts[0]} became {facts[1]}",
        )
    must(
        len(one.graph.nodes) == len(other.graph.nodes),
        f"{what} gives a net of other length",
    )
    must(
        one.graph.output == other.graph.output,
        f"{what} gives another output",
    )
    must(one.spec.train == other.spec.train, f"{what} gives another recipe")
    must(_starts(one) == _starts(other), f"{what} gives another init")
    must(one.name == other.name, f"{what} gives another name")


def _starts(net: Plan) -> dict[str, object]:
    """What `init:` says, without what the net has no layers for."""
    said = asdict(net.spec.init or Init())
    return {
        name: value
        for name, value in said.items()
        if reads(net.graph, "init", name)
    }


def module(net: Plan) -> None:
    """The source is Python that makes, on the meta device, a module of the plan's shapes and
    counts, node by node."""
    import torch
    from counted import MultiplyAdds, counted_attention

    made = _meta(net).eval()
    found: dict[str, tuple[int, ...]] = {}
    for name, part in made.named_modules():
        if name in net.graph.nodes:
            part.register_forward_hook(_keeper(found, name))
            own = sum(p.numel() for p in part.parameters())
            must(
                own == net.graph.nodes[name].cost.params,
                f"{name} has {own} parameters in torch",
            )
    count = sum(p.numel() for p in made.parameters())
    must(
        count == net.params,
        f"{count} parameters in torch, {net.params} in the plan",
    )
    with torch.no_grad(), counted_attention(), MultiplyAdds() as counter:
        sizes = [(2, *shape) for shape in net.inputs.values()]
        given = tupled(
            made(*(torch.empty(size, device="meta") for size in sizes))
        )
    planned(net, net.graph.main, given)
    for name, shape in found.items():
        must(
            shape == net.graph.nodes[name].shape,
            f"{name} gives {shape}, {net.graph.nodes[name].shape} is planned",
        )
    multiply_adds(net, counter.total // 2)


def tupled(out: Any) -> tuple[Any, ...]:
    """What a module gives, one tensor or several."""
    return out if isinstance(out, tuple) else (out,)


def planned(
    net: Plan, outputs: Iterable[Output], given: Sequence[Any]
) -> None:
    """What comes out for two images has the planned shapes."""
    shapes = [
        (2, *net.graph.nodes[output.node].shape) for output in outputs
    ]
    found = [tuple(out.shape) for out in given]
    must(found == shapes, f"{found} comes out, {shapes} is planned")


def _keeper(found: dict[str, tuple[int, ...]], name: str) -> Any:
    """A hook that keeps the shape of what comes out of a module."""

    def keep(_module: Any, _inputs: Any, out: Any) -> None:
        # the first time: what is called again may be given another size
        found.setdefault(name, tuple(out.shape[1:]))

    return keep


def multiply_adds(net: Plan, counted: int) -> None:
    """What torch counts is what the plan counts, but for the fixed filters of blur pools, which
    learn nothing."""
    if any(node.op.op == "blur pool" for node in net.graph.nodes.values()):
        must(
            counted >= net.macs,
            f"{counted} multiply-adds in torch, {net.macs} in the plan",
        )
    else:
        must(
            counted == net.macs,
            f"{counted} multiply-adds in torch, {net.macs} in the plan",
        )


def _meta(net: Plan) -> Any:
    """The module on the meta device; nothing of it stays in `sys.modules` or the caches."""
    import torch

    from resgraph.outputs.pytorch.build import (
        _NoNumbers,
        net_class,
        source_module,
    )

    text = net.source()
    defined = source_module(text)
    with torch.device("meta"), _NoNumbers():
        return net_class(defined)()


def forget() -> None:
    """Drop the modules of emitted source, which a process keeps for pickle: there are thousands."""
    for name in [
        name for name in sys.modules if name.startswith("resgraph_source_")
    ]:
        del sys.modules[name]
    for made in [
        c
        for c in copyreg.dispatch_table
        if c.__module__.startswith("resgraph_source_")
    ]:
        del copyreg.dispatch_table[made]
    linecache.clearcache()


def holds(mutant: Mutant, net: Plan) -> None:
    """Parts (a) to (e) of the law; the other views for one mutant in eight."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draws(net, all_views=mutant.number % 8 == 0)
        round_trips(mutant, net)
        if net.params <= MOST_PARAMS:
            module(net)

"""A plan and its module, or one in a file → where what runs is not the graph that is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from ...errors import UsageError, told
from ...files import reason
from ...graph import Node
from ...plan import Plan
from .build import build, net_class, source_module
from .trace import Tracer, trace


def disagreements(plan: Plan, file: Path | None = None) -> list[str]:
    """Each node that the module does not compute, that reads or gives something else, or that has
    other parameters or options, in words; none where both are one graph.

    The module is run once, without numbers: the plan's own, or that of an exported `model.py`,
    which is executed. Raises `UsageError` for a file that gives no module."""
    own = build(plan, "meta", inplace=False)
    net = own if file is None else _read(file)
    try:
        found = trace(plan, net)
    except Exception as problem:
        if file is None:
            raise
        return [f"{file} does not run: {told(problem)}"]
    modules = dict(own.named_modules()), dict(net.named_modules())
    return [
        said
        for name, node in plan.graph.nodes.items()
        if name not in plan.graph.inputs
        for said in _of_node(
            node, found, *(each.get(name) for each in modules)
        )
    ]


def _of_node(
    node: Node,
    found: Tracer,
    own: nn.Module | None,
    given: nn.Module | None,
) -> Iterator[str]:
    name = node.name
    if name not in found.reads:
        yield f"`{name}` is not computed"
        return
    reads, wanted = found.reads[name], frozenset(node.inputs)
    if reads != wanted:
        yield f"`{name}` reads {_listed(reads)}, and is drawn to read {_listed(wanted)}"
    if found.shapes[name] != tuple(node.shape):
        yield f"`{name}` gives {found.shapes[name]}, and is drawn to give {node.shape}"
    if given is None or node.shares:
        return
    params = sum(p.numel() for p in given.parameters())
    if params != node.cost.params:
        yield f"`{name}` has {params:,} parameters, and is drawn to have {node.cost.params:,}"
    if _options(own) != _options(given):
        yield f"`{name}` is {_options(given)}, and is drawn as {_options(own)}"


def _options(inner: nn.Module | None) -> str:
    """Class and options, but for whether it writes over what it reads."""
    return re.sub(r",? ?inplace=True", "", repr(inner))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _read(file: Path) -> nn.Module:
    """The net of an exported file, on the meta device."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        said = (
            reason(problem)
            if isinstance(problem, OSError)
            else "it is no text"
        )
        raise UsageError(f"cannot read {file}: {said}") from None
    try:
        with torch.device("meta"):
            return net_class(source_module(text))()
    except Exception as problem:
        raise UsageError(
            f"{file} gives no module: {told(problem)}"
        ) from None

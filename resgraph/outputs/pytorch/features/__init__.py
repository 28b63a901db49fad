"""A plan whose outputs are maps → its source, with the classes as which others read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ....errors import UsageError
from ....passes.fine_tune.depths import layers
from ....passes.receptive_field import receptive_fields
from ....plan import Plan
from ..emit import source
from ..text import Bracketed, layout
from ..tree import literal

HOSTS = ("Features", "Backbone", "Encoder")
_FACTS = (
    "rows",
    "channels",
    "strides",
    "in_channels",
    "out_channels",
    "layers",
)
_TAKEN = frozenset(
    [*_FACTS, "feature_info", "group_matcher", "depth", "output_stride"]
)
"""Attributes that hosts read, which a row of that name would be hidden by."""


def features_source(plan: Plan, *, inplace: bool = True) -> str:
    """The source of a backbone: the net, and it once more as timm, torchvision and
    segmentation_models_pytorch read one.

    Raises `UsageError` where an output is no map, or a row has a name that those read."""
    for row in plan.graph.rows:
        if row.name in _TAKEN:
            said = f"`{row.name}` is what others read of a backbone, and a row here"
            raise UsageError(f"{said}; give the row another name")
    net = source(
        plan, (*HOSTS, "FeatureInfo"), uses=("torch",), inplace=inplace
    )
    name = re.findall(r"^class (\w+)\(", net, re.MULTILINE)[-1]
    parts = [*_mixins(), "\n".join(_maps(plan, name)), *_laid_over(name)]
    return "\n\n\n".join([net.rstrip("\n"), *parts]) + "\n"


def _mixins() -> list[str]:
    """The classes of `hosts.py`, as they stand."""
    text = Path(__file__).with_name("hosts.py").read_text(encoding="utf-8")
    _, *classes = text.split("\n\n\n")
    return [part.strip("\n") for part in classes]


def _maps(plan: Plan, name: str) -> list[str]:
    """The net with what hosts ask of its maps."""
    fields = receptive_fields(plan.graph)
    strides, channels = [], []
    for output in plan.graph.main:
        shape = plan.graph.shape(output.node)
        if len(shape) != 3:
            said = (
                f"`{output.row}` gives a vector, and a backbone gives maps"
            )
            raise UsageError(f"{said}; name rows before `global avg pool`")
        strides.append(max(1, round(max(fields[output.node].step))))
        channels.append(shape[0])
    facts: dict[str, Any] = {
        "rows": tuple(plan.outputs),
        "channels": tuple(channels),
        "strides": tuple(strides),
        "in_channels": plan.input[0],
    }
    if len(set(channels)) == 1:
        facts["out_channels"] = channels[0]
    lines = [
        f"class {name}Maps({name}):",
        '    """The net, with what others ask of its maps."""',
        "",
    ]
    for key, value in facts.items():
        several = isinstance(value, tuple) and len(value) > 1
        piece = (
            Bracketed("(", tuple(map(literal, value)))
            if several
            else literal(value)
        )
        lines += layout(piece, 4, f"{key} = ")
    depths = (
        f"{literal(k)}: {depth}" for k, depth in layers(plan.graph).items()
    )
    return lines + layout(
        Bracketed("{", tuple(depths), "}"), 4, "layers = "
    )


def _laid_over(name: str) -> list[str]:
    """The net as each host reads it."""
    return [
        f'class {name}{host}({host}, {name}Maps):\n    """`{name}` as `{host}` says."""'
        for host in HOSTS
    ]

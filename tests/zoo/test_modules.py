"""Specs that no reference measures, as modules: they have the plan's parameters and give the plan's shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from meta import light_norms, meta
from nets import zoo

from resgraph.outputs.pytorch import source
from resgraph.outputs.pytorch.build import net_class, source_module

from .several import outputs
from .test_zoo import GOLDEN, ROOT, SPECS, variants


def nets() -> list[Any]:
    """Every variant of the specs that golden.yaml does not name; all but the first of a file are slow."""
    measured = {
        ROOT / spec.partition("::")[0]
        for nets in GOLDEN.values()
        for spec in nets.values()
    }
    found = []
    for path in SPECS:
        for place, variant in enumerate(
            [] if path in measured else variants(path) or [None]
        ):
            name = f"{path.stem}::{variant}" if variant else path.stem
            found.append(
                pytest.param(
                    path,
                    variant,
                    id=name,
                    marks=[pytest.mark.slow] if place else [],
                )
            )
    return found


@pytest.mark.parametrize(("path", "variant"), nets())
def test_module_is_what_was_planned(
    path: Path, variant: str | None
) -> None:
    plan = zoo(f"{path.name}::{variant}" if variant else path.name)
    main = [*plan.outputs.values()]
    both = [*plan.outputs.values(), *plan.aux.values()]
    with meta():
        net = net_class(source_module(source(plan)))()
        inputs = [torch.empty(2, *shape) for shape in plan.inputs.values()]
    with light_norms():
        for mode, shapes in ((True, both), (False, main)):
            found = [
                tuple(out.shape)
                for out in outputs(net.train(mode)(*inputs))
            ]
            assert found == [(2, *shape) for shape in shapes]
    assert (
        sum(parameter.numel() for parameter in net.parameters())
        == plan.params
    )

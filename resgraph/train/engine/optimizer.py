"""A recipe's optimizer and a net → a torch optimizer, with the parameters that do not decay in a
group of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ...graph import Graph
from ...language.recipe.start import Rates
from ...language.recipe.steps import Optimizer
from ...passes.fine_tune.depths import factors
from ...plan import Plan
from .lamb import LambOptimizer

NORMS: tuple[type[nn.Module], ...] = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)
OWN: dict[str, type[torch.optim.Optimizer]] = {"Lamb": LambOptimizer}
"""Those that torch has not."""


def make_optimizer(
    recipe: Optimizer,
    net: nn.Module,
    plan: Plan | None = None,
    rates: Rates | None = None,
    *,
    fused: bool,
) -> torch.optim.Optimizer:
    """The recipe's optimizer over the trainable parameters of `net`, the module of `plan`; those of
    one factor of the rate, and with or without weight decay, are a group."""
    groups = parameter_groups(recipe, net, plan, rates)
    arguments = recipe.arguments()
    if recipe.fused:
        arguments["fused"] = fused
    make = OWN.get(recipe.torch_class) or getattr(torch.optim, recipe.torch_class)
    made: torch.optim.Optimizer = make(groups, **arguments)
    return made


def parameter_groups(
    recipe: Optimizer, net: nn.Module, plan: Plan | None, rates: Rates | None
) -> list[dict[str, Any]]:
    """The groups of `make_optimizer`, those that decay first."""
    exempt = exempt_names(net, recipe.no_decay, norms_of(plan))
    scales = factors(plan.graph, rates) if plan and rates else {}
    kinds: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            kind = name in exempt, _scale(name, scales)
            kinds.setdefault(kind, []).append(parameter)
    return [
        {
            "params": kinds[free, factor],
            "weight_decay": 0.0 if free else recipe.weight_decay,
            "lr_scale": factor,
        }
        for free, factor in sorted(kinds)
    ]


def _scale(name: str, scales: Mapping[str, float]) -> float:
    """The factor of a parameter: that of the node whose module it is in."""
    while name and name not in scales:
        name = name.rpartition(".")[0]
    return scales.get(name, 1.0)


def start_light() -> None:
    """Keeps torch.compile's front end (half of torch's start-up time) unloaded where nothing is
    compiled.

    Three methods of torch's optimizers load it on their first call, only to tell it to leave them
    alone. Each looks for this mark first; where a version of torch does not, nothing happens."""
    for method in (
        torch.optim.Optimizer.add_param_group,
        torch.optim.Optimizer.state_dict,
        torch.optim.Optimizer.load_state_dict,
    ):
        plain = getattr(method, "__wrapped__", None)
        if plain is not None:
            setattr(plain, "__dynamo_disable", plain)


def norms_of(plan: Plan | None) -> frozenset[str]:
    """The norms of a plan that has a graph, an installed package's too, by the names that their
    modules have."""
    graph: Graph | None = getattr(plan, "graph", None)
    return (
        frozenset(node.name for node in graph.nodes.values() if node.op.role == "norm")
        if graph
        else frozenset()
    )


def exempt_names(
    net: nn.Module, kinds: tuple[str, ...], norms: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Parameters without weight decay: `norm` all of a norm's, `bias` every bias, `scale` other
    vectors and numbers. Norms are torch's, and the modules that `norms` names, with what stands
    within them."""
    exempt: set[str] = set()
    within = tuple(f"{name}." for name in norms)
    for prefix, module in net.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, NORMS) or f"{prefix}.".startswith(within):
                kind = "norm"
            elif name == "bias":
                kind = "bias"
            else:
                kind = "scale" if parameter.ndim <= 1 else "weight"
            if kind in kinds or (kind == "norm" and name == "bias" and "bias" in kinds):
                exempt.add(f"{prefix}.{name}" if prefix else name)
    return frozenset(exempt)


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Resumes from `state`, with the options that the recipe has now.

    Each state tensor gets the memory layout of its parameter: fused steps walk through both as if
    they were one row of numbers, whichever layout the run had that saved it."""
    chosen = [
        {k: v for k, v in group.items() if k != "params"}
        for group in optimizer.param_groups
    ]
    groups = [
        {**saved, **now}
        for saved, now in zip(state["param_groups"], chosen, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(
                    parameter, dtype=value.dtype, requires_grad=False
                ).copy_(value)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """The learning rate of the next step, in each group times its factor."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)

"""A recipe's optimizer and a net → a torch optimizer, with the parameters that do not decay in a
group of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import unwrap
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import nn

from ...collecting import only_keys, without_keys
from ...dotted import scope_of
from ...language.recipe.start import Rates
from ...language.recipe.steps import Muon, Optimizer, PartStep
from ...passes.fine_tune.depths import factors, part_named
from ...passes.fine_tune.matrices import matrix_layers
from ...plan import Plan
from ...structs import Frozen
from .lamb import LambOptimizer
from .muon import MuonOptimizer
from .together import Together

NORMS: tuple[type[nn.Module], ...] = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)
OWN: dict[str, type[torch.optim.Optimizer]] = {
    "Lamb": LambOptimizer,
    "Muon": MuonOptimizer,
}
"""Those that torch has not, or not for convolutions."""
Named = Mapping[str, nn.Parameter]


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
    named = {
        name: p for name, p in net.named_parameters() if p.requires_grad
    }
    groups = Groups(net, plan, rates, recipe.lr)
    if not isinstance(recipe, Muon):
        return _made(recipe, groups.of(recipe, named), fused=fused)
    matrices = _matrices(named, plan)
    parts = (
        (recipe, only_keys(named, matrices)),
        (recipe.others, without_keys(named, matrices)),
    )
    return Together(
        _made(one, groups.of(one, own), fused=fused)
        for one, own in parts
        if own
    )


def _made(
    recipe: Optimizer, groups: list[dict[str, Any]], *, fused: bool
) -> torch.optim.Optimizer:
    arguments = recipe.arguments()
    if recipe.fused:
        arguments["fused"] = fused
    make = OWN.get(recipe.torch_class) or getattr(
        torch.optim, recipe.torch_class
    )
    made: torch.optim.Optimizer = make(groups, **arguments)
    return made


def _matrices(named: Named, plan: Plan | None) -> frozenset[str]:
    """The weights that Muon takes; of a net without a plan all of two axes or more."""
    if plan is None:
        return frozenset(
            n for n, weight in named.items() if weight.ndim > 1
        )
    graph = plan.graph
    return frozenset(
        f"{owner}.weight"
        for layer in matrix_layers(graph)
        for owner in graph.nodes[layer].op.owners(layer)
    )


class GroupKind(NamedTuple):
    """What the parameters of a group have in common; sorted, those that decay come first."""

    free: bool
    factor: float
    part: str


class Groups(Frozen):
    """How the parameters of a net, the module of `plan`, are put into groups; `lr` is the rate of
    which each has a factor."""

    net: nn.Module
    plan: Plan | None
    rates: Rates | None
    lr: float

    def of(self, recipe: Optimizer, named: Named) -> list[dict[str, Any]]:
        """The groups of some parameters."""
        exempt = exempt_names(
            self.net, recipe.no_decay, norms_of(self.plan)
        )
        scales = (
            factors(self.plan.graph, self.rates)
            if self.plan and self.rates
            else {}
        )
        by = getattr(recipe, "by", {})
        kinds: dict[GroupKind, list[nn.Parameter]] = {}
        for name, parameter in named.items():
            kind = GroupKind(
                name in exempt, _scale(name, scales), part_named(name, by)
            )
            kinds.setdefault(kind, []).append(parameter)
        return [
            {"params": kinds[kind], **self._options(recipe, kind, by)}
            for kind in sorted(kinds)
        ]

    def _options(
        self, recipe: Optimizer, kind: GroupKind, by: Mapping[str, PartStep]
    ) -> dict[str, Any]:
        own = by.get(kind.part, PartStep())
        lr = recipe.lr if own.lr is None else own.lr
        decay = (
            recipe.weight_decay
            if own.weight_decay is None
            else own.weight_decay
        )
        options = {
            "weight_decay": 0.0 if kind.free else decay,
            "lr_scale": kind.factor * lr / self.lr,
        }
        return options | ({} if own.until is None else {"until": own.until})


def _scale(name: str, scales: Mapping[str, float]) -> float:
    """The factor of a parameter: that of the node whose module it is in."""
    while name and name not in scales:
        name = scope_of(name)
    return scales.get(name, 1.0)


def start_light() -> None:
    """Keeps torch.compile's front end (half of torch's start-up time) unloaded where nothing is
    compiled.

    Four methods of torch's optimizers load it on their first call, only to tell it to leave them
    alone. Each looks for this mark first; where a version of torch does not, nothing happens."""
    for method in (
        torch.optim.Optimizer.add_param_group,
        torch.optim.Optimizer.state_dict,
        torch.optim.Optimizer.zero_grad,
        torch.optim.Optimizer.load_state_dict,
    ):
        plain = getattr(method, "__wrapped__", None)
        if plain is not None:
            setattr(plain, "__dynamo_disable", plain)


def step_light(optimizer: torch.optim.Optimizer) -> None:
    """Keeps that front end unloaded in the steps, too: their wrapper loads it only to end a graph
    there. Hooks of the optimizer are not called."""
    plain = MethodType(unwrap(type(optimizer).step), optimizer)
    setattr(optimizer, "step", torch.no_grad()(plain))  # noqa: B010


def norms_of(plan: Plan | None) -> frozenset[str]:
    """The norms of a plan, an installed package's too, by the names that their modules have."""
    return frozenset(
        node.name
        for node in (plan.graph.nodes.values() if plan else ())
        if node.op.role == "norm"
    )


def exempt_names(
    net: nn.Module,
    kinds: tuple[str, ...],
    norms: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Parameters without weight decay: `norm` all of a norm's, `bias` every bias, `scale` other
    vectors and numbers. Norms are torch's, and the modules that `norms` names, with what stands
    within them."""
    exempt: set[str] = set()
    within = tuple(f"{name}." for name in norms)
    for prefix, module in net.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            norm = isinstance(module, NORMS) or f"{prefix}.".startswith(
                within
            )
            own = {
                _decay_kind(name, parameter, norm=norm),
                *{name} & {"bias"},
            }
            if own.intersection(kinds):
                exempt.add(f"{prefix}.{name}" if prefix else name)
    return frozenset(exempt)


def _decay_kind(name: str, parameter: nn.Parameter, *, norm: bool) -> str:
    if norm:
        return "norm"
    if name == "bias":
        return "bias"
    return "scale" if parameter.ndim <= 1 else "weight"


def load_optimizer(
    optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Resumes from `state`, with the options that the recipe has now.

    Each state tensor gets the memory layout of its parameter: fused steps walk through both as if
    they were one row of numbers, whichever layout the run had that saved it."""
    chosen = [
        without_keys(group, ("params",)) for group in optimizer.param_groups
    ]
    groups = [
        {**saved, **now}
        for saved, now in zip(state["param_groups"], chosen, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if (
                isinstance(value, torch.Tensor)
                and value.shape == parameter.shape
            ):
                values[name] = torch.empty_like(
                    parameter, dtype=value.dtype, requires_grad=False
                ).copy_(value)


def set_lr(
    optimizer: torch.optim.Optimizer,
    lr: float,
    until: Callable[[float], float] = lambda length: 0.0,
) -> None:
    """The learning rate of the next step, in each group times its factor; `until` is that of a part
    that stops learning after a length."""
    for group in optimizer.param_groups:
        own = until(group["until"]) if "until" in group else lr
        group["lr"] = own * group.get("lr_scale", 1.0)

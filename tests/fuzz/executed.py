"""The law of mutants, with numbers: forward, backward, and what other programs read."""

from __future__ import annotations

import warnings
from contextlib import suppress

import torch
from counted import MultiplyAdds
from draft import Draft
from followed import followed
from law import Broken, multiply_adds, must
from mutants import Mutant
from torch import nn

from resgraph.errors import Source, SpecError
from resgraph.language.extends import read_source
from resgraph.language.spec import parse_spec
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold
from resgraph.plan import Plan, plan_of

SIDES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 224)
BYTES = 2 * 2**30
"""Forecast of a step above which a net is left out."""
NODES = 80
"""Nodes of a net above which it is not exported: torch takes a second for each dozen."""


def smallest(mutant: Mutant, net: Plan) -> Plan:
    """The net at the smallest square input that it takes, whatever its recipe's images are."""
    if len(net.input) != 3:
        return net
    kept = tuple(
        said for said in mutant.overrides if not said.startswith(("input", "train"))
    )
    source = Source(str(mutant.file), Draft(mutant.text).without_key("train"))
    for side in SIDES:
        if side >= min(net.input[1:]):
            break
        tree, errors = read_source(source, mutant.file, allow_outside=False)
        sized = (*kept, f"input={net.input[0]}x{side}x{side}")
        with suppress(SpecError):
            return plan_of(parse_spec(tree, errors, mutant.variant, sized))
    return net


def forecast(net: Plan) -> int:
    """Bytes of a training step of two images: weights, gradients, and each node's output twice."""
    return 4 * (3 * net.params + 2 * 2 * net.activations)


def runs(mutant: Mutant, net: Plan) -> str:
    """Forward and backward in both modes at the smallest input; says what was odd but lawful."""
    net = smallest(mutant, net)
    if forecast(net) > BYTES or net.macs > 10**10:
        return "skipped: too large"
    torch.manual_seed(mutant.number)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = net.module()
    images = torch.randn(2, *net.input)
    with torch.no_grad():
        for value in (
            made.parameters()
        ):  # as after some steps: what starts at 0 would hide what stands before it
            if value.ndim < 2:
                value += 0.1 * torch.randn_like(value)
    odd = _trained(net, made, images)
    made.eval()
    with torch.no_grad(), MultiplyAdds() as counter:
        first = made(images)
    multiply_adds(net, counter.total // 2)
    if not first.isfinite().all():
        return f"{odd} not finite in evaluation".strip()
    must(torch.equal(first, made(images)), "evaluation is not repeatable")
    close = torch.allclose(
        made(images[:1]), first[:1], rtol=1e-3, atol=1e-4 * float(first.abs().max())
    )
    must(close, "an image's output depends on the other's in evaluation")
    with torch.no_grad():
        must(_close(followed(net, made, images), first), "the module is not the graph")
        folded, state = fold(net, made.state_dict())
        less = folded.module().eval()
        less.load_state_dict(state)
        must(_close(less(images), first), "without its batch norms it is another net")
    return odd


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))


def _trained(net: Plan, made: nn.Module, images: torch.Tensor) -> str:
    """A step in training mode: shapes, and a gradient for each parameter."""
    made.train()
    before = images.clone()
    try:
        out = made(images)
    except ValueError as problem:
        if "more than 1 value per channel" not in str(problem):
            raise
        return "one value per channel"
    must(
        tuple(out.shape) == (2, *net.output),
        f"{tuple(out.shape)} comes out, {net.output} is planned",
    )
    must(torch.equal(images, before), "the net writes over its input")
    weights = [name for name, value in made.named_parameters() if value.requires_grad]
    if weights:
        (out * torch.randn_like(out)).sum().backward()
    without = [name for name, value in made.named_parameters() if value.grad is None]
    must(not without, f"no gradient reaches {', '.join(without[:3])}")
    zero = sum(
        not bool(value.grad.any())
        for value in made.parameters()
        if value.grad is not None
    )
    notes = [f"{zero} of {len(weights)} gradients are 0"] if zero else []
    notes += [] if out.isfinite().all() else ["not finite in training"]
    return "; ".join(notes)


def exports(mutant: Mutant, net: Plan) -> str:
    """`.pt2` and `.onnx`, which agree with the module (`export` raises where they do not)."""
    net = smallest(mutant, net)
    if forecast(net) > BYTES // 4 or len(net.graph.nodes) > NODES:
        return "skipped: too large"
    for form in ("pt2", "onnx"):
        try:
            must(export(net, form), f"{form} is empty")
        except Broken:
            raise
        except Exception as problem:
            raise Broken(
                f"{form}: {type(problem).__name__}: {str(problem)[:600]}"
            ) from problem
    return ""

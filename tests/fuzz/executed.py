"""The law of mutants, with numbers: forward, backward, and what other programs read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress

import torch
from counted import MultiplyAdds, counted_attention
from draft import Draft
from followed import followed
from law import Broken, multiply_adds, must, planned, tupled
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
    if len(net.input) != 3 or len(net.inputs) > 1:
        return net
    kept = tuple(
        said
        for said in mutant.overrides
        if not said.startswith(("input", "train"))
    )
    source = Source(
        str(mutant.file), Draft(mutant.text).without_key("train")
    )
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
    images = [torch.randn(2, *shape) for shape in net.inputs.values()]
    with torch.no_grad():
        for value in made.parameters():  # as after some steps: what starts at 0 would hide what stands before it
            if value.ndim < 2:
                value += 0.1 * torch.randn_like(value)
    odd = _trained(net, made, images)
    made.eval()
    with torch.no_grad(), counted_attention(), MultiplyAdds() as counter:
        first = tupled(made(*images))
    multiply_adds(net, counter.total // 2)
    if not all(out.isfinite().all() for out in first):
        return f"{odd} not finite in evaluation".strip()
    with counted_attention():
        again = tupled(made(*images))
    must(
        all(map(torch.equal, first, again)), "evaluation is not repeatable"
    )
    alone = tupled(made(*(image[:1] for image in images)))
    close = _close(alone, [out[:1] for out in first], 1e-4)
    must(close, "an image's output depends on the other's in evaluation")
    with torch.no_grad():
        must(
            _close(followed(net, made, images), first),
            "the module is not the graph",
        )
        folded, state = fold(net, made.state_dict())
        less = folded.module().eval()
        less.load_state_dict(state)
        same = _close(tupled(less(*images)), first)
        must(same, "without its batch norms it is another net")
    return odd


def _close(
    some: Sequence[torch.Tensor],
    others: Sequence[torch.Tensor],
    far: float = 1e-3,
) -> bool:
    return all(
        torch.allclose(
            one, other, rtol=1e-3, atol=far * float(other.abs().max())
        )
        for one, other in zip(some, others, strict=True)
    )


def _trained(
    net: Plan, made: nn.Module, images: Sequence[torch.Tensor]
) -> str:
    """A step in training mode: shapes, and a gradient for each parameter."""
    made.train()
    before = [image.clone() for image in images]
    try:
        given = tupled(made(*images))
    except ValueError as problem:
        if "more than 1 value per channel" not in str(problem):
            raise
        return "one value per channel"
    planned(net, net.graph.outputs, given)
    must(
        all(map(torch.equal, images, before)),
        "the net writes over its input",
    )
    weights = [
        name
        for name, value in made.named_parameters()
        if value.requires_grad
    ]
    if weights:
        sum((out * torch.randn_like(out)).sum() for out in given).backward()
    without = [
        name
        for name, value in made.named_parameters()
        if value.grad is None
    ]
    must(not without, f"no gradient reaches {', '.join(without[:3])}")
    zero = sum(
        not bool(value.grad.any())
        for value in made.parameters()
        if value.grad is not None
    )
    notes = [f"{zero} of {len(weights)} gradients are 0"] if zero else []
    finite = all(out.isfinite().all() for out in given)
    notes += [] if finite else ["not finite in training"]
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

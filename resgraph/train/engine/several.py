"""What a net gives, one tensor or a tuple → the output that is scored, and the loss over those that
the recipe names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

NetOutput = Tensor | Sequence[Tensor]
"""What a net gives: one output, or several of which the first is scored."""
OutputWeights = Sequence[float]
"""How much each output counts in the loss; 0 is not at all."""


def listed(given: NetOutput) -> Sequence[Tensor]:
    """The outputs, of one a tuple of it."""
    return (given,) if isinstance(given, Tensor) else given


def first(given: NetOutput) -> Tensor:
    """The output that is scored, in fp32."""
    return listed(given)[0].float()


def weighed(
    given: NetOutput,
    weights: OutputWeights,
    loss: Callable[[Tensor], Tensor],
) -> Tensor:
    """The losses of the outputs, each times its weight, added up."""
    outputs = listed(given)
    if len(outputs) == 1 and weights[0] == 1:
        return loss(outputs[0].float())
    parts = [
        weight * loss(output.float())
        for output, weight in zip(outputs, weights, strict=True)
        if weight
    ]
    return sum(parts[1:], parts[0])


def total(given: NetOutput) -> Tensor:
    """A number that every output has its part in."""
    parts = [output.float().square().mean() for output in listed(given)]
    return sum(parts[1:], parts[0])

"""A model and the spec that import wrote of it → equal on random weights, or refused.

All parameters and statistics are drawn at random first: a fresh net has zeros and ones that hide
what a layer does. Both nets run in float64, as in evaluation and as in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from math import inf, prod

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ...collecting import each_op, flatten, of_type
from ...ops import Dropout, Shape
from ...outputs.pytorch import module
from ...plan import Plan
from ...structs import Frozen
from ..captured import Captured, ImportRefused, MovedKey, keys_of
from ..matching import matched_nets, passes
from ..regions.sharing import untied
from .float64 import Float64
from .sizes import proof_sizes

TOLERANCE = 1e-9
"""The largest difference of outputs, relative to the largest, in float64."""
TRAINED = 1e-6
"""The same of gradients and statistics: they are sums over a batch, in another order."""
_NOISE = 1e-6
"""A gradient this much smaller than the largest of the net is rounding, as that of a bias before a
norm, which is 0."""
LARGEST = 200_000_000
"""Parameters above which numbers are not compared: two nets in float64 would need 3.2 GB."""
_WIDEST = 2**27
"""The same of the numbers that one layer gives for an image."""
_LONGEST = 10**12
"""The same of multiply-adds: a minute of a few cores."""
_SEEDS = {"weights": 0, "images": 1, "direction": 2}


class Proof(Frozen):
    """What was compared, and the largest relative difference of each; None where it was not."""

    output: float | None = None
    gradients: float | None = None
    statistics: float | None = None

    def __str__(self) -> str:
        if self.output is None:
            return "too large to be run: structure, shapes and parameters are equal"
        if self.gradients is None:
            return f"equal to {self.output:.0e} on random weights, in evaluation"
        most = max(self.output, self.gradients, self.statistics or 0.0)
        return f"equal to {most:.0e} on random weights: outputs, gradients, statistics"


def names(plan: Plan, net: Captured) -> dict[str, str]:
    """Our tensors' names → the model's. Raises `ImportRefused` where the spec makes another net."""
    found = matched_nets(plan.graph, net.steps, net.inputs, net.outputs)
    if found is None:
        raise ImportRefused(
            "the spec that was written makes another net than the model"
        )
    own = [
        node for node in plan.graph.nodes.values() if not passes(node.op)
    ]
    untied(net, own, found)
    return {
        f"{node.name}.{role}": key
        for node in own
        if not node.shares
        for role, key in net.steps[found[node.name]].tensors.items()
    }


def randomize(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Every parameter and buffer anew, of a size that keeps the numbers in a deep net near 1."""
    random = torch.Generator().manual_seed(_SEEDS["weights"])
    with torch.no_grad():
        for name, tensor in tensors:
            if tensor.is_floating_point():
                _draw(name.rpartition(".")[2], tensor, random)


def _draw(word: str, tensor: Tensor, random: torch.Generator) -> None:
    if word == "running_mean" or "bias" in word:
        tensor.normal_(0, 0.1, generator=random)
    elif tensor.ndim < 2 or tensor[0].numel() == 1:
        tensor.uniform_(0.5, 1.5, generator=random)
    else:
        tensor.normal_(0, tensor[0].numel() ** -0.5, generator=random)


def carry(
    source: Mapping[str, Tensor], net: nn.Module, known: Mapping[str, str]
) -> None:
    """The model's tensors into ours, by the map that import itself knows. Raises `ImportRefused`
    where one has another number of numbers, or ours has one that the model has not."""
    own = net.state_dict()
    left = {
        n for n in own if not n.endswith("num_batches_tracked")
    } - known.keys()
    fixed = {name for name, _ in net.named_buffers()}
    if left - fixed:
        raise ImportRefused(
            f"the model has nothing that is `{min(left - fixed)}`"
        )
    with torch.no_grad():
        for ours, theirs in known.items():
            tensor = _in_order(source, theirs)
            if own[ours].numel() != tensor.numel():
                raise ImportRefused(
                    f"`{theirs}` is of another size than `{ours}`"
                )
            own[ours].copy_(tensor.reshape(own[ours].shape))


def _in_order(source: Mapping[str, Tensor], key: str) -> Tensor:
    """A tensor of the model, or several, in the order of ours."""
    if isinstance(key, MovedKey):
        return source[key].contiguous().as_strided(key.sizes, key.steps)
    tensors = [source[each] for each in keys_of(key)]
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]


def runs(plan: Plan) -> bool:
    """Whether two such nets can be run here."""
    widest = max(prod(node.shape) for node in plan.graph.nodes.values())
    return (
        plan.params <= LARGEST
        and widest <= _WIDEST
        and plan.macs <= _LONGEST
    )


def prove(
    model: nn.Module,
    plan: Plan,
    known: Mapping[str, str],
    *,
    evaluated: float | None = None,
) -> Proof:
    """A model (whose numbers are lost) and its spec give the same, in training too; one that can
    only be `evaluated`, to this tolerance. Raises `ImportRefused` where they do not."""
    *smaller, own = proof_sizes(plan)
    pair = ProvenPair(
        nn.Module.double(model),  # a model may have a part of that name
        module(plan).double(),
        known,
        evaluated,
        _random_in_training(model, plan),
    )
    # a file's own runtime computes in float32
    with Float64() if evaluated is None else nullcontext():
        for size in smaller:  # a net of one size alone may raise anything
            with suppress(Exception):
                return pair.compared(size)
        return pair.compared(own)


def _random_in_training(model: nn.Module, plan: Plan) -> bool:
    """Whether it has dropout, as a module or as a function that its graph alone shows."""
    ops = each_op(plan.graph.nodes.values())
    shown = any(isinstance(op, Dropout) and op.rate for op in ops)
    return shown or any(
        isinstance(m, nn.Dropout) and m.p for m in model.modules()
    )


class ProvenPair(Frozen):
    """A model and its spec's net, the names of their tensors, and the tolerance where they can only
    be evaluated."""

    theirs: nn.Module
    ours: nn.Module
    known: Mapping[str, str]
    evaluated: float | None
    random: bool

    def compared(self, sizes: Sequence[Shape]) -> Proof:
        """On random images of a size for each input. Raises `ImportRefused`."""
        self._draw()
        random = torch.Generator().manual_seed(_SEEDS["images"])
        images = [_random((2, *size), random) for size in sizes]
        with torch.no_grad():
            both = (
                _given(net.eval(), images)
                for net in (self.theirs, self.ours)
            )
            output = max(_differ(b, a) for a, b in zip(*both, strict=True))
        if not output <= (self.evaluated or TOLERANCE):
            raise ImportRefused(
                f"the spec gives other numbers than the model: {output:.0e} apart"
            )
        if self.random or self.evaluated is not None:
            return Proof(output)
        if not self.known:  # nothing is learned
            return Proof(output, 0.0, 0.0)
        return Proof(output, *(self._in_training(images) or ()))

    def _in_training(
        self, images: Sequence[Tensor]
    ) -> tuple[float, float] | None:
        """How far they are apart after a step of training; None where the model gives something
        else in training, as a list of all its features, and a spec says what it gives after."""
        before = torch.get_rng_state()
        try:
            given = _step(self.theirs, images)
        except Exception:  # what its own code raises in training alone
            return None
        drawn = not torch.equal(before, torch.get_rng_state())
        if _step(self.ours, images) != given:
            return None
        try:
            return _trained(self.theirs, self.ours, self.known)
        except ImportRefused:
            # as drop paths do, of which its graph need not show anything
            if drawn:
                return None
            raise

    def _draw(self) -> None:
        """The same random numbers in both, and no gradients."""
        parameters = dict(
            self.theirs.named_parameters(remove_duplicate=False)
        )
        buffers = dict(self.theirs.named_buffers())
        known = {*flatten(map(keys_of, self.known.values()))}
        drawn = [
            (name, each) for name, each in buffers.items() if name in known
        ]
        randomize([*parameters.items(), *drawn])
        carry(parameters | buffers, self.ours, self.known)
        for net in (self.theirs, self.ours):
            net.zero_grad()


def _given(net: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """What a net gives, alone, in a tuple or a dictionary; it may change its images in place, and
    give a number beside, as a loss of zero."""
    given = net(*(each.clone() for each in images))
    return [
        each for each in of_type(Tensor, tree_leaves(given)) if each.ndim
    ]


def _differ(ours: Tensor, theirs: Tensor) -> float:
    """How far outputs are apart, whose axes of one place do not count: `fc 8` is 8x1x1, too."""
    a, b = ours.squeeze(), theirs.squeeze()
    return apart(a, b) if a.shape == b.shape else inf


def _random(shape: Iterable[int], random: torch.Generator) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=random)


def _step(
    net: nn.Module, images: Sequence[Tensor]
) -> list[tuple[int, ...]]:
    """One of training, by a random direction for each output; the sizes of these."""
    given = _given(net.train(), images)
    random = torch.Generator().manual_seed(_SEEDS["direction"])
    directions = [
        (output, _random(output.shape, random)) for output in given
    ]
    # of what no weight is in, nothing is learned
    learned = [each for each in directions if each[0].requires_grad]
    if learned:
        outputs, ways = zip(*learned, strict=True)
        torch.autograd.backward(outputs, ways)
    # an axis of one place does not count
    return [tuple(output.squeeze().shape) for output in given]


def _trained(
    theirs: nn.Module, ours: nn.Module, known: Mapping[str, str]
) -> tuple[float, float]:
    """How far gradients and running statistics are apart after a step of training."""
    found = []
    for what, why, tensors_of in (
        ("gradient", _UNLEARNED, _gradients),
        ("running statistic", _MOVED, lambda n: dict(n.named_buffers())),
    ):
        model = tensors_of(theirs)
        most, key = _furthest((tensors_of(ours), model), known)
        if not most <= TRAINED:
            far = f"{most:.0e} apart; {why}"
            still = what == "gradient" and not _in_order(model, key).any()
            raise ImportRefused(
                f"in training, the {what} of `{key}` is another than in the model:"
                f" {_STILL if still else far}"
            )
        found.append(most)
    return found[0], found[1]


_UNLEARNED = (
    "is it a hook, or code of its own for training, that changes it?"
)
_STILL = (
    "it has none there; `torch.inference_mode()` in its `forward`, or a hook, keeps it from"
    " learning"
)
_MOVED = "a norm that the model runs for nothing, too, or in another order, moves it so"


def _gradients(net: nn.Module) -> dict[str, Tensor]:
    """Of what can learn; nothing reaches what is detached."""
    found = net.named_parameters(remove_duplicate=False)
    return {
        name: torch.zeros_like(each) if each.grad is None else each.grad
        for name, each in found
        if each.requires_grad
    }


def _furthest(
    both: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    known: Mapping[str, str],
) -> tuple[float, str]:
    """How far some tensors are apart at most, and the model's name of those that are."""
    ours, theirs = both
    pairs = {
        t: (ours[o], _in_order(theirs, t).reshape(ours[o].shape))
        for o, t in known.items()
        if o in ours and theirs.keys() >= {*keys_of(t)}
    }
    largest = max(
        (float(b.abs().max()) for _, b in pairs.values()), default=0.0
    )
    least = max(1e-30, _NOISE * largest)
    return max(
        ((apart(*pair, least), t) for t, pair in pairs.items()),
        default=(0.0, ""),
    )


def apart(a: Tensor, b: Tensor, least: float = 1e-30) -> float:
    """The largest difference, relative to the largest number, which is taken for `least` at
    least."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(least))

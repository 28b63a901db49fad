"""A model that exists → a spec of it, proven equal; its own floor above outputs, with torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ..errors import SpecError
from ..ops import Shape
from ..plan import Plan, loads
from .aten import Reader
from .captured import Captured, ImportRefused
from .fx import capture
from .page import Head, write
from .proof import Proof, names, prove, runs
from .sources import Model, model_of

__all__ = ["ImportRefused", "Imported", "Proof", "from_model", "from_module"]


@dataclass(frozen=True, eq=False)
class Imported:
    """A model's spec: its text, its plan, what was proven, and our tensors' names → the model's."""

    text: str
    plan: Plan
    proof: Proof
    names: Mapping[str, str]


def from_model(reference: str, shape: Shape | None = None) -> Imported:
    """Of `timm:resnet50`, `torchvision:resnet50` or `package:callable`, whose code is run, or of a
    file that torch.export.save wrote, which is data.

    Raises `ImportRefused` where the language has no words for it, `UsageError` or `MissingError`
    where there is no such model."""
    model = model_of(reference, shape)
    program = model.program or capture(model.on("meta"), model.shape)
    return _imported(Reader(program).read(), model)


def from_module(
    module: nn.Module, shape: Shape, *, name: str = "", about: str = ""
) -> Imported:
    """Of a module, which stays as it is, for images of a shape (without the batch). Raises
    `ImportRefused`."""
    import copy

    title = name or type(module).__name__
    model = Model(title, lambda: copy.deepcopy(module), shape, about)
    copied = copy.deepcopy(module)
    net = Reader(capture(copied, shape)).read()
    return _imported(net, model)


def _imported(net: Captured, model: Model) -> Imported:
    """Written, read again, and proven."""
    text = write(Head(model.name, net, model.about))
    try:
        plan = loads(text, name=model.name)
    except SpecError as problem:
        raise ImportRefused(
            f"the language cannot say a part of it\n{problem}"
        ) from None
    known = names(plan, net)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        proof = Proof()
        if runs(plan):
            proof = prove(model.on("cpu"), plan, known, trained=not model.program)
    text = f"{text}\n{expected(plan)}\n"
    return Imported(text, loads(text, name=model.name), proof, known)


def expected(plan: Plan) -> str:
    """What the spec expects of itself."""
    output = "x".join(map(str, plan.output))
    return (
        f"expect: {{params: {plan.params:_}, macs: {plan.macs:_}, depth: {plan.depth},"
        f" output: {output}}}"
    )

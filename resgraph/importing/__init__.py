"""A model that exists → a spec of it, proven equal; its own floor above outputs, with torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import SpecError, UsageError
from ..ops import Shape
from ..outputs.pytorch import module
from ..plan import Plan, loads
from ..structs import Frozen
from .aten import Reader
from .captured import Captured, ImportRefused
from .fx import capture, line_of_call
from .page import Head, write
from .partial import beginning
from .program import AtenProgram, InputShapes, input_shapes
from .proof import Proof, carry, names, prove, runs
from .regions.sharing import parted
from .sources import Model, begun, model_of, tensors_of

__all__ = [
    "ImportRefused",
    "Imported",
    "Proof",
    "from_model",
    "from_module",
]


class Imported(Frozen, eq=False):
    """A model's spec: its text, its plan, what was proven, and our tensors' names → the model's.

    `ended` says why it is a beginning of the model, "" where it is all of it, and `parted` which
    of its tensors are two here."""

    text: str
    plan: Plan
    proof: Proof
    names: Mapping[str, str]
    model: Model
    ended: str = ""
    parted: tuple[str, ...] = ()

    def unread(self) -> dict[str, int]:
        """The model's parameters that none of its outputs reads, which are not in the spec, and
        how many numbers each has. A file has those alone that are read."""
        if self.model.program:
            return {}
        made = tensors_of(self.model.bare())
        # one that is shared has several names
        read = {id(made.get(name)) for name in self.names.values()}
        return {
            name: tensor.numel()
            for name, tensor in made.items()
            if isinstance(tensor, nn.Parameter) and id(tensor) not in read
        }

    def weights(self) -> dict[str, Tensor]:
        """The model's parameters and statistics under our names."""
        net = module(self.plan)
        carry(tensors_of(self.model.on("cpu")), net, self.names)
        return net.state_dict()


def from_model(
    reference: str,
    shape: Shape | InputShapes | None = None,
    *,
    partial: bool = False,
) -> Imported:
    """Of `timm:resnet50`, `torchvision:resnet50` or `package:callable`, whose code is run, or of a
    .pt2 or .onnx file, which is data. With `partial`, of as much of it as can be
    said.

    Raises `ImportRefused` where the language has no words for it, `UsageError` or `MissingError`
    where there is no such model."""
    model = model_of(reference, shape)
    if partial and model.note:
        raise UsageError(
            f"{reference}: a beginning of ONNX cannot be proven"
        )
    program = model.program or capture(model.bare(), model.shapes)
    return _imported(program, model, partial=partial)


def from_module(
    module: nn.Module,
    shape: Shape | InputShapes,
    *,
    name: str = "",
    about: str = "",
    partial: bool = False,
) -> Imported:
    """Of a module, which stays as it is, for images of a shape (without the batch), or for several
    inputs by name, in the order in which it takes them. Raises `ImportRefused`."""
    import copy

    title = name or type(module).__name__
    shapes = input_shapes(shape)
    model = Model(title, lambda: copy.deepcopy(module), shapes, about)
    program = capture(copy.deepcopy(module), shape)
    return _imported(program, model, partial=partial)


def _imported(
    program: AtenProgram, model: Model, *, partial: bool
) -> Imported:
    """Written, read again, and proven."""
    try:
        return _proven(Reader(program).read(), model)
    except ImportRefused as problem:
        rest = beginning(program) if partial else None
        if rest is None:
            problem.line = _line(model, problem)
            raise
        ended = str(problem).replace("\n", " ")
    return _proven(Reader(rest).read(), begun(model, rest), ended)


def _line(model: Model, problem: ImportRefused) -> str:
    """Where what was refused stands in the code of a model; a file has none."""
    if model.program or not problem.call:
        return ""
    return line_of_call(model.bare(), model.shapes, problem.call)


def _proven(net: Captured, model: Model, ended: str = "") -> Imported:
    ties: tuple[str, ...] = ()
    if model.program and not net.ties:
        ties = tuple(parted(net, model.program.plain))
    lost = [*ties, *map(_LEARNS.format, net.fixed)]
    if net.frozen:
        lost.append(_FROZEN.format(len(net.frozen), net.frozen[0]))
    note = " ".join(
        filter(None, [model.note, *(f"{said}." for said in lost)])
    )
    head = Head(
        model.name, net, model.about, note, ended, tuple(model.shapes)
    )
    text = write(head)
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
            tolerance = None if not model.program else 10.0**-model.digits
            proof = prove(model.on("cpu"), plan, known, evaluated=tolerance)
    text = f"{text}\n{expected(plan)}\n"
    whole = loads(text, name=model.name)
    return Imported(text, whole, proof, known, model, ended, ties)


_LEARNS = "`{}` is a buffer of the model, and learns here unless a recipe's `freeze` names its row"

_FROZEN = (
    "{} of the model's tensors ask for no gradient, `{}` first, and learn here unless a recipe's"
    " `freeze` names their rows"
)


def expected(plan: Plan) -> str:
    """What the spec expects of itself."""
    shapes = ["x".join(map(str, shape)) for shape in plan.outputs.values()]
    output = shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"
    return (
        f"expect: {{params: {plan.params:_}, macs: {plan.macs:_}, depth: {plan.depth},"
        f" output: {output}}}"
    )

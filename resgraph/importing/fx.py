"""A module → its program, by torch.export on tensors without numbers: nothing is computed."""

from __future__ import annotations

import logging
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    redirect_stderr,
)
from importlib import import_module
from inspect import signature
from io import StringIO
from pathlib import Path
from traceback import extract_tb
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn
from torch.fx import Node

from ..errors import ticked, told
from ..garbage import nothing_collected
from ..ops import Shape, shape_text
from .captured import ImportRefused
from .program import (
    AtenCall,
    AtenProgram,
    CallResult,
    InputShapes,
    Parameter,
    TensorRef,
    TensorSizes,
    first_keys,
    input_name,
    input_shapes,
    own_classes,
    tied,
)
from .sources import tensors_of

BATCH = 2
"""With one image, a trace could take the batch for an axis that is not there."""


def capture(model: nn.Module, shape: Shape | InputShapes) -> AtenProgram:
    """The program of a model in eval mode for images of a shape, or for several inputs. Raises
    `ImportRefused`."""
    shapes = input_shapes(shape)
    _need_inputs(model, shapes)
    # without its numbers, what is one tensor is so no more
    own = tensors_of(model).items()
    first = first_keys((key, id(tensor)) for key, tensor in own)
    model = nn.Module.to(model, "meta").eval()
    images = [
        torch.empty(BATCH, *each, device="meta") for each in shapes.values()
    ]
    with (
        warnings.catch_warnings(),
        _without_logs(),
        _without_stack_traces(),
        _without_code(),
        nothing_collected(),
    ):
        warnings.simplefilter("ignore")
        try:
            found = program(_exported(model, images))
        except Exception as problem:  # whatever the model's own code raises
            raise ImportRefused(
                f"torch.export cannot follow the model: {_why(problem)}"
                f"{_place(problem)}{_batched(shapes)}"
            ) from problem
    classes = (
        (path, f"{type(module).__module__}.{type(module).__name__}")
        for path, module in model.named_modules(remove_duplicate=False)
    )
    return replace(
        found,
        parameters=tied(found.parameters, first),
        classes=own_classes(classes),
    )


def _why(problem: Exception) -> str:
    if type(problem).__name__ == "GuardOnDataDependentSymNode":
        return (
            "its code branches on the values of a tensor, and a spec is one graph; of a detector,"
            " import what returns the maps of its backbone and heads"
        )
    return told(problem)


def _place(problem: Exception) -> str:
    """The line of the model's own code that raised something; "" where none is known."""
    others = tuple(
        str(Path(one).parent) for one in (torch.__file__, __file__)
    )
    for frame in reversed(extract_tb(problem.__traceback__)):
        if not frame.filename.startswith(others):
            place = f"{Path(frame.filename).name}:{frame.lineno}"
            return f" ({place}: `{frame.line}`)"
    return ""


def _batched(shapes: InputShapes) -> str:
    """What to say of a size that looks as if it had a batch axis; "" where none does."""
    for shape in shapes.values():
        if len(shape) == 4 and shape[0] == 1:
            meant = shape_text(shape[1:])
            return f"; sizes are without the batch axis: was {meant} meant?"
    return ""


def _need_inputs(model: nn.Module, shapes: InputShapes) -> None:
    """Raises `ImportRefused` where a model cannot be called with as many inputs."""
    known = signature(model.forward).parameters.values()
    plain = [
        p
        for p in known
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    names = [each.name for each in plain if each.default is each.empty]
    if len(names) > len(shapes):
        raise ImportRefused(
            f"the model takes {len(names)} inputs, {ticked(names)}: give the size of each, as in"
            f" `--input {names[0]}=3x224x224`, or in Python a dictionary"
        )
    ours = [*map(input_name, names)]
    if {*ours} == {*shapes} and ours != [*shapes]:
        raise ImportRefused(
            f"the model takes its inputs in the order {', '.join(names)}"
        )


def _exported(
    model: nn.Module, images: Sequence[torch.Tensor]
) -> torch.export.ExportedProgram:
    """What is made in a model's own code, as `torch.zeros(…)`, is on the CPU, and may meet what is
    not: then that is made without numbers, too."""
    try:
        return torch.export.export(model, tuple(images), strict=False)
    except RuntimeError:  # of a class that has no public name
        with torch.device("meta"):
            return torch.export.export(model, tuple(images), strict=False)


@contextmanager
def _without_logs() -> Iterator[None]:
    """Torch logs and prints pages about what it cannot follow, before it raises what says the
    same."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.ERROR))
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.disable(before)


@contextmanager
def _without_stack_traces() -> Iterator[None]:
    """Where in the model's code a call stands is not read, and takes a tenth of the time to find. A
    torch that lacks the switch does not look at it."""
    config: Any = torch.fx.config
    before = getattr(config, "do_not_emit_stack_traces", False)
    config.do_not_emit_stack_traces = True
    try:
        yield
    finally:
        config.do_not_emit_stack_traces = before


def _without_code() -> AbstractContextManager[None]:
    """Nobody runs the graphs that torch makes on the way: their code, a tenth of the time, is not
    written. A torch that lacks the switch writes it."""
    try:
        lazy: Any = import_module("torch.fx._lazy_graph_module")
        return lazy._use_lazy_graph_module(True)  # type: ignore[no-any-return]
    except (ImportError, AttributeError):
        return nullcontext()


def program(exported: torch.export.ExportedProgram) -> AtenProgram:
    """An exported program as calls by name."""
    signature = exported.graph_signature
    keys: Mapping[str, str] = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    learned = set(signature.parameters)
    inputs: list[CallResult] = []
    parameters: dict[str, Parameter] = {}
    calls: list[AtenCall] = []
    for node in exported.graph.nodes:
        if node.op == "placeholder" and node.name in keys:
            key = keys[node.name]
            parameters[node.name] = Parameter(
                key, _axes(node), key in learned
            )
        elif node.op == "placeholder":
            inputs.append(CallResult(node.name, _axes(node)))
        elif (
            node.op == "call_function"
            and node.target is not operator.getitem
        ):
            calls.append(_call(node))
    return AtenProgram(
        inputs, parameters, calls, [*map(str, signature.user_outputs)]
    )


def _axes(node: Node) -> TensorSizes:
    value = node.meta.get("val")
    return (
        tuple(map(int, value.shape))
        if isinstance(value, torch.Tensor)
        else ()
    )


def _call(node: Node) -> AtenCall:
    value, stack = node.meta.get("val"), node.meta.get("nn_module_stack")
    module = list(stack.values())[-1][0] if stack else ""
    word, _, overload = (
        str(node.target).removeprefix("aten.").partition(".")
    )
    several = isinstance(value, list | tuple)
    outputs = (
        _outputs(node) if several else (CallResult(node.name, _axes(node)),)
    )
    return AtenCall(word, _given(node), outputs, module, several, overload)


def _outputs(node: Node) -> tuple[CallResult, ...]:
    names = {user.args[1]: user.name for user in node.users if user.users}
    return tuple(
        CallResult(names.get(place, ""), tuple(map(int, each.shape)))
        for place, each in enumerate(node.meta["val"])
    )


def _given(node: Node) -> dict[str, Any]:
    """The arguments by name, defaults among them."""
    schema = getattr(node.target, "_schema", None)
    declared = schema.arguments if schema else ()
    given = dict.fromkeys(a.name for a in declared)
    given |= {
        a.name: a.default_value for a in declared if a.has_default_value()
    }
    given |= {a.name: v for a, v in zip(declared, node.args, strict=False)}
    given |= node.kwargs
    return {name: _meant(value) for name, value in given.items()}


def _meant(value: Any) -> Any:
    if isinstance(value, Node):
        return TensorRef(value.name)
    return (
        [*map(_meant, value)] if isinstance(value, list | tuple) else value
    )

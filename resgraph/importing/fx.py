"""A module → its program, by torch.export on tensors without numbers: nothing is computed."""

from __future__ import annotations

import logging
import operator
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    redirect_stderr,
    suppress,
)
from importlib import import_module
from inspect import signature
from io import StringIO
from traceback import FrameSummary
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn
from torch.export.graph_signature import OutputKind
from torch.fx import Node

from ..collecting import each_name, each_value, without
from ..errors import ticked
from ..garbage import nothing_collected
from ..ops import Shape
from .captured import ImportRefused
from .code.following import Followed, line_of
from .code.inlined import inline, numbers_of
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
    with _refused(shapes) as followed, _without_stack_traces():
        found = program(_exported(model, shapes, followed))
    classes = (
        (path, f"{type(module).__module__}.{type(module).__name__}")
        for path, module in model.named_modules(remove_duplicate=False)
    )
    return replace(
        found,
        parameters=tied(found.parameters, first),
        classes=own_classes(classes),
        frozen={name for name, each in own if _is_frozen(each)},
    )


def _is_frozen(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and not tensor.requires_grad


@contextmanager
def _refused(shapes: InputShapes) -> Iterator[Followed]:
    """What a model's code raises as `ImportRefused`."""
    followed = Followed()
    try:
        yield followed
    except Exception as problem:  # whatever it is
        said = followed.why(problem, shapes)
        raise ImportRefused(
            f"torch.export cannot follow the model: {said}"
        ) from problem


def _exported(
    model: nn.Module, shapes: InputShapes, followed: Followed
) -> torch.export.ExportedProgram:
    """A model, whose numbers are lost, as torch.export follows it."""
    model = nn.Module.to(model, "meta").eval()
    kind = next((p.dtype for p in model.parameters()), torch.float32)
    images = [
        torch.empty(BATCH, *each, device="meta", dtype=kind)
        for each in shapes.values()
    ]
    with (
        warnings.catch_warnings(),
        _without_logs(),
        _without_code(),
        nothing_collected(),
        followed,
    ):
        warnings.simplefilter("ignore")
        exported = _on_any_device(model, images)
    inline(exported.graph_module)
    return exported


def line_of_call(model: nn.Module, shapes: InputShapes, name: str) -> str:
    """Where a call of a model's program stands in the model's own code; "" where that is not known.
    The model is followed again: where lines are not asked for, they cost time."""
    with suppress(Exception):
        graph = _exported(model, shapes, Followed()).graph
        node = next(each for each in graph.nodes if each.name == name)
        return line_of([*_frames(node.stack_trace or "")])
    return ""


def _frames(trace: str) -> Iterator[FrameSummary]:
    for file, line, code in _FRAME.findall(trace):
        yield FrameSummary(file, int(line), "", line=code.strip())


_FRAME = re.compile(r'File "(.+)", line (\d+), in .*\n(.*)')
"""Of a stack trace, as torch keeps it."""


def _need_inputs(model: nn.Module, shapes: InputShapes) -> None:
    """Raises `ImportRefused` where a model cannot be called with as many inputs."""
    names = _needed(model)
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


def _needed(model: nn.Module) -> list[str]:
    """The inputs that a model cannot be called without. Raises `ImportRefused` for TorchScript,
    which does not say them."""
    if isinstance(model, torch.jit.ScriptModule):
        raise ImportRefused(
            "it is TorchScript, whose code is lost to torch.export: import the module that was"
            " scripted or traced"
        )
    known = signature(model.forward).parameters.values()
    return [
        each.name
        for each in known
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        and each.default is each.empty
    ]


def _on_any_device(
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
    signature, graph = exported.graph_signature, exported.graph
    keys: Mapping[str, str] = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    learned = set(signature.parameters)
    numbers = _numbers(exported)
    inputs: list[CallResult] = []
    parameters: dict[str, Parameter] = {}
    calls: list[AtenCall] = []
    for node in graph.nodes:
        if node.name in numbers:
            continue
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
            calls.append(_call(node, numbers))
    returned = without(_returned(exported), numbers)
    return AtenProgram(inputs, parameters, calls, returned)


def _numbers(
    exported: torch.export.ExportedProgram,
) -> Mapping[str, float]:
    """The nodes that are a number each, which its code makes."""
    names = exported.graph_signature.inputs_to_lifted_tensor_constants
    constants = each_value(exported.constants.get, names)
    return numbers_of(exported.graph.nodes, constants)


def _returned(exported: torch.export.ExportedProgram) -> Iterator[str]:
    """The tensors that a model returns beside None and texts."""
    given = exported.graph.output_node().args[0]
    specs = exported.graph_signature.output_specs
    for spec, value in zip(specs, given, strict=True):
        returned = spec.kind == OutputKind.USER_OUTPUT
        if returned and isinstance(value, Node):
            yield value.name


def _axes(node: Node) -> TensorSizes:
    value = node.meta.get("val")
    return (
        tuple(map(int, value.shape))
        if isinstance(value, torch.Tensor)
        else ()
    )


def _call(node: Node, numbers: Mapping[str, float]) -> AtenCall:
    value, stack = node.meta.get("val"), node.meta.get("nn_module_stack")
    module = list(stack.values())[-1][0] if stack else ""
    word, _, overload = (
        str(node.target).removeprefix("aten.").partition(".")
    )
    several = isinstance(value, list | tuple)
    outputs = (
        _outputs(node) if several else (CallResult(node.name, _axes(node)),)
    )
    given = {k: _meant(v, numbers) for k, v in _given(node).items()}
    return AtenCall(word, given, outputs, module, several, overload)


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
    given = dict.fromkeys(each_name(declared))
    given |= {
        a.name: a.default_value for a in declared if a.has_default_value()
    }
    given |= {a.name: v for a, v in zip(declared, node.args, strict=False)}
    return given | node.kwargs


def _meant(value: Any, numbers: Mapping[str, float]) -> Any:
    if isinstance(value, Node):
        return numbers.get(value.name, TensorRef(value.name))
    return (
        [_meant(each, numbers) for each in value]
        if isinstance(value, list | tuple)
        else value
    )

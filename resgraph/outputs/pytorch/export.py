"""A net and its weights → one file that others can run: safetensors, torch.export's .pt2, or
ONNX."""

from __future__ import annotations

import io
import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ...errors import MissingError, UsageError
from ...ops.base import Shape, shape_text
from ..registry import OUTPUTS
from .fold import fold

if TYPE_CHECKING:
    from ...plan import Plan

OPSET = 18
"""The version of ONNX' operators, which torch.onnx writes without a conversion."""
AGREE = 1e-4
"""How far an exported net may be from the module, relative to the largest output (float32, sums in
another order)."""
Tensors = Tensor | Sequence[Tensor]
"""What a net gives: one output, or several."""
_LARGEST = 2**31 - 1  # bytes in a protobuf, and so in an ONNX file


def export(
    plan: Plan,
    form: str,
    state: Mapping[str, Tensor] | None = None,
    *,
    preprocessing: Mapping[str, Any] | None = None,
    fold_norms: bool = False,
    inplace: bool = True,
    seed: int = 0,
) -> bytes:
    """The net as a file of `form` ("safetensors", "pt2" or "onnx"), in evaluation, for batches of
    any size.

    `state` are its weights; without, it is initialised from `seed`, of which torch's generator
    takes the lower 32 bits. With `fold_norms`, batch norms become part of the convolutions before
    them; without `inplace` the program writes over nothing that it reads. Net, input shape and
    `preprocessing` (what is done to an image before the net sees it) are in the file's metadata.
    Raises `MissingError` where a package is missing, `UsageError` where torch cannot export the
    net, or what it made disagrees with the module."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = plan.module(inplace=inplace)
        if state is not None:
            net.load_state_dict(state)
        if fold_norms:
            plan, state = fold(plan, net.state_dict())
            net = plan.module(inplace=inplace)
            net.load_state_dict(state)
    facts = _facts(plan)
    if preprocessing is not None:
        facts["preprocessing"] = json.dumps(preprocessing)
    content: bytes = OUTPUTS[form].load()(
        net.eval().requires_grad_(False), examples(plan), facts
    )
    return content


def _facts(plan: Plan) -> dict[str, str]:
    """What a file says of its net."""
    facts = {
        "net": plan.name,
        "input": ", ".join(map(_input_text, plan.inputs.items())),
        "output": shape_text(plan.output),
    }
    if plan.graph.listed:
        shapes = plan.outputs.items()
        facts["outputs"] = json.dumps(
            {row: shape_text(x) for row, x in shapes}
        )
    return facts


NamedTensors = dict[str, Tensor]
"""What a net reads, by the names that its `forward` gives it."""


def _input_text(named: tuple[str, Shape]) -> str:
    name, shape = named
    return (
        shape_text(shape)
        if name == "input"
        else f"{name} {shape_text(shape)}"
    )


def examples(plan: Plan) -> NamedTensors:
    """Two images of noise: with one, a trace would take the batch axis for a constant."""
    generator = torch.Generator().manual_seed(0)
    return {
        "images" if name == "input" else name: torch.randn(
            2, *shape, generator=generator
        )
        for name, shape in plan.inputs.items()
    }


def safetensors(
    net: nn.Module, inputs: NamedTensors, facts: Mapping[str, str]
) -> bytes:
    """The weights by name; the facts are their metadata."""
    state = {
        name: value.contiguous() for name, value in net.state_dict().items()
    }
    return _sorted(save(state, {"format": "pt", **facts}))


def _sorted(content: bytes) -> bytes:
    """Safetensors with the header's keys in order: as they are saved, metadata stand in a new order
    each time."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(
        json.loads(content[8 : 8 + size]),
        sort_keys=True,
        separators=(",", ":"),
    ).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def pt2(
    net: nn.Module, inputs: NamedTensors, facts: Mapping[str, str]
) -> bytes:
    """A program of torch.export; the facts are its extra file `resgraph.json`."""
    _refuse_names(net)
    program = torch.export.export(
        net, tuple(inputs.values()), dynamic_shapes=_batch_axes(inputs)
    )
    file = io.BytesIO()
    torch.export.save(
        program, file, extra_files={"resgraph.json": json.dumps(facts)}
    )
    loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
    _check(net, inputs, loaded, "torch.export")
    return file.getvalue()


def _refuse_names(net: nn.Module) -> None:
    """Raises `UsageError` for a row that torch.export cannot keep: a GraphModule, which it makes of
    the net, has attributes of its own (seen in 2.13)."""
    for name, _ in net.named_children():
        if hasattr(torch.fx.GraphModule, name) or name == "meta":
            raise UsageError(
                f"torch.export cannot keep a row that is called `{name}`; call it `{name}1`, or"
                " export to .py or .safetensors"
            )


def _batch_axes(
    inputs: NamedTensors,
) -> tuple[dict[int, torch.export.Dim], ...]:
    """The one axis whose size is free, of each input."""
    return ({0: torch.export.Dim("batch")},) * len(inputs)


def onnx(
    net: nn.Module, inputs: NamedTensors, facts: Mapping[str, str]
) -> bytes:
    """An ONNX model from `images`, or several inputs by name, to `logits`, or to the rows that
    `output:` names; checked in
    onnxruntime where that is installed."""
    for package in ("onnx", "onnxscript"):
        _need(package)
    if sum(value.nbytes for value in net.state_dict().values()) > _LARGEST:
        raise UsageError(
            "an ONNX file holds 2 GB at most, and the weights are more: export to .pt2 or"
            " .safetensors"
        )
    _refuse_names(net)
    with _quiet():
        program = torch.onnx.export(
            net,
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[
                *json.loads(facts.get("outputs", '{"logits": ""}'))
            ],
            dynamic_shapes=_batch_axes(inputs),
        )
    assert program is not None
    program.model.producer_name = "resgraph"
    program.model.metadata_props.update(facts)
    model = program.model_proto
    _keep_pads(model.graph)
    content: bytes = model.SerializeToString()
    _check(net, inputs, _session(content, list(inputs)), "torch.onnx")
    return content


def _keep_pads(graph: Any) -> None:
    """A maximum that changes nothing between each pad of zeros and the max pool that reads it.

    Without it, onnxruntime makes the zeros padding of the pool, which has less than any number
    there (seen in 1.31.1)."""
    helper = import_module("onnx.helper")
    pads = {
        name
        for node in graph.node
        if node.op_type == "Pad"
        for name in node.output
    }
    nodes, least = [], "least_float"
    for node in graph.node:
        if node.op_type == "MaxPool" and node.input[0] in pads:
            kept = f"{node.output[0]}_padded"
            nodes.append(
                helper.make_node(
                    "Max",
                    [node.input[0], least],
                    [kept],
                    name=f"{node.name}_padded",
                )
            )
            node.input[0] = kept
        nodes.append(node)
    if len(nodes) > len(graph.node):
        # 1: float32
        graph.initializer.append(
            helper.make_tensor(
                least, 1, [], [torch.finfo(torch.float32).min]
            )
        )
        del graph.node[:]
        graph.node.extend(nodes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch.onnx has to say to those who develop it."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _session(
    content: bytes, names: list[str]
) -> Callable[..., Tensors] | None:
    """An ONNX model as a function, run by onnxruntime; None where that is not installed."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        return None
    session = runtime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    return lambda *inputs: tuple(
        map(
            torch.from_numpy,
            session.run(
                None,
                {n: x.numpy() for n, x in zip(names, inputs, strict=True)},
            ),
        )
    )


def _check(
    net: nn.Module,
    inputs: NamedTensors,
    made: Callable[..., Tensors] | None,
    maker: str,
) -> None:
    """Raises `UsageError` where what was made differs from the module, for a batch of the traced
    size or another."""
    if made is None:
        return
    more = [torch.cat([batch, batch[:1]]) for batch in inputs.values()]
    for batches in (list(inputs.values()), more):
        off = apart(net, made, batches)
        if not off <= AGREE:
            raise UsageError(
                f"what {maker} made of the net is off by {off:.2g}; use another format, and"
                " report this"
            )


def apart(
    net: Callable[..., Tensors],
    made: Callable[..., Tensors],
    inputs: Sequence[Tensor],
) -> float:
    """How far the outputs of what was made of a net are from the net's, the worst of them."""
    with torch.no_grad():
        pairs = zip(
            _listed(net(*inputs)), _listed(made(*inputs)), strict=True
        )
        return max(_off(wanted, found) for wanted, found in pairs)


def _off(wanted: Tensor, found: Tensor) -> float:
    """How far an output is from what it should be, relative to the largest number in that, however
    small that is."""
    if wanted.shape != found.shape:
        return math.inf
    largest = float(wanted.abs().max())
    most = float((wanted.double() - found.double()).abs().max())
    return most / largest if largest else most


def _listed(outputs: Tensors) -> Sequence[Tensor]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _need(package: str) -> None:
    try:
        import_module(package)
    except ImportError:
        raise MissingError(
            f"exporting to ONNX needs the package {package}: pip install 'resgraph[onnx]'"
        ) from None

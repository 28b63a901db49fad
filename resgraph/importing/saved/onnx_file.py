"""An .onnx file → its program, its tensors, and the net that onnxruntime makes of it.

Protobuf is data, and what ONNX keeps is less than a model is: its comment says so."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...collecting import each_name, flatten
from ...errors import needing
from ...files import reason
from ..captured import ImportRefused
from ..program import (
    AtenCall,
    AtenProgram,
    CallResult,
    Parameter,
    TensorRef,
    own_classes,
    parameters_read,
)
from .interpreter import by_batches
from .onnx_sizes import axes, with_sizes
from .onnx_words import ONNX, OnnxNode

_HINTS = {
    "GatherND": (
        ": an adaptive pool to a size that does not divide its map's is written so; import the"
        " module or its .pt2, where it is one op"
    ),
}
"""What to do about an op that is not in the language."""
_MADE = re.compile(r"val_\d+")
"""What torch's exporter calls the numbers that it makes."""
BATCH = 2
"""What stands for an axis that is free."""
KEPT = (
    "From ONNX, which keeps no dropout, no drop path and not which layers share a weight (those"
    " with all weights equal are `again`)"
)
"""What such a file says of itself; what exporters fold is gone, too."""
FOLDED = f"{KEPT}; batch norms are part of the convolutions"
_STACK = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy")


class OnnxFile:
    """A file, read. Raises `ImportRefused`, and `MissingError` without the extra."""

    def __init__(self, path: Path) -> None:
        onnx = _package("onnx")
        try:
            self.model = onnx.load(str(path))
            _fix_batch(self.model.graph)
            self.model, self.arrays = with_sizes(self.model)
            self.helper = onnx.helper
            self._read()
        except ImportRefused:
            raise
        except OSError as problem:
            raise ImportRefused(
                f"{path} cannot be read: {reason(problem)}"
            ) from None
        except Exception as problem:
            # whatever protobuf and ONNX say of a broken file
            said = f"{type(problem).__name__}: {problem}".partition("\n")[0]
            raise ImportRefused(
                f"{path} cannot be read as ONNX ({said})"
            ) from None

    def _read(self) -> None:
        graph = self.model.graph
        self.opset = max(
            each.version
            for each in self.model.opset_import
            if each.domain in ("", "ai.onnx")
        )
        self.uses = Counter(flatten(node.input for node in graph.node))
        self.slopes = {
            n.input[1] for n in graph.node if n.op_type == "PRelu"
        }
        known = [*graph.value_info, *graph.input, *graph.output]
        self.axes = {info.name: axes(info) for info in known}
        self.axes |= {
            name: array.shape for name, array in self.arrays.items()
        }
        self.parameters: dict[str, Parameter] = {}

    @property
    def note(self) -> str:
        """What was lost."""
        ops = {node.op_type for node in self.model.graph.node}
        return f"{KEPT if 'BatchNormalization' in ops else FOLDED}."

    def program(self) -> AtenProgram:
        """Its nodes as calls of ATen."""
        graph = self.model.graph
        nodes = [
            node for node in graph.node if node.output[0] not in self.arrays
        ]
        calls = [*map(self._call, nodes)]
        self.parameters = parameters_read(self.parameters, calls)
        outputs = each_name(graph.output)
        classes = own_classes(flatten(map(_stack, nodes)))
        inputs = self._inputs()
        return AtenProgram(
            inputs,
            self.parameters,
            calls,
            outputs,
            ties=False,
            plain={*filter(self._is_plain, self._keys())},
            classes=classes,
        )

    def _inputs(self) -> list[CallResult]:
        """But for the initializers, which old files name there, too."""
        names = each_name(self.model.graph.input)
        return [
            CallResult(name, self.axes[name])
            for name in names
            if name not in self.arrays
        ]

    def _call(self, node: Any) -> AtenCall:
        module = _module(node)
        if node.op_type not in ONNX:
            raise ImportRefused(
                f"`{node.op_type}` is not in the language{_HINTS.get(node.op_type, '')}",
                module,
            )
        names = [*filter(None, node.output)]
        said = {
            a.name: self.helper.get_attribute_value(a)
            for a in node.attribute
        }
        known = OnnxNode(
            node.op_type,
            self.opset,
            said,
            tuple(map(self._meant, node.input)),
            tuple(map(self.arrays.get, node.input)),
            self.axes.get(node.input[0], ()),
            self._sized(names[0], node.op_type),
            module,
        )
        word, given = ONNX[node.op_type](known)
        made = tuple(
            CallResult(name, self._sized(name, node.op_type))
            for name in names
        )
        return AtenCall(
            word, given, made, module, several=node.op_type == "Split"
        )

    def _sized(self, name: str, op: str) -> tuple[int, ...]:
        if name not in self.axes:
            raise ImportRefused(
                f"`{op}`: the file says no size of its `{name}`"
            )
        return self.axes[name]

    def _meant(self, name: str) -> Any:
        """A tensor by reference, one number as it is, nothing as None. A number that the exporter
        named is one where several nodes read it; else it may be a parameter that it laid anew."""
        array = self.arrays.get(name)
        if not name:
            return None
        if array is not None and (array.ndim == 0 or self._is_number(name)):
            number = array.reshape(())
            return (
                float(str(number))
                if array.dtype.kind == "f"
                else number.item()
            )
        if array is not None and array.dtype.kind == "f":
            self.parameters[name] = Parameter(name, array.shape)
        return TensorRef(name)

    def _keys(self) -> list[str]:
        return [each.key for each in self.parameters.values()]

    def _is_plain(self, name: str) -> bool:
        """Whether it is one number over and over, as norms and biases begin."""
        numbers = self.arrays[name].ravel()
        return bool((numbers == numbers[:1]).all())

    def _is_number(self, name: str) -> bool:
        """Slopes that start alike are one tensor, and no number."""
        if self.arrays[name].size > 1 or name in self.slopes:
            return False
        return self.uses[name] > 1 and bool(_MADE.fullmatch(name))

    def net(self) -> nn.Module:
        """What onnxruntime makes of the file, with the tensors that it is given."""
        return OnnxNet(self)


class OnnxNet(nn.Module):
    """The file in onnxruntime, in float32: its parameters are the file's, by name."""

    def __init__(self, file: OnnxFile) -> None:
        super().__init__()
        self.file, self.keys = file, list(file.parameters)
        arrays = [
            torch.from_numpy(file.arrays[key].copy()) for key in self.keys
        ]
        self.tensors = nn.ParameterList(
            nn.Parameter(each.float()) for each in arrays
        )

    def named_parameters(
        self, *_: Any, **__: Any
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """By the names of the file."""
        return zip(self.keys, self.tensors, strict=True)

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        runtime = _package("onnxruntime")
        content = self._with(dict(self.named_parameters()))
        providers = ["CPUExecutionProvider"]
        options = runtime.SessionOptions()
        # errors: numbers that nothing reads are none
        options.log_severity_level = 3
        session = runtime.InferenceSession(
            content, options, providers=providers
        )
        names = each_name(session.get_inputs())
        size = self.file.axes[names[0]][0]

        def once(parts: Sequence[Tensor]) -> list[Tensor]:
            arrays = (part.float().numpy() for part in parts)
            found = session.run(None, dict(zip(names, arrays, strict=True)))
            return [
                torch.from_numpy(each).to(images[0].dtype) for each in found
            ]

        return by_batches(images, size, once)

    def _with(self, tensors: Mapping[str, Tensor]) -> bytes:
        """The file with other numbers."""
        to_proto = _package("onnx").numpy_helper.from_array
        model = self.file.model
        for each in model.graph.initializer:
            if each.name in tensors:
                numbers = tensors[each.name].detach().float().numpy()
                each.CopyFrom(to_proto(numbers, each.name))
        for node in model.graph.node:
            if node.op_type == "Constant" and node.output[0] in tensors:
                numbers = tensors[node.output[0]].detach().float().numpy()
                value = self.file.helper.make_attribute(
                    "value", to_proto(numbers)
                )
                node.attribute[0].CopyFrom(value)
        content: bytes = model.SerializeToString()
        return content


def _fix_batch(graph: Any) -> None:
    """A size for the axis of the images; what was said of sizes behind is worked out anew."""
    for each in graph.input:
        first = each.type.tensor_type.shape.dim[0]
        if not first.dim_value:
            first.dim_value = BATCH
        if not all(axes(each)):
            raise ImportRefused(
                "an axis of its input, beside the batch, is free"
            )
    del graph.value_info[:]
    for each in graph.output:
        each.type.tensor_type.ClearField("shape")


def _module(node: Any) -> str:
    """The path of the module that ran a node, where the exporter wrote it."""
    if stack := _stack(node):
        return stack[-1][0]
    parts = node.name.split("/")
    return parts[-2] if len(parts) > 2 else ""


def _stack(node: Any) -> list[tuple[str, str]]:
    """The modules that ran a node, the innermost last, by path and class; the exporter ends both
    lists with the op."""
    said = {each.key: each.value for each in node.metadata_props}
    scopes, classes = (
        ast.literal_eval(said.get(key, "[]")) for key in _STACK
    )
    return [*zip(map(str, scopes), map(str, classes), strict=False)][:-1]


def _package(name: str) -> Any:
    with needing("reading ONNX needs its packages", "onnx"):
        return import_module(name)

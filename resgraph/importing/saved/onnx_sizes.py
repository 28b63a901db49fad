"""Sizes that an .onnx file works out itself → numbers in it: exporters spell out how a pad or a
part of the channels follows from a shape."""

from __future__ import annotations

from importlib import import_module
from math import prod
from typing import Any

from ...collecting import each_name

_MOST = 64
"""More numbers than these are no sizes."""
_OPS = frozenset(
    ("Add", "Cast", "Concat", "ConstantOfShape", "Div", "Gather", "Mul", "Reshape",
     "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze")
)  # fmt: skip
"""By which exporters work them out."""


def with_sizes(model: Any) -> tuple[Any, dict[str, Any]]:
    """A model with the sizes of its tensors, as far as they follow from those of its inputs, and
    the arrays in it by name: what works sizes out becomes an initializer."""
    onnx, known = import_module("onnx"), constants(model.graph)
    while True:
        model = _inferred(model)
        found = _Sizes(model, known).found()
        if not found:
            return model, known
        nodes = [
            node for node in model.graph.node if node.output[0] not in found
        ]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        made = (
            onnx.numpy_helper.from_array(a, name)
            for name, a in found.items()
        )
        model.graph.initializer.extend(made)


def _inferred(model: Any) -> Any:
    """The same with the sizes that onnx works out. Of a group norm it knows none, and so none
    behind: they are those of what comes in, as of an instance norm."""
    inference = import_module("onnx").shape_inference
    groups, alike = "GroupNormalization", "InstanceNormalization"
    norms = {n.output[0] for n in model.graph.node if n.op_type == groups}
    _called(model, norms, alike)
    model = inference.infer_shapes(model, data_prop=True)
    _called(model, norms, groups)
    return model


def _called(model: Any, outputs: set[str], op: str) -> None:
    for node in model.graph.node:
        if node.output[0] in outputs:
            node.op_type = op


class _Sizes:
    """What follows from the whole numbers in a model, and from known shapes."""

    def __init__(self, model: Any, known: dict[str, Any]) -> None:
        graph, self.known = model.graph, known
        self.nodes = graph.node
        self.opsets = {
            each.domain: each.version for each in model.opset_import
        }
        self.outputs = set(each_name(graph.output))
        self.axes = {
            info.name: axes(info)
            for info in (*graph.value_info, *graph.input)
        }

    def found(self) -> dict[str, Any]:
        """By name, what nodes but for constants give, which is then known."""
        found: dict[str, Any] = {}
        for node in self.nodes:
            value = self._value(node)
            if _are_sizes(value) and node.output[0] not in self.outputs:
                found[node.output[0]] = self.known[node.output[0]] = value
        return found

    def _value(self, node: Any) -> Any:
        inputs: list[Any] = [*map(self.known.get, node.input)]
        if node.op_type == "Shape":
            return _shape(node, self.axes.get(node.input[0], ()))
        if node.op_type not in _OPS or not all(map(_are_sizes, inputs)):
            return None
        if (
            node.op_type == "ConstantOfShape"
            and prod(inputs[0].tolist()) > _MOST
        ):
            return None
        module = import_module("onnx.reference")
        reference = module.ReferenceEvaluator(node, opsets=self.opsets)
        return reference.run(
            None, dict(zip(node.input, inputs, strict=True))
        )[0]


def constants(graph: Any) -> dict[str, Any]:
    """The arrays that stand in a file, by name."""
    to_array = import_module("onnx.numpy_helper").to_array
    found = {each.name: to_array(each) for each in graph.initializer}
    nodes = (node for node in graph.node if node.op_type == "Constant")
    return found | {
        node.output[0]: _said(node.attribute[0]) for node in nodes
    }


def _said(value: Any) -> Any:
    """A constant's value, which may be a tensor, a number or several."""
    onnx, numpy = import_module("onnx"), import_module("numpy")
    said = onnx.helper.get_attribute_value(value)
    if value.name == "value":
        return onnx.numpy_helper.to_array(said)
    return numpy.array(said, "int64" if "int" in value.name else "float32")


def axes(info: Any) -> tuple[int, ...]:
    """The size of a tensor, 0 for an axis that is not known."""
    return tuple(axis.dim_value for axis in info.type.tensor_type.shape.dim)


def _are_sizes(array: Any) -> bool:
    return (
        array is not None
        and array.dtype.kind == "i"
        and array.size <= _MOST
    )


def _shape(node: Any, sizes: tuple[int, ...]) -> Any:
    bounds = {each.name: each.i for each in node.attribute}
    part = sizes[bounds.get("start", 0) : bounds.get("end")]
    return (
        import_module("numpy").array(part, "int64")
        if part and all(part)
        else None
    )

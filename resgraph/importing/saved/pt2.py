"""A .pt2 file → its program and its tensors. The archive's JSON and raw numbers are read here:
nothing in it is executed or unpickled, and sizes are bounded."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Set
from math import prod
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from ...collecting import flatten
from ...files import reason
from ..captured import ImportRefused
from ..program import (
    AtenCall,
    AtenProgram,
    CallResult,
    Parameter,
    TensorRef,
    TensorSizes,
    first_keys,
    own_classes,
    tied,
)
from .interpreter import aten

BATCH = 2
"""What stands for an axis that is free."""
_LARGEST = 64 * 2**20
"""Bytes of JSON that are read; a net of a thousand layers has five million."""
_MOST = 2**40
"""Numbers of one tensor."""
_SYMBOLS = "sym_int_values"
_BROKEN = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError),
    RecursionError,
)
"""What reading a file raises that is not what torch.export.save writes."""


def read_pt2(path: Path) -> AtenProgram:
    """The program of a file that torch.export.save of torch 2.13 wrote. Raises `ImportRefused`."""
    with _Archive(path) as archive:
        found = _program(archive.json("models/model.json")["graph_module"])
        first = first_keys(_stored(archive, "weights"))
        return replace(found, parameters=tied(found.parameters, first))


def _stored(
    archive: _Archive, kind: str
) -> Iterator[tuple[str, tuple[str, str]]]:
    """The keys of tensors, and where and how the numbers of each lie in the archive."""
    for key, about in archive.tensors(kind).items():
        yield key, (about["path_name"], json.dumps(about["tensor_meta"]))


def tensors_of_pt2(path: Path) -> dict[str, Tensor]:
    """Its parameters and buffers by their keys. Raises `ImportRefused`."""
    with _Archive(path) as archive:
        found: dict[str, Tensor] = {}
        for kind in ("weights", "constants"):
            for key, about in archive.tensors(kind).items():
                if not about["use_pickle"]:
                    content = archive.entry(
                        f"data/{kind}/{about['path_name']}", limit=None
                    )
                    found[key] = _tensor(content, about["tensor_meta"])
        return found


class _Archive:
    """A zip archive whose files stand in a folder of any name. What is wrong in it is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> _Archive:
        try:
            self.zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as problem:
            raise self._refused(problem) from None
        return self

    def __exit__(
        self, _: object, problem: BaseException | None, *rest: object
    ) -> None:
        self.zip.close()
        if isinstance(
            problem, (*_BROKEN, zipfile.BadZipFile, OSError, RuntimeError)
        ):
            raise self._refused(problem) from None

    def _refused(self, problem: BaseException) -> ImportRefused:
        if isinstance(problem, OSError):
            return ImportRefused(
                f"{self.path} cannot be read: {reason(problem)}"
            )
        said = f"{type(problem).__name__}: {problem}".partition("\n")[0]
        return ImportRefused(
            f"{self.path} is not what torch.export.save of torch 2.13 writes ({said})"
        )

    def json(self, name: str) -> Any:
        return json.loads(self.entry(name, limit=_LARGEST))

    def tensors(self, kind: str) -> Mapping[str, Any]:
        """What it says of the weights, or of the constants, by their keys."""
        file = f"data/{kind}/model_{kind}_config.json"
        found: Mapping[str, Any] = self.json(file)["config"]
        return found

    def entry(self, name: str, *, limit: int | None) -> bytes:
        """A file of the archive. Raises `ValueError` where it is not there, or too large."""
        found = [
            i
            for i in self.zip.infolist()
            if i.filename.partition("/")[2] == name
        ]
        if len(found) != 1:
            raise ValueError(f"no {name}")
        (info,) = found
        if limit is not None and info.file_size > limit:
            raise ValueError(f"{name} is larger than {limit >> 20} MiB")
        if limit is None and info.file_size > info.compress_size + 1024:
            raise ValueError(
                f"{name} is compressed, as torch writes no tensor"
            )
        return self.zip.read(info)


_DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool,
    13: torch.bfloat16,
}  # fmt: skip
"""As torch._export.serde.schema.ScalarType numbers them."""


def _tensor(content: bytes, meta: Mapping[str, Any]) -> Tensor:
    """Raw numbers as a tensor, in the strides that the file says."""
    dtype, axes = _DTYPES[meta["dtype"]], _axes(meta, {})
    strides = [_size(each, {}) for each in meta["strides"]]
    start = _size(meta["storage_offset"], {})
    if not prod(axes):
        return torch.zeros(axes, dtype=dtype)
    reach = start + sum(
        (n - 1) * s for n, s in zip(axes, strides, strict=True)
    )
    flat = torch.frombuffer(bytearray(content), dtype=dtype)
    if min([0, start, *strides]) < 0 or reach >= flat.numel():
        raise ValueError("a tensor reads beyond its numbers")
    return flat.as_strided(axes, strides, start).contiguous()


_KEYS = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


def _program(module: Mapping[str, Any]) -> AtenProgram:
    graph = module["graph"]
    symbols = {
        name: _size(value, {})
        for name, value in graph.get(_SYMBOLS, {}).items()
    }
    tensors = {
        n: _axes(meta, symbols)
        for n, meta in graph["tensor_values"].items()
    }
    read = {*flatten(_names(node["inputs"]) for node in graph["nodes"])}
    specs = module["signature"]["input_specs"]
    inputs = [CallResult(name, tensors[name]) for name in _inputs(specs)]
    parameters = dict(_parameters(specs, tensors, read))
    outputs = [
        spec["user_output"]["arg"]["as_tensor"]["name"]
        for spec in module["signature"]["output_specs"]
        # beside tensors, None and texts
        if "as_tensor" in spec.get("user_output", {}).get("arg", ())
    ]
    reader = _Calls(tensors, symbols, read | set(outputs))
    calls = [*map(reader.call, graph["nodes"])]
    stacks = map(_stack, graph["nodes"])
    classes = own_classes(flatten(stacks))
    return AtenProgram(inputs, parameters, calls, outputs, classes=classes)


def _inputs(specs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for spec in specs:
        if "user_input" in spec:
            yield spec["user_input"]["arg"]["as_tensor"]["name"]


def _parameters(
    specs: Iterable[Mapping[str, Any]],
    tensors: Mapping[str, TensorSizes],
    read: Set[str],
) -> Iterator[tuple[str, Parameter]]:
    """Those that something reads, by their names in the graph."""
    for spec in specs:
        ((kind, given),) = spec.items()
        name = given["arg"].get("name")
        if kind in _KEYS and name in read:
            key = str(given[_KEYS[kind]])
            yield (
                name,
                Parameter(key, tensors[name], learned=kind == "parameter"),
            )


def _stack(node: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The modules that run a node, the innermost last, by path and class."""
    said = str(node["metadata"].get("nn_module_stack", ""))
    parts = (
        each.split(",", 2)
        for each in said.split(";")
        if each.count(",") > 1
    )
    return [(path, name) for _, path, name in parts]


def _axes(
    meta: Mapping[str, Any], symbols: Mapping[str, int]
) -> TensorSizes:
    sizes = tuple(_size(size, symbols) for size in meta["sizes"])
    if min((0, *sizes)) < 0 or prod(sizes) > _MOST:
        raise ValueError(f"a tensor of {sizes}")
    return sizes


def _size(size: Mapping[str, Any], symbols: Mapping[str, int]) -> int:
    """A number, or the size of the example that was free."""
    if "as_int" in size:
        return int(size["as_int"])
    if "as_name" in size:
        return symbols[size["as_name"]]
    hint = size.get("as_expr", {}).get("hint") or {}
    return int(hint.get("as_int", BATCH))


def _names(value: Any) -> Iterator[str]:
    """The tensors that arguments read."""
    if isinstance(value, list):
        yield from flatten(map(_names, value))
    elif isinstance(value, dict):
        name = value.get("name")
        if isinstance(name, str) and "arg" not in value:
            yield name
        yield from flatten(map(_names, value.values()))


_LISTS = {
    "as_tensors": "as_tensor",
    "as_nested_tensors": "as_tensor",
    "as_sym_ints": "as_sym_int",
}
"""Arguments of several, and what each of them is."""


class _Calls:
    """Nodes of the file → calls; `read` are the tensors that something reads."""

    def __init__(
        self,
        tensors: Mapping[str, TensorSizes],
        symbols: Mapping[str, int],
        read: set[str],
    ) -> None:
        self.tensors, self.symbols, self.read = tensors, symbols, read

    def call(self, node: Mapping[str, Any]) -> AtenCall:
        target = str(node["target"])
        module = next((path for path, _ in reversed(_stack(node))), "")
        outputs, several = self._outputs(node["outputs"])
        given = {
            each["name"]: self._meant(each["arg"])
            for each in node["inputs"]
        }
        if not target.startswith("torch.ops.aten."):
            word = target.rpartition("ops.")[2]
            return AtenCall(word, given, outputs, module, several)
        _, _, words = target.rpartition("aten.")
        word, _, overload = words.partition(".")
        return AtenCall(
            word,
            _defaults(word, overload) | given,
            outputs,
            module,
            several,
            overload,
        )

    def _outputs(
        self, found: list[Mapping[str, Any]]
    ) -> tuple[tuple[CallResult, ...], bool]:
        several = len(found) > 1 or any(
            "as_tensors" in each for each in found
        )
        names: list[str] = []
        for each in found:
            names += [t["name"] for t in each.get("as_tensors", [])]
            names += (
                [each["as_tensor"]["name"]] if "as_tensor" in each else []
            )
        return tuple(
            CallResult(n if n in self.read else "", self.tensors.get(n, ()))
            for n in names
        ), several

    def _meant(self, argument: Mapping[str, Any]) -> Any:
        """An argument as a number, a word, a reference to a tensor, or a list of them."""
        ((kind, value),) = argument.items()
        if kind in _LISTS:
            return [self._meant({_LISTS[kind]: each}) for each in value]
        if kind == "as_tensor":
            return TensorRef(value["name"])
        if kind == "as_sym_int":
            return _size(value, self.symbols)
        return None if kind == "as_none" else value


def _defaults(word: str, overload: str) -> dict[str, Any]:
    """What an op's arguments are where none are said, by torch's own schema."""
    op = aten(word, overload)
    return {
        each.name: each.default_value if each.has_default_value() else None
        for each in (op._schema.arguments if op else ())
    }

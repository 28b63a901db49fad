"""What names a model on a command line, as `timm:resnet50`, `package:callable` or `model.pt2` → the
model.

But for a file, this runs the code that is named: nothing but a command line or a caller may give
it."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from ..errors import MissingError, ResgraphError, UsageError, told
from ..language.references import names_code, names_model_file
from ..ops import Shape
from ..structs import Frozen
from .code.following import place_of
from .program import AtenProgram, InputShapes, input_shapes
from .saved.interpreter import Interpreted
from .saved.onnx_file import OnnxFile
from .saved.pt2 import read_pt2, tensors_of_pt2
from .seen_sizes import SeenSize, size_of, timm_size, torchvision_size

WEIGHTS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
"""Endings of files that hold weights."""


class Model(Frozen):
    """A model that can be built: without numbers (on torch's meta device), and with them.

    One that was read from a file has its `program`, which can only be evaluated; `note` is what the
    file lost, and `digits` how many its own runtime computes with. `why` says who chose the size
    of its image, "" where its user did, or the file."""

    name: str
    build: Callable[[], nn.Module]
    shapes: InputShapes
    about: str
    program: AtenProgram | None = None
    note: str = ""
    digits: int = 9
    why: str = ""

    def bare(self) -> nn.Module:
        """The model without numbers, but where its own code computes with some to build it."""
        with suppress(UsageError):
            return self.on("meta")
        with torch.random.fork_rng(devices=[]):
            return self.on("cpu")

    def on(self, device: str) -> nn.Module:
        """The model on a device. Raises `UsageError` for what its own code raises."""
        try:
            with torch.device(device), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = self.build()
        except ResgraphError:
            raise
        except Exception as problem:
            # whatever the code that is named raises
            raise UsageError(
                f"`{self.about}` cannot be built: {told(problem)}{place_of(problem)}"
                f"{_build_advice(self.build, problem)}"
            ) from problem
        if not isinstance(made, nn.Module):
            kind = type(made).__name__
            raise UsageError(
                f"`{self.about}` gives no torch.nn.Module but what is of type {kind}"
            )
        return made


def _build_advice(build: object, problem: Exception) -> str:
    """What to do about a class that takes arguments."""
    if not isinstance(build, type) or not isinstance(problem, TypeError):
        return ""
    name = build.__name__
    return (
        f"; of a class that takes arguments, name a function without any, as `def net(): return"
        f" {name}(…)`"
    )


def begun(model: Model, program: AtenProgram) -> Model:
    """A beginning of a model, on the model's own tensors."""

    def build() -> nn.Module:
        return Interpreted(program, tensors_of(model.on("cpu")))

    return replace(model, build=build, program=program)


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, one that is shared by all of its names."""
    return {
        **dict(net.named_parameters(remove_duplicate=False)),
        **dict(net.named_buffers(remove_duplicate=False)),
    }


def model_of(
    reference: str, shape: Shape | InputShapes | None = None
) -> Model:
    """The model that a reference names. Raises `UsageError`, or `MissingError` where the package is
    not installed; `ImportRefused` for a file that cannot be read."""
    if names_model_file(reference):
        if shape is not None:
            raise UsageError(
                f"{reference} says the size of its input itself"
            )
        return _file(Path(reference))
    if not names_code(reference):
        raise UsageError(
            f"`{reference}` names no model: {_reference_advice(reference)}"
        )
    package, _, name = reference.partition(":")
    maker = {"timm": _timm, "torchvision": _torchvision}.get(
        package, _callable
    )
    build, seen = maker(package, name)
    title = re.sub(r"\W+", "-", name).strip("-")
    if shape is not None:
        return Model(title, build, input_shapes(shape), reference)
    made = Model(title, build, {}, reference)
    seen = seen or size_of(made.bare())
    return replace(made, shapes=input_shapes(seen.shape), why=seen.why)


def _reference_advice(reference: str) -> str:
    """What to write for a word that names nothing."""
    path = Path(reference)
    if path.suffix in WEIGHTS:
        return (
            "weights say no net; name the code that builds it, and `resgraph weights` takes the"
            " file for its spec"
        )
    if path.suffix == ".py":
        return f"write which of the file is meant, as {reference}:Net"
    return (
        "write timm:NAME, torchvision:NAME, FILE.py:NAME, package.module:NAME, FILE.pt2 or"
        " FILE.onnx"
    )


def _file(path: Path) -> Model:
    """A model that was saved. Its tensors are read where it is run."""
    if path.suffix == ".onnx":
        return _onnx(path)
    program = read_pt2(path)

    def build() -> nn.Module:
        return Interpreted(program, tensors_of_pt2(path))

    return Model(_title(path), build, program.shapes(), path.name, program)


def _onnx(path: Path) -> Model:
    """A file whose net is what onnxruntime makes of it."""
    file = OnnxFile(path)
    program = file.program()
    shapes, note = program.shapes(), file.note
    return Model(
        _title(path), file.net, shapes, path.name, program, note, digits=4
    )


def _title(path: Path) -> str:
    return re.sub(r"\W+", "-", path.stem).strip("-") or "net"


def _imported(package: str) -> Any:
    try:
        return import_module(package)
    except ModuleNotFoundError as problem:
        if problem.name and package.startswith(problem.name):
            raise MissingError(
                f"`{package}` is not installed, and no module of this folder"
            ) from None
        raise MissingError(f"`{package}` needs `{problem.name}`") from None


_Built = tuple[Callable[[], nn.Module], SeenSize | None]
"""What builds a model, and the size of its image where that is known before it is built."""


def _timm(package: str, name: str) -> _Built:
    timm = _imported(package)
    if not timm.is_model(name):
        close = timm.list_models(f"*{name}*")[:3]
        hint = f"; near are {', '.join(close)}" if close else ""
        raise UsageError(f"timm has no model `{name}`{hint}")
    seen = SeenSize()
    # a model without a configuration has the usual size
    with suppress(Exception):
        seen = timm_size(timm.get_pretrained_cfg(name)) or seen
    return lambda: timm.create_model(name, pretrained=False), seen


def _torchvision(package: str, name: str) -> _Built:
    models = _imported("torchvision.models")
    if name not in models.list_models():
        raise UsageError(f"torchvision has no model `{name}`")
    builder = models.get_model_builder(name)
    own = {"weights_backbone"} & signature(builder).parameters.keys()
    build = partial(builder, weights=None, **dict.fromkeys(own))
    return build, torchvision_size(models, name)


def _own(package: str) -> Any:
    """A module of the user's: a file, or by a name that the folder they work in has, or that is
    installed. Raises `UsageError` for what its code raises."""
    file = Path(package)
    if file.suffix != ".py":
        return _beside(package, Path())
    if not file.is_file():
        raise UsageError(f"{package} is not there")
    found = _beside(file.stem, file.parent)
    if not file.samefile(found.__file__ or ""):
        raise UsageError(
            f"{package} has the name of a module that is loaded already: rename it"
        )
    return found


def _beside(module: str, folder: Path) -> Any:
    """A module, with what else is in a folder, as when it is run there."""
    sys.path.insert(0, str(folder.absolute()))
    try:
        return _imported(module)
    except ResgraphError:
        raise
    except (Exception, SystemExit) as problem:
        raise UsageError(
            f"`{module}` cannot be imported: {told(problem)}{_import_advice(problem)}"
        ) from problem


def _import_advice(problem: BaseException) -> str:
    """What to do about code that does more than define."""
    if isinstance(problem, ImportError) and "relative" in f"{problem}":
        return "; name it by its package, as package.module:NAME"
    if isinstance(problem, (ImportError, SyntaxError)):
        return ""
    return '; what is to run belongs under `if __name__ == "__main__":`'


def _callable(package: str, name: str) -> _Built:
    found: Any = _own(package)
    for word in name.split("."):
        if not hasattr(found, word):
            raise UsageError(f"`{package}` has no `{name}`")
        found = getattr(found, word)
    if isinstance(found, nn.Module):
        # what captures a model takes its numbers away
        return partial(deepcopy, found), None
    if not callable(found):
        raise UsageError(
            f"`{name}` of `{package}` is of type {type(found).__name__}: name a torch.nn.Module, or"
            " what builds one"
        )
    return found, None

"""Plan → `nn.Module`: the emitted source, executed as a module of its own, and its weights made
once on the device."""

from __future__ import annotations

import copyreg
import hashlib
import importlib.abc
import importlib.util
import linecache
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ...errors import MissingError
from .emit import source

if TYPE_CHECKING:
    from ...plan import Plan


def build(
    plan: Plan,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    *,
    inplace: bool = True,
) -> nn.Module:
    """The net of a plan: it takes `(batch, *plan.input)`, of several inputs each in order or by its
    name, and gives `(batch, *plan.output)`.

    It is made on `device`, and its weights are drawn once, from torch's global generator. What an
    installed op has learned numbers of, only its constructor can fill. Without `inplace` nothing
    writes over what it reads, and the numbers are the same."""
    text = source(plan, inplace=inplace)
    made = net_class(source_module(text))
    if any(node.op.imports for node in plan.graph.nodes.values()):
        with torch.device(device):
            return _with_installed(made, plan).to(dtype=dtype)
    with torch.device(device), _NoNumbers():
        net = _without_values(made)
    if dtype is not None:
        net.to(dtype)
    if torch.device(device).type == "meta":  # nothing is there to be drawn
        return net
    net.reset_parameters()  # type: ignore[operator]
    return net


def _with_installed(made: type[nn.Module], plan: Plan) -> nn.Module:
    """A net with ops of others, of whose modules the emitted source knows only what norms have."""
    try:
        return made()
    except AttributeError as problem:
        if plan.spec.init is None or not plan.spec.init.zero_last:
            raise
        message = f"`zero_last` starts the `weight` of an installed norm at 0: {problem}"
        raise MissingError(
            f"{message}; call it `weight` in the package, or take `zero_last` out"
        ) from problem


def _without_values(made: type[nn.Module]) -> nn.Module:
    """A net whose constructor does not end with its start values."""
    bare = type(
        made.__name__, (made,), {"reset_parameters": lambda _: None}
    )
    net: nn.Module = bare()
    net.__class__ = made
    return net


class _NoNumbers(TorchFunctionMode):
    """Leaves out what would fill tensors: their numbers are drawn later, once.

    Normal numbers become zeros, and not what the memory held: torch draws those of a truncated
    distribution again for as long as any lies outside its bounds."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.Tensor.normal_:
            return torch.Tensor.zero_(args[0])
        if func in _FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


_FILLING = frozenset(
    [
        torch.Tensor.uniform_,
        torch.Tensor.fill_,
        torch.Tensor.zero_,
        nn.init.kaiming_uniform_,
        nn.init.uniform_,
    ]
)


def net_class(defined: ModuleType) -> type[nn.Module]:
    """The class of the net in a module of emitted source: the last one that it defines. Raises
    `LookupError` where it defines none."""
    classes = [
        value for value in vars(defined).values() if _is_own(value, defined)
    ]
    if not classes:
        raise LookupError("it defines no nn.Module")
    found: type[nn.Module] = classes[-1]
    return found


def source_module(text: str) -> ModuleType:
    """Emitted source as an imported module. Equal text is one module, whose name follows from the
    text alone."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    title = re.sub(
        r"[^a-z0-9]+",
        "_",
        text.partition(":")[0].partition("\n")[0].lower(),
    ).strip("_")
    name = f"resgraph_source_{title[:40]}_{digest}"
    if name not in sys.modules:
        _load(name, text)
    return sys.modules[name]


class _Loader(importlib.abc.ExecutionLoader):
    """Hands the import system a text instead of a file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_filename(self, fullname: str) -> str:
        return f"<{fullname}>"

    def get_source(self, fullname: str) -> str:
        return self.text


def _load(name: str, text: str) -> None:
    """Execute a text under a name, where tracebacks, debuggers and `inspect` find its lines and
    pickle its classes."""
    loader = _Loader(text)
    file = loader.get_filename(name)
    spec = importlib.util.spec_from_loader(name, loader, origin=file)
    assert spec is not None
    linecache.cache[file] = (
        len(text),
        None,
        text.splitlines(keepends=True),
        file,
    )
    module = importlib.util.module_from_spec(spec)
    module.__file__ = file
    sys.modules[name] = module
    loader.exec_module(module)
    for value in vars(module).values():
        if _is_own(value, module):
            copyreg.pickle(value, _reduce)


def _is_own(value: Any, module: ModuleType) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == module.__name__
    )


def _reduce(net: nn.Module) -> tuple[Any, ...]:
    """What pickle keeps of a module: its class's name, the whole source (once in a pickle), and its
    state.

    So a process that never saw the source can load it; the source itself needs nothing for that.
    """
    loader = sys.modules[type(net).__module__].__loader__
    assert isinstance(loader, _Loader)
    state = net.__getstate__()  # type: ignore[no-untyped-call]
    return restore, (loader.text, type(net).__qualname__), state


def restore(text: str, name: str) -> nn.Module:
    """An empty module of class `name` of a source, for pickle and deepcopy to fill."""
    cls = getattr(source_module(text), name)
    empty: nn.Module = cls.__new__(cls)
    return empty

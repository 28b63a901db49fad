"""A checkpoint file from elsewhere and a plan → the same weights under the plan's names, as safetensors."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ...errors import RunError
from .align import load_aligned
from .order import written_order

if TYPE_CHECKING:
    from ...plan import Plan

_NESTED = ("state_dict", "model", "model_state", "state_dict_ema")
_PREFIXES = ("module.", "_orig_mod.")


def convert(plan: Plan, file: Path, out: Path, *, overwrite: bool = False) -> dict[str, str]:
    """Write the weights of `file` to `out` under the plan's names; returns ours → theirs.

    Raises `RunError` where the file cannot be read or is not of this net, and where `out` exists.
    """
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists; --force overwrites it")
    module = plan.module()
    given = read_state(file)
    if given.keys() == module.state_dict().keys():
        module.load_state_dict(given)
        names = {key: key for key in given}
    else:
        order = written_order(given) if file.suffix == ".safetensors" else given
        names = load_aligned(module, {key: given[key] for key in order})
    state = {key: value.contiguous() for key, value in module.state_dict().items()}
    try:
        save_file(state, out, metadata={"net": plan.name, "format": "pt"})
    except (OSError, SafetensorError) as problem:
        raise RunError(f"cannot write {out}: {problem}") from None
    return names


def read_state(file: Path) -> dict[str, Any]:
    """The state dict in a `.safetensors`, `.pth`, `.pt` or `.bin` file; only tensors are ever loaded from it."""
    try:
        loaded = load_file(file) if file.suffix == ".safetensors" else _torch_load(file)
    except OSError as problem:
        raise RunError(f"cannot read {file}: {problem.strerror or problem}") from None
    except pickle.UnpicklingError:
        text = "it holds Python objects, which could run code, or is damaged; save its state dict alone"
        raise RunError(f"{file} is not loaded: {text}") from None
    except Exception as problem:  # a damaged file can fail anywhere in the two readers
        raise RunError(f"{file} is no file of weights, or damaged ({type(problem).__name__})") from None
    return _state_in(loaded, file)


def _torch_load(file: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wonders at old pickles; whether they load is all that counts
        return torch.load(file, map_location="cpu", weights_only=True)


def _state_in(loaded: Any, file: Path) -> dict[str, Any]:
    for key in _NESTED:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    tensors = loaded if isinstance(loaded, Mapping) else {}
    state = {str(key): value for key, value in tensors.items() if isinstance(value, torch.Tensor)}
    if not state:
        raise RunError(f"{file} holds no state dict")
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state

"""A file of weights → its state dict: safetensors or what `torch.save` writes, whatever wrapped
it."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from safetensors.torch import load_file

from ....dotted import first_word
from ....errors import RunError, ticked
from ....foreign import HEAD, what_else
from ....structs import Frozen

_NESTED = (
    "state_dict", "model", "model_state", "model_state_dict", "net",
)  # fmt: skip
"""Where training scripts keep a state dict in a checkpoint; the last is ours."""
_AVERAGE = "ema"
"""A word of the key of an average, which goes before what it averages, as in timm 1.0."""
_PREFIXES = ("module.", "_orig_mod.")


class StateDict(Frozen):
    """The tensors of a checkpoint file by name, and the key of the checkpoint they stood at ("" for
    its top)."""

    tensors: dict[str, torch.Tensor]
    key: str


def read_state(file: Path, key: str | None = None) -> StateDict:
    """The state dict in a file of safetensors or of `torch.save`, whatever its name; only tensors
    are ever loaded.

    Of several, the one at `key`, else an average (EMA) before what it averages. Raises `RunError`
    where there is none."""
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD)
        packed = _is_safetensors(head)
        loaded = load_file(file) if packed else _torch_load(file)
    except IsADirectoryError:
        raise RunError(
            f"{file} is a directory: name the file of weights in it, as that of a run is"
            f" {file / 'weights.safetensors'}"
        ) from None
    except OSError as problem:
        raise RunError(
            f"cannot read {file}: {problem.strerror or problem}"
        ) from None
    except Exception as problem:
        # a damaged file can fail anywhere in the two readers
        if what := _what_else(file, head):
            raise RunError(
                f"{file} is no file of weights: it is {what}"
            ) from None
        if isinstance(problem, pickle.UnpicklingError):
            text = (
                "it holds Python objects, which could run code, or is damaged; save its state dict"
                " alone"
            )
            raise RunError(f"{file} is not loaded: {text}") from None
        raise RunError(
            f"{file} is no file of weights, or damaged: its {file.stat().st_size:,} bytes may be a"
            " part of it; copy it again"
        ) from None
    chosen = _chosen(_state_dicts(loaded), file, key)
    return StateDict(_without_prefixes(chosen.tensors), chosen.key)


@contextmanager
def said_of(state: StateDict) -> Iterator[None]:
    """Says of an error which of a checkpoint's state dicts was read."""
    try:
        yield
    except RunError as error:
        if not state.key:
            raise
        raise type(error)(
            f"{error}; read from `{state.key}` of the file"
        ) from None


def _is_safetensors(head: bytes) -> bool:
    """Whether a file begins as safetensors do: eight bytes of a length, and that many of JSON."""
    return (
        head[8:9] == b"{"
        and int.from_bytes(head[:8], "little") <= 100_000_000
    )


_PACKED = (
    (".npy", "NumPy arrays (.npz): save them as safetensors"),
    ("/code/", "a TorchScript archive: save the state dict of `torch.jit.load(FILE)`"),
    ("/models/", "a torch.export program: save the state dict of `torch.export.load(FILE)`"),
)  # fmt: skip
"""What a zip archive has in the name of a member, that is no file of `torch.save`."""


def _what_else(file: Path, head: bytes) -> str:
    """As of any file; a zip archive by what is in it, since those of `torch.save` are some."""
    if file.suffix == ".onnx":
        return "an ONNX model: `resgraph import` reads those"
    if not head.startswith(b"PK"):
        return what_else(head) or _of_text(head)
    try:
        with ZipFile(file) as packed:
            members = " ".join(packed.namelist())
    except (BadZipFile, OSError, ValueError):
        return ""
    own = "" if "data.pkl" in members else what_else(head)
    return next((what for sign, what in _PACKED if sign in members), own)


def _of_text(head: bytes) -> str:
    """What a spec or a source is, which a checkpoint was expected to be."""
    # a character may be cut at the end
    text = head.decode(errors="replace").rstrip("�")
    words = "".join(text.split())
    whole = words.isprintable() and "�" not in words
    return "a text" if words and whole else ""


def _torch_load(file: Path) -> Any:
    # of a path that ends so, torch 2.13 reads safetensors, whatever is in the file
    with file.open("rb") as opened, warnings.catch_warnings():
        # torch wonders at old pickles; whether they load is all that counts
        warnings.simplefilter("ignore")
        return torch.load(opened, map_location="cpu", weights_only=True)


def _state_dicts(loaded: Any, at: str = "") -> list[StateDict]:
    """Every map of tensors in a checkpoint, those at its top first; `model.state_dict` is one
    within another."""
    if not isinstance(loaded, Mapping):
        return []
    tensors = {
        str(name): value
        for name, value in loaded.items()
        if isinstance(value, torch.Tensor)
    }
    found = [StateDict(tensors, at)] if tensors else []
    for name, value in loaded.items():
        # its tensors are momenta
        if at.count(".") < 2 and not str(name).startswith("optim"):
            found += _state_dicts(
                value, f"{at}.{name}" if at else str(name)
            )
    return found


def _chosen(
    found: list[StateDict], file: Path, key: str | None
) -> StateDict:
    """The one asked for, else by the habits of training scripts; refused where that leaves
    several."""
    known = {state.key: state for state in found}
    listed = ticked(filter(None, known))
    if key is not None:
        if key in known:
            return known[key]
        others = f"; it has {listed}" if listed else ""
        raise RunError(f"{file} has no state dict at `{key}`{others}")
    if not found:
        raise RunError(f"{file} holds no state dict")
    if usual := _usual(found):
        return usual
    raise RunError(
        f"{file} holds several state dicts, {listed}; choose one with --key KEY,"
        " or `weights: {file: …, key: KEY}` in a recipe"
    )


def _usual(found: list[StateDict]) -> StateDict | None:
    """By the habits of training scripts: an average, else under a known key, even where a loss or a
    step stands beside it as a tensor; else at the top, or the only one."""
    tops = [(first_word(state.key), state) for state in found]
    averages = [one for top, one in tops if _AVERAGE in top.split("_")]
    if averages:
        # beside its tensors may stand a count of its updates
        return max(averages, key=lambda state: len(state.tensors))
    for name in _NESTED:
        for top, state in tops:
            if top == name:
                return state
    return found[0] if len(found) == 1 or not found[0].key else None


def _without_prefixes(
    state: dict[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """The names as the net has them, not what wrapped it for several GPUs or for compiling."""
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {
                name.removeprefix(prefix): value
                for name, value in state.items()
            }
    return state

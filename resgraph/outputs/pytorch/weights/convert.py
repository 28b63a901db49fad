"""A file of weights from elsewhere and a plan → the same weights under the plan's names."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import yaml
from safetensors.torch import save

from ....errors import RunError, UsageError
from ....files import read_file, reason, write_file
from ....structs import Frozen
from .files import read_state, said_of
from .taking import load_aligned

if TYPE_CHECKING:
    from ....plan import Plan

_PICKLED = (".pth", ".pt", ".bin")  # what `torch.save` writes


class Converted(Frozen):
    """Weights that were taken: our names → theirs, and the key of the checkpoint they stood at (""
    for its top)."""

    names: dict[str, str]
    key: str


class Choice(Frozen):
    """What a file alone does not tell: `key` is one of several state dicts in a checkpoint, `names`
    a file that maps our names to theirs."""

    key: str | None = None
    names: Path | None = None


def convert(
    plan: Plan,
    file: Path,
    out: Path,
    choice: Choice = Choice(),
    *,
    overwrite: bool = False,
) -> Converted:
    """Write the weights of `file` to `out` under the plan's names.

    Raises `RunError` where the file cannot be read or is not of this net, and where `out`
    exists."""
    if out.suffix not in (".safetensors", *_PICKLED):
        raise UsageError(
            f"{out}: weights are written as .safetensors or {', '.join(_PICKLED)}"
        )
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists; --force overwrites it")
    module = plan.module()
    given = read_state(file, choice.key)
    settled = read_names(choice.names) if choice.names else {}
    with said_of(given):
        pairs = load_aligned(module, given.tensors, settled)
    state = {
        name: value.contiguous()
        for name, value in module.state_dict().items()
    }
    write_file(
        out, _packed(state, plan.name, out.suffix), overwrite=overwrite
    )
    return Converted(pairs, given.key)


def read_names(file: Path) -> dict[str, str]:
    """A map of names, ours to theirs, of modules or of entries: `conv1.0.conv: stem.conv`.

    Raises `UsageError` where it is none."""
    try:
        loaded = yaml.safe_load(read_file(file))
    except OSError as problem:
        raise UsageError(
            f"cannot read the map {file}: {reason(problem)}"
        ) from None
    except (ValueError, RecursionError, yaml.YAMLError):
        loaded = None
    whole = isinstance(loaded, dict) and all(
        isinstance(name, str) for pair in loaded.items() for name in pair
    )
    if not whole:
        raise UsageError(
            f"{file} is no map of names: write a line `OURS: THEIRS` for each, as in"
            " `conv1.0.conv: stem.conv`"
        )
    return dict(loaded)


def _packed(state: dict[str, torch.Tensor], net: str, suffix: str) -> bytes:
    """The bytes of a file of weights, as its name says."""
    if suffix == ".safetensors":
        return save(state, metadata={"net": net, "format": "pt"})
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()

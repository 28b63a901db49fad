"""An exception of torch, of an op or of the compiler in the middle of a run → a user's error:
where it is, and the way on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType

import torch
from torch import nn

from ..errors import MissingError, ResgraphError, TrainingError
from ..faults import is_out_of_memory
from .parallel.distributed import is_lost
from .prepare import Prepared
from .settings.memory import larger_accumulations

_COMPILERS = (
    "torch._dynamo",
    "torch._inductor",
    "triton",
    "torch.utils._triton",
)
_TORCH = Path(torch.__file__).parent


@contextmanager
def explained(net: nn.Module, doing: Callable[[], str]) -> Iterator[None]:
    """While a net runs: what goes wrong in it, or in torch, is a `TrainingError` that names the
    node.

    `doing` says what was under way, as in `step 12`. Where only another process was lost, its error
    is raised as it is."""
    try:
        yield
    except ResgraphError:
        raise
    except Exception as error:
        if is_lost(error) or is_out_of_memory(error):
            raise
        message = _compiler_failed(error) or _net_failed(
            error, net, doing()
        )
        if message is None:
            raise
        raise message from error


def out_of_memory(ready: Prepared) -> TrainingError:
    """What to change, in a training step."""
    ways = [] if ready.decisions.checkpointed else ["--checkpointing on"]
    parts = islice(larger_accumulations(ready.train, ready.world.size), 1)
    ways += [f"`accumulate: {count}` (in smaller parts)" for count in parts]
    return TrainingError(
        f"out of memory on {ready.decisions.device} with {ready.train.batch} images a step; try "
        f"{', '.join(ways)}{' or ' if ways else ''}a smaller batch"
    )


def _compiler_failed(error: Exception) -> ResgraphError | None:
    kind = type(error)
    if not kind.__module__.startswith(_COMPILERS):
        return None
    message = (
        f"torch cannot compile this net here ({_first_line(error)}); --compile off trains"
        " without"
    )
    lacking = any(
        word in f"{kind.__name__} {error}"
        for word in ("CxxCompiler", "CppCompile", "TritonMissing")
    )
    return MissingError(message) if lacking else TrainingError(message)


def _net_failed(
    error: Exception, net: nn.Module, doing: str
) -> TrainingError | None:
    """What failed: a node of the net, or torch on the way back; None where it is neither, and so
    our own."""
    names = {
        id(module): name for name, module in net.named_modules() if name
    }
    node, place, in_torch = "", "", False
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        file = Path(frame.f_code.co_filename)
        node = names.get(id(frame.f_locals.get("self")), node)
        from_torch = file.is_relative_to(_TORCH)
        in_torch = in_torch or from_torch
        if (
            not from_torch
            and node
            and file.is_file()
            and not file.is_relative_to(Path(__file__).parents[1])
        ):
            place = f", {file.name}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    if not node and not (in_torch and isinstance(error, RuntimeError)):
        return None
    where = f"`{node}` failed" if node else "torch failed on the way back"
    return TrainingError(
        f"{where} in {doing} ({_first_line(error)}{place})"
    )


def _first_line(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip()
    ]
    return (
        f"{type(error).__name__}: {lines[0][:300]}"
        if lines
        else type(error).__name__
    )

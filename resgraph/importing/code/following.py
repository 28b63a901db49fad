"""A model's code that torch.export follows → what it could not follow: in one line, with the place
in the code and what to do there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from textwrap import shorten
from traceback import FrameSummary, StackSummary, extract_tb
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ...errors import told
from ...ops import shape_text
from ..program import InputShapes

_NUMPY = "its code leaves torch for NumPy, where no graph follows: write that with torch"
_FIXES = {
    "numpy": _NUMPY,
    "__array__": _NUMPY,
    "__format__": (
        "its code writes out a number of a tensor, which has none while its graph is read: take"
        " that out of `forward`"
    ),
    "cuda": (
        "its code asks for a GPU, which need not be here: take the device from what it reads, as"
        " `x.device`"
    ),
    "branch": (
        "its code branches on the values of a tensor, and a spec is one graph; of a detector,"
        " import what returns the maps of its backbone and heads; else take the branch out"
    ),
}
"""What to say of torch's functions that no graph has."""
_OTHERS = str(Path(torch.__file__).parent), str(Path(__file__).parents[1])
"""Where code lies that is not the model's: torch's and ours."""
_LONGEST = 80
_DATA = torch.Tensor.data.__get__  # type: ignore[attr-defined]


class Followed(TorchFunctionMode):
    """Sees torch's functions as a model calls them: which of them failed, and that `.data` is
    detached, of which torch.export makes a constant."""

    failed = ""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func == _DATA:
            return args[0].detach()
        word = _word(func, (*args[1:], *given.values()))
        try:
            if word == "cuda":  # of which torch may end the whole process
                raise RuntimeError("no GPU")
            return func(*args, **given)
        except Exception:
            self.failed = self.failed or word
            raise

    def why(self, problem: Exception, shapes: InputShapes) -> str:
        """What to say of what the model's code raised."""
        branches = type(problem).__name__ == "GuardOnDataDependentSymNode"
        known = _FIXES.get("branch" if branches else self.failed, "")
        if known:
            return known + place_of(problem)
        return told(problem) + place_of(problem) + _given(shapes)


def _word(func: Callable[..., Any], given: Iterable[Any]) -> str:
    """What a function is called, `cuda` where it is given that."""
    words = (str(x) for x in given if isinstance(x, str | torch.device))
    cuda = any(word.startswith("cuda") for word in words)
    return "cuda" if cuda else getattr(func, "__name__", "")


def place_of(problem: BaseException) -> str:
    """The line of the model's own code that raised something, in brackets; "" where none is
    known."""
    place = line_of(extract_tb(problem.__traceback__))
    return f" ({place})" if place else ""


def line_of(frames: StackSummary | list[FrameSummary]) -> str:
    """The last line of the model's own code among some."""
    for frame in reversed(frames):
        if frame.line and not frame.filename.startswith(_OTHERS):
            place = f"{Path(frame.filename).name}:{frame.lineno}"
            return f"{place}: `{shorten(frame.line, _LONGEST, placeholder=' …')}`"
    return ""


def _given(shapes: InputShapes) -> str:
    """What it was called with, and of a size that looks as if it had a batch axis what to say."""
    for shape in shapes.values():
        if len(shape) == 4 and shape[0] == 1:
            meant = shape_text(shape[1:])
            return f"; sizes are without the batch axis: was {meant} meant?"
    given = ", ".join(map(shape_text, shapes.values()))
    return f"; it was given {given}, which `--input` sets"

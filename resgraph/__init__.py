"""resgraph: a residual network in a page of YAML → checked to the last channel, drawn, compiled and
trained.

>>> import resgraph
>>> plan = resgraph.load("resnet-50")
>>> plan.params
25557032
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        MissingError,
        ResgraphError,
        RunError,
        SpecError,
        TrainingError,
        UsageError,
    )
    from .importing import from_module
    from .plan import Plan, load, loads

__version__ = "0.1.0"
__all__ = [
    "MissingError",
    "Plan",
    "ResgraphError",
    "RunError",
    "SpecError",
    "TrainingError",
    "UsageError",
    "from_module",
    "load",
    "loads",
]


_HOMES = {
    "Plan": "plan",
    "load": "plan",
    "loads": "plan",
    "from_module": "importing",
}
"""Where the public names are; the others are errors."""


def __getattr__(name: str) -> Any:
    """A name is imported when it is first asked for: `resgraph --help` needs none of the compiler,
    and what is told of a damaged package needs none of it."""
    if name in __all__:
        home = _HOMES.get(name, "errors")
        return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

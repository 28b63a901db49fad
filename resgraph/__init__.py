"""resgraph: a residual network in a page of YAML → checked to the last channel, drawn, compiled and
trained.

>>> import resgraph
>>> plan = resgraph.load("resnet-50")
>>> plan.params
25557032
"""

from typing import TYPE_CHECKING, Any

from .errors import (
    MissingError,
    ResgraphError,
    RunError,
    SpecError,
    TrainingError,
    UsageError,
)

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    """The compiler is imported when it is first asked for: `resgraph --help` needs none of it."""
    if name in ("Plan", "load", "loads"):
        from . import plan

        return getattr(plan, name)
    if name == "from_module":
        from .importing import from_module

        return from_module
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""resgraph: a residual network in a page of YAML → checked to the last channel, drawn, compiled and trained.

>>> import resgraph
>>> plan = resgraph.load("specs/resnet.yaml::resnet-50")
>>> plan.params
25557032
"""

from .errors import MissingError, ResgraphError, RunError, SpecError, TrainingError, UsageError
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
    "load",
    "loads",
]

"""A program → steps: each ATen op in our words, spelled-out forms put together.

A module enters its handlers by being there; `reader` has what they share."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .reader import Reader, handler_of

__all__ = ["Reader", "handler_of"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

"""Blocks that are whole modules of one class → what their author calls them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile

from .captured import Captured
from .regions.structure import Region


class ModuleClasses:
    """The classes of a model's own modules, by what of the model is in each."""

    def __init__(self, net: Captured) -> None:
        self.classes = net.classes
        paths = [step.module for step in net.steps.values()]
        self.sizes = Counter(inner for path in paths for inner in _within(path))
        self.attributes = {word for path in paths for word in path.split(".")}

    def of(self, blocks: Sequence[Region]) -> str:
        """The class that each of the blocks is a module of, as a name; "" where there are several
        or one of them is no module. A row may have the name of an attribute."""
        found = {self._of(block) for block in blocks}
        name = found.pop().strip("_") if len(found) == 1 else ""
        fits = re.fullmatch(r"[A-Za-z]\w*", name) and name not in self.attributes
        return name if fits else ""

    def _of(self, block: Region) -> str:
        steps = {step.name: step.module for step in block.steps()}
        path = common([module.split(".") for module in steps.values()])
        return self.named(path, len(steps))

    def named(self, path: Sequence[str], steps: int) -> str:
        """The class of the innermost module that runs as many steps within a path, and nothing
        else; "" where that is none of the model's own."""
        for module in reversed([*_within(".".join(path))]):
            if self.sizes[module] != steps:
                return ""
            if module in self.classes:
                return self.classes[module]
        return ""


def _within(path: str) -> Iterator[str]:
    """A module and all that hold it, the outermost first."""
    words = path.split(".")
    yield from (".".join(words[: n + 1]) for n in range(len(words)))


def common(paths: Sequence[Sequence[str]]) -> list[str]:
    """The longest beginning of all."""
    same = takewhile(lambda words: len({*words}) == 1, zip(*paths, strict=False))
    return [word for word, *_ in same]

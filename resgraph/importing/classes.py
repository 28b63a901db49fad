"""Blocks that are whole modules of one class → what their author calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from ..collecting import each_name, flatten
from ..language.grammar.words import name_problem
from ..ops import VOCABULARY
from .captured import Captured, CapturedOp
from .matching import passes
from .regions.structure import Region


class ModuleClasses:
    """The classes of a model's own modules, by what of the model is in each."""

    def __init__(self, net: Captured) -> None:
        self.classes = net.classes
        paths = [step.module for step in net.steps.values()]
        self.sizes = Counter(flatten(map(within, paths)))
        self.attributes = {*flatten(path.split(".") for path in paths)}

    def of(self, blocks: Sequence[Region]) -> str:
        """The class that each of the blocks is a module of, as a name, or the one of which all
        other names begin with it (`Block`, `BlockDown`); "" where there is none, one of them is no
        module, or a file cannot have the name. A row may have the name of an attribute."""
        found = {self._of(block).strip("_") for block in blocks}
        first = min(found, key=len)
        if not all(each.startswith(first) for each in found):
            return ""
        name = _capital(first)
        taken = (*VOCABULARY, *_NULLS, *self.attributes)
        return "" if name_problem(name, taken) else name

    def _of(self, block: Region) -> str:
        own = [step for step in block.steps if not passes(step.op)]
        return self.named(module_of(own), len(set(each_name(own))))

    def named(self, path: Sequence[str], steps: int) -> str:
        """The class of the innermost module that runs as many steps within a path, and nothing
        else; "" where that is none of the model's own."""
        for module in reversed([*within(".".join(path))]):
            if self.sizes[module] != steps:
                return ""
            if module in self.classes:
                return self.classes[module]
        return ""


_NULLS = ("Null", "NULL", "TRUE", "FALSE")
"""Words that are no names to YAML, though they are to Python."""


def _capital(name: str) -> str:
    """With a capital, as no word of the language has, nor what a file calls paths and `let`s."""
    return name if name != name.lower() else name[:1].upper() + name[1:]


def within(path: str) -> Iterator[str]:
    """A module and all that hold it, the outermost first."""
    words = path.split(".")
    yield from (".".join(words[: n + 1]) for n in range(len(words)))


def module_of(steps: Iterable[CapturedOp]) -> list[str]:
    """The innermost module that runs all of some steps."""
    return common([step.path for step in steps])


def common(paths: Sequence[Sequence[str]]) -> list[str]:
    """The longest beginning of all."""
    same = takewhile(
        lambda words: len({*words}) == 1, zip(*paths, strict=False)
    )
    return [word for word, *_ in same]

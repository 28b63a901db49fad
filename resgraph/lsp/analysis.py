"""The text of a spec or study in an editor → what is wrong in it, its tree, and the last net that
it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import field

from ..checked import FileCheck, found_in
from ..errors import NOWHERE, Diagnostic, Edit, Source, Span
from ..graph import Path as Row
from ..language.spec import is_study
from ..language.yaml.reader import read
from ..language.yaml.tree import KeyValue, Mapping, Tree, mapping_at
from ..mending import checker, verified
from ..plan import Plan
from ..structs import Frozen
from ..study.checked import check_study


class Analysis(Frozen):
    """A text and what is known of it. `plans` are those of the text, or of the last text before it
    that had any."""

    source: Source
    tree: Mapping
    diagnostics: tuple[Diagnostic, ...]
    plans: tuple[Plan, ...]
    current: bool  # the plans are of this very text
    _held: dict[Diagnostic, tuple[Edit, ...]] = field(default_factory=dict)

    def edits(self, problem: Diagnostic) -> tuple[Edit, ...]:
        """What is sure to mend a mistake of this text, tried when it is first asked for."""
        if self.is_study:
            return ()
        if problem.edits and problem not in self._held:
            (tried,) = verified(
                [problem], self.source, checker(Path(self.source.name))
            )
            self._held[problem] = tried.edits
        return self._held.get(problem, ())

    @property
    def is_study(self) -> bool:
        """Whether it is a study, which has nets and is none."""
        return is_study(self.tree)

    @property
    def plan(self) -> Plan | None:
        """The net that hovers and hints speak of: the first variant."""
        return self.plans[0] if self.plans else None

    @property
    def rows(self) -> list[Row]:
        """The rows of that net, none where there is no net."""
        return self.plan.graph.rows if self.plan else []


NO_TREE = Mapping({}, NOWHERE, True)
"""Of a text that cannot be read."""
_NOTHING = Analysis(Source("", ""), NO_TREE, (), (), False)
"""Of no text."""


class Analyser:
    """A text that stands, or is to stand, at `path`; `before` is what the text before it was. Of
    several variants one is checked before the others."""

    def __init__(
        self, text: str, path: Path, before: Analysis | None = None
    ) -> None:
        self.source = Source(str(path), text)
        self.before = before or _NOTHING
        self.file = FileCheck(str(path), source=self.source)
        # the file's own, without what it extends
        tree, _ = read(self.source)
        self.tree = tree or NO_TREE
        self._is_study = is_study(self.tree)

    def first(self) -> tuple[Diagnostic, ...] | None:
        """What is wrong in the variant at hand, before the others are checked; None where there
        are no others."""
        if len(self.file.variants) < 2 or self._is_study:
            return None
        return tuple(found_in([self.file.net(self._at_hand())]))

    def _at_hand(self) -> str | None:
        """The variant that was changed since the text before, else the first."""
        variants = self.file.variants
        texts = self.source.text, self.before.source.text
        lines = zip(*(text.split("\n") for text in texts), strict=False)
        changed = (
            (n, new) for n, (new, was) in enumerate(lines, 1) if new != was
        )
        line, new = next(changed, (0, ""))
        keys = trail(self.tree, line, 1 + len(new) - len(new.lstrip()))
        at_hand = (
            name for name in variants if keys[:2] == ["variants", name]
        )
        return next(at_hand, variants[0])

    def whole(
        self, stale: Callable[[], bool] = lambda: False
    ) -> Analysis | None:
        """The analysis of all variants; None where it came to be `stale` before it was done."""
        if self._is_study:
            return self._study(stale)
        for name in self.file.variants:
            if stale():
                return None
            self.file.net(name)
        nets = self.file.nets()
        plans = tuple(net.plan for net in nets if net.plan is not None)
        return Analysis(
            self.source,
            self.tree if self.tree.span else self.before.tree,
            tuple(found_in(nets)),
            plans or self.before.plans,
            bool(plans),
        )

    def _study(self, stale: Callable[[], bool]) -> Analysis | None:
        """What `resgraph check` says of a study; its nets stand in other files."""
        path = Path(self.source.name)
        found = check_study(path, self.source, stale)
        if stale():
            return None
        return Analysis(
            self.source, self.tree, tuple(found_in(found)), (), False
        )


def analyse(
    text: str, path: Path, before: Analysis | None = None
) -> Analysis:
    """Read and check a text; `before` is what the text before it was."""
    found = Analyser(text, path, before).whole()
    assert found is not None
    return found


def entry(tree: Tree, *keys: str) -> KeyValue | None:
    """The entry at a path of keys."""
    return entries(tree, *keys[:-1]).get(keys[-1])


def entries(tree: Tree, *keys: str) -> dict[str, KeyValue]:
    """The entries of the map at a path of keys, none where there is no map."""
    for key in keys:
        tree = mapping_at(tree, key)
    return tree.entries


def covers(span: Span, line: int, column: int) -> bool:
    """Whether a place (counted from 1) is in a span, or right behind it."""
    return span.start <= (line, column) <= span.end


def trail(tree: Tree, line: int, column: int) -> list[str]:
    """The keys that lead to a place: `["net", "conv3"]`."""
    for key, item in tree.entries.items():
        if covers(item.key.span, line, column):
            return [key]
        if covers(item.value.span, line, column):
            return [key, *trail(item.value, line, column)]
    for part in tree.items:
        if covers(part.span, line, column):
            return trail(part, line, column)
    return []

"""Specs and their graphs → the rows that no output of these nets needs, an error on its line."""

from __future__ import annotations

from collections.abc import Sequence

from ...collecting import each_name
from ...errors import Diagnostic, fault
from ...graph import Graph
from ...language.diagnose.usage import is_own
from ...language.lints import allowed
from ...language.spec import Spec
from ...language.yaml.tree import entries_of

SpecGraph = tuple[Spec, Graph]


def unread_rows(
    nets: Sequence[SpecGraph], *, alone: bool
) -> list[list[Diagnostic]]:
    """An error, for each net, of each row that no output of any of them needs.

    Whoever extends a net, has `--set` give it another `output`, or is a variant that is `alone`,
    leaves rows out at will: they are there for others."""
    left_out = [
        set() if alone and spec.variants else _left_out(spec, graph)
        for spec, graph in nets
    ]
    common = set.intersection(*left_out) if left_out else set()
    return [
        [_error(spec, row) for row in spec.rows if row in common]
        for spec, _ in nets
    ]


def _left_out(spec: Spec, graph: Graph) -> set[str]:
    """The rows of the spec's own file that its graph has not."""
    if spec.reshaped or "unused" in allowed(spec.tree, inherited=False):
        return set()
    written = entries_of(spec.tree, "net")
    made = set(each_name(graph.rows))
    return {
        row
        for row in spec.rows
        if row not in made and is_own(written[row].key.span, spec.tree)
    }


def _error(spec: Spec, row: str) -> Diagnostic:
    said = f"no output needs the row `{row}`"
    hint = f"name it in `output: [{row}, …]`, or take it out"
    place = entries_of(spec.tree, "net")[row].key.span
    return fault("E034", said, place, hint, about=row).diagnostic

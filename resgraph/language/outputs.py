"""`output:` and `aux:` of a spec → the rows that the net gives, with the mistakes in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..dotted import first_word
from ..errors import Fault, Span, fault
from ..structs import Frozen
from .diagnose.nearest import near_or_all
from .grammar.log import Log
from .yaml.tree import Mapping, listed


class OutputDef(Frozen):
    """A row that `output` or `aux` names, and where."""

    row: str
    span: Span
    aux: bool = False


def outputs_of(
    tree: Mapping, rows: Collection[str], log: Log
) -> tuple[OutputDef, ...]:
    """What a spec names, in the order of what the net gives; of what cannot be, the log is told."""
    found: dict[str, OutputDef] = {}
    for named in _named(tree):
        if problem := _problem(named, found.get(named.row), rows):
            log.pass_over(problem)
        else:
            found[named.row] = named
    main = [one for one in found.values() if not one.aux]
    if found and not main and found.keys() >= {*rows}:
        said = "`aux` names every row, and training alone has those"
        hint = "leave out the row that the net gives in evaluation too"
        log.pass_over(
            fault("E022", said, tree.entries["aux"].value.span, hint)
        )
        return ()
    return tuple(found.values())


def _named(tree: Mapping) -> Iterator[OutputDef]:
    for key in ("output", "aux"):
        for name in listed(tree, key):
            yield OutputDef(name.text, name.span, key == "aux")


def _problem(
    named: OutputDef, before: OutputDef | None, rows: Collection[str]
) -> Fault | None:
    """Why a name cannot stand where it does."""
    row = named.row
    if first_word(row) not in rows:
        near = near_or_all(row, rows, "the rows are")
        return fault(
            "E030", f"no row is called `{row}`", named.span, near, about=row
        )
    if before is None:
        return None
    said, hint = f"`{row}` is named twice", "leave one of them out"
    if named.aux and not before.aux:
        said = f"`{row}` is an output in evaluation too, and `aux` is for training alone"
        hint = "leave it out of one of the two"
    problem = fault("E022", said, named.span, hint, about=row)
    return problem.beside(before.span, "named here too")

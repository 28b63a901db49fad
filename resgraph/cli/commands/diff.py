"""`resgraph diff`: two nets → what was added, removed and changed, and what that does to parameters
and MACs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from ...collecting import each_value
from ...graph import Node
from ...ops import Cost
from ...outputs.figure.content.quantity import plural
from ...outputs.numbers import count_text, shape_label
from ...passes.compare import (
    Change,
    Differences,
    RepeatedChange,
    RowChange,
    compare,
    grouped,
    rows,
)
from ...plan import Plan
from ..loading import load_plan
from ..options import (
    SPEC,
    Multiple,
    json_option,
    output_options,
    set_option,
    write,
)
from ..report import print_json

_MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "shape": ("~", "yellow"),
}


@click.command()
@click.argument("before", type=SPEC, metavar="SPEC")
@click.argument("after", type=SPEC, metavar="SPEC")
@set_option
@json_option
@output_options
def diff(
    before: str, after: str, overrides: Multiple, allow_outside: bool, as_json: bool,
    output: Path | None, force: bool,
) -> None:  # fmt: skip
    """Compare two nets by what their layers are: rows first, then each difference; `--set` applies
    to the second, `-o` draws both."""
    first = load_plan(before, allow_outside=allow_outside)
    second = load_plan(after, overrides, allow_outside=allow_outside)
    if output:
        from ...outputs.figure.render import render_difference

        write(
            render_difference(
                first, second, output.suffix.lstrip(".") or "svg"
            ),
            output,
            force=force,
        )
        if not as_json:
            return
    found = compare(first.graph, second.graph)
    if as_json:
        data = {
            "before": _facts(first),
            "after": _facts(second),
            **_found(found),
        }
        print_json(data)
        return
    for part in (_summary(found), _details(found), _renamed(found)):
        if lines := list(part):
            click.echo("\n".join([*lines, ""]))
    click.echo("\n".join(_totals(first, second)))


def _totals(first: Plan, second: Plan) -> Iterator[str]:
    for what, old, new in (
        ("params", first.params, second.params),
        ("MACs", first.macs, second.macs),
    ):
        yield f"{what:<7}{old:>16,} → {new:>16,}  {_difference(old, new)}"
    given = [*map(_outputs, (first, second))]
    if (first.depth, given[0]) != (second.depth, given[1]):
        shapes = f"output {' → '.join(given)}"
        yield f"depth  {first.depth:>16} → {second.depth:>16}  {shapes}"


def _outputs(plan: Plan) -> str:
    """The shapes of what a net gives, several with the names of their rows."""
    named = (
        plan.outputs | plan.aux if plan.graph.several else {"": plan.output}
    )
    return ", ".join(
        f"{row} {shape_label(x)}".lstrip() for row, x in named.items()
    )


def _summary(found: Differences) -> Iterator[str]:
    """A line for each row that differs, and those that do not."""
    told = rows(found)
    columns = [
        _even(map(_name, told)),
        _even(map(_counts, told)),
        _even(_arrow(row.before.shape, row.after.shape) for row in told),
        [_cost(row.cost) for row in told],
    ]
    yield from (
        "  ".join(cells).rstrip() for cells in zip(*columns, strict=True)
    )
    differ = {row.after.name for row in told}
    same = [
        b.name for a, b in found.rows if a and b and b.name not in differ
    ]
    if told and same:
        yield f"the same: {', '.join(same)}"


def _even(texts: Iterable[str]) -> list[str]:
    """Texts of one width."""
    cells = list(texts)
    wide = max(map(len, cells), default=0)
    return [f"{text:<{wide}}" for text in cells]


def _name(row: RowChange) -> str:
    return (
        _arrow(row.before.name, row.after.name) or row.after.name or "input"
    )


def _counts(row: RowChange) -> str:
    """`+ 1 block, ~ 2 ops`; of shapes alone, nothing."""
    return ", ".join(
        f"{_MARKS[kind][0]} {plural(number, unit)}"
        for (kind, unit), number in sorted(row.counts.items())
        if kind != "shape"
    )


def _arrow(one: str, other: str) -> str:
    """From what to what; of one alone, that; "" where they are equal."""
    return " → ".join(filter(None, (one, other))) if one != other else ""


def _details(found: Differences) -> Iterator[str]:
    return map(_line, grouped(found))


def _renamed(found: Differences) -> Iterator[str]:
    for one, other in list(found.renamed.items())[:1]:
        number = plural(len(found.renamed), "node")
        yield f"{number} of both under another name, as {one} → {other}"


def _line(group: RepeatedChange) -> str:
    mark, color = _MARKS[group.kind]
    text = _arrow(group.before, group.after)
    times = f"  × {group.count}" if group.count > 1 else ""
    cost = _cost(group.cost)
    return (
        click.style(f"{mark} {group.name}", fg=color)
        + f"  {text}{times}"
        + (f"  ({cost})" if cost else "")
    )


def _cost(cost: Cost) -> str:
    """What it adds, or saves."""
    costs = [(cost.params, "params"), (cost.macs, "MACs")]
    return ", ".join(
        f"{_signed(number)} {what}" for number, what in costs if number
    )


def _signed(number: int) -> str:
    return ("+" if number > 0 else "-") + count_text(abs(number))


def _difference(old: int, new: int) -> str:
    if old == new:
        return "the same"
    share = f" ({(new - old) / old:+.2%})" if old else ""
    return f"{new - old:+,}{share}"


def _facts(plan: Plan) -> dict[str, Any]:
    facts = {
        "name": plan.name, "params": plan.params, "macs": plan.macs, "depth": plan.depth,
        "output": list(plan.output),
    }  # fmt: skip
    if plan.graph.listed:
        facts["outputs"] = each_value(list, plan.outputs)
    return facts


def _found(found: Differences) -> dict[str, Any]:
    return {
        "rows": [*map(_row_data, rows(found))],
        "changes": [*map(_data, found.changes)],
        "renamed": found.renamed,
    }


def _row_data(row: RowChange) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    for (kind, unit), number in row.counts.items():
        counts.setdefault(kind, {})[unit] = number
    return {
        "before": row.before.name or None, "after": row.after.name or None, **counts,
        "params": row.cost.params, "macs": row.cost.macs,
    }  # fmt: skip


def _data(change: Change) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {
        "kind": change.kind, "name": change.name,
        **each_value(_node_data, sides),
        "params": change.cost.params, "macs": change.cost.macs,
    }  # fmt: skip


def _node_data(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "name": node.name, "label": node.op.label(), "shape": list(node.shape),
        "inputs": list(node.inputs),
    }  # fmt: skip

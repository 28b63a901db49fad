"""`resgraph diff`: two nets → what was added, removed and changed, and what that does to parameters
and MACs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...outputs.numbers import count_text, shape_label
from ...passes.compare import Change, RepeatedChange, compare, grouped
from ...plan import Plan
from ..loading import load_plan
from ..options import SPEC, json_option, output_options, set_option, write
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
    before: str, after: str, overrides: tuple[str, ...], allow_outside: bool, as_json: bool,
    output: Path | None, force: bool,
) -> None:  # fmt: skip
    """Compare two nets by the names of their nodes; `--set` applies to the second, `-o` draws
    both."""
    first = load_plan(before, allow_outside=allow_outside)
    second = load_plan(after, overrides, allow_outside=allow_outside)
    if output:
        from ...outputs.figure.render import render_difference

        write(
            render_difference(first, second, output.suffix.lstrip(".") or "svg"),
            output,
            force=force,
        )
        return
    if as_json:
        changes = [_data(change) for change in compare(first.graph, second.graph)]
        print_json(
            {"before": _facts(first), "after": _facts(second), "changes": changes}
        )
        return
    groups = grouped(first.graph, second.graph)
    for group in groups:
        click.echo(_line(group))
    if groups:
        click.echo()
    for what, old, new in (
        ("params", first.params, second.params),
        ("MACs", first.macs, second.macs),
    ):
        click.echo(f"{what:<7}{old:>16,} → {new:>16,}  {_difference(old, new)}")
    given = [_outputs(plan) for plan in (first, second)]
    if (first.depth, given[0]) != (second.depth, given[1]):
        shapes = f"output {' → '.join(given)}"
        click.echo(f"depth  {first.depth:>16} → {second.depth:>16}  {shapes}")


def _outputs(plan: Plan) -> str:
    """The shapes of what a net gives, several with the names of their rows."""
    named = plan.outputs | plan.aux if plan.graph.several else {"": plan.output}
    return ", ".join(f"{row} {shape_label(x)}".lstrip() for row, x in named.items())


def _line(group: RepeatedChange) -> str:
    mark, color = _MARKS[group.kind]
    text = " → ".join(part for part in (group.before, group.after) if part)
    times = f"  × {group.count}" if group.count > 1 else ""
    costs = [(group.cost.params, "params"), (group.cost.macs, "MACs")]
    cost = ", ".join(f"{_signed(number)} {what}" for number, what in costs if number)
    return (
        click.style(f"{mark} {group.name}", fg=color)
        + f"  {text}{times}"
        + (f"  ({cost})" if cost else "")
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
        facts["outputs"] = {row: list(shape) for row, shape in plan.outputs.items()}
    return facts


def _data(change: Change) -> dict[str, Any]:
    sides = {
        side: (
            {
                "label": node.op.label(),
                "shape": list(node.shape),
                "inputs": list(node.inputs),
            }
            if node
            else None
        )
        for side, node in (("before", change.before), ("after", change.after))
    }
    return {
        "kind": change.kind, "name": change.name, **sides, "params": change.cost.params,
        "macs": change.cost.macs,
    }  # fmt: skip

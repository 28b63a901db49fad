"""`resgraph show`: specs → their table."""

from __future__ import annotations

import click

from ...errors import UsageError, needing
from ...ops.base import is_map
from ...outputs.numbers import count_text
from ...outputs.registry import OUTPUTS, named
from ...passes.memory import training_memory
from ...passes.paths import paths
from ...passes.receptive_field import receptive_fields
from ...plan import Plan
from ..loading import load_plans
from ..options import (
    Multiple,
    json_option,
    one_format,
    set_option,
    specs_argument,
)
from ..training import need_weights, weights_option


@click.command()
@specs_argument
@set_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(named("show"))),
    default="text",
    show_default=True,
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    help="for the memory of training  [default: 32]",
)
@weights_option
@json_option
def show(
    specs: Multiple,
    overrides: Multiple,
    allow_outside: bool,
    kind: str,
    batch: int | None,
    weights: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Print nets as tables: output, layers, parameters and multiply-adds of each row.

    With `--weights`, also what each tensor would be in a run that starts from them. In Markdown,
    LaTeX and CSV several nets share one table, as in Table 1 of the ResNet paper.
    """
    need_weights(weights, key)
    kind = one_format(kind, as_json=as_json)
    plans = load_plans(specs, overrides, allow_outside=allow_outside)
    output = OUTPUTS[kind]
    if batch and output.takes == "plans":
        raise UsageError(
            "--batch is for the memory of training, which the text tells"
        )
    if weights and (output.takes == "plans" or len(plans) > 1):
        raise UsageError("--weights is for the text of one net")
    if output.takes == "plans":
        click.echo(output.load()(plans), nl=False)
    else:
        for plan in plans:
            _print(plan, batch or 32)
            if weights:
                _print_weights(plan, weights, key)


def _print_weights(plan: Plan, named: str, key: str | None) -> None:
    """Which tensor comes from where."""
    with needing("weights need PyTorch", "train"):
        from ...language.recipe.start import StartingWeights
        from ...train.start.transfer import would_start
    for line in would_start(
        plan, StartingWeights(file=named, key=key)
    ).lines(whole=True):
        click.echo(line)


def _print(plan: Plan, batch: int) -> None:
    from rich.console import Console

    console = Console()
    if plan.spec.about:
        click.echo(plan.spec.about)
    click.echo(
        plan.table(
            width=console.width,
            color=console.is_terminal and not console.no_color,
        ),
        nl=False,
    )
    click.echo(_summary(plan, batch))


def _summary(plan: Plan, batch: int) -> str:
    """What a table does not say: how far the net sees, the ways through it, what training holds in
    memory."""
    last = [
        row
        for row in plan.graph.rows
        if is_map(plan.graph.nodes[row.output].shape)
    ]
    lines: list[str] = []
    if last:
        field = receptive_fields(plan.graph)[last[-1].output]
        steps = [f"{float(step):g}" for step in field.step]
        stride = "x".join(steps if len(set(steps)) > 1 else steps[:1])
        lines.append(
            f"receptive field {field.text()}, stride {stride} at the end of {last[-1].word}"
        )
    if plan.graph.several:
        lines.append(f"gives {', '.join(plan.outputs)}")
        lines[-1] += (
            f"; in training {', '.join(plan.aux)} too" if plan.aux else ""
        )
    found = paths(plan.graph)
    if found.count > 1:
        count = (
            f"{found.count:,}"
            if found.count < 10**9
            else f"{float(found.count):.2g}"
        )
        lines.append(
            f"{count} paths of {found.shortest} to {found.longest} layers, {float(found.mean):.3g}"
            " on average"
        )
    memory = training_memory(plan.graph, batch)
    each = f"{count_text(memory.activations)}B of activations an image"
    lines.append(
        f"training holds about {count_text(memory.total)}B at batch {batch} in fp32 ({each})"
    )
    return "\n".join(lines)

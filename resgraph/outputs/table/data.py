"""Plans → the numbers of their tables as plain data: records for JSON, lines for CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from ...collecting import each_value
from ...passes.paths import paths
from ...passes.receptive_field import ReceptiveField, receptive_fields
from ...passes.summary import Row, summarize
from ...plan import Plan

_FIELDS = (
    "net",
    "row",
    "output",
    "layers",
    "params",
    "macs",
    "activations",
    "receptive_field",
    "stride",
)


def csv_text(plans: Sequence[Plan]) -> str:
    """A line for each row of each plan; sizes as `64x56x56`, costs exact and for one image."""
    stream = StringIO()
    writer = csv.DictWriter(
        stream, _FIELDS, extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for plan in plans:
        for row in facts(plan)["rows"]:
            layers = "; ".join(
                (
                    f"[{', '.join(group['lines'])}] x {group['repeat']}"
                    if group["block"]
                    else ", ".join(group["lines"])
                )
                for group in row["layers"]
            )
            sizes = {
                "output": "x".join(map(str, row["output"])),
                "stride": "x".join(f"{s:g}" for s in row["stride"]),
            }
            writer.writerow(
                {
                    "net": plan.name,
                    "row": row["name"],
                    **row,
                    **sizes,
                    "layers": layers,
                }
            )
    return stream.getvalue()


def json_text(plans: Sequence[Plan]) -> str:
    """One plan's facts, or a list of several plans'."""
    data = [*map(facts, plans)]
    return json.dumps(data[0] if len(data) == 1 else data, indent=2) + "\n"


def _paths(plan: Plan) -> dict[str, Any]:
    found = paths(plan.graph)
    return {
        "count": found.count, "shortest": found.shortest, "longest": found.longest,
        "mean": float(found.mean),
    }  # fmt: skip


def _outputs(plan: Plan) -> dict[str, Any]:
    """What the module's tuple holds, by row, where it gives one."""
    if not plan.graph.several:
        return {}
    kinds = {"outputs": plan.outputs, "aux": plan.aux}
    return {
        kind: each_value(list, shapes) for kind, shapes in kinds.items()
    }


def facts(plan: Plan) -> dict[str, Any]:
    """The table as plain data: sizes are `[channels, height, width]`, costs are exact and for one
    image."""
    fields = receptive_fields(plan.graph)
    return {
        "name": plan.name,
        "about": plan.spec.about,
        "input": list(plan.input),
        "inputs": each_value(list, plan.inputs),
        "output": list(plan.output),
        **_outputs(plan),
        "params": plan.params,
        "macs": plan.macs,
        "activations": plan.activations,
        "depth": plan.depth,
        "receptive_field": fields[plan.graph.output].text(),
        "paths": _paths(plan),
        "rows": [
            _row(row, fields[path.output])
            for row, path in zip(
                summarize(plan.graph), plan.graph.rows, strict=True
            )
        ],
    }


def _row(row: Row, field: ReceptiveField) -> dict[str, Any]:
    """A row of the table; of one that hands on several streams, the shape of each by its name."""
    return {
        "name": row.name,
        "output": list(row.output),
        **({"streams": row.streams} if row.streams else {}),
        "receptive_field": field.text(),
        "stride": [*map(float, field.step)],
        "layers": [
            {
                "block": group.block,
                "lines": list(group.lines),
                "repeat": group.count,
            }
            for group in row.groups
        ],
        "params": row.cost.params,
        "macs": row.cost.macs,
        "activations": row.cost.activations,
    }

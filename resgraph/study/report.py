"""Results → a table as text, Markdown, LaTeX, CSV and JSON, each with what it rests on."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ..collecting import of_type
from ..outputs.numbers import count_text
from ..outputs.table.latex import escape
from .equals import equal_nets, equality_told
from .plan import PlannedNet
from .results import CONFIDENCE, Difference, NetScore, Results

ReportRow = tuple[str, ...]


def head(results: Results) -> ReportRow:
    """The columns."""
    measure = results.study.measure
    sign = measure.unit.strip()
    unit = f" ({sign})" if sign else ""
    steps = ("steps",) if results.study.file.minutes else ()
    return (
        "net", "params", "MACs", "seeds", *steps, f"{measure}{unit}",
        f"against {results.baseline}",
    )  # fmt: skip


def rows(results: Results) -> list[ReportRow]:
    """A net in each."""
    out = []
    for net in results.nets:
        facts = net.point.facts
        seeds = f"{len(net.runs) - net.missing}"
        seeds += f" of {len(net.runs)}" if net.missing else ""
        steps = (_steps(net),) if results.study.file.minutes else ()
        out.append(
            (
                net.point.name, count_text(facts["params"]), count_text(facts["macs"]),
                seeds, *steps, mean_text(net.mean, net.sd), difference_text(net),
            )
        )  # fmt: skip
    return out


def notes(results: Results) -> list[str]:
    """What the numbers are, below a table."""
    budget = results.study.file.budget
    length = f"{budget} a run; " if budget else ""
    out = [
        f"{length}mean ± standard deviation over seeds",
        (
            f"differences are paired by seed, each with a {CONFIDENCE:.0%} interval (Student's t)"
            " of its own; * leaves out 0"
        ),
    ]
    points = [net.point for net in results.nets]
    equal = equal_nets([*of_type(PlannedNet, points)])
    out += map(equality_told, equal)
    if results.holes:
        many = len(results.holes) > 1
        missing = (
            f"{len(results.holes)} run{'s are' if many else ' is'} missing"
        )
        out.append(f"incomplete: {missing}")
    return out


def progress(results: Results) -> str:
    """`12 of 20 runs are done; running: 2; not run: 6`."""
    total = sum(len(net.runs) for net in results.nets)
    other = Counter(run.why for run in results.holes)
    rest = "".join(
        f"; {why}: {count}" for why, count in sorted(other.items())
    )
    return f"{total - other.total()} of {total} runs are done{rest}"


def _steps(net: NetScore) -> str:
    steps = [run.steps for run in net.runs]
    low, high = min(steps), max(steps)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def mean_text(mean: float | None, sd: float | None) -> str:
    """`2.31 ± 0.12`."""
    if mean is None:
        return "–"
    return f"{mean:.2f}" + ("" if sd is None else f" ± {sd:.2f}")


def difference_text(net: NetScore) -> str:
    """`-0.42 [-0.71, -0.13] *`, and the seeds that both have where those are not all."""
    found: Difference | None = net.difference
    if found is None:
        return ""
    text = f"{found.mean:+.2f}"
    if found.interval:
        text += " [{:+.2f}, {:+.2f}]".format(*found.interval)
    text += " *" if found.clear else ""
    return text + (
        f" (n={found.seeds})" if found.seeds < len(net.runs) else ""
    )


def text(results: Results) -> str:
    """The table for a terminal."""
    table = [head(results), *rows(results)]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_aligned(row, wide) for row in table]
    rule = "─" * max(map(len, lines))
    body = [results.study.file.study, "", lines[0], rule, *lines[1:], rule]
    return "\n".join([*body, *notes(results)]) + "\n"


def _aligned(row: ReportRow, wide: Sequence[int]) -> str:
    first, *others = zip(row, wide, strict=True)
    cells = [
        f"{first[0]:<{first[1]}}",
        *(f"{cell:>{width}}" for cell, width in others[:-1]),
    ]
    return "  ".join([*cells, others[-1][0]]).rstrip()


def markdown(results: Results) -> str:
    """The table for a page."""
    cells = [head(results), *rows(results)]
    lines = [
        "| " + " | ".join(c.replace("|", "\\|") for c in row) + " |"
        for row in cells
    ]
    columns = len(cells[0])
    lines.insert(1, "|---|" + "---:|" * (columns - 2) + "---|")
    below = [f"{note[0].upper()}{note[1:]}." for note in notes(results)]
    return "\n".join([*lines, "", *below]) + "\n"


def latex(results: Results) -> str:
    """A tabular for a paper; it needs the package booktabs."""
    columns = len(head(results))

    def line(row: ReportRow) -> str:
        return " & ".join(map(_tex, row)) + r" \\"

    body = [*map(line, rows(results))]
    return "\n".join(
        [
            "% \\usepackage{booktabs}",
            f"\\begin{{tabular}}{{l{'r' * (columns - 2)}l}}",
            "\\toprule", line(head(results)), "\\midrule", *body, "\\bottomrule",
            "\\end{tabular}", *(f"% {note}" for note in notes(results)),
        ]
    ) + "\n"  # fmt: skip


def _tex(cell: str) -> str:
    plain = escape(cell.replace("±", "PLUSMINUS").replace("–", "ENDASH"))
    plain = plain.replace("PLUSMINUS", r"$\pm$").replace("ENDASH", "--")
    # a minus, not a hyphen
    return re.sub(r"(?<![\w-])-(?=\d)", "$-$", plain)


def table_csv(results: Results) -> str:
    """A line for each run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "net",
            "seed",
            "params",
            "macs",
            "steps",
            str(results.study.measure),
            "run",
        ]
    )
    for net in results.nets:
        facts = net.point.facts
        for run in net.runs:
            score = "" if run.score is None else repr(run.score)
            writer.writerow(
                [
                    run.net,
                    run.seed,
                    facts["params"],
                    facts["macs"],
                    run.steps,
                    score,
                    run.path.name,
                ]
            )
    return out.getvalue()


def document(results: Results) -> dict[str, Any]:
    """As JSON."""
    return {
        "study": results.study.file.study,
        "measure": str(results.study.measure),
        "baseline": results.baseline,
        "confidence": CONFIDENCE,
        "complete": not results.holes,
        "nets": [*map(_net, results.nets)],
    }


def _net(net: NetScore) -> dict[str, Any]:
    found = net.difference
    return {
        "net": net.point.name,
        "spec": net.point.reference,
        "set": list(net.point.overrides),
        **net.point.facts,
        "mean": net.mean,
        "sd": net.sd,
        "difference": found
        and {
            "mean": found.mean,
            "interval": found.interval and list(found.interval),
            "seeds": found.seeds,
            "clear": found.clear,
        },
        "runs": [
            {
                "seed": run.seed, "score": run.score, "steps": run.steps,
                "run": str(run.path), **({"why": run.why} if run.why else {}),
            }
            for run in net.runs
        ],
    }  # fmt: skip


FORMS: dict[str, Callable[[Results], str]] = {
    "table.txt": text,
    "table.md": markdown,
    "table.tex": latex,
    "runs.csv": table_csv,
    "results.json": lambda results: (
        json.dumps(document(results), indent=1) + "\n"
    ),
}
"""The files that a study ends with, each with who writes it."""

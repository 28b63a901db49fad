"""Plans → Table 1 in LaTeX, brackets and all; it needs the packages booktabs, amsmath and
multirow."""

from __future__ import annotations

from collections.abc import Sequence

from ...ops import Shape
from ...passes.summary import INDENT, Group
from ...plan import Plan
from ..numbers import count_text
from .columns import columns

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def latex(plans: Sequence[Plan]) -> str:
    """A tabular with a column for each plan, ready to be put into a table environment."""
    lines = [
        "% \\usepackage{booktabs,amsmath}",
        f"\\begin{{tabular}}{{l{'c' * (len(plans) + 1)}}}",
        "\\toprule",
        _line(
            "layer name",
            "output size",
            *(escape(plan.name) for plan in plans),
        ),
        "\\midrule",
    ]
    for cells in columns(plans):
        output = ", ".join(map(_size, cells.outputs))
        lines.append(
            _line(
                escape(cells.name),
                output,
                *(_layers(cells.groups(i)) for i in range(len(plans))),
            )
        )
        lines.append("\\addlinespace")
    lines[-1] = "\\midrule"
    lines.append(
        _line("parameters", "", *(_quantity(plan.params) for plan in plans))
    )
    lines.append(
        _line(
            "multiply--adds", "", *(_quantity(plan.macs) for plan in plans)
        )
    )
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX sets literally."""
    return "".join(
        _ESCAPES.get(c, c if c.isprintable() else "?") for c in text
    )


def _line(*cells: str) -> str:
    return " & ".join(cells) + r" \\"


def _size(shape: Shape) -> str:
    """As in the paper: height × width of a map, 1 × 1 of a vector."""
    return "$" + r"\times".join(map(str, shape[1:] or (1, 1))) + "$"


def _quantity(number: int) -> str:
    value, _, unit = count_text(number).partition(" ")
    return f"{value}\\,{unit}" if unit else value


def _layers(groups: Sequence[Group]) -> str:
    if len(groups) == 1:
        return _group(groups[0])
    return (
        "\\begin{tabular}[c]{@{}c@{}}"
        + r" \\ ".join(map(_group, groups))
        + "\\end{tabular}"
    )


def _group(group: Group) -> str:
    lines = [*map(_line_text, group.lines)]
    times = (
        f"$\\times{group.count}$" if group.count > 1 or group.block else ""
    )
    if not group.block:
        return ", ".join(lines) + times
    rows = r" \\ ".join(f"\\text{{{line}}}" for line in lines)
    return f"$\\begin{{bmatrix}} {rows} \\end{{bmatrix}}$" + times


def _line_text(line: str) -> str:
    label = line.lstrip()
    text = (
        escape(label).replace("x", "$\\times$", 1)
        if label[:1].isdigit()
        else escape(label)
    )
    return r"\quad " * ((len(line) - len(label)) // len(INDENT)) + text

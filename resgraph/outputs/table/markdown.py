"""Plans → Table 1 in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...collecting import flatten
from ...passes.summary import INDENT, Group
from ...plan import Plan
from ..numbers import count_text, shape_label
from .columns import columns


def markdown(plans: Sequence[Plan]) -> str:
    """A table with a column for each plan: layers × repeats, then parameters, multiply-adds and
    depth."""
    lines = [
        _line("", "output", *(_escape(plan.name) for plan in plans)),
        _line("---", "---", *("---" for _ in plans)),
        *_inputs(plans),
    ]
    for cells in columns(plans):
        output = ", ".join(map(shape_label, cells.outputs))
        layers = (
            _layers(cells.groups(place)) for place in range(len(plans))
        )
        lines.append(_line(_escape(cells.name), output, *layers))
    lines.append(
        _line("params", "", *(f"{plan.params:,}" for plan in plans))
    )
    lines.append(
        _line("MACs", "", *(count_text(plan.macs) for plan in plans))
    )
    lines.append(_line("depth", "", *(str(plan.depth) for plan in plans)))
    return "\n".join(lines) + "\n"


def _inputs(plans: Sequence[Plan]) -> Iterator[str]:
    """A row for each input that any of them has."""
    for name in dict.fromkeys(flatten(plan.inputs for plan in plans)):
        shapes = [plan.inputs.get(name) for plan in plans]
        labels = (shape_label(shape) if shape else "" for shape in shapes)
        yield _line(_escape(name), "", *labels)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _layers(groups: Sequence[Group]) -> str:
    return "<br>".join(map(_group, groups))


def _group(group: Group) -> str:
    text = _listed(group.lines)
    if group.block:
        return f"[{text}] × {group.count}"
    return text + (f" × {group.count}" if group.count > 1 else "")


def _listed(lines: Sequence[str]) -> str:
    """Lines one behind another; those that are set in stand in parentheses behind the name that
    they belong to."""
    text, depth = "", 0
    for line in lines:
        label = line.lstrip()
        deep = (len(line) - len(label)) // len(INDENT)
        text += (
            " (" * (deep - depth)
            + ")" * (depth - deep)
            + (", " if text and deep <= depth else "")
        )
        text, depth = text + _escape(label), deep
    return text + ")" * depth


def _escape(text: str) -> str:
    """Text that Markdown and HTML take literally."""
    for character in "\\`*_[]|":
        text = text.replace(character, f"\\{character}")
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )

"""A spec that is wrong → a figure of the rows that hold together, and in red the one at which they
stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....errors import Diagnostic
from ..content.builder import View, choose
from ..scene import Scene
from .overview import Broken, NetLook, draw

if TYPE_CHECKING:
    from ....passes.expand import Expansion


def scene(
    made: Expansion,
    first: Diagnostic,
    view: View = "auto",
) -> Scene | None:
    """The scene of as much of the net as could be made, with the first of its mistakes; None where
    not even its first row could."""
    from ....plan import Plan

    if made.graph is None:
        return None
    # where each row could be made, what is wrong is elsewhere in the file
    names = [*made.spec.rows, "spec"]
    broken = names[len(made.graph.rows)]
    said = (
        f"{first.severity}[{first.code}]: {first.message}",
        *([f"help: {first.help}"] if first.help else []),
    )
    plan = Plan(made.spec, made.graph)
    return draw(plan, NetLook(choose(view), broken=Broken(broken, said)))

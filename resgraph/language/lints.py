"""The names of the lints, and a spec's `allow:` → which of them it silences."""

from __future__ import annotations

from collections.abc import Collection

from ..catalogue import lints
from ..errors import Diagnostic, fault
from .diagnose.nearest import did_you_mean
from .yaml.tree import Mapping, listed

LINTS = lints()
"""The name by which `allow:` silences a lint, and its code."""

ALLOWABLE = {**LINTS, "unused": "E034"}
"""What `allow:` can name: the lints, and definitions that are there for the files that extend this
one."""


def allowed(tree: Mapping, *, inherited: bool = True) -> frozenset[str]:
    """What a spec silences, by name; without what is `inherited`, only in its own file."""
    names = (
        name
        for name in listed(tree, "allow")
        if inherited or name.span.source == tree.span.source
    )
    return frozenset(name.text for name in names if name.text in ALLOWABLE)


def unused_allow(
    tree: Mapping, silenced: Collection[str]
) -> list[Diagnostic]:
    """A warning for each name that a file allows and that none of its nets needs; `extends` may
    bring others."""
    if "unused-allow" in allowed(tree):
        return []
    help_ = "take it out, so that the lint is told when it matters"
    return [
        fault(
            "W009",
            f"`{name.text}` is allowed, and there is nothing to silence",
            name.span,
            help_,
        ).diagnostic
        for name in listed(tree, "allow")
        if name.text in LINTS
        and name.text not in silenced
        and name.span.source == tree.span.source
    ]


def unknown_lints(tree: Mapping) -> list[Diagnostic]:
    """An error for each name under `allow:` that is no lint's."""
    out: list[Diagnostic] = []
    for name in listed(tree, "allow"):
        if name.text not in ALLOWABLE:
            hint = (
                did_you_mean(name.text, ALLOWABLE)
                or f"the lints are {', '.join(LINTS)}"
            )
            out.append(
                fault(
                    "E022", f"no lint `{name.text}`", name.span, hint
                ).diagnostic
            )
    return out

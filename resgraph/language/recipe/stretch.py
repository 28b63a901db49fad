"""A recipe and another length → the recipe with its milestones and its warm-up at the same shares
of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from ...ops.base import number_text

LENGTHS = ("epochs", "iterations")
"""The keys that give a run its length; what stands within it (`at`, `length`) counts the same."""
_LONGEST = 10**9


def stretched(
    base: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """`base`, a recipe as a mapping, for a run as long as `own` says, in the unit of that length.

    `schedule.at` and `warmup.length` keep their shares of the run: 32,000 of 64,000 iterations are
    10 of 20 epochs. Iterations are rounded to whole ones; in a run so short that two milestones
    meet one of them is left out, as is what would come to stand at the end of the run. Where `own`
    gives no length (or none that could be one) nothing changes."""
    given = {key: own[key] for key in LENGTHS if _is_length(own.get(key))}
    before = [base[key] for key in LENGTHS if _is_length(base.get(key))]
    out = dict(base)
    if len(given) != 1 or not before:
        return out
    ((unit, length),) = given.items()
    factor = length / before[0]

    def moved(places: Iterable[float]) -> list[float]:
        return _within(
            length, (_moved(place, factor, unit) for place in places)
        )

    if _says(schedule := base.get("schedule"), "at"):
        at = moved(schedule["at"])
        _put(out, "schedule", at and {**schedule, "at": at})
    if _says(warmup := base.get("warmup"), "length"):
        ends = moved([warmup["length"]])
        _put(out, "warmup", ends and {**warmup, "length": ends[0]})
    if isinstance(steps := base.get("optimizer"), Mapping):
        out["optimizer"] = _ending(steps, factor, unit)
    return out


def _says(part: Any, key: str) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(part, Mapping) and key in part


def _put(recipe: dict[str, Any], key: str, part: Any) -> None:
    """A part in place of what was there, or nothing where it is empty."""
    del recipe[key]
    if part:
        recipe[key] = part


def _ending(
    steps: Mapping[str, Any], factor: float, unit: str
) -> dict[str, Any]:
    """An optimizer, and the one within it, whose parts end their learning at the same shares."""
    out = dict(steps)
    if isinstance(inner := steps.get("others"), Mapping):
        out["others"] = _ending(inner, factor, unit)
    if isinstance(parts := steps.get("by"), Mapping):
        out["by"] = {
            name: _sooner(part, factor, unit)
            for name, part in parts.items()
        }
    return out


def _sooner(part: Any, factor: float, unit: str) -> Any:
    if not (isinstance(part, Mapping) and _is_length(part.get("until"))):
        return part
    return {**part, "until": _moved(part["until"], factor, unit)}


def _within(length: float, places: Iterable[float]) -> list[float]:
    """Places of a run, each once, without those at its end or beyond."""
    return [place for place in dict.fromkeys(places) if place < length]


def _moved(place: float, factor: float, unit: str) -> float:
    return (
        float(f"{place * factor:.12g}")
        if unit == "epochs"
        else max(1, round(place * factor))
    )


def _is_length(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value <= _LONGEST
    )


def fitting(inner: str, count: int, whole: float, unit: str) -> str:
    """As many places as were written that would do: a half and three quarters of the run, or its
    twentieth part."""
    shares = [0.05] if inner == "length" else [0.5, 0.75, 0.875][:count]
    places = [
        whole * share if unit == "epochs" else max(1, round(whole * share))
        for share in shares
    ]
    texts = ", ".join(number_text(round(place, 6)) for place in places)
    return f"length: {texts}" if inner == "length" else f"at: [{texts}]"

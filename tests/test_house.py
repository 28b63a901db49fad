"""Limits that keep the code readable: branches, lines and parameters of functions, and the modules
of a folder. `ruff check` holds the columns.

Exceptions stand here by name, with why. What has come below a limit must leave its list.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import mean

import pytest

pytest.importorskip("radon")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import house  # noqa: E402

CLICK = "click passes each option by its name"
PUBLIC = "public: each keyword is documented, and most are left out"
TORCH = "the arguments of torch's own class"
DRAWN = "a shape's place and look, said once at each use"

COMPLEX: dict[str, str] = {}
"""Functions of a complexity above 15, with why."""
LONG: dict[str, str] = {}
"""Functions of more than 40 lines, with why."""
MANY = {
    "outputs/pytorch/layers.py: MixedConv2d.__init__": TORCH,
    "outputs/pytorch/layers.py: PaddedConv2d.__init__": TORCH,
    "outputs/pytorch/layers.py: PaddedScaledStandardizedConv2d.__init__": TORCH,
    "outputs/pytorch/layers.py: PaddedStandardizedConv2d.__init__": TORCH,
    "outputs/pytorch/layers.py: ScaledStandardizedConv2d.__init__": TORCH,
    "outputs/pytorch/layers.py: StandardizedConv2d.__init__": TORCH,
    "cli/commands/build.py: build": CLICK,
    "cli/commands/check.py: check": CLICK,
    "cli/commands/diff.py: diff": CLICK,
    "cli/commands/eval.py: evaluate": CLICK,
    "cli/commands/export.py: export": CLICK,
    "cli/commands/predict.py: predict": CLICK,
    "cli/commands/import_.py: import_": CLICK,
    "cli/commands/profile.py: profile": CLICK,
    "cli/commands/render.py: render": CLICK,
    "cli/commands/resolve.py: resolve": CLICK,
    "cli/commands/show.py: show": CLICK,
    "cli/commands/sweep.py: sweep": CLICK,
    "cli/commands/weights.py: weights": CLICK,
    "errors.py: fault": "what a diagnostic may carry, most of it left out",
    "outputs/figure/scene.py: badge": DRAWN,
    "outputs/pytorch/export.py: export": PUBLIC,
    "study/sweep.py: sweep": PUBLIC,
    "train/__init__.py: build": PUBLIC,
    "train/__init__.py: evaluate": PUBLIC,
    "train/__init__.py: evaluate_weights": PUBLIC,
    "train/__init__.py: predict": PUBLIC,
    "train/__init__.py: predict_weights": PUBLIC,
    "train/data/__init__.py: load": "what each data set's loader may be asked for",
    "train/settings/memory.py: with_memory_plan": "a step's memory rests on each of them",
}
"""Functions of more than five parameters, with why."""
MEAN = 3.33
"""The most that the mean complexity may be; the goal is 3.0."""
DENSITY = 8.0
"""Tokens a code line, at most."""


@cache
def functions() -> list[house.Function]:
    return [
        f
        for path in house.sources(house.PACKAGE)
        for f in house.functions(path)
    ]


def above(measure: str, limit: int) -> set[str]:
    return {
        f"{each.file.relative_to(house.PACKAGE)}: {each.name}"
        for each in functions()
        if getattr(each, measure) > limit
    }


@pytest.mark.parametrize(
    ("measure", "limit", "excused"),
    [
        ("complexity", 15, COMPLEX),
        ("lines", 40, LONG),
        ("parameters", 5, MANY),
    ],
)
def test_functions_are_short_and_branch_little(
    measure: str, limit: int, excused: dict[str, str]
) -> None:
    assert above(measure, limit) == excused.keys()


def test_functions_branch_little_on_the_whole() -> None:
    assert mean(house.complexities(house.sources(house.PACKAGE))) <= MEAN


def test_lines_are_not_dense() -> None:
    counts, lines = zip(
        *map(house.tokens, house.sources(house.PACKAGE)), strict=True
    )
    assert sum(counts) / sum(lines) <= DENSITY


def test_no_folder_has_more_than_20_modules() -> None:
    found = Counter(
        path.parent.relative_to(house.PACKAGE)
        for path in house.sources(house.PACKAGE)
    )
    assert {
        str(folder) for folder, modules in found.items() if modules > 20
    } == {"cli/commands"}


def test_a_public_type_has_a_name_of_its_own() -> None:
    """Classes and aliases; an op and the module that runs it share theirs."""
    homes: dict[str, list[str]] = {}
    for path in house.sources(ROOT / "resgraph"):
        if path.name == "layers.py":
            continue
        for node in house.tree(path).body:
            for name in _types(node):
                homes.setdefault(name, []).append(
                    str(path.relative_to(ROOT))
                )
    assert {
        name: files for name, files in homes.items() if len(files) > 1
    } == {}


def _types(node: ast.stmt) -> list[str]:
    """What a statement names as a type: `class Name`, `Name = …`."""
    if isinstance(node, ast.ClassDef):
        names = [node.name]
    elif isinstance(node, ast.Assign):
        names = [
            target.id
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
    else:
        names = []
    return [
        name for name in names if name[0].isupper() and not name.isupper()
    ]


def test_a_record_is_a_struct_where_it_can_be() -> None:
    """To make the class of a dataclass takes ten times as long, which every start pays."""
    idle = [
        f"{path.relative_to(house.PACKAGE)}: {node.name}"
        for path in house.sources(house.PACKAGE)
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.ClassDef)
        and _is_dataclass(node)
        and not _needs_it(node)
    ]
    assert idle == []


def _is_dataclass(node: ast.ClassDef) -> bool:
    names = [
        ast.unparse(each).split("(")[0] for each in node.decorator_list
    ]
    return "dataclass" in names


def _needs_it(node: ast.ClassDef) -> bool:
    """It is abstract or has such a base, or has a field that a struct cannot have."""
    options = {
        keyword.arg
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.value, ast.Call)
        for keyword in statement.value.keywords
    }
    return bool(node.bases or options & {"init", "compare"})

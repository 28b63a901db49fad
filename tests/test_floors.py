"""The house has floors: imports go down, outputs do not know one another, and `check` needs no heavy library."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "resgraph"
FLOORS = {
    "collecting": 0, "counting": 0, "dotted": 0, "errors": 0, "files": 0, "flaws": 0, "foreign": 0, "garbage": 0, "packages": 0, "structs": -1, "faults": 1, "streams": 1,
    "catalogue": 1, "ops": 1, "language": 2,
    "graph": 3, "passes": 4, "plan": 5,
    "checked": 6, "zoo": 6, "mending": 7, "outputs": 7, "train": 8, "importing": 8, "study": 9, "lsp": 10, "serve": 11,
    "mcp": 11, "cli": 12,
}  # fmt: skip
ROOMS = {
    "language": {
        "yaml": "", "grammar": "yaml", "diagnose": "grammar yaml", "recipe": "diagnose yaml",
    },
    "passes": {"compare": "", "expand": "", "fine_tune": "", "lint": "", "unread": ""},
    "outputs": {"figure": "", "pytorch": "", "table": ""},
    "outputs.pytorch": {"features": "", "weights": ""},
    "outputs.figure": {
        "content": "", "layout": "content", "figures": "content layout", "formats": "content figures layout",
    },
    "importing": {
        "aten": "numbers restated", "blocks": "regions", "code": "", "numbers": "", "proof": "regions", "regions": "numbers",
        "restated": "", "rows": "regions", "saved": "aten", "variants": "",
    },
    "train": {
        "run": "", "start": "data run", "parallel": "", "settings": "parallel", "augment": "", "tasks": "",
        "data": "augment parallel settings tasks", "engine": "augment data parallel run settings tasks",
        "report": "data engine",
    },
}  # fmt: skip
"""Of folders with folders: which of these import which, beside the modules that stand free there."""
# the package itself, and `python -m resgraph`
ROOF = {
    "__init__",
    "__main__",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
RECIPE = "resgraph.language.recipe"
HEAVY = ("torch", "numpy", "networkx", "rich", "PIL")


def dotted(path: Path) -> list[str]:
    """`resgraph/ops/base.py` → `["ops", "base"]`; a package is its own name."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return (
        parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
    )


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a module, read once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[tuple[tuple[str, ...], bool], ...]:
    """What a module imports, as dotted names, and whether only a type checker sees it."""
    module_tree = tree(path)
    typed = {
        id(inner)
        for node in module_tree.body
        if isinstance(node, ast.If)
        and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    package = ["resgraph", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in ast.walk(module_tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found.append(
                    (tuple(name.name.split(".")), id(node) in typed)
                )
        elif isinstance(node, ast.ImportFrom):
            base = (
                package[: len(package) - node.level + 1]
                if node.level
                else []
            )
            module = [
                *base,
                *(node.module.split(".") if node.module else []),
            ]
            for name in node.names:
                found.append(((*module, name.name), id(node) in typed))
    return tuple(found)


def floor_of(parts: Sequence[str]) -> int | None:
    return FLOORS.get(parts[0])


def test_every_module_has_a_floor() -> None:
    loose = {dotted(path)[0] for path in MODULES} - FLOORS.keys() - ROOF
    assert loose <= {"library"}, "the library is data"


def climbs(path: Path) -> Iterator[str]:
    """Imports of a module from its own floor or one above."""
    here = dotted(path)
    floor = floor_of(here)
    if here[0] in ROOF or floor is None:
        return
    for module, typed in imports(path):
        if module[0] != "resgraph" or typed or len(module) < 2:
            continue
        there = floor_of(module[1:])
        if there is not None and module[1] != here[0] and there >= floor:
            yield (
                f"{'.'.join(here)} imports {'.'.join(module)}, "
                f"from floor {there} to {floor}"
            )


def test_imports_go_down() -> None:
    assert [climb for path in MODULES for climb in climbs(path)] == []


@cache
def edges() -> frozenset[tuple[str, str]]:
    """Which module imports which, as dotted names within the package; what only a type checker sees is left out."""
    names = {".".join(dotted(path)) for path in MODULES}
    found = set()
    for path in MODULES:
        for module, typed in imports(path):
            if module[0] == "resgraph" and not typed:
                whole, outer = ".".join(module[1:]), ".".join(module[1:-1])
                found.add(
                    (
                        ".".join(dotted(path)),
                        whole if whole in names else outer,
                    )
                )
    return frozenset(found)


def test_no_modules_import_each_other_in_a_circle() -> None:
    below: dict[str, set[str]] = {}
    for here, there in edges():
        if here != there and there not in ROOF and here not in ROOF:
            below.setdefault(here, set()).add(there)
    TopologicalSorter(
        below
    ).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("house", ROOMS)
def test_rooms_import_what_the_table_says(house: str) -> None:
    """Between the folders of a folder: a new edge is a decision, and is made here."""
    found: dict[str, set[str]] = {room: set() for room in ROOMS[house]}
    for here, there in edges():
        if here.startswith(f"{house}.") and there.startswith(f"{house}."):
            one = here[len(house) + 1 :].split(".")[0]
            other = there[len(house) + 1 :].split(".")[0]
            if one in found and other in found and one != other:
                found[one].add(other)
    assert found == {
        room: set(below.split()) for room, below in ROOMS[house].items()
    }


@pytest.mark.parametrize("house", ROOMS)
def test_every_folder_is_a_room_of_the_table(house: str) -> None:
    folders = {
        path.name
        for path in (PACKAGE / house.replace(".", "/")).iterdir()
        if any(path.glob("*.py"))
    }
    assert folders == ROOMS[house].keys()


def with_torch(here: list[str]) -> bool:
    return here[0] in ("train", "importing") or here[:2] == [
        "outputs",
        "pytorch",
    ]


def test_torch_is_imported_in_three_places() -> None:
    found = {
        ".".join(dotted(path))
        for path in MODULES
        for module, typed in imports(path)
        if module[0] == "torch" and not typed
    }
    assert found, "else the search is broken"
    assert [name for name in found if not with_torch(name.split("."))] == []


def loaded_after(code: str, *modules: str) -> set[str]:
    """Those of the modules, else of the heavy libraries, that are imported once `code` has run in a fresh interpreter."""
    script = f"import sys\n{code}\nprint('loaded', *(m for m in {modules or HEAVY!r} if m in sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {*done.stderr.splitlines()[-1].split()} - {"loaded"}


def test_no_two_test_modules_are_one_module() -> None:
    """Outside of packages, pytest imports each by its bare name."""
    loose = [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    twice = [
        name
        for name, count in Counter(path.name for path in loose).items()
        if count > 1
    ]
    assert loose and twice == [], (
        "rename one, or put an __init__.py beside each"
    )


def test_importing_resgraph_is_light() -> None:
    assert loaded_after("import resgraph") == set()


def test_check_is_light() -> None:
    code = "from resgraph.cli import run\nassert run(['check', 'specs/resnet.yaml::resnet-18']) == 0"
    assert loaded_after(code) == set()


def test_only_a_mistake_loads_pydantic() -> None:
    """Its import and its classes took half of what `check` takes."""
    every = "from resgraph.cli import run\nfrom glob import glob\nassert run(['check', *glob('specs/*.yaml')]) == 0"
    assert loaded_after(every, "pydantic", "pydantic_core") == set()
    wrong = "from resgraph import SpecError, loads\ntry: loads('names: a')\nexcept SpecError: pass"
    assert loaded_after(wrong, "pydantic") == {"pydantic"}


MISTAKEN = {
    "sweep STUDY -o OUT": 1,
    "sweep STUDY --plan": 1,
    "export none.yaml -o OUT.onnx": 1,
    "export resnet-18 --features none -o OUT.onnx": 2,
    "import timm:a timm:b --partial": 2,
    "check none.yaml --prove": 1,
    "check none.yaml --module none.py": 1,
    "weights none.yaml none.pth -o OUT.pth": 1,
    "profile none.yaml": 1,
    "predict none.yaml --weights none.pth none.png": 1,
}


@pytest.mark.parametrize(("asked", "code"), MISTAKEN.items())
def test_a_mistake_is_told_without_torch(
    asked: str, code: int, tmp_path: Path
) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("study: a\nnets: [none.yaml]\nseeds: 3\n")
    words = asked.replace("STUDY", str(study))
    words = words.replace("OUT", str(tmp_path / "out"))
    line = f"from resgraph.cli import run\nassert run({words.split()!r}) == {code}"
    assert loaded_after(line, "torch", "scipy") == set()


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_net_without_a_recipe_makes_no_recipe(command: str) -> None:
    """Its records take a twelfth of what `check` takes."""
    code = f"from resgraph.cli import run\nassert run(['{command}', 'specs/bit.yaml::bit-50x1']) == 0"
    assert loaded_after(code, "resgraph.language.schema", RECIPE) == {
        "resgraph.language.schema"
    }
    assert RECIPE in loaded_after(
        code.replace("bit.yaml::bit-50x1", "resnet.yaml::resnet-18"), RECIPE
    )


def test_a_plan_and_its_numbers_are_light() -> None:
    code = "import resgraph\nplan = resgraph.load('specs/resnet.yaml::resnet-50')\nassert plan.params == 25557032"
    assert loaded_after(code) == set()


def test_check_starts_fast() -> None:
    """The measured number is in benchmarks; this only catches an import of torch-like weight."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "from resgraph.cli import run; run(['check', 'specs/resnet.yaml::resnet-18'])"
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    )
    assert seconds < 2.5, (
        f"{seconds:.2f} s of CPU, {time.monotonic() - started:.2f} s"
    )

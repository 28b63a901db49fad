"""What is installed: from the wheel and from the source distribution alone, the zoo, the licences and every text."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import resgraph

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, str]:
    """The versions in constraints.txt."""
    lines = (
        (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    )
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def needed(wanted: list[str]) -> set[str]:
    """All that requirements bring with them, of what is installed here."""
    found: set[str] = set()
    stack = [Requirement(text) for text in wanted]
    while stack:
        one = stack.pop()
        names = one.extras or {""}
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        if one.name == "resgraph":
            stack += [
                Requirement(text)
                for extra in names
                for text in EXTRAS[extra]
            ]
            continue
        name = canonicalize_name(one.name)
        if name in found:
            continue
        found.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for inner in map(Requirement, requires):
            if inner.marker is None or any(
                inner.marker.evaluate({"extra": extra}) for extra in names
            ):
                stack.append(Requirement(str(inner).partition(";")[0]))
    return found


def _is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_every_package_that_is_needed_is_pinned() -> None:
    wanted = needed([*PROJECT["dependencies"], *EXTRAS["dev"]])
    absent = [name for name in sorted(wanted) if not _is_installed(name)]
    if absent:
        pytest.skip(
            f"what {', '.join(absent)} need is not known: pip install -e '.[dev]'"
        )
    assert {"torch", "sympy", "typst", "resvg-py", "rpds-py"} <= wanted
    assert wanted - pins().keys() == set()
    assert pins().keys() - wanted == {"torchvision"}, (
        "which the benchmarks compare with"
    )


def test_a_release_before_1_may_break_and_is_bounded() -> None:
    for text in EXTRAS["figures"]:
        need = Requirement(text)
        major, minor, *_ = map(
            int, pins()[canonicalize_name(need.name)].split(".")
        )
        now, next_one = f"0.{minor}.99", f"0.{minor + 1}.0"
        assert major or need.specifier.contains(now)
        assert major or not need.specifier.contains(next_one)


def test_the_index_page_has_no_dead_links() -> None:
    text = (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")
    assert not re.findall(r"\]\((?!https?://)", text)
    for extra in EXTRAS.keys() - {"dev", "docs"}:
        assert f"| `{extra}` |" in text


def test_the_version_is_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    assert (ROOT / "resgraph/__init__.py").read_text(
        encoding="utf-8"
    ).count(f'"{resgraph.__version__}"') == 1


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution of this tree, and the wheel that is built from it alone."""
    out = tmp_path_factory.mktemp("built")
    source = out / "source"
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in filter(lambda name: (ROOT / name).is_file(), names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    backend = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
    _run([sys.executable, "-c", backend, "build_sdist", str(out)], source)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    _run([sys.executable, "-c", backend, "build_wheel", str(out)], unpacked)
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_what_the_tree_has(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        packed = {
            name for name in wheel.namelist() if ".dist-info/" not in name
        }
        licences = {
            name.partition(".dist-info/licenses/")[2]
            for name in wheel.namelist()
        } - {""}
        (about,) = (
            wheel.read(name).decode()
            for name in wheel.namelist()
            if name.endswith("/METADATA")
        )
    names = subprocess.run(
        ["git", "ls-files", "resgraph", "specs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout
    tree = {
        re.sub(r"^specs/", "resgraph/zoo/", name)
        for name in names.splitlines()
        if (ROOT / name).is_file()
    }
    assert {
        name for name in tree - packed if not name.endswith(".sh")
    } == set()
    assert (
        licences == set(PROJECT["license-files"]) and "LICENSE" in licences
    )
    assert f"\nVersion: {resgraph.__version__}\n" in about


def test_the_wheel_alone_in_an_empty_directory(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    """Its dependencies are those of this environment; of resgraph there is nothing but the wheel."""
    python = _environment(tmp_path / "venv", built[1])
    empty = tmp_path / "empty"
    empty.mkdir()
    here = _run(
        [python, "-c", "import resgraph; print(resgraph.__file__)"], empty
    )
    assert here.startswith(str(tmp_path / "venv"))
    listed = _run([python, "-m", "resgraph", "zoo"], empty)
    assert (
        "\n  resnet-50 " in listed
        and "\n  cifar-plain::plain-20 " in listed
    )
    (empty / "mine.yaml").write_text(
        "extends: resnet-50\nname: mine\n", encoding="utf-8"
    )
    several = """
from resgraph.cli import run
from resgraph.train.data.digits import stored

assert run(["show", "resnet-50"]) == 0
assert run(["check", "resnet::resnet-50", "vgg-bn"]) == 0
assert run(["show", "mine.yaml"]) == 0
print(len(stored()[1]))
"""
    shown = _run([python, "-c", several], empty)
    assert shown.count("receptive field 427 px") == 2
    assert shown.count("as expected") == 5, "four of them are VGGs"
    assert shown.endswith("\n1797\n")


def _environment(folder: Path, wheel: Path) -> str:
    """A virtual environment with the wheel unpacked in it, and behind it the packages of this one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    (site,) = _run(
        [
            str(python),
            "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))",
        ],
        ROOT,
    ).splitlines()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    behind = [path for path in sys.path if path.endswith("site-packages")]
    (Path(site) / "behind.pth").write_text(
        "\n".join(behind), encoding="utf-8"
    )
    return str(python)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "source", "editable"])
def test_pip_installs_it(
    kind: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    """From nothing, with the dependencies that pip finds for it."""
    venv.create(tmp_path / "venv", with_pip=True)
    python, command = (
        str(tmp_path / "venv" / "bin" / name)
        for name in ("python", "resgraph")
    )
    editable = ["-e", str(built[0].parent / "source")]
    what = {
        "wheel": [str(built[1])],
        "source": [str(built[0])],
        "editable": editable,
    }[kind]
    _run(
        [
            python,
            "-m",
            "pip",
            "install",
            "-q",
            "-c",
            str(ROOT / "constraints.txt"),
            *what,
        ],
        tmp_path,
    )
    (tmp_path / "empty").mkdir()
    assert "\n  resnet-50 " in _run([command, "zoo"], tmp_path / "empty")
    assert "receptive field 427 px" in _run(
        [command, "show", "resnet-50"], tmp_path / "empty"
    )
    assert "as expected" in _run(
        [command, "check", "vgg-bn"], tmp_path / "empty"
    )
    assert "class " in _run(
        [command, "export", "resnet-50"], tmp_path / "empty"
    )
    assert (
        _run([command, "render", "resnet-50"], tmp_path / "empty")
        .lstrip()
        .startswith("<svg")
    )

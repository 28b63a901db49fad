"""What a SPEC names → a file and a variant: a file of the user's, else a net of the zoo that comes
with resgraph."""

from __future__ import annotations

import os
import re
from functools import cache
from itertools import islice
from pathlib import Path

from ..collecting import among
from ..errors import Hint, UsageError, ticked
from ..structs import Frozen
from .diagnose.nearest import certain, meant, nearest

# anything else is the path of a file
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MODEL = re.compile(r"([A-Za-z_][\w.]*|[^:]+\.py):[A-Za-z_][\w.]*")
_MODEL_FILES = (".pt2", ".onnx")
_VARIANTS = re.compile(r"^variants:.*\n((?:[ #].*\n|\n)*)", re.MULTILINE)
_VARIANT = re.compile(r"^  ([\w-]+):", re.MULTILINE)
_BASE = re.compile(r"^extends: +([\w-]+)\.yaml *$", re.MULTILINE)
FIRST = ("resnet", "vgg", "cifar-resnet")
"""Of zoo files that share a variant's name, those whose it is: torchvision's nets, and the ResNet
paper's on CIFAR."""


class Reference(Frozen):
    """A file, and the variant of it that is meant; `zoo` is the zoo's name of the file."""

    path: Path
    variant: str | None = None
    zoo: str = ""

    def label(self, variant: str | None) -> str:
        """How a user writes a variant of this file."""
        return f"{self.zoo or self.path}" + (
            f"::{variant}" if variant else ""
        )


def locate(
    reference: str | os.PathLike[str], folder: Path = Path()
) -> Reference:
    """`net.yaml::v`, `resnet::resnet-50` or `resnet-50` → what it names; `folder` is where paths
    begin.

    A file that is there comes before a net of the zoo. Raises `UsageError` where no file is named,
    and for a variant that several files of the zoo have; a file that is not there is left to its
    reader to tell of."""
    name, variant = _split(os.fspath(reference))
    path = folder / name
    zoo = zoo_index()
    if not _NAME.fullmatch(name) or _kind(path) == "file":
        return Reference(path, variant)
    if name in zoo:
        return Reference(zoo_folder() / f"{name}.yaml", variant, name)
    files = [file for file, variants in zoo.items() if name in variants]
    if variant is not None or not files:
        return Reference(path, variant)
    file = _whose(name, files)
    return Reference(zoo_folder() / f"{file}.yaml", name, file)


def _whose(variant: str, files: list[str]) -> str:
    """The one of the files whose variant a name is. Raises `UsageError`."""
    file = next(iter(among(FIRST, files)), files[0])
    if len(files) > 1 and file not in FIRST:
        readings = ticked((f"{one}::{variant}" for one in files), " or ")
        raise UsageError(
            f"several files of the zoo have a `{variant}`: write {readings}"
        )
    return file


def names_code(reference: str) -> bool:
    """Whether a word names a model that is code, as `timm:resnet50`, `package.module:callable` or
    `file.py:callable`: only a command line, or a caller in Python, may say it."""
    return bool(_MODEL.fullmatch(reference))


def names_model_file(reference: str) -> bool:
    """Whether a word names a file with a model in it, which is data and no spec."""
    return reference.endswith(_MODEL_FILES)


def _split(text: str) -> tuple[str, str | None]:
    name, found, variant = text.rpartition("::")
    # `a::b/net.yaml`: a folder may have colons, no variant a slash
    if not found or "/" in variant or os.sep in variant:
        return text, None
    if not name:
        raise UsageError(
            f"`{text}` names no file: write `file.yaml::variant`"
        )
    return name, variant


def _kind(path: Path) -> str:
    """`file` (or whatever may be read), `directory`, or "" where nothing is there."""
    try:
        return (
            ""
            if not path.exists()
            else "directory"
            if path.is_dir()
            else "file"
        )
    except (OSError, ValueError):  # a name that no file can have
        return ""


def own_file(path: Path) -> Path:
    """A file that is to be written. Raises `UsageError` where a net of the zoo is meant, which
    nobody writes to."""
    if locate(path).zoo:
        copy = f"`resgraph resolve {path} -o FILE.yaml` makes a file of your own"
        raise UsageError(
            f"`{path}` is a net of the zoo, which stays as it is; {copy}"
        )
    return path


def near(path: Path) -> Hint:
    """What may have been meant by a file that is not there: a spec beside it, or a net of the
    zoo."""
    if _kind(path):
        return Hint()
    if _NAME.fullmatch(path.name):
        zoo = {name: name for name in zoo_words()}
        if path.name in zoo:
            return Hint(
                f"`{path.name}` is a net of the zoo, and has no variants"
            )
        known = zoo | _specs_beside(path)
        if right := certain(path.name, known):
            return meant(known[right], sure=True)
        close = nearest(path.name, known)
        return (
            meant(known[close], sure=False)
            if close
            else Hint("`resgraph zoo` lists the nets that need no file")
        )
    beside = _specs_beside(path)
    close = nearest(path.stem, beside)
    hints = [f"did you mean `{beside[close]}`?"] if close else []
    if path.stem in zoo_words():
        hints.append(
            f"the zoo's `{path.stem}` is written without `{path.suffix}`"
        )
    return Hint(" ".join(hints))


def _specs_beside(path: Path) -> dict[str, str]:
    """The specs in the directory of a file, by their names without `.yaml`."""
    try:
        beside = islice(path.parent.glob("*.yaml"), 1000)
        return {
            other.stem: other.name
            for other in beside
            if other.name != path.name
        }
    except (OSError, ValueError):
        return {}


@cache
def zoo_folder() -> Path:
    """Where the zoo is: within an installed package; in a checkout, the `specs` that the build
    takes there."""
    package = Path(__file__).parents[1]
    return (
        package / "zoo"
        if (package / "zoo").is_dir()
        else package.parent / "specs"
    )


@cache
def zoo_index() -> dict[str, tuple[str, ...]]:
    """Files of the zoo, without their `.yaml`, and the variants of each. They are scanned: names
    are all it takes."""
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted(zoo_folder().glob("*.yaml"))
    }
    return {file: tuple(_variants(file, texts)) for file in texts}


def _variants(file: str, texts: dict[str, str]) -> list[str]:
    base = _BASE.search(texts[file])
    own = _VARIANTS.search(texts[file])
    inherited = _variants(base[1], texts) if base else []
    listed = _VARIANT.findall(own[1]) if own else []
    return list(dict.fromkeys([*inherited, *listed]))


@cache
def zoo_names() -> tuple[str, ...]:
    """Every net of the zoo by the shortest name that means it, file by file."""
    out: list[str] = []
    for file, variants in zoo_index().items():
        for variant in variants or [None]:
            full = Reference(Path(), zoo=file).label(variant)
            out.append(
                variant if variant and _means(variant, file) else full
            )
    return tuple(out)


def zoo_words() -> tuple[str, ...]:
    """The names of every net, and those of the files."""
    return (*zoo_names(), *zoo_index())


def _means(variant: str, file: str) -> bool:
    try:
        return (
            locate(variant, zoo_folder()).zoo == file
            and variant not in zoo_index()
        )
    except UsageError:
        return False

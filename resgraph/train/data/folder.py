"""A tree with one folder per class → a data set of files, found without opening one."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import torch

from ...collecting import flatten
from ...counting import counted
from ...errors import MissingError, TrainingError, first_few
from ...files import readable
from ...language.recipe.data import Folder
from .formats.decoder import COMMON, ENDINGS
from .sets import (
    TO_SPLIT,
    ClassNames,
    DataSet,
    Files,
    Request,
    beside_split,
    held_out,
    nothing,
)

_SHOWN = 5
"""Names of files in a note, at most."""


def load(recipe: Folder, request: Request) -> DataSet:
    """Classes are the sorted names of the folders in `path/train`; `path/val` must have the same.

    Where it is only to be `scored`, there need be no `path/train`, and nothing is said of it. What
    is no image is left out and noted. Raises `MissingError` where the tree is not there,
    `TrainingError` where a class is empty or the parts do not agree."""
    if recipe.split:
        return _split(recipe, request)
    path, scored = request.path, request.scored
    alone = scored and not (path / recipe.train).is_dir()
    places = [path / recipe.train, path / recipe.validation][alone:]
    for place in places:
        if not place.is_dir():
            raise MissingError(
                f"{place} is not there: images are looked for as"
                f" {path}/{recipe.train}/<class>/*.jpg and"
                f" {path}/{recipe.validation}/<class>/*.jpg; say where they are with --data or"
                f" `train.data.path`{_there(path)}{TO_SPLIT}"
            )
    read = [*map(ClassFolders, places)]
    classes = common_classes(read[0], read[-1])
    files = [part.files() for part in read]
    return DataSet(
        name=path.name,
        train=nothing() if alone else files[0],
        validation=files[-1],
        classes=classes,
        shape=request.input,
        about=f"images in {path}",
        watched="validation",
        notes=tuple(
            flatten(part.notes() for part in read[-1 if scored else 0 :])
        ),
    )


def _split(recipe: Folder, request: Request) -> DataSet:
    """A tree without parts, of which some images of each class are held out."""
    inner = request.path / recipe.train
    tree = inner if inner.is_dir() else request.path
    if not tree.is_dir():
        raise MissingError(
            f"{tree} is not there: images are looked for as {tree}/<class>/*.jpg; say where they"
            f" are with --data or `train.data.path`{_there(tree)}"
        )
    whole = ClassFolders(tree)
    classes = common_classes(whole, whole)
    train, held = held_out(whole.files(), recipe.split, recipe.split_seed)
    notes = tuple(whole.notes())
    other = request.path / recipe.validation
    if tree is inner and other.is_dir():
        notes += beside_split(other, recipe.split)
    return DataSet(
        name=request.path.name,
        train=train,
        validation=held,
        classes=classes,
        shape=request.input,
        about=f"images in {whole.path}, {recipe.split:g} of each class held out",
        watched="validation",
        notes=notes,
    )


def _there(path: Path) -> str:
    """What stands where the folder of a part was looked for."""
    if path.is_file():
        return f", which is a folder: {path} is a file"
    if not path.is_dir():
        return ""
    names = sorted(entry.name for entry in _entries(path) if entry.is_dir())
    return (
        f"; what a part is called, with `train.data.train` and `train.data.validation`: {path} has"
        f" {first_few(names, _SHOWN) or 'no folders'}"
    )


def common_classes(first: ClassFolders, last: ClassFolders) -> ClassNames:
    """Raises `TrainingError` where there are none, or not the same in both."""
    if not first.classes:
        raise TrainingError(
            f"{first.path} has no folders: images are looked for as {first.path}/<class>/*.jpg"
        )
    if first.classes != last.classes:
        odd = sorted(set(first.classes) ^ set(last.classes))
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        raise TrainingError(
            f"{first.path} and {last.path} have different classes: only one has"
            f" {', '.join(odd[:5])}{more}; each class is a folder in both"
        )
    return first.classes


@dataclass(slots=True)
class ClassFolders:
    """One part of a set, a folder for each class, and what in it is no image of a class."""

    path: Path
    classes: ClassNames = field(init=False)
    # images beside the folders of classes
    outside: list[str] = field(init=False)
    # files that are no images by their endings
    others: list[str] = field(default_factory=list)
    # links to folders that were read already
    again: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        entries = _entries(self.path)
        self.classes = tuple(
            sorted(entry.name for entry in entries if entry.is_dir())
        )
        beside = [entry.path for entry in entries if not entry.is_dir()]
        self.outside = [*filter(_is_image, beside)]

    def files(self) -> Files:
        """The images of each class, in its folder and in folders within it, sorted by path."""
        paths: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(self.classes):
            other = len(self.others)
            found = sorted(self._images(self.path / name, set()))
            if not found:
                kinds = ", ".join(_endings(self.others[other:]))
                held = (
                    f" (but files that end with {kinds})" if kinds else ""
                )
                raise TrainingError(
                    f"{self.path / name} has no image{held}; images end with {COMMON}, …"
                )
            paths += [*map(Path, found)]
            labels += [label] * len(found)
        return Files(
            tuple(paths), torch.tensor(labels, dtype=torch.int64), self.path
        )

    def _images(
        self, folder: Path, seen: set[tuple[int, int]]
    ) -> list[str]:
        """Paths in a folder and those within it; links are followed, but each folder is read
        once."""
        found: list[str] = []
        waiting = [str(folder)]
        while waiting:
            here = waiting.pop()
            status = Path(here).stat()
            if (status.st_dev, status.st_ino) in seen:
                self.again.append(here)
                continue
            seen.add((status.st_dev, status.st_ino))
            for entry in _entries(Path(here)):
                if entry.is_dir():
                    waiting.append(entry.path)
                elif _is_image(entry.path) and (
                    entry.is_file() or entry.is_symlink()
                ):
                    # a dead link is reported as an image that cannot be read
                    found.append(entry.path)
                else:
                    self.others.append(entry.path)
        return found

    def notes(self) -> list[str]:
        """What was left out, for the reader."""
        kinds = ", ".join(_endings(self.others))
        lists = (
            (
                self.outside,
                "image",
                "directly in",
                "outside the folder of any class",
            ),
            (
                self.others,
                "file",
                "in",
                f"not an image by its ending ({kinds})",
            ),
            (
                self.again,
                "folder",
                "in",
                "a second way to one that was read",
            ),
        )
        return [
            f"left out: {counted(len(names), what)} {where} {self.path}, {why}:"
            f" {self._named(names)}"
            for names, what, where, why in lists
            if names
        ]

    def _named(self, paths: list[str]) -> str:
        shown = sorted(paths)[: _SHOWN + 1]
        names = [os.path.relpath(path, self.path) for path in shown]
        return first_few(names, _SHOWN)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder but for names that begin with a dot: `.DS_Store`, `._x.png`, caches."""
    with readable(folder, TrainingError):
        return [
            entry
            for entry in os.scandir(folder)
            if not entry.name.startswith(".")
        ]


def _is_image(path: str) -> bool:
    return PurePath(path).suffix.lower() in ENDINGS


def _endings(paths: list[str]) -> list[str]:
    """`.txt`, `none`: the commonest first."""
    counts = Counter(
        PurePath(path).suffix.lower() or "no ending" for path in paths
    )
    return [ending for ending, _ in counts.most_common(_SHOWN)]

"""Files that a prediction is asked of → what a net reads, row by row: images, or the rows of NumPy
arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ..collecting import the_only
from ..errors import UsageError, first_few
from ..files import reason
from ..language.diagnose.nearest import did_you_mean
from ..language.recipe.base import FILTERS, Filter
from ..ops.base import Shape, shape_text
from ..structs import Frozen
from .augment.crops import center_crop, to_tensor
from .data.arrays import as_pixels, fitted
from .data.formats.decoder import (
    COMMON,
    ENDINGS,
    TURNED,
    UNREADABLE,
    open_image,
    size_of,
)
from .data.formats.npy import ArrayStore

ARRAYS = frozenset([".npy", ".npz"])
"""What the names of arrays end with; `FILE.npz:NAME` is one of several in a file."""


class GivenRow(NamedTuple):
    """What a net is asked of: pixels, not normalized yet, of a file or a row of its array; of an
    image that cannot be read, gray ones and why."""

    path: Path
    row: int | None
    pixels: Tensor
    unread: str


class GivenFile(Frozen):
    """A file: an image, or the `rows` (n, …) of an array, in the levels of the net's images."""

    path: Path
    rows: Tensor | None = None

    def __len__(self) -> int:
        return 1 if self.rows is None else len(self.rows)

    @property
    def places(self) -> Iterable[int | None]:
        """The number of each row; an image has none."""
        return [None] if self.rows is None else range(len(self.rows))

    def read(self, document: Mapping[str, Any]) -> Iterator[GivenRow]:
        """Each row and its number; an image has none. As the net saw its training images."""
        if self.rows is None:
            yield self._image(document)
            return
        for row, values in enumerate(self.rows):
            yield GivenRow(self.path, row, values.float(), "")

    def _image(self, document: Mapping[str, Any]) -> GivenRow:
        try:
            pixels, unread = read_image(self.path, document), ""
        except UNREADABLE as error:
            # as in training: it takes a place in its batch
            pixels = torch.full(document["shape"], 128.0)
            unread = (
                f"{self.path} cannot be read as an image: {reason(error)}"
            )
        return GivenRow(self.path, None, pixels.float(), unread)


def given(
    paths: list[Path], document: Mapping[str, Any], name: str
) -> list[GivenFile]:
    """Files, and the images of folders; of arrays those that hold images, called `name` where a
    file has several. Raises `UsageError` where one is not there or is no image of the net."""
    shape = tuple(document["shape"])
    found: list[GivenFile] = []
    for path in paths:
        if is_array(path):
            rows = array_rows(path, shape, float(document["levels"]), name)
            found.append(GivenFile(path, rows))
        elif len(shape) != 3:
            raise UsageError(
                f"the net reads {shape_text(shape)}, and no image can be that: give rows of"
                f" numbers, as x.npy, and not {path}"
            )
        else:
            found += [*map(GivenFile, images_at(path))]
    return found


def is_array(path: Path) -> bool:
    """Whether a name is that of an array."""
    return _parted(path)[0].suffix in ARRAYS


def array_rows(
    path: Path, shape: Shape, levels: float, name: str, *, raw: bool = False
) -> Tensor:
    """(n, *shape) of an array, or of one that holds a single row; in so many levels, or with `raw`
    as its numbers are. Raises `UsageError` where it is of another shape, or several could be
    meant."""
    file, written = _parted(path)
    need_file(file)
    one = file.suffix == ".npy"
    store = (
        ArrayStore(file.parent, {file.stem: file.stat().st_size})
        if one
        else ArrayStore.at(file)
    )
    wanted = written or _sole(store, name)
    if wanted not in store.sizes:
        listed = first_few(sorted(store.sizes), 12) or "nothing"
        raise UsageError(
            f"{file} has {listed}: say which, as in {file}:{listed.split(',')[0]}"
        )
    values = store.read(wanted)
    where = str(file) if one else store.place(wanted)
    pixels, level = as_pixels(values, where)
    ways = (pixels, pixels[None], pixels[..., None])
    tries = (fitted(several, shape) for several in ways if several.ndim > 1)
    rows = next(
        (rows for rows in tries if tuple(rows.shape[1:]) == shape), None
    )
    if rows is None:
        own = shape_text(tuple(values.shape))
        raise UsageError(
            f"{where} is {own}: the net reads {shape_text(shape)} of each row"
        )
    return rows.to(torch.float32) * (1.0 if raw else levels / level)


def _sole(store: ArrayStore, name: str) -> str:
    """The array of a store that has one; of several, the one of that name."""
    return the_only(store.sizes, name)


def _parted(path: Path) -> tuple[Path, str]:
    """`x.npz:NAME` → the file, and the name."""
    file, mark, name = str(path).rpartition(".npz:")
    return (Path(f"{file}.npz"), name) if mark else (path, "")


def images_at(path: Path) -> list[Path]:
    """An image, or those of a folder, by name. Raises `UsageError` where a folder has none, or a
    file is none by its name and its first bytes."""
    if not path.is_dir():
        need_file(path)
        if path.suffix.lower() not in ENDINGS:
            _need_image(path)
        return [path]
    found = [
        entry
        for entry in sorted(path.iterdir())
        if entry.suffix.lower() in ENDINGS
        and not entry.name.startswith(".")
    ]
    if not found:
        raise UsageError(
            f"{path} is a folder without images; they end with {COMMON}, …, and are not looked for"
            " in the folders within it: name those"
        )
    return found


def _need_image(path: Path) -> None:
    try:
        size_of(path)
    except UNREADABLE as error:
        raise UsageError(
            f"{path} cannot be read as an image: {reason(error)}; name files like {COMMON}"
        ) from error


def need_file(path: Path) -> None:
    """Raises `UsageError` where there is no file, with the nearest one that there is."""
    if path.is_file():
        return
    if not path.parent.is_dir():
        raise UsageError(
            f"{path} is not there: there is no folder {path.parent}"
        )
    kinds = ARRAYS if path.suffix in ARRAYS else ENDINGS
    entries = path.parent.iterdir()
    beside = [
        entry.name for entry in entries if entry.suffix.lower() in kinds
    ]
    what = "array" if kinds is ARRAYS else "image"
    hint = (
        did_you_mean(path.name, beside)
        or f"{_counted(len(beside), what)} in {path.parent.resolve()}"
    )
    raise UsageError(f"{path} is not there; {hint}")


def _counted(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count or 'no'} {what}s are"


def read_image(path: Path, document: Mapping[str, Any]) -> Tensor:
    """An image file as the net saw its training images: (channels, height, width) of pixels, not
    normalized yet. Raises one of `UNREADABLE`."""
    channels, height, width = document["shape"]
    side = side_of(document)
    turned = document.get("decode", {}).get("orientation") == TURNED
    image = open_image(path, channels, side, exif=turned)
    if side is not None:
        return center_crop(
            image, side, (height, width), filter_of(document)
        )
    pixels = to_tensor(
        image.resize((width, height), Image.Resampling.BILINEAR)
    )
    return pixels.to(torch.float32) * (float(document["levels"]) / 255)


def filter_of(document: Mapping[str, Any]) -> Filter:
    """By which images are resized before the crop; older runs do not say it, or know one alone."""
    resize = document.get("resize")
    told = resize.get("filter") if isinstance(resize, dict) else None
    return next((way for way in FILTERS if way == told), "bilinear")


def side_of(document: Mapping[str, Any]) -> int | None:
    """The shorter side before the centre crop; None where the whole image is stretched to the net's
    input."""
    resize = document.get("resize")
    # a number in older runs
    side = (
        resize.get("shorter_side") if isinstance(resize, dict) else resize
    )
    return int(side) if side is not None else None

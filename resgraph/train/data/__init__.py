"""A recipe's `data:` → a data set that fits the net.

A set is a record of `language.recipe.data` and the module of its name here: `Cifar` is read by
`load` in cifar.py, which turns the record and a `Request` into a `DataSet`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from msgspec.structs import replace

from ...errors import UsageError
from ...language.recipe.base import Filter
from ...language.recipe.data import Data, DataSource, OnDisk
from ...language.recipe.target import LABEL, AnyGoal
from ...ops.base import Shape
from ...passes.data_fit import image_input
from .compared import odd_parts
from .sets import DataSet, Request, side_before_crop


def load(
    recipe: Data,
    shape: Shape,
    output: Shape,
    path: Path | None = None,
    *,
    target: AnyGoal = LABEL,
    inputs: Mapping[str, Shape] | None = None,
    counted: bool = False,
    scored: bool = False,
) -> DataSet:
    """Reads the set, from `path` where it is given, and checks it against the net's input and
    output shapes.

    `inputs` are all of the net, by name, where it has several; then `shape` is that of its
    images.

    Raises `TrainingError` where set and net do not fit, `MissingError` where the set is not there,
    `UsageError` where it is never read from a path. With `counted`, images that would be made are
    as many, and blank. Where a set is only to be `scored`, its training part need not be there."""
    if path is not None and recipe.made:
        raise UsageError(
            f"--data {path}: the images of `{recipe.set}` {recipe.made}, and are not read from a"
            " path"
        )
    place = (
        (path or Path(getattr(recipe, "path", ""))).expanduser().absolute()
    )
    inputs = inputs or {"input": shape}
    lead = image_input(inputs)
    beside = {name: inputs[name] for name in inputs if name != lead}
    request = Request(shape, output, place, target, counted, scored, beside)
    data = _decoded_as(recipe, loader_of(type(recipe))(recipe, request))
    data = replace(data, target=target, lead=[*inputs].index(lead))
    data.check(shape, output, scored=scored)
    where = None if recipe.made else place
    data = replace(data, flat=data.shape != shape, path=where)
    return replace(data, notes=(*data.notes, *odd_parts(data)))


def _decoded_as(recipe: Data, data: DataSet) -> DataSet:
    """With images on disk resized and turned as the recipe says."""
    if not isinstance(recipe, OnDisk):
        return data
    way: Filter = recipe.interpolation or "bilinear"
    resize = side_before_crop(recipe.resize, data.shape)
    exif = getattr(recipe, "exif", False)
    return replace(data, resize=resize, way=way, exif=exif)


def loader_of(
    record: type[DataSource],
) -> Callable[[DataSource, Request], DataSet]:
    """What reads the sets of a record; its module, and with it what decodes, is imported when it is
    needed."""
    module = import_module(f"{__name__}.{record.__name__.lower()}")
    return module.load  # type: ignore[no-any-return]

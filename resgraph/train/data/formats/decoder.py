"""An image file → 8-bit pixels, gray or RGB: the one decoder of training, evaluation and
prediction.

The first frame, as it is stored, or turned as its EXIF orientation says where a recipe has it.
Transparency is laid over white. Whole numbers of more than 8 bits count to 65535 and floats to 1.0,
whatever the values of one image are: images keep their brightness relative to one another. Pixels
beyond that are an error, not clipped."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ....foreign import HEAD, what_else

ENDINGS = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".bmp", ".dib", ".ppm", ".pgm",
    ".pbm", ".pnm", ".pfm", ".tif", ".tiff", ".webp", ".avif", ".avifs", ".jp2", ".j2k", ".jpc",
    ".jpf", ".jpx", ".j2c", ".tga", ".icb", ".vda", ".vst", ".qoi", ".sgi", ".rgb", ".rgba", ".bw",
    ".pcx", ".dcx", ".dds", ".ico", ".icns", ".cur", ".psd", ".xbm", ".xpm", ".ras", ".msp", ".im",
    ".fit", ".fits", ".pcd", ".pxr", ".blp", ".fli", ".flc", ".ftc", ".ftu", ".gbr", ".iim",
})  # fmt: skip
"""What the names of images end with, in lower case: all that Pillow reads by itself (for PostScript
it runs another program)."""
COMMON = ".jpg, .png, .gif, .bmp, .tif, .webp"
"""Those of them that messages name."""
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
)
"""What decoding raises: what else Pillow's readers do is a `ValueError` here."""
DECODING = {
    "frame": 0,
    "orientation": "as stored",
    "transparent": "over white",
    "integers": "above 8 bits, 65535 becomes 255",
    "floats": "1.0 becomes 255",
}
"""The rules above, as a run's preprocess.json has them."""


TURNED = "from EXIF"
"""The orientation, where a recipe has `exif: true`."""
ORIENTATION, ACROSS = 0x0112, 5
"""The tag of EXIF that says how a camera was held, and from which value on width and height
change places."""


@contextmanager
def _unreadable() -> Iterator[None]:
    """Of a damaged file Pillow 13 raises whatever its readers stumble over: `RuntimeError` of AVIF,
    `NotImplementedError` of DDS and BLP, `TypeError` of TIFF."""
    try:
        yield
    except (*UNREADABLE, MemoryError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ValueError(f"it is damaged: {said}") from error


@_unreadable()
def open_image(
    source: Path | BytesIO,
    channels: int,
    min_side: int | None,
    *,
    exif: bool = False,
) -> Image.Image:
    """The whole image in mode L or RGB; a JPEG is decoded at a fraction of its size where sides of
    `min_side` are enough. With `exif` it is turned as its EXIF orientation says.

    Raises one of `UNREADABLE`, with why in words.
    """
    mode = mode_of(channels)
    with warnings.catch_warnings():
        # broken EXIF and palette notes are about files that are not ours
        warnings.simplefilter("ignore")
        with _opened(source) as image:
            if min_side is not None:
                image.draft(mode, (min_side, min_side))
            image.load()
            found = ImageOps.exif_transpose(image) if exif else image
            return _eight_bits(found).convert(mode)


@_unreadable()
def open_mask(source: Path) -> Image.Image:
    """A class of each pixel, in mode I: gray values, or the places in a palette. Raises one of
    `UNREADABLE`."""
    with _opened(source) as image:
        if len(image.getbands()) > 1 or image.mode == "F":
            raise ValueError(
                f"has pixels of mode {image.mode}: a mask has a whole number for each"
            )
        return Image.fromarray(numpy.array(image).astype(numpy.int32))


@_unreadable()
def size_of(source: Path, *, exif: bool = False) -> tuple[int, int]:
    """Width and height, by the head of a file. Raises one of `UNREADABLE`."""
    with _opened(source) as image:
        width, height = image.size
        turned = exif and image.getexif().get(ORIENTATION, 1) >= ACROSS
        return (height, width) if turned else (width, height)


def _opened(source: Path | BytesIO) -> ImageFile.ImageFile:
    """A picture whose pixels are not read yet."""
    try:
        return Image.open(source)
    except UnidentifiedImageError:
        raise ValueError(_unknown(source)) from None


def mode_of(channels: int) -> str:
    """Pillow's name for what a net of so many channels reads."""
    return "L" if channels == 1 else "RGB"


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image without transparency, its pixels from 0 to 255."""
    if image.mode == "F":
        return _scaled(numpy.asarray(image), 1.0, "floats")
    if image.mode.startswith("I"):
        return _scaled(
            numpy.asarray(image).astype(numpy.float64),
            65535.0,
            "whole numbers",
        )
    if (
        image.mode in ("RGBA", "LA", "PA", "RGBa")
        or "transparency" in image.info
    ):
        clear = image.convert("RGBA")
        return Image.alpha_composite(
            Image.new("RGBA", clear.size, "white"), clear
        )
    return image


def _scaled(
    values: numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float64]],
    most: float,
    what: str,
) -> Image.Image:
    """Mode L: `most` becomes 255."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= most):  # also where one is no number
        raise ValueError(
            f"its pixels are {what} from {low:g} to {high:g}, beyond 0 to {most:g}: scale them"
            " first"
        )
    return Image.fromarray(
        numpy.rint(values * (255 / most)).astype(numpy.uint8)
    )


def _unknown(source: Path | BytesIO) -> str:
    """What a file is that Pillow knows no reader for."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(HEAD)
    else:
        head = source.getvalue()[:HEAD]
    if known := what_else(head):
        return f"it is {known}"
    return "it is of no kind that Pillow reads" if head else "it is empty"

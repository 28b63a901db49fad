"""One decoder for training, evaluation and prediction: every kind of image file → the right 8-bit pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import pytest
import small_plan
import torch
from PIL import Image

from resgraph.language.recipe.data import Folder
from resgraph.train import Options, build
from resgraph.train.data import load
from resgraph.train.data.formats.decoder import (
    open_image,
    open_mask,
    size_of,
)
from resgraph.train.data.image_files import _Part, center_crop_of
from resgraph.train.given import read_image
from resgraph.train.inference import preprocessing

RAMP = numpy.arange(256, dtype=numpy.uint16).reshape(16, 16)
WHOLE = RAMP.astype(numpy.uint8)


def gray(path: Path, channels: int = 1) -> numpy.ndarray[Any, Any]:
    return numpy.asarray(open_image(path, channels, None))


def half_clear(mode: str) -> Image.Image:
    """Black, with an alpha of 0, 128 and 255."""
    alpha = Image.fromarray(numpy.array([[0, 128, 255]], numpy.uint8))
    image = Image.new("L" if mode == "LA" else "RGB", (3, 1), 0)
    image.putalpha(alpha)
    return image


def indexed(clear: int | None = None) -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    if clear is not None:
        image.info["transparency"] = clear
    return image


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.png", lambda: Image.fromarray(RAMP * 257)),
        ("a.tif", lambda: Image.fromarray(RAMP * 257)),
        ("a.pgm", lambda: Image.fromarray(RAMP * 257)),
        (
            "a.tiff",
            lambda: Image.fromarray((RAMP * 257).astype(numpy.int32)),
        ),
        (
            "b.tif",
            lambda: Image.fromarray((RAMP / 255).astype(numpy.float32)),
        ),
        ("a.bmp", lambda: Image.fromarray(WHOLE)),
        ("a.gif", lambda: Image.fromarray(WHOLE)),
        ("a.tga", lambda: Image.fromarray(WHOLE)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_is_kept(
    tmp_path: Path,
    name: str,
    make: Callable[[], Image.Image],
    channels: int,
) -> None:
    make().save(tmp_path / name)
    pixels = gray(tmp_path / name, channels)
    assert numpy.array_equal(
        pixels, WHOLE if channels == 1 else numpy.stack([WHOLE] * 3, -1)
    )


def test_big_endian_sixteen_bits_are_read(tmp_path: Path) -> None:
    rows = (RAMP * 257).astype(">u2").tobytes()
    Image.frombytes("I;16B", (16, 16), rows).save(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        assert image.mode == "I;16B"
    assert numpy.array_equal(gray(tmp_path / "a.tif"), WHOLE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            numpy.array([[0.0, 255.0]], numpy.float32),
            "its pixels are floats from 0 to 255, beyond 0 to 1: scale them",
        ),
        (
            numpy.array([[-0.5, 0.5]], numpy.float32),
            "floats from -0.5 to 0.5",
        ),
        (numpy.array([[0.5, numpy.nan]], numpy.float32), "floats from nan"),
        (
            numpy.array([[0, 70_000]], numpy.int32),
            "whole numbers from 0 to 70000, beyond 0 to 65535",
        ),
        (numpy.array([[-1, 5]], numpy.int32), "whole numbers from -1 to 5"),
    ],
)
def test_pixels_beyond_the_range_are_told_not_clipped(
    tmp_path: Path, values: numpy.ndarray[Any, Any], words: str
) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=words):
        open_image(tmp_path / "a.tif", 1, None)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparency_is_laid_over_white(
    tmp_path: Path, mode: str, channels: int
) -> None:
    half_clear(mode).save(tmp_path / "a.png")
    assert gray(tmp_path / "a.png", channels).reshape(3, -1)[
        :, 0
    ].tolist() == [
        255,
        127,
        0,
    ]


def test_palettes_are_colours_and_may_be_clear(tmp_path: Path) -> None:
    indexed().save(tmp_path / "a.png")
    assert gray(tmp_path / "a.png", 3).tolist() == [
        [[255, 0, 0], [0, 0, 255]]
    ]
    indexed(clear=1).save(tmp_path / "b.png", transparency=1)
    assert gray(tmp_path / "b.png", 3).tolist() == [
        [[255, 0, 0], [255, 255, 255]]
    ]
    indexed().save(tmp_path / "c.gif")
    assert gray(tmp_path / "c.gif", 3).tolist() == [
        [[255, 0, 0], [0, 0, 255]]
    ]


def test_inks_and_single_bits_are_colours(tmp_path: Path) -> None:
    Image.fromarray(
        numpy.array([[[0, 255, 255, 0], [0, 0, 0, 255]]], numpy.uint8),
        "CMYK",
    ).save(tmp_path / "a.tif")
    assert gray(tmp_path / "a.tif", 3).tolist() == [
        [[255, 0, 0], [0, 0, 0]]
    ]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(
        tmp_path / "a.jpg", quality=95
    )
    assert (
        numpy.abs(
            gray(tmp_path / "a.jpg", 3)[4, 4].astype(int) - [255, 0, 0]
        ).max()
        < 6
    )
    Image.fromarray(numpy.array([[True, False]])).save(tmp_path / "b.png")
    assert gray(tmp_path / "b.png").tolist() == [[255, 0]]


def test_an_orientation_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(numpy.array([[0, 255]], numpy.uint8)).save(
        tmp_path / "a.png", exif=exif
    )
    assert gray(tmp_path / "a.png").tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a Git LFS pointer",
        ),
        (b"\n<!DOCTYPE HTML><p>404", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a vector image"),
        (b"", "it is empty"),
        (b"nothing of the kind", "it is of no kind that Pillow reads"),
    ],
)
def test_what_is_no_image_is_told_what_it_is(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for source in (tmp_path / "a.png", BytesIO(content)):
        with pytest.raises(ValueError, match=words):
            open_image(source, 3, None)


@pytest.mark.parametrize("ending", ["avif", "dds"])
def test_a_damaged_file_of_any_kind_is_one_that_cannot_be_read(
    ending: str,
) -> None:
    """Pillow raises `RuntimeError` of the one and `NotImplementedError` of the other."""
    buffer = BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, ending.upper())
    content = bytearray(buffer.getvalue())
    if ending == "dds":
        content[80:84] = bytes(4)  # the flags of its pixels
    else:
        at = content.index(b"iloc") + 4
        content[at : at + 20] = bytes(20)
    for read in (open_image, open_mask, size_of):
        arguments = (3, None) if read is open_image else ()
        with pytest.raises(ValueError, match="it is damaged: "):
            read(BytesIO(content), *arguments)  # type: ignore[operator]


SHAPE = (3, 16, 16)


def write_set(root: Path) -> Path:
    """Two classes in the formats that people have, of sizes that are resized."""
    draw = numpy.random.default_rng(0)
    for part in ("train", "val"):
        for label, name in enumerate(("dark", "light")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number, ending in enumerate(
                ("png", "jpg", "tif", "webp", "gif", "jfif")
            ):
                coarse = draw.integers(0, 90, (5, 7, 3)) + 150 * label
                size = (
                    int(draw.integers(20, 90)),
                    int(draw.integers(20, 90)),
                )
                image = Image.fromarray(coarse.astype(numpy.uint8)).resize(
                    size, Image.Resampling.BICUBIC
                )
                if ending == "tif":
                    image = Image.fromarray(
                        numpy.asarray(image.convert("L")).astype(
                            numpy.uint16
                        )
                        * 257
                    )
                image.save(
                    folder / f"{number}.{ending}",
                    **({"format": "JPEG"} if ending == "jfif" else {}),
                )
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    recipe = {
        "data": {"set": "folder", "path": str(write_set(root / "set"))},
        "augment": {"crop": {"kind": "area"}},
        "epochs": 1,
        "batch": 4,
        "optimizer": {"name": "sgd", "lr": 0.01},
    }
    plan = small_plan.plan(
        recipe, input=SHAPE, classes=2, widths=(4,), blocks=1
    )
    build(
        plan,
        out=root / "run",
        options=Options(threads=1, workers=0, device="cpu"),
    )
    return root / "run"


def by_document(
    path: Path, document: dict[str, Any]
) -> numpy.ndarray[Any, Any]:
    """What a reader does who has Pillow, numpy and preprocess.json, and nothing else."""
    decode, resize = document["decode"], document["resize"]
    with Image.open(path) as image:
        if decode["draft"]:
            image.draft(decode["mode"], (decode["draft"], decode["draft"]))
        image.load()
    if image.mode.startswith("I"):
        image = Image.fromarray(
            numpy.rint(numpy.asarray(image) / 65535 * 255).astype(
                numpy.uint8
            )
        )
    image = image.convert(decode["mode"])
    scale = min(image.size) / resize["shorter_side"]
    height, width = resize["size"]
    left = (image.width - width * scale) / 2
    top = (image.height - height * scale) / 2
    box = (left, top, left + width * scale, top + height * scale)
    filtered = Image.Resampling[resize["filter"].upper()]
    small = image.resize(
        (width, height),
        filtered,
        box=box,
        reducing_gap=resize["reducing_gap"],
    )
    return numpy.asarray(small).transpose(2, 0, 1)


def test_preprocess_json_alone_gives_the_pixels_of_evaluation(
    run: Path,
) -> None:
    document = json.loads((run / "preprocess.json").read_text())
    data = load(
        Folder(set="folder", path=str(run.parent / "set")), SHAPE, (2,)
    )
    part = _Part(data.validation, data, center_crop_of(data))  # type: ignore[arg-type]
    for place, path in enumerate(data.validation.paths):  # type: ignore[union-attr]
        (seen,), label, why = part[(0, place)]
        assert (label >= 0, why) == (True, None)
        assert numpy.array_equal(
            by_document(path, document), seen.numpy()
        ), path
        assert torch.equal(read_image(path, preprocessing(run)), seen), (
            "predict sees other pixels than eval"
        )


def test_runs_of_before_are_read(run: Path) -> None:
    """Their `resize` is the shorter side alone."""
    document = preprocessing(run)
    path = run.parent / "set" / "val" / "dark" / "1.jpg"
    before = {**document, "resize": document["resize"]["shorter_side"]}
    assert torch.equal(read_image(path, document), read_image(path, before))

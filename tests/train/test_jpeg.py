"""Of a JPEG only what a crop needs is decoded: to the same pixels by each decoder, and by Pillow where the other fails."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.augment import AreaCrop, Augment, PadCrop
from resgraph.train.augment.crops import RandomCrop, cut
from resgraph.train.augment.geometry import augment, blank, move, only_flips
from resgraph.train.data import load
from resgraph.train.data.formats import jpeg
from resgraph.train.data.formats.jpeg import FastDecoder, Jpeg
from resgraph.train.data.image_files import Decoded
from resgraph.train.data.normalize import Normalization
from resgraph.train.options import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.settings.decide import Workload, decide

FORMS: dict[str, dict[str, Any]] = {
    "444": {"subsampling": 0},
    "422": {"subsampling": 1},
    "420": {"subsampling": 2},
    "progressive": {"subsampling": 2, "progressive": True},
    "restarts": {"subsampling": 2, "restart_marker_rows": 1},
    "both": {
        "subsampling": 1,
        "progressive": True,
        "restart_marker_rows": 2,
    },
    "gray": {"mode": "L"},
}
BOXES = ((0, 0, 203, 149), (10, 3, 90, 5), (1, 40, 200, 111), (50, 60, 60, 113), (0, 128, 203, 130))  # fmt: skip


def picture(width: int = 203, height: int = 149, **form: Any) -> bytes:
    """A JPEG whose pixels differ everywhere."""
    y, x = numpy.mgrid[:height, :width]
    noise = numpy.random.default_rng(0).integers(0, 60, (height, width, 3))
    rgb = numpy.stack([x % 190, y % 170, (x + y) % 180], 2) + noise
    image = Image.fromarray(rgb.astype(numpy.uint8)).convert(
        form.pop("mode", "RGB")
    )
    out = BytesIO()
    image.save(out, "JPEG", quality=90, **form)
    return out.getvalue()


@pytest.fixture(params=["resgraph_jpeg", "simplejpeg", "Pillow"])
def decoder(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    found: dict[str, FastDecoder | None] = {
        one.package: one for one in jpeg.fast_decoders()
    }
    if request.param not in {*found, "Pillow"}:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setattr(jpeg, "FAST", found.get(request.param))
    return str(request.param)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("min_side", [None, 70, 30])
def test_a_part_has_the_pixels_of_the_whole(
    decoder: str, form: str, mode: str, min_side: int | None
) -> None:
    data = picture(**FORMS[form])
    with Image.open(BytesIO(data)) as image:
        image.draft(mode, (min_side, min_side) if min_side else image.size)
        whole = numpy.asarray(image.convert(mode)).reshape(
            *image.size[::-1], -1
        )
        size = image.size
    found = Jpeg.read(data, min_side)
    assert found is not None and found.size == size
    assert found.fraction == {None: 1, 70: 2, 30: 4}[min_side]
    for box in BOXES:
        left, top, right, bottom = (side // found.fraction for side in box)
        inside = (left, top, max(right, left + 1), max(bottom, top + 1))
        pixels, why = found.part(inside, mode)
        left, top, right, bottom = inside
        assert why == ""
        assert numpy.array_equal(pixels, whole[top:bottom, left:right]), box


def test_no_row_below_the_part_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simplejpeg, seen = pytest.importorskip("simplejpeg"), []
    real = simplejpeg.decode_jpeg

    def spy(data: bytes, *args: Any, **keys: Any) -> Any:
        seen.append(simplejpeg.decode_jpeg_header(data)[0])
        return real(data, *args, **keys)

    monkeypatch.setattr(jpeg, "FAST", FastDecoder("simplejpeg", spy))
    whole = Jpeg.read(picture(subsampling=2), None)
    assert whole is not None
    for bottom in (1, 12, 13, 28, 60, 149):
        whole.part((0, 0, 9, bottom), "RGB")
    # in units of 16 rows; colours are of two rows each, and smoothed with the next
    assert seen == [16, 16, 32, 32, 64, 149]


def test_other_files_are_for_pillow_whole() -> None:
    whole = picture()
    assert Jpeg.read(whole, None) is not None
    cmyk, png = BytesIO(), BytesIO()
    Image.new("CMYK", (9, 9)).save(cmyk, "JPEG")
    Image.new("RGB", (9, 9)).save(png, "PNG")
    for data in (whole[: len(whole) // 2], whole[:2], b"", cmyk.getvalue(), png.getvalue()):  # fmt: skip
        assert Jpeg.read(data, None) is None


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four images of each of two classes, in both parts."""
    for part in ("train", "val"):
        for name in ("a", "b"):
            folder = tmp_path / "set" / part / name
            folder.mkdir(parents=True)
            for number in range(4):
                data = picture(80 + 9 * number, 70, subsampling=number % 3)
                (folder / f"{number}.jpg").write_bytes(data)
    return tmp_path / "set"


def decoded(tree: Path, epoch: int = 0) -> tuple[torch.Tensor, Decoded]:
    """All training images of an epoch."""
    keys = {
        "data": {"set": "folder", "path": str(tree)},
        "augment": {"crop": {"kind": "area"}},
        "epochs": 1,
        "batch": 8,
        "optimizer": {"name": "sgd", "lr": 0.05},
    }
    train = resolve_train(keys)
    data = load(train.data, (3, 32, 32), (2,), tree)
    options = Options(workers=0, device="cpu")
    files = Decoded(
        data, train, decide(options, World(), Workload(1.0, True))
    )
    ((images, _),) = files.train(epoch, torch.arange(8)[None])
    return images, files


def test_a_decoder_that_fails_gives_way_to_pillow_and_is_counted(
    decoder: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, files = decoded(tree)
    assert files.decode_failures() == []
    fast = jpeg.FAST
    if fast is None:
        return

    def narrow(data: bytes, *args: Any, **keys: Any) -> Any:
        with Image.open(BytesIO(data)) as image:
            if image.width == 89:
                raise ValueError("too narrow for me")
        return fast.decode(data, *args, **keys)

    monkeypatch.setattr(jpeg, "FAST", FastDecoder(decoder, narrow))
    same, files = decoded(tree)
    assert torch.equal(images, same)
    (told,) = files.decode_failures()
    assert (
        f"as {decoder} cannot: 2 images" in told
        and "too narrow for me" in told
        and "1.jpg" in told
    )
    assert files.decode_failures() == []
    assert files.broken == set()


def test_what_is_cut_off_is_broken_wherever_its_crop_is(tree: Path) -> None:
    path = tree / "train/a/0.jpg"
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(
        Exception, match=r"1 image cannot be read.*a/0\.jpg"
    ):
        decoded(tree)


def test_a_crop_is_within_1_of_pillows() -> None:
    random = numpy.random.default_rng(1)
    image = Image.fromarray(
        random.integers(0, 256, (120, 160, 3), dtype=numpy.uint8)
    )
    policy = RandomCrop(AreaCrop(kind="area"), (48, 40), 0)
    for gray in (False, True):
        given = image.convert("L") if gray else image
        for index in range(30):
            box = policy.box(image.size, 0, index)
            left, top, right, bottom = box
            assert 0 <= left < right <= 160 and 0 <= top < bottom <= 120
            theirs = numpy.asarray(
                given.crop(box).resize((40, 48), Image.Resampling.BILINEAR)
            )
            ours = (
                cut(given, box, (48, 40)).permute(1, 2, 0).squeeze().numpy()
            )
            assert (
                numpy.abs(theirs.astype(int) - ours.astype(int)).max() <= 1
            )
            assert (theirs != ours).mean() < 0.05


@pytest.mark.parametrize("channels_last", [False, True])
def test_bytes_flip_before_they_are_normalized_to_the_same_numbers(
    channels_last: bool,
) -> None:
    images = torch.randint(0, 256, (6, 3, 5, 7), dtype=torch.uint8)
    laid = images.contiguous(memory_format=torch.channels_last) if channels_last else images  # fmt: skip
    scale, offset = torch.rand(2, 3, 1, 1)
    way, recipe, index = Normalization(scale, offset), Augment(flip=True), torch.arange(6)  # fmt: skip
    slow = augment(
        images.to(torch.float32) * scale - offset, recipe, 3, index
    )
    fast = blank(way(move(laid, recipe, 3, index)), recipe, 3, index)
    assert torch.equal(slow, fast) and not torch.equal(slow, way(images))
    assert (
        fast.is_contiguous(memory_format=torch.channels_last)
        == channels_last
    )
    assert way.by_channel and only_flips(recipe)
    mean_image = Normalization(scale, torch.rand(3, 5, 7))
    assert not mean_image.by_channel
    for other in ({"crop": PadCrop(kind="pad", cells=1)}, {"rotate": 10.0}):
        assert not only_flips(Augment(flip=True, **other))

"""The decoder of `native`: pixels of a part as those of the whole, and an error wherever a file is not sound."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
from PIL import Image, ImageFile

NATIVE = Path(__file__).parents[2] / "native"
FORMS: tuple[dict[str, Any], ...] = (
    {"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"mode": "L"}, {"subsampling": 0, "keep_rgb": True},
    {"subsampling": 2, "optimize": True}, {"subsampling": 2, "restart_marker_blocks": 5}, {"subsampling": 1, "restart_marker_rows": 2},
    {"mode": "L", "restart_marker_rows": 1}, {"subsampling": 2, "progressive": True}, {"subsampling": 1, "progressive": True},
)  # fmt: skip


@pytest.fixture(scope="module")
def native() -> ModuleType:
    return pytest.importorskip(
        "resgraph_jpeg", reason="pip install ./native"
    )


def picture(width: int, height: int, seed: int, mode: str = "RGB", **form: Any) -> bytes:  # fmt: skip
    """A JPEG of slopes and noise."""
    y, x = numpy.mgrid[:height, :width]
    noise = numpy.random.default_rng(seed).integers(0, 20 + 200 * (seed % 2), (height, width, 3))  # fmt: skip
    rgb = (
        numpy.stack([x % 190, y % 170, (x + y) % 180], 2) // 2 + noise // 2
    )
    out = BytesIO()
    Image.fromarray(rgb.astype(numpy.uint8)).convert(mode).save(
        out, "JPEG", quality=(60, 90, 97)[seed % 3], **form
    )
    return out.getvalue()


def whole(data: bytes, fraction: int, mode: str) -> Any:
    """By Pillow, (height, width, channels)."""
    with Image.open(BytesIO(data)) as image:
        image.draft(mode, tuple(max(1, side // fraction) for side in image.size))  # fmt: skip
        pixels = numpy.asarray(
            image if image.mode == mode else image.convert(mode)
        )
    return pixels.reshape(*pixels.shape[:2], -1)


def box_in(pixels: Any, draw: random.Random) -> tuple[int, int, int, int]:
    """A random box."""
    left, top = (draw.randrange(side) for side in pixels.shape[1::-1])
    return left, top, draw.randint(left + 1, pixels.shape[1]), draw.randint(top + 1, pixels.shape[0])  # fmt: skip


def same(native: ModuleType, data: bytes, pixels: Any, fraction: int, box: tuple[int, int, int, int]) -> bool:  # fmt: skip
    """Whether a part has those pixels."""
    left, top, right, bottom = box
    part = native.part(data, box, fraction, pixels.shape[2])
    return bytes(part) == pixels[top:bottom, left:right].tobytes()


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's writer of small and dense pictures needs more than it asks for."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 22)


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_a_part_has_the_pixels_of_a_whole_decoding(
    native: ModuleType, number: int
) -> None:
    draw = random.Random(number)
    for seed in range(6):
        size = (draw.randint(1, 40), draw.randint(1, 40)) if seed < 2 else (draw.randint(41, 260), draw.randint(41, 200))  # fmt: skip
        data = picture(*size, seed, **FORMS[number])
        for fraction in (1, 2, 4, 8):
            for mode in ("RGB", "L"):
                pixels = whole(data, fraction, mode)
                if pixels.shape[1::-1] != tuple(-(-side // fraction) for side in size):  # fmt: skip
                    continue  # Pillow decodes small ones whole
                for _ in range(3):
                    box = box_in(pixels, draw)
                    assert same(native, data, pixels, fraction, box), (size, fraction, mode, box)  # fmt: skip


@pytest.mark.parametrize("sampling", ["440", "411"])
def test_rare_sampling_has_the_same_pixels(
    native: ModuleType, sampling: str
) -> None:
    simplejpeg, draw = pytest.importorskip("simplejpeg"), random.Random(4)
    rgb = numpy.ascontiguousarray(whole(picture(150, 90, 1), 1, "RGB"))
    data = simplejpeg.encode_jpeg(rgb, 90, "RGB", sampling)
    for fraction in (1, 2, 4, 8):
        pixels = whole(data, fraction, "RGB")
        for _ in range(6):
            box = box_in(pixels, draw)
            assert same(native, data, pixels, fraction, box), box


def test_a_progressive_file_without_its_last_scan_is_refused(
    native: ModuleType,
) -> None:
    data = picture(90, 70, 0, subsampling=2, progressive=True)
    cut = data[: data.rindex(b"\xff\xda")] + b"\xff\xd9"
    with pytest.raises(ValueError, match="lacks scans"):
        native.part(cut, (0, 0, 9, 9), 1, 3)


def test_what_is_not_for_it_is_an_error(native: ModuleType) -> None:
    data = picture(60, 40, 1)
    cmyk = BytesIO()
    Image.new("CMYK", (60, 40)).save(cmyk, "JPEG")
    for given, box, fraction, channels in (
        (data, (0, 0, 61, 40), 1, 3), (data, (0, 0, 60, 41), 1, 3), (data, (0, 0, 31, 20), 2, 3), (data, (5, 0, 5, 9), 1, 3),
        (data, (0, 9, 9, 5), 1, 3), (data, (0, 0, 9, 9), 3, 3), (data, (0, 0, 9, 9), 1, 4), (data, (0, 0, 1 << 30, 1 << 30), 1, 3),
        (cmyk.getvalue(), (0, 0, 9, 9), 1, 3), (b"", (0, 0, 9, 9), 1, 3), (b"\xff\xd8", (0, 0, 9, 9), 1, 3),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            native.part(given, box, fraction, channels)
    with pytest.raises(TypeError):
        native.part("text", (0, 0, 9, 9), 1, 3)


def test_what_is_cut_off_below_the_part_does_not_matter(
    native: ModuleType,
) -> None:
    data = picture(200, 160, 3, subsampling=2)
    pixels = whole(data, 1, "RGB")
    cut = data[: len(data) // 2]
    assert same(native, cut, pixels, 1, (30, 10, 90, 40))
    with pytest.raises(ValueError, match="corrupt"):
        native.part(cut, (30, 10, 90, 150), 1, 3)


def test_threads_decode_at_once(native: ModuleType) -> None:
    data = picture(200, 160, 3, subsampling=2)
    pixels = whole(data, 1, "RGB")
    with ThreadPoolExecutor(8) as pool:
        boxes = [box_in(pixels, random.Random(seed)) for seed in range(64)]
        assert all(pool.map(lambda box: same(native, data, pixels, 1, box), boxes))  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Some bits are others, or a stretch lacks, or the end."""
    if draw.random() < 0.2:
        return data[: draw.randrange(len(data))]
    if draw.random() < 0.2:
        at = draw.randrange(len(data))
        return data[:at] + data[at + draw.randint(1, 40) :]
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 3, 20))):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def fuzzed(native: ModuleType, count: int, seed: int) -> tuple[int, int]:
    """How many damaged files were refused; and how many were not, and are to Pillow as they are to us."""
    draw, refused, read = random.Random(seed), 0, 0
    files = [picture(90, 70, i, **form) for i, form in enumerate(FORMS)]
    for _ in range(count):
        data = damaged(draw.choice(files), draw)
        box = (draw.randrange(40), draw.randrange(30), draw.randint(41, 90), draw.randint(31, 70))  # fmt: skip
        try:
            part = native.part(data, box, 1, 3)
        except ValueError:
            refused += 1
            continue
        left, top, right, bottom = box
        try:
            pixels = whole(data, 1, "RGB")[top:bottom, left:right]
        except (OSError, SyntaxError, ValueError):
            continue  # it is broken below the part
        assert bytes(part) == pixels.tobytes()
        read += 1
    return refused, read


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_refused_or_read_as_pillow_reads_them(
    native: ModuleType,
) -> None:
    refused, read = fuzzed(native, 400, 0)
    assert refused > 100 and read > 20


@pytest.mark.slow
def test_it_builds_and_leaks_nothing(tmp_path: Path) -> None:
    """In a process of its own, on what is built here."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    source, target = tmp_path / "native", tmp_path / "target"
    shutil.copytree(NATIVE, source)
    built = subprocess.run(
        [*_pip(), "install", "-q", "--target", str(target), str(source)], capture_output=True, text=True,
    )  # fmt: skip
    if "jpeglib.h" in built.stderr:
        pytest.skip("the headers of libjpeg-turbo are not installed")
    assert built.returncode == 0, built.stderr
    script = (
        "import resource, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "import resgraph_jpeg, test_jpeg_parts as tests\n"
        f"assert resgraph_jpeg.__file__.startswith({str(target)!r})\n"
        "tests.ImageFile.MAXBLOCK = 1 << 22\n"
        "for number in range(len(tests.FORMS)):\n"
        "    tests.test_a_part_has_the_pixels_of_a_whole_decoding(resgraph_jpeg, number)\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "tests.fuzzed(resgraph_jpeg, 1000, 1)\n"
        "before = used()\n"
        "tests.fuzzed(resgraph_jpeg, 4000, 2)\n"
        "print(used() - before)\n"
    )
    paths = os.pathsep.join([str(target), str(Path(__file__).parent)])
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Corrupt" not in ran.stderr
    assert int(ran.stdout) < 4096  # KiB, of 4,000 files


def _pip() -> list[str]:
    """That of this environment, or any."""
    own = [sys.executable, "-m", "pip"]
    there = subprocess.run([*own, "--version"], capture_output=True)
    return own if there.returncode == 0 else ["pip"]

"""JPEGs in a folder → batches to train on, by a random area crop and a flip: decoding and cropping
alone, then the whole loader with one worker, in CPU seconds of all processes.

The pictures are noise with the spectrum of photographs, which compress as those do."""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy
import torch
from measure import heading, interleaved, rows, table
from PIL import Image
from reference import torchvision
from settings import parser, start

from resgraph.language.recipe import resolve_train
from resgraph.train import Options
from resgraph.train.augment.crops import RandomCrop
from resgraph.train.data import load
from resgraph.train.data.formats import jpeg
from resgraph.train.data.formats.jpeg import FastDecoder
from resgraph.train.data.image_files import Decoded, _Part
from resgraph.train.data.normalize import Normalization
from resgraph.train.data.sampler import Sampler
from resgraph.train.engine.assemble import make_data_loader
from resgraph.train.parallel.distributed import World
from resgraph.train.settings.decide import Workload, decide

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHAPE = (3, 224, 224)
DECODERS = {None: "Pillow"} | {
    fast: {"resgraph_jpeg": "own decoder"}.get(fast.package, fast.package)
    for fast in reversed(jpeg.fast_decoders())
}
"""Those that are installed, and what their rows are called."""


class Kind(NamedTuple):
    """Of pictures: their amplitude falls with the `falloff`th power of frequency, and their JPEGs
    are of `quality`. There is a `part`th of as many as asked for."""

    width: int
    height: int
    quality: int
    falloff: float
    part: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} of quality {self.quality}"


KINDS = (
    Kind(500, 375, 90, 1.2, 1),
    Kind(1600, 1200, 80, 1.3, 4),
    Kind(1600, 1200, 90, 1.2, 4),
    Kind(1600, 1200, 80, 2.0, 4),
)
"""As dense as ImageNet's; as photographs of that size are; twice as dense as those; and a fifth."""


def photograph(kind: Kind, seed: int) -> bytes:
    """Noise with the spectrum of photographs."""
    width, height = kind.width, kind.height
    random = numpy.random.default_rng(seed)
    far = numpy.hypot(
        numpy.fft.fftfreq(height)[:, None], numpy.fft.rfftfreq(width)[None]
    )
    far[0, 0] = 1
    planes = [
        numpy.fft.irfft2(
            numpy.fft.rfft2(random.normal(size=(height, width)))
            / far**kind.falloff,
            (height, width),
        )
        for _ in range(3)
    ]
    luma, *chroma = [plane / plane.std() for plane in planes]
    mixed = [
        50 * luma + 12 * one + 120
        for one in (*chroma, -chroma[0] - chroma[1])
    ]
    pixels = numpy.stack(mixed, 2).clip(0, 255).astype(numpy.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=kind.quality)
    return out.getvalue()


@contextmanager
def tree(kind: Kind, count: int) -> Iterator[Path]:
    """Such pictures to train on, of two classes, and two to validate on."""
    with TemporaryDirectory() as root:
        for part, some in (("train", count), ("val", 2)):
            for number in range(some):
                folder = Path(root) / part / "ab"[number % 2]
                folder.mkdir(parents=True, exist_ok=True)
                data = photograph(kind, number)
                (folder / f"{number}.jpg").write_bytes(data)
        yield Path(root)


def clock() -> float:
    """CPU seconds of this process and of those that it waited for."""
    used = map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return sum(one.ru_utime + one.ru_stime for one in used)


class Ours:
    """resgraph's loader of a folder."""

    def __init__(
        self, root: Path, batch: int, workers: int, fast: FastDecoder | None
    ) -> None:
        keys = {
            "data": {"set": "folder", "path": str(root)},
            "augment": {"crop": {"kind": "area"}, "flip": True},
            "epochs": 1, "batch": batch, "optimizer": {"name": "sgd", "lr": 0.1},
        }  # fmt: skip
        self.decoder = fast
        self.train = resolve_train(keys)
        self.data = load(self.train.data, SHAPE, (2,), root)
        options = Options(
            workers=workers, device="cpu", layout="channels-last"
        )
        decisions = decide(options, World(), Workload(4e9, True))
        spread, mean = (
            torch.tensor(one).view(3, 1, 1) for one in (SPREAD, MEAN)
        )
        self.loader = make_data_loader(
            self.train, self.data, Sampler(len(self.data.train), batch, 0),
            Normalization(1 / (255 * spread), mean / spread), decisions,
        )  # fmt: skip
        pixels = self.loader.pixels
        assert isinstance(pixels, Decoded) and isinstance(
            pixels.policies[0], RandomCrop
        )
        self.part = _Part(pixels.files[0], self.data, pixels.policies[0])

    def images(self) -> None:
        """Each is cropped."""
        jpeg.FAST = self.decoder
        for index in range(len(self.part.files)):
            self.part[(0, index)]

    def epoch(self) -> None:
        """Each batch is made ready."""
        jpeg.FAST = self.decoder
        for batch in self.loader.epoch(0, 0):
            del batch


class Theirs:
    """torchvision's, as in its reference script, by PIL."""

    def __init__(self, root: Path, batch: int, workers: int) -> None:
        from torchvision import datasets, transforms

        crop = [transforms.RandomResizedCrop(224)]
        rest = [
            transforms.RandomHorizontalFlip(), transforms.ToTensor(),
            transforms.Normalize(MEAN, SPREAD),
        ]  # fmt: skip
        self.crops = datasets.ImageFolder(
            str(root / "train"),
            transforms.Compose([*crop, transforms.PILToTensor()]),
        )
        whole = datasets.ImageFolder(
            str(root / "train"), transforms.Compose(crop + rest)
        )
        self.loader: torch.utils.data.DataLoader[Any] = (
            torch.utils.data.DataLoader(
                whole,
                batch,
                shuffle=True,
                num_workers=workers,
                drop_last=True,
            )
        )

    def images(self) -> None:
        """Each is cropped."""
        for index in range(len(self.crops)):
            self.crops[index]

    def epoch(self) -> None:
        """Each batch is made ready, channels-last."""
        for images, _ in self.loader:
            images.contiguous(memory_format=torch.channels_last)


def main() -> None:
    options = parser(__doc__, rounds=9)
    options.add_argument("--count", type=int, default=128, help="pictures")
    settings = start(options)
    if torchvision() is None:
        raise SystemExit(
            "this needs torchvision: pip install --no-deps torchvision==0.28.0"
        )
    for kind in KINDS:
        with tree(kind, settings.count // kind.part) as root:
            _compare(root, kind, settings)


def _compare(root: Path, kind: Kind, settings: argparse.Namespace) -> None:
    batch = settings.batch or 32
    theirs = Theirs(root, batch, workers=1)
    every: dict[str, Any] = {
        "torchvision": theirs,
        "torchvision again": theirs,
    }
    for fast, name in DECODERS.items():
        every[f"resgraph, {name}"] = Ours(root, batch, 1, fast)
    sizes = [
        file.stat().st_size for file in (root / "train").rglob("*.jpg")
    ]
    count = len(sizes)
    about = f"{kind} ({sum(sizes) // len(sizes) // 1000} KB each)"
    heading(f"Images of {about} to random area crops of 224")
    _show(
        {name: one.images for name, one in every.items()}, settings, count
    )
    heading(f"The whole loader with one worker, images of {about}")
    whole = count // batch * batch
    _show({name: one.epoch for name, one in every.items()}, settings, whole)


def _show(
    runs: dict[str, Any], settings: argparse.Namespace, count: int
) -> None:
    found = interleaved(runs, settings.rounds, clock)
    table(
        ["", "CPU ms", "against torchvision", "images/s a core"],
        rows(found, "torchvision", count),
    )


if __name__ == "__main__":
    main()

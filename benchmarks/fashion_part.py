"""Four classes of Fashion-MNIST, as `fashion.py` writes it, by half of their training images → idx
files of the same form: what a net can be fine-tuned to.

    python benchmarks/fashion_part.py DIR PART

The classes are those that are told apart worst: T-shirt/top, Pullover, Coat and Shirt."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy
from fashion import CLASSES, write_part

KEPT = ("T-shirt/top", "Pullover", "Coat", "Shirt")


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    settings.add_argument(
        "folder", type=Path, help="where the idx files are"
    )
    settings.add_argument(
        "part", type=Path, help="where those of the part go"
    )
    asked = settings.parse_args()
    asked.part.mkdir(parents=True, exist_ok=True)
    kept = [CLASSES.index(name) for name in KEPT]
    for part, share in (("train", 2), ("t10k", 1)):
        images, labels = read(asked.folder, part)
        of = numpy.full(len(CLASSES), -1)
        of[kept] = range(len(kept))
        # they are shuffled
        at = numpy.flatnonzero(of[labels] >= 0)[::share]
        write_part(
            asked.part, part, images[at], of[labels[at]].astype(numpy.uint8)
        )
    names = "".join(f"{name}\n" for name in KEPT)
    (asked.part / "classes.txt").write_text(names, encoding="utf-8")


def read(folder: Path, part: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    images = numpy.fromfile(
        folder / f"{part}-images-idx3-ubyte", numpy.uint8
    )
    labels = numpy.fromfile(
        folder / f"{part}-labels-idx1-ubyte", numpy.uint8
    )
    return images[16:].reshape(-1, 28, 28), labels[8:]


if __name__ == "__main__":
    main()

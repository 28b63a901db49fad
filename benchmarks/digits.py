"""The recipe `digits`: candidates that cost the same are compared on parts that are held out of the
training images; then what is chosen is scored once on the test images, for ten seeds, whatever
comes of it.

    python benchmarks/digits.py"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from fashion import write_part
from measure import heading, table

import resgraph
from resgraph.train import Options, build
from resgraph.train.data.digits import stored
from resgraph.train.data.sets import stratified

SPEC = Path(__file__).parents[1] / "specs" / "digits.yaml"
OPTIONS = Options(device="cpu", threads=1)
FOLDS = 5
SMOOTH = "train.label_smoothing=0.1"
LATE = [SMOOTH, "train.schedule.rise=0.4"]
CANDIDATES: dict[str, list[str]] = {
    "as it is": [],
    "label smoothing 0.1": [SMOOTH],
    "label smoothing 0.2": ["train.label_smoothing=0.2"],
    "smoothed, lr 0.05": [SMOOTH, "train.optimizer.lr=0.05"],
    "smoothed, lr 0.2": [SMOOTH, "train.optimizer.lr=0.2"],
    "smoothed, weight decay 0.001": [
        SMOOTH,
        "train.optimizer.weight_decay=0.001",
    ],
    "smoothed, weight decay 0.002": [
        SMOOTH,
        "train.optimizer.weight_decay=0.002",
    ],
    "smoothed, ema 0.95": [SMOOTH, "train.ema={decay: 0.95}"],
    "smoothed, shift 1": [SMOOTH, "train.augment.shift=1"],
    "smoothed, rotate 15": [SMOOTH, "train.augment.rotate=15"],
    "smoothed, mixup 0.2": [SMOOTH, "train.augment.mixup=0.2"],
    "smoothed, rise 0.4": LATE,
    "smoothed, rise 0.5": [SMOOTH, "train.schedule.rise=0.5"],
    "smoothed, rise 0.4, lr 0.2": [*LATE, "train.optimizer.lr=0.2"],
    "smoothed 0.2, rise 0.4": [*LATE, "train.label_smoothing=0.2"],
    "smoothed, rise 0.4, weight decay 0.001": [
        *LATE,
        "train.optimizer.weight_decay=0.001",
    ],
}


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__)
    settings.add_argument("--held-out-seeds", type=int, default=10)
    settings.add_argument("--seeds", type=int, default=10)
    asked = settings.parse_args()
    heading("ResNet-8 for digits")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for fold in range(FOLDS):
            hold_out(place / f"fold-{fold}", fold)
        seeds = range(100, 100 + asked.held_out_seeds)
        means = compared("held out", CANDIDATES, seeds, place, folds=True)
        chosen = min(means, key=lambda name: means[name])
        print(f"Chosen: {chosen}.\n")
        both = dict.fromkeys([chosen, "as it is"])
        compared(
            f"test, seeds 0 to {asked.seeds - 1}",
            both,
            range(asked.seeds),
            place,
        )


def compared(
    title: str,
    names: Iterable[str],
    seeds: range,
    place: Path,
    *,
    folds: bool = False,
) -> dict[str, float]:
    """Print the errors of candidates by seeds, with `folds` each on what is held out for it; the
    mean of each."""
    body, means = [], {}
    for name in names:
        runs = []
        for seed in seeds:
            path = place / f"fold-{seed % FOLDS}"
            data = (
                [f"train.data={{set: idx, path: {path}}}"] if folds else []
            )
            runs.append(score([*CANDIDATES[name], *data], seed, place))
        errors, seconds = zip(*runs, strict=True)
        means[name] = statistics.mean(errors)
        said = " ".join(f"{error:.2f}" for error in errors)
        spent = statistics.median(seconds)
        body.append([name, said, f"{means[name]:.2f}", f"{spent:.1f}"])
    table([title, "errors in %", "their mean", "CPU s"], body)
    return means


def hold_out(folder: Path, fold: int) -> None:
    """The training images of `digits`, a fifth of each class of which is what is tested here, by
    each fold another."""
    images, labels = stored()
    training, _ = stratified(labels, 0.2, 0)  # as `data: digits` has it
    images, labels = images[training], labels[training]
    folder.mkdir()
    for part, rows in zip(
        ("train", "t10k"), stratified(labels, 0.2, 1 + fold), strict=True
    ):
        # idx has 255 levels, and these 16
        levels, classes = images[rows].numpy() * 15, labels[rows].numpy()
        write_part(folder, part, levels, classes.astype("uint8"))


def score(
    changes: list[str], seed: int, place: Path
) -> tuple[float, float]:
    """The error in percent of the last epoch, and the CPU seconds of the build."""
    out = place / f"run-{len([*place.glob('run-*')])}"
    plan = resgraph.load(
        SPEC, ["train=digits", *changes, f"train.seed={seed}"]
    )
    began = time.process_time()
    build(plan, out=out, options=OPTIONS)
    spent = time.process_time() - began
    last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    return last["validation"]["error"], spent


if __name__ == "__main__":
    main()

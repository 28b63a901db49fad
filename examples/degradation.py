"""The degradation experiment of He et al. 2015 (Figures 1 and 6) in small: `python
examples/degradation.py [DIR]`.

Plain and residual nets of 8 and 56 layers learn handwritten digits, a few minutes in all. The
deeper plain net has the larger *training* error, so it does not overfit: it is harder to optimise.
Shortcuts mend that."""

from __future__ import annotations

import sys
from pathlib import Path

import resgraph
from resgraph import train
from resgraph.train.run.curves import comparison
from resgraph.train.run.metrics_log import read_rows
from resgraph.train.run.progress import reporter_for

SPEC = (
    Path(__file__).resolve().parents[1]
    / "specs"
    / "digits-degradation.yaml"
)
NETS = ("plain-8", "plain-56", "residual-8", "residual-56")


def main(folder: Path) -> None:
    """Train the four nets below `folder` and draw their errors."""
    runs = []
    for net in NETS:
        result = train.build(
            resgraph.load(f"{SPEC}::{net}"),
            out=folder / net,
            reporter=reporter_for(),
        )
        runs.append((net, read_rows(folder / net / "metrics.jsonl")))
        print(
            f"{net:<12} training error {100 - result.train_accuracy:5.2f} %, test error"
            f" {100 - result.accuracy:5.2f} %"
        )
    picture = folder / "degradation.svg"
    picture.write_text(
        comparison(
            "Plain nets degrade with depth, residual nets do not",
            runs,
            "epochs",
        ),
        encoding="utf-8",
    )
    print(f"drew {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/degradation"))

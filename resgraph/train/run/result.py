"""A finished run → `RunResult`, and the summary that says where everything is."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import asdict

from ...collecting import each_value
from ...counting import counted
from ...structs import Frozen
from ..reporter import epochs_of

PURPOSES = {
    "spec": "the spec, resolved: what a resume reads",
    "diagram": "the net, drawn",
    "table": "the net as a table",
    "source": "the net as PyTorch source, by itself",
    "metrics": "a row for each evaluation",
    "curves": "training and validation error",
    "weights": "the trained weights",
    "checkpoints": "what a resume starts from",
    "best": "the weights of the lowest validation error",
    "report": "the surest mistakes, the confusion matrix, each class",
}


class RunResult(Frozen):
    """What came out. Errors and accuracy in percent, `accuracy` of the last evaluation (never the
    best one picked): the score of the recipe's target, which `measure` names."""

    name: str
    directory: Path
    accuracy: float
    train_accuracy: float
    loss: float
    watched: str
    epochs: float
    steps: int
    seconds: float
    images_per_second: float
    params: int
    macs: int
    files: dict[str, Path]
    measure: str = "accuracy"

    def summary(self) -> str:
        """The lines that end a build."""
        took = (
            f"{self.seconds:.1f} s"
            if self.seconds < 100
            else f"{self.seconds / 60:.1f} min"
        )
        lines = [
            (
                f"{self.name}: {self.accuracy:.2f} % {self.watched} {self.measure} after"
                f" {epochs_of(self.epochs)}"
            ),
            (
                f"  {self.params:,} parameters, {self.macs:,} multiply-adds an image; "
                f"training {self.measure} {self.train_accuracy:.2f} %"
            ),
            f"  {counted(self.steps, 'step')} in {took}, {self.images_per_second:,.0f} images/s",
            f"  {self.directory}",
        ]
        width = max(len(path.name) for path in self.files.values())
        lines += [
            f"    {path.name:<{width}}  {PURPOSES[name]}"
            for name, path in self.files.items()
        ]
        return "\n".join(lines)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            **asdict(self),
            "directory": str(self.directory),
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images_per_second, 1),
            "files": each_value(str, self.files),
        }

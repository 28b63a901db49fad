"""Images → what a net says of them on a CPU: `predict` by batches beside image by image, and a
forward pass in torch and in onnxruntime beside torchvision's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import safetensors.torch
import torch
from images import Kind, photograph
from measure import heading, interleaved, rows, table
from reference import torchvision
from settings import FILES, SPECS, clock, parser, plan, start
from torch import nn

import resgraph
from resgraph.language.recipe.start import StartingWeights
from resgraph.train import Options, inference
from resgraph.train.engine.assemble import placed
from resgraph.train.inference import Asked, predict_weights
from resgraph.train.parallel.distributed import World
from resgraph.train.runtimes import Inference
from resgraph.train.settings.decide import Workload, decide


def main() -> None:
    options = parser(__doc__, rounds=7)
    options.add_argument(
        "--count", type=int, default=64, help="pictures to predict"
    )
    settings = start(options)
    with TemporaryDirectory() as place:
        _predictions(Path(place), settings.count, settings.rounds)
    _passes(settings.batch or 4, settings.rounds, settings.threads)


def _predictions(place: Path, count: int, rounds: int) -> None:
    kind = Kind(80, 72, 90, 1.2, 1)
    for number in range(count):
        (place / f"{number}.jpg").write_bytes(photograph(kind, number))
    net = resgraph.load(
        f"{SPECS / FILES['resnet']}::resnet-18",
        ["input=3x64x64", "train.normalize=imagenet"],
        strict=False,
    )
    weights = place / "weights.safetensors"
    safetensors.torch.save_file(net.module().state_dict(), weights)
    pictures, whole = sorted(place.glob("*.jpg")), inference.BATCH

    def predicted(size: int) -> Callable[[], object]:
        def run() -> object:
            inference.BATCH = size
            how = Options(device="cpu", threads=1)
            asked = Asked(pictures, 5, {})
            return predict_weights(
                net, StartingWeights(file=str(weights)), asked, how
            )

        return run

    runs = {
        "one by one": predicted(1),
        "one by one again": predicted(1),
        "in batches": predicted(whole),
    }
    heading(f"predict: {count} images by ResNet-18 at 64x64")
    found = interleaved(runs, rounds)
    table(
        ["", "ms", "against one by one", "images/s"],
        rows(found, "one by one", count),
    )


def _passes(batch: int, rounds: int, threads: int) -> None:
    ours = plan("resnet-50")
    how = Options(device="cpu", threads=threads, precision="fp32")
    decisions = decide(how, World(), Workload(ours.macs * batch))
    net = ours.module().eval()
    last = placed(ours.module().eval(), decisions)
    images = torch.randn(batch, *ours.input)
    laid = images.contiguous(memory_format=torch.channels_last)
    library = torchvision()
    theirs = library.models.resnet50().eval() if library else net
    by_onnx = Inference(1, "onnx").run_by(ours, net, decisions)

    def forward(
        run_by: nn.Module, given: torch.Tensor
    ) -> Callable[[], object]:
        def run() -> object:
            with torch.inference_mode():
                return run_by(given)

        return run

    base = "torchvision" if library else "contiguous"
    runs = {
        base: forward(theirs, images),
        f"{base} again": forward(theirs, images),
        "resgraph, --engine torch": forward(last, laid),
        "resgraph, --engine onnx": forward(by_onnx, images),
    }
    heading(f"ResNet-50, {batch} images in fp32")
    found = interleaved(runs, rounds, clock("cpu"))
    table(
        ["", "ms", f"against {base}", "images/s"], rows(found, base, batch)
    )


if __name__ == "__main__":
    main()

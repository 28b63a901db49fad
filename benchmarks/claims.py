"""What is known of the papers' nets: ResNet-50 is faster than VGG-16, and ResNet-101 about as fast
as VGG-19."""

from __future__ import annotations

import torch
from measure import heading, interleaved, rows, table
from settings import Inferring, Stepping, clock, parser, plan, start

PAIRS = (("vgg-16", "resnet-50"), ("vgg-19", "resnet-101"))


def main() -> None:
    options = parser(__doc__, rounds=7)
    options.add_argument(
        "--bf16",
        action="store_true",
        help="bf16 and channels-last, in place of fp32",
    )
    settings = start(options)
    batch = settings.batch or (
        64 if settings.device.startswith("cuda") else 2
    )
    heading(
        f"ResNet against VGG, {'bf16, channels-last' if settings.bf16 else 'fp32'}, {batch} images"
    )
    how = {"bf16": settings.bf16, "channels_last": settings.bf16}
    for kind, title in (
        (Inferring, "forward pass"),
        (Stepping, "training step"),
    ):
        for vgg, resnet in PAIRS:
            plans = {
                vgg: plan(vgg),
                f"{vgg} again": plan(vgg),
                resnet: plan(resnet),
            }
            images = torch.randn(
                batch, *plans[vgg].input, device=settings.device
            )
            runs = {
                name: kind(net.module(), images, **how)
                for name, net in plans.items()
            }
            found = interleaved(
                runs, settings.rounds, clock(settings.device)
            )
            share = f"{plans[resnet].macs / plans[vgg].macs:.2f}"
            print(f"{title}; {resnet} has {share} of the multiply-adds\n")
            table(
                ["", "ms", f"against {vgg}", "images/s"],
                rows(found, vgg, batch),
            )


if __name__ == "__main__":
    main()

"""A net with its weights → the same net run by onnxruntime, which takes less time than torch on
many CPUs. What it gives is compared with torch first; where they differ it is not used."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from itertools import filterfalse
from typing import Literal

import torch
from torch import Tensor, nn

from ..collecting import each_name
from ..errors import MissingError, UsageError
from ..outputs.pytorch.export import AGREE, apart, examples, export
from ..plan import Plan
from ..structs import Frozen
from .settings.decide import Decisions

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
ONNX_PAYS = 2e12
"""Multiply-adds from which an export to ONNX pays. That of ResNet-50 took 11 s of CPU, as much as
onnxruntime saves in 1e12 multiply-adds."""


class OnnxRuntimeNet(nn.Module):
    """An ONNX model in onnxruntime, on so many threads of the CPU."""

    def __init__(self, content: bytes, threads: int) -> None:
        super().__init__()
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self.names = each_name(self.session.get_inputs())

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the net gives, one output or a tuple."""
        given = zip(self.names, inputs, strict=True)
        arrays = {name: one.contiguous().numpy() for name, one in given}
        found = tuple(map(torch.from_numpy, self.session.run(None, arrays)))
        return found if len(found) > 1 else found[0]


class Inference(Frozen):
    """What is asked of a net: how many `images`, by which `engine`, and whether all have the size
    that it is written for."""

    images: int
    engine: Literal["torch", "onnx", "auto"]
    one_size: bool = True

    def run_by(
        self, plan: Plan, net: nn.Module, decisions: Decisions
    ) -> nn.Module:
        """The net, or what takes its place. Raises `MissingError` where onnxruntime is asked for
        and not installed, `UsageError` where it cannot be used or gives something else."""
        if self.engine == "torch" or (
            self.engine == "auto" and not self._pays(plan, decisions)
        ):
            return net
        self._need(decisions)
        try:
            made = OnnxRuntimeNet(
                export(plan, "onnx", net.state_dict()), decisions.threads
            )
            _compare(plan, net, made)
        except UsageError:
            if self.engine == "auto":
                return net
            raise
        return made

    def _pays(self, plan: Plan, decisions: Decisions) -> bool:
        """Whether it can be used, and saves more time than the export takes."""
        able = (
            decisions.device.type == "cpu"
            and self.one_size
            and not decisions.half
        )
        return (
            able
            and self.images * plan.macs > ONNX_PAYS
            and all(map(find_spec, PACKAGES))
        )

    def _need(self, decisions: Decisions) -> None:
        if absent := [*filterfalse(find_spec, PACKAGES)]:
            raise MissingError(
                f"--engine onnx needs the package {absent[0]}: pip install 'resgraph[onnx]'"
            )
        if decisions.device.type != "cpu":
            raise UsageError(
                "--engine onnx is for the CPU: add --device cpu"
            )
        if decisions.half:
            raise UsageError(
                f"--engine onnx computes in fp32, and not in {decisions.precision}: add --precision"
                " fp32"
            )
        if not self.one_size:
            raise UsageError(
                "--engine onnx is for images of one size, and not for --sides"
            )


def _compare(plan: Plan, net: nn.Module, made: nn.Module) -> None:
    """Raises `UsageError` where the outputs for two images of noise differ."""
    off = apart(net, made, [*examples(plan).values()])
    if not off <= AGREE:
        raise UsageError(
            f"--engine onnx: what onnxruntime gives is off by {off:.2g}, so it is not used; leave"
            " --engine out, and report this"
        )

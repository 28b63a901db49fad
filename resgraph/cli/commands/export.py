"""`resgraph export`: a spec, or a run with its trained weights → model.py, safetensors,
torch.export or ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from ...collecting import at_keys
from ...errors import UsageError, needing
from ...files import write_file
from ...language.recipe.start import StartingWeights
from ...outputs.pytorch.features import features_source
from ...outputs.registry import named
from ...passes.fold import fold_batch_norm
from ...plan import Plan, load
from ...structs import Frozen
from ..loading import load_plan
from ..options import (
    SPEC,
    Multiple,
    cannot_write,
    is_file,
    output_options,
    set_option,
    write,
)
from ..training import need_weights, weights_option

FORMS = named("export")


@click.command()
@click.argument("spec", type=SPEC, metavar="SPEC|RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    help="[by the suffix of FILE]",
)
@click.option(
    "--features",
    metavar="ROWS",
    help="write a backbone that gives these rows, as in conv3,conv4,conv5",
)
@click.option(
    "--fold-bn",
    is_flag=True,
    help="make batch norms part of the convolutions, for inference",
)
@click.option(
    "--inplace",
    type=click.Choice(["on", "off"]),
    default="on",
    help="off: nothing writes over what it reads, so hooks see what they should  [default: on]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),  # torch's generator takes 32 bits
    metavar="N",
    help="of the weights where SPEC is not a run  [default: 0]",
)
@weights_option
@set_option
@output_options
def export(
    spec: str, form: str | None, features: str | None, fold_bn: bool, inplace: str,
    seed: int | None, weights: str | None, key: str | None, overrides: Multiple,
    allow_outside: bool, output: Path | None, force: bool,
) -> None:  # fmt: skip
    """Write a net as Python source (.py, needs torch alone), or with its weights (.safetensors,
    .pt2, .onnx).

    A spec's weights are initialised, or those of `--weights`; those of a run are its trained ones.
    Of .pt2 and .onnx the
    batch axis is free."""
    form = form or _form(output)
    need_weights(weights, key)
    start = StartingWeights(file=weights, key=key) if weights else None
    net = _Net(spec, overrides, allow_outside, _rows(features), start)
    net.refuse(form, seed, inplace=inplace == "on")
    if form == "py":
        text = net.source(fold_bn=fold_bn, inplace=inplace == "on")
        write(text, output, force=force)
        return
    if not is_file(output):
        raise UsageError(
            f"{form} is no text: say where to with -o FILE.{form}"
        )
    options = {
        "fold_norms": fold_bn,
        "inplace": inplace == "on",
        "seed": seed or 0,
    }
    _write(net.weighted(form, **options), output)


class _Net(Frozen):
    """The net that is asked for: that of a spec or a run, or with `rows` a backbone of it."""

    spec: str
    overrides: Multiple
    allow_outside: bool
    rows: list[str]
    start: StartingWeights | None

    @property
    def run(self) -> Path | None:
        """The run, where it is one."""
        return Path(self.spec) if Path(self.spec).is_dir() else None

    def refuse(self, form: str, seed: int | None, *, inplace: bool) -> None:
        """Raises `UsageError` for options that do not belong together."""
        if self.run and self.overrides:
            raise UsageError(
                "--set is for specs: a run has the spec that it was trained with"
            )
        if self.start and (self.run or form == "py"):
            raise UsageError(
                "--weights is for a spec: a run has its own, and .py has none"
            )
        if seed is not None and (self.run or self.start or form == "py"):
            raise UsageError(
                "--seed is for weights that are initialised: a run has its own, and .py has none"
            )
        if form == "safetensors" and not inplace:
            raise UsageError(
                "--inplace is of what is computed, and .safetensors has weights alone"
            )

    def asked(self, plan: Plan) -> Plan:
        """The whole plan, or that of the backbone."""
        return plan.features(*self.rows) if self.rows else plan

    def plan(self) -> Plan:
        """The whole plan."""
        path = self.run / "spec.yaml" if self.run else self.spec
        return load_plan(
            path, self.overrides, allow_outside=self.allow_outside
        )

    def source(self, *, fold_bn: bool, inplace: bool) -> str:
        """As Python."""
        plan = self.asked(self.plan())
        plan = (
            replace(plan, graph=fold_batch_norm(plan.graph)[0])
            if fold_bn
            else plan
        )
        if self.rows:
            return features_source(plan, inplace=inplace)
        return plan.source(inplace=inplace)

    def weighted(self, form: str, **options: Any) -> bytes:
        """With its weights."""
        said = f"exporting to {form} needs PyTorch"
        whole = self.of_run(said) if self.run else self.plan()
        part = self.asked(whole)
        # a mistake in a spec is told without torch
        with needing(said, "train"):
            from ...outputs.pytorch.export import export as exported
            from ...train.inference import preprocessing, trained
            from ...train.start.transfer import loaded
        state = None
        if self.run:
            state = trained(self.run, whole.module()).state_dict()
            options["preprocessing"] = preprocessing(self.run)
        if self.start:
            state = loaded(whole, self.start)[0].state_dict()
        return exported(part, form, self.kept(whole, state), **options)

    def of_run(self, said: str) -> Plan:
        """The whole plan that a run was trained with."""
        assert self.run
        with needing(said, "train"):
            from ...train.resuming import own_plan
        return own_plan(self.run, lambda path: load(path, strict=False))

    def kept(
        self, whole: Plan, state: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """What of a state dict, if there is one, the backbone has."""
        if state is None or not self.rows:
            return state
        own = self.asked(whole).module(device="meta").state_dict()
        return at_keys(state, own)


def _rows(features: str | None) -> list[str]:
    """The rows that `--features` names."""
    return [
        row.strip() for row in (features or "").split(",") if row.strip()
    ]


def _form(output: Path | None) -> str:
    if not is_file(output):
        return "py"
    form = output.suffix.removeprefix(".")
    if form not in FORMS:
        known = ", ".join(f".{name}" for name in FORMS)
        raise UsageError(
            f"`{output.name}` does not say which format: end it in one of {known}, or give --format"
        )
    return form


def _write(content: bytes, output: Path) -> None:
    """The file whole, or none at all."""
    try:
        write_file(output, content)
    except OSError as problem:
        raise cannot_write(output, problem, "name another place") from None
    click.echo(f"wrote {output} ({len(content) / 1e6:,.1f} MB)", err=True)

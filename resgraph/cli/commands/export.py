"""`resgraph export`: a spec, or a run with its trained weights → model.py, safetensors,
torch.export or ONNX."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import click

from ...errors import MissingError, UsageError
from ...files import write_file
from ...outputs.pytorch.features import features_source
from ...outputs.registry import named
from ...passes.fold import fold_batch_norm
from ...plan import Plan, load
from ..loading import load_plan
from ..options import SPEC, cannot_write, output_options, set_option, write

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
    type=int,
    metavar="N",
    help="of the weights where SPEC is not a run  [default: 0]",
)
@set_option
@output_options
def export(
    spec: str, form: str | None, features: str | None, fold_bn: bool, inplace: str,
    seed: int | None, overrides: tuple[str, ...], allow_outside: bool, output: Path | None,
    force: bool,
) -> None:  # fmt: skip
    """Write a net as Python source (.py, needs torch alone), or with its weights (.safetensors,
    .pt2, .onnx).

    A spec's weights are initialised, those of a run are its trained ones. Of .pt2 and .onnx the
    batch axis is free."""
    form = form or _form(output)
    net = _Net(spec, overrides, allow_outside, _rows(features))
    if net.run and overrides:
        raise UsageError(
            "--set is for specs: a run has the spec that it was trained with"
        )
    if seed is not None and (net.run or form == "py"):
        raise UsageError(
            "--seed is for weights that are initialised: a run has its own, and .py has none"
        )
    if form == "py":
        text = net.source(fold_bn=fold_bn, inplace=inplace == "on")
        write(text, output, force=force)
        return
    if not _is_file(output):
        raise UsageError(f"{form} is no text: say where to with -o FILE.{form}")
    if output.exists() and not force:
        raise UsageError(f"{output} exists; --force overwrites it")
    options = {"fold_norms": fold_bn, "inplace": inplace == "on", "seed": seed or 0}
    _write(net.weighted(form, **options), output)


@dataclass(frozen=True, slots=True)
class _Net:
    """The net that is asked for: that of a spec or a run, or with `rows` a backbone of it."""

    spec: str
    overrides: tuple[str, ...]
    allow_outside: bool
    rows: list[str]

    @property
    def run(self) -> Path | None:
        """The run, where it is one."""
        return Path(self.spec) if Path(self.spec).is_dir() else None

    def asked(self, plan: Plan) -> Plan:
        """The whole plan, or that of the backbone."""
        return plan.features(*self.rows) if self.rows else plan

    def source(self, *, fold_bn: bool, inplace: bool) -> str:
        """As Python."""
        path = self.run / "spec.yaml" if self.run else self.spec
        plan = load_plan(path, self.overrides, allow_outside=self.allow_outside)
        plan = self.asked(plan)
        plan = replace(plan, graph=fold_batch_norm(plan.graph)[0]) if fold_bn else plan
        if self.rows:
            return features_source(plan, inplace=inplace)
        return plan.source(inplace=inplace)

    def weighted(self, form: str, **options: Any) -> bytes:
        """With its weights."""
        try:
            from ...outputs.pytorch.export import export as exported
            from ...train.inference import preprocessing, trained
            from ...train.resuming import own_plan
        except ModuleNotFoundError:
            raise MissingError(
                f"exporting to {form} needs PyTorch: pip install 'resgraph[train]'"
            ) from None
        if not self.run:
            whole = load_plan(
                self.spec, self.overrides, allow_outside=self.allow_outside
            )
            return exported(self.asked(whole), form, **options)
        whole = own_plan(self.run, lambda path: load(path, strict=False))
        plan, state = self.asked(whole), trained(self.run, whole.module()).state_dict()
        if self.rows:
            kept = plan.module(device="meta").state_dict()
            state = {name: state[name] for name in kept}
        options["preprocessing"] = preprocessing(self.run)
        return exported(plan, form, state, **options)


def _rows(features: str | None) -> list[str]:
    """The rows that `--features` names."""
    return [row.strip() for row in (features or "").split(",") if row.strip()]


def _is_file(output: Path | None) -> TypeGuard[Path]:
    return output is not None and str(output) != "-"


def _form(output: Path | None) -> str:
    if not _is_file(output):
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

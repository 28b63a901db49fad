"""`resgraph export`: a spec, or a run with its trained weights → model.py, safetensors,
torch.export or ONNX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import click

from ...errors import MissingError, UsageError
from ...files import write_file
from ...outputs.registry import named
from ...passes.fold import fold_batch_norm
from ...plan import load
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
    "--fold-bn",
    is_flag=True,
    help="make batch norms part of the convolutions, for inference",
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
    spec: str, form: str | None, fold_bn: bool, seed: int | None, overrides: tuple[str, ...],
    allow_outside: bool, output: Path | None, force: bool,
) -> None:  # fmt: skip
    """Write a net as Python source (.py, needs torch alone), or with its weights (.safetensors,
    .pt2, .onnx).

    A spec's weights are initialised, those of a run are its trained ones. Of .pt2 and .onnx the
    batch axis is free."""
    form = form or _form(output)
    run = Path(spec) if Path(spec).is_dir() else None
    if run and overrides:
        raise UsageError(
            "--set is for specs: a run has the spec that it was trained with"
        )
    if seed is not None and (run or form == "py"):
        raise UsageError(
            "--seed is for weights that are initialised: a run has its own, and .py has none"
        )
    if form == "py":
        path = run / "spec.yaml" if run else spec
        plan = load_plan(path, overrides, allow_outside=allow_outside)
        plan = replace(plan, graph=fold_batch_norm(plan.graph)[0]) if fold_bn else plan
        write(plan.source(), output, force=force)
        return
    if not _is_file(output):
        raise UsageError(f"{form} is no text: say where to with -o FILE.{form}")
    if output.exists() and not force:
        raise UsageError(f"{output} exists; --force overwrites it")
    content = _exported(
        spec,
        run,
        form,
        overrides,
        allow_outside=allow_outside,
        fold_norms=fold_bn,
        seed=seed or 0,
    )
    _write(content, output)


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


def _exported(
    spec: str,
    run: Path | None,
    form: str,
    overrides: tuple[str, ...],
    *,
    allow_outside: bool,
    **options: Any,
) -> bytes:
    try:
        from ...outputs.pytorch.export import export as exported
        from ...train.inference import preprocessing, trained
        from ...train.resuming import own_plan
    except ModuleNotFoundError:
        raise MissingError(
            f"exporting to {form} needs PyTorch: pip install 'resgraph[train]'"
        ) from None
    if not run:
        return exported(
            load_plan(spec, overrides, allow_outside=allow_outside), form, **options
        )
    plan = own_plan(run, lambda path: load(path, strict=False))
    state = trained(run, plan.module()).state_dict()
    return exported(plan, form, state, preprocessing=preprocessing(run), **options)


def _write(content: bytes, output: Path) -> None:
    """The file whole, or none at all."""
    try:
        write_file(output, content)
    except OSError as problem:
        raise cannot_write(output, problem, "name another place") from None
    click.echo(f"wrote {output} ({len(content) / 1e6:,.1f} MB)", err=True)

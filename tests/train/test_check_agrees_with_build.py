"""What `check` accepts, `build` begins; what needs no data to be known `check` reports, at its line, with a fix."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

import resgraph
from resgraph.errors import (
    MissingError,
    ResgraphError,
    SpecError,
    TrainingError,
)
from resgraph.train import Options, build, forecast
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import prepare

FAST = Options(threads=1, workers=0, device="cpu", precision="fp32")
NETS = (
    ("1x8x8", "conv1: 3x3 conv 4\n  head: [global avg pool, fc 10]"),
    ("1x8x8", "conv1: 3x3 conv 4 /2\n  head: [flatten, fc 10]"),
    (
        "1x8x8",
        "conv1: 3x3 conv 4\n  conv2: 3x3 conv 8 /8\n  head: [flatten, fc 10]",
    ),
    ("1x8x8", "conv1: 3x3 conv 4\n  head: 1x1 conv 10 linear"),
    ("1x8x8", "conv1: 3x3 conv 4\n  head: [global avg pool, fc 1]"),
    ("3x16x16", "conv1: 3x3 conv 4\n  head: [global avg pool, fc 10]"),
    ("64", "fc1: [fc 16, bn, relu]\n  head: fc 10"),
)
CHANGES: dict[str, tuple[str, ...]] = {
    "data": ("digits", "{set: digits, size: 16, channels: 3}", "{set: digits, test: 0.99}", "synthetic", "cifar10",
             "{set: synthetic, classes: 3}", "{set: synthetic, samples: 8, validation: 8}",
             "{set: folder, path: /nowhere/at/all}", "{set: folder, path: /nowhere/at/all, resize: 4}",
             "{set: list, path: /nowhere/at/all}", "{set: arrays, path: /nowhere.npz, split: 0.2}",
             "{set: cifar10, held_out: 45_000}"),
    "augment": ("none", "{crop: none}", "{crop: {kind: pad, cells: 2}}", "{crop: {kind: area}}", "{crop: {kind: side}}",
                "{crop: {kind: side, side: [4, 8]}}", "{mixup: 0.2, cutmix: 1.0}", "{cutout: 4, rotate: 20}",
                "{randaugment: {ops: 2}, lighting: 0.1}", "{flip: true, shift: 2}"),
    "batch": ("1", "2", "8", "16", "1_400", "1_438", "1_439", "5_000"),
    "accumulate": ("2", "8"),
    "normalize": ("per-pixel", "scale"),
    "progressive": ("{sides: [4]}", "{sides: [4, 6]}", "{sides: [8]}", "{sides: [16, 24]}"),
    "schedule": ("constant", "cosine", "{kind: steps, at: [1, 2]}", "plateau", "{kind: linear, end: 0.1}"),
    "warmup": ("{kind: linear, length: 1}", "{kind: hold, lr: 0.01, length: 1}", "{kind: until, lr: 0.01, error: 80}"),
    "optimizer": ("{name: adamw, lr: 0.001}", "{name: sgd, lr: 0.1, momentum: 0.0}"),
    "sync_bn": ("true",),
    "clip": ("1.0",),
    "ema": ("{decay: 0.9}",),
}  # fmt: skip


def mutant(seed: int) -> str:
    """A spec with two to four changes of its recipe."""
    rng = random.Random(seed)
    shape, rows = rng.choice(NETS)
    keys = rng.sample(sorted(CHANGES), rng.randint(2, 4))
    recipe = "".join(
        f"  {key}: {rng.choice(CHANGES[key])}\n" for key in keys
    )
    return f"name: m\ninput: {shape}\nnet:\n  {rows}\ntrain:\n  recipe: digits\n  epochs: 3\n{recipe}"


def verdict(text: str) -> tuple[Any, list[Any]]:
    """The plan, and the mistakes that `check` tells."""
    try:
        plan = resgraph.loads(text)
    except SpecError as error:
        return None, list(error.diagnostics)
    return plan, plan.unmet()


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(50), id="some"),
        pytest.param(range(50, 400), id="others", marks=pytest.mark.slow),
    ],
)
def test_what_check_accepts_build_begins(seeds: range) -> None:
    """With data that is there a few steps are made; and what `check` refuses, a build by the API refuses too."""
    accepted = refused = 0
    for seed in seeds:
        text = mutant(seed)
        plan, problems = verdict(text)
        assert all(
            each.span and (each.help or each.code != "E051")
            for each in problems
        ), (seed, text, problems)
        if plan is None:
            continue
        try:
            ready = prepare(plan, FAST, World(), counted=True)
            if seed % 4 == 0 and not problems:
                forecast(plan, options=FAST)
        except MissingError:
            continue  # the data is not on this machine
        except ResgraphError as error:
            assert problems, (
                f"seed {seed}: check accepts what build refuses\n{text}\n{error}"
            )
            refused += 1
        else:
            assert not problems, (
                f"seed {seed}: check refuses what build takes\n{text}\n{problems[0].message}"
            )
            assert ready.steps >= 1
            accepted += 1
    least = 0.15 * len(seeds)
    assert accepted > least and refused > least, (accepted, refused)


BASE = "name: a\ninput: {0}\nnet:\n  conv1: 3x3 conv 4\n  head: [global avg pool, fc 10]\ntrain:\n  recipe: {1}\n"


@pytest.mark.parametrize(
    ("shape", "recipe", "line", "words"),
    [
        (
            "1x8x8",
            "digits\n  augment: {crop: {kind: side}}",
            8,
            "of kind side is for folders of images",
        ),
        (
            "1x8x8",
            "digits\n  progressive: {sides: [8]}",
            8,
            "must be smaller than the net's own input, 1x8x8",
        ),
        (
            "1x8x8",
            "digits\n  batch: 1_439",
            8,
            "a batch of 1439 is more than the 1,438 training images",
        ),
        (
            "1x8x8",
            "synthetic\n  data: {classes: 7}",
            5,
            "`synthetic` has 7 classes",
        ),
        (
            "3x32x32",
            "cifar\n  data: {set: folder, path: x}",
            6,
            "`augment.crop` must be of kind area or side, or none",
        ),
        (
            "3x32x32",
            "imagenet\n  data: {resize: 16}",
            8,
            "`data.resize: 16` is less than the net reads, 3x32x32",
        ),
        (
            "4x32x32",
            "imagenet",
            7,
            "images have 1 or 3 channels, but the net reads 4x32x32",
        ),
    ],
)
def test_check_tells_it_where_it_is_written(
    shape: str, recipe: str, line: int, words: str
) -> None:
    problems = resgraph.loads(BASE.format(shape, recipe)).unmet()
    assert [problem.code for problem in problems] == ["E051"]
    assert words in problems[0].message and problems[0].help
    assert problems[0].span is not None and problems[0].span.line in (
        line,
        line - 1,
    )


@pytest.mark.parametrize("crop", ["augment: none", "augment: {crop: none}"])
def test_no_crop_is_the_middle(crop: str) -> None:
    text = BASE.format("3x32x32", f"imagenet\n  {crop}")
    assert resgraph.loads(text).unmet() == []


@pytest.mark.parametrize(
    ("batch", "accumulate", "world", "told"),
    [(1, 1, 1, True), (4, 4, 1, True), (4, 2, 2, True), (2, 1, 1, False)],
)
def test_a_norm_of_one_value_is_told_at_its_layer(
    batch: int, accumulate: int, world: int, told: bool
) -> None:
    text = BASE.format(
        "1x8x8", f"digits\n  batch: {batch}\n  accumulate: {accumulate}"
    )
    text = text.replace("head: [", "squeeze: 3x3 conv 6 /8\n  head: [")
    plan = resgraph.loads(text)
    found = plan.unmet()
    if world > 1:
        assert not found
        with pytest.raises(SpecError) as raised:
            prepare(plan, FAST, World(size=world, sharing=world))
        found = list(raised.value.diagnostics)
    assert bool(found) == told
    if told:
        assert (
            "`squeeze.bn` would norm one value per channel, 6x1x1 of one image"
            in found[0].message
        )
        assert found[0].span is not None and found[0].span.line == 5


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (
            "[global avg pool, fc 1]",
            "to learn a number, write `target: number`",
        ),
        (
            "1x1 conv 10 linear",
            "for a class of each pixel write `target: map`",
        ),
        ("[global avg pool, fc 9]", "end it with `fc 10`"),
    ],
)
def test_the_advice_fits_the_net(head: str, words: str) -> None:
    text = BASE.format("1x8x8", "digits").replace(
        "[global avg pool, fc 10]", head
    )
    (problem,) = resgraph.loads(text).unmet()
    assert words in problem.help


def test_a_net_that_does_not_fit_the_images_on_disk_is_a_wrong_spec(
    tmp_path: Path,
) -> None:
    for part in ("train", "val"):
        for name in ("a", "b", "c"):
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "0.png").write_bytes(b"")
    text = BASE.format(
        "3x32x32", f"imagenet\n  batch: 2\n  data: {{path: {tmp_path}}}"
    )
    with pytest.raises(SpecError) as raised:
        build(resgraph.loads(text), out=tmp_path / "run", options=FAST)
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.help) == ("E051", "end it with `fc 3`")
    assert problem.span is not None and problem.span.line == 5
    assert not (tmp_path / "run").exists()


def test_one_class_is_nothing_to_learn(tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / part / "only").mkdir(parents=True)
        (tmp_path / part / "only" / "0.png").write_bytes(b"")
    text = BASE.format(
        "3x32x32", f"imagenet\n  batch: 1\n  data: {{path: {tmp_path}}}"
    )
    with pytest.raises(
        SpecError, match="has one class, which every net gets right"
    ):
        build(resgraph.loads(text), out=tmp_path / "run", options=FAST)


@pytest.mark.parametrize(
    ("channels", "which"),
    [((0, 1, 2), "every channel of"), ((1,), "channel 1 of"), ((), "")],
    ids=str,
)
def test_a_channel_of_one_value_is_told_before_the_first_step(
    tmp_path: Path, channels: tuple[int, ...], which: str
) -> None:
    draw = numpy.random.default_rng(0)
    for part in ("train", "val"):
        for name in ("a", "b"):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            pixels = draw.integers(0, 256, (32, 32, 3)).astype(numpy.uint8)
            pixels[..., list(channels)] = 200
            Image.fromarray(pixels).save(
                tmp_path / "set" / part / name / "0.png"
            )
    recipe = f"imagenet\n  batch: 2\n  epochs: 1\n  schedule: constant\n  data: {{path: {tmp_path / 'set'}}}"
    plan = resgraph.loads(
        BASE.format("3x32x32", recipe).replace("fc 10", "fc 2")
    )
    if which:
        with pytest.raises(
            TrainingError,
            match=rf"set, as .*0\.png: {which} the training images has one value throughout",
        ):
            build(plan, out=tmp_path / "run", options=FAST)
    else:
        assert build(plan, out=tmp_path / "run", options=FAST).steps == 1


@pytest.mark.parametrize(
    "recipe", ["cifar", "digits\n  data: synthetic", "imagenet"]
)
def test_a_plan_of_images_that_are_not_there_is_made(recipe: str) -> None:
    """Its stand-ins are blank, which is nobody's mistake; `per-channel` is what a recipe has by itself."""
    plan = resgraph.loads(
        BASE.format(
            "3x32x32", f"{recipe}\n  batch: 4\n  normalize: per-channel"
        )
    )
    assert plan.unmet() == []
    assert forecast(plan, options=FAST).batch == 4

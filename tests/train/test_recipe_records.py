"""Every optimizer, schedule, warm-up and data set of a recipe: what its record says is so, and one step works with it.

A new record needs a row here only where it has keys without default (`KEYS`) or is read from disk (`WRITERS`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy
import pytest
import small_plan
import torch
from msgspec import to_builtins
from test_cifar import write_folder
from test_folder import picture
from test_idx import lay
from test_shards import members, pack

from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.data import Data, DataSource, Digits
from resgraph.language.recipe.steps import (
    Optimizer,
    Schedule,
    TorchOptimizer,
    Warmup,
)
from resgraph.language.record import Record, kinds
from resgraph.structs import fields
from resgraph.train import Options, build, forecast, resume
from resgraph.train.data import load, loader_of
from resgraph.train.data.cifar import VERSIONS
from resgraph.train.data.sets import Resident
from resgraph.train.engine.optimizer import OWN, make_optimizer

KEYS: dict[str, dict[str, Any]] = {
    "steps": {"at": [1]},
    "linear": {
        "length": 1
    },  # the warm-up; the schedule of this name has no such key
    "hold": {"lr": 0.01, "length": 1},
    "until": {"lr": 0.01, "error": 50.0},
    "idx": {"channels": 3},
    "synthetic": {"classes": 4, "samples": 24, "validation": 8},
}
"""Keys that a record needs, by the word that names it in a recipe."""


def records(union: Any) -> list[type[Any]]:
    return list(get_args(union))


def words(union: Any, tag: str) -> list[tuple[str, type[Any]]]:
    """What a recipe writes at `tag` for each record: `cifar10` and `cifar100` are one record."""
    return [
        (word, record)
        for record in records(union)
        for word in kinds(record)
    ]


def keys(word: str, record: type[Record]) -> dict[str, Any]:
    return {
        name: value
        for name, value in KEYS.get(word, {}).items()
        if name in fields(record)
    }


def recipe(**changes: Any) -> dict[str, Any]:
    return {
        "data": {"set": "synthetic", "samples": 24, "validation": 8},
        "iterations": 2,
        "batch": 8,
        "optimizer": {"name": "sgd", "lr": 0.1},
    } | changes


def built(tmp_path: Path, wanted: dict[str, Any], **facts: Any) -> None:
    plan = small_plan.plan(
        wanted, **({"widths": (4,), "blocks": 1} | facts)
    )
    result = build(
        plan, out=tmp_path / "run", options=Options(device="cpu", workers=0)
    )  # type: ignore[arg-type]
    assert result.steps == plan.train.iterations  # type: ignore[union-attr]


# -- optimizers


def optimizers() -> list[Any]:
    """Each as it is without a word on it, and with every switch turned."""
    out = []
    for word, record in words(Optimizer, "name"):
        plain = {"name": word, "lr": 0.1}
        switches = {
            key: not field.default
            for key, field in fields(record).items()
            if field.type is bool
        }
        out += [pytest.param(record(**plain), id=word)]
        if switches:
            out += [
                pytest.param(
                    record(**plain, **switches), id=f"{word}-switched"
                )
            ]
    return out


@pytest.mark.parametrize("one", optimizers())
def test_an_optimizer_is_torchs_or_ours(one: TorchOptimizer) -> None:
    net = torch.nn.Linear(3, 2)
    optimizer = make_optimizer(one, net, fused=one.fused)  # type: ignore[arg-type]
    if one.torch_class not in OWN:
        theirs = inspect.signature(
            getattr(torch.optim, one.torch_class)
        ).parameters
        assert one.arguments().keys() <= theirs.keys()
        assert one.fused == ("fused" in theirs)
        assert type(optimizer) is getattr(torch.optim, one.torch_class)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    numbers = sum(
        value.numel()
        for parameter in net.parameters()
        for value in optimizer.state[parameter].values()
        if isinstance(value, torch.Tensor)
        and value.shape == parameter.shape
    )
    assert numbers == one.kept(8, 6), "the forecast of memory counts these"


@pytest.mark.parametrize("one", optimizers())
def test_a_run_steps_with_each_optimizer(
    one: TorchOptimizer, tmp_path: Path
) -> None:
    built(tmp_path, recipe(optimizer=to_builtins(one)))


# -- schedules


@pytest.mark.parametrize(("word", "record"), words(Schedule, "kind"))
def test_a_run_follows_each_schedule(
    word: str, record: type[Record], tmp_path: Path
) -> None:
    built(tmp_path, recipe(schedule={"kind": word, **keys(word, record)}))


@pytest.mark.parametrize(("word", "record"), words(Warmup, "kind"))
def test_a_run_begins_with_each_warmup(
    word: str, record: type[Record], tmp_path: Path
) -> None:
    built(tmp_path, recipe(warmup={"kind": word, **keys(word, record)}))


# -- data sets


def in_memory(path: Path, word: str) -> None:
    """Nothing is read from a path."""


def cifar(path: Path, word: str) -> None:
    write_folder(path, VERSIONS[word][0], word)


def folders(path: Path, word: str) -> None:
    for part in ("train", "val"):
        for label in range(2):
            folder = path / part / f"c{label}"
            folder.mkdir(parents=True)
            for number in range(8):
                picture(label, number).save(folder / f"{number}.png")


def tars(path: Path, word: str) -> None:
    path.mkdir()
    for name in ("train-{000000..000099}", "val-{000000..000009}"):
        first, last = (
            int(part) for part in name[name.index("{") + 1 : -1].split("..")
        )
        for number in range(first, last + 1):
            pack(
                path / f"{name[: name.index('{')]}{number:06d}.tar",
                members(number, 2),
            )


def idx(path: Path, word: str) -> None:
    lay(path, size=(16, 16), classes=2)


def arrays(path: Path, word: str) -> None:
    path.mkdir()
    for part, count in (("train", 16), ("val", 8)):
        seen = numpy.random.default_rng(0).integers(
            0, 256, (count, 16, 16, 3)
        )
        numpy.save(path / f"{part}_images.npy", seen.astype(numpy.uint8))
        numpy.save(path / f"{part}_labels.npy", numpy.arange(count) % 2)


def lists(path: Path, word: str) -> None:
    folders(path, word)
    for part, count in (("train", 16), ("val", 8)):
        rows = [
            f"{part}/c{n % 2}/{n // 2}.png,{n % 2}" for n in range(count)
        ]
        (path / f"{part}.csv").write_text("\n".join(["path,label", *rows]))


def parquets(path: Path, word: str) -> None:
    pytest.importorskip("pyarrow")
    from test_parquet import rows, write

    path.mkdir()
    for part, count in (("train", 16), ("validation", 8)):
        write(path / f"{part}-00000-of-00001.parquet", rows(0, count))


WRITERS: dict[str, Callable[[Path, str], None]] = {
    "digits": in_memory,
    "synthetic": in_memory,
    "cifar10": cifar,
    "cifar100": cifar,
    "idx": idx,
    "arrays": arrays,
    "list": lists,
    "folder": folders,
    "parquet": parquets,
    "imagenet": folders,
    "shards": tars,
}
"""What writes a small set in its true format."""
SETS = words(Data, "set")


def test_each_set_is_written_here() -> None:
    assert WRITERS.keys() == {word for word, _ in SETS}


@pytest.mark.parametrize("record", records(Data))
def test_each_set_has_a_loader(record: type[DataSource]) -> None:
    asked, request = inspect.signature(
        loader_of(record), eval_str=True
    ).parameters.values()
    assert asked.annotation is record and request.name == "request"


@pytest.mark.parametrize(("word", "record"), SETS)
def test_a_set_is_what_its_record_says(
    word: str,
    record: type[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    WRITERS[word](tmp_path / "set", word)
    place = {} if record.made else {"path": str(tmp_path / "set")}
    chosen = {"set": word, **keys(word, record), **place}
    data = resolve_train(recipe(data=chosen)).data
    classes = data.class_count or 2
    shape = data.shape or (3, 16, 16)
    found = load(data, shape, (classes,))
    assert found.shape == shape and len(found.classes) == classes
    assert (found.path is None) == bool(record.made)
    if record.made:
        assert data.counts(classes) == (
            len(found.train),
            len(found.validation),
        )
    facts = {"input": shape, "classes": classes}
    built(tmp_path, recipe(data=chosen), **facts)


@pytest.mark.parametrize(("word", "record"), SETS)
def test_a_run_on_each_set_goes_on_bit_for_bit(
    word: str,
    record: type[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped after 3 steps of the 5 there are, in the middle of an epoch."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    WRITERS[word](tmp_path / "set", word)
    place = {} if record.made else {"path": str(tmp_path / "set")}
    chosen = {"set": word, **keys(word, record), **place}
    data = resolve_train(recipe(data=chosen)).data
    facts = {
        "input": data.shape or (3, 16, 16),
        "classes": data.class_count or 2,
    }
    net = {"widths": (4,), "blocks": 1, **facts}
    moved = recipe(data=chosen, augment={"flip": True, "cutout": 3})
    plans = {
        n: small_plan.plan(moved | {"iterations": n}, **net) for n in (3, 5)
    }
    options = Options(device="cpu", workers=0)
    build(plans[5], out=tmp_path / "whole", options=options)  # type: ignore[arg-type]
    build(plans[3], out=tmp_path / "cut", options=options)  # type: ignore[arg-type]
    resume(
        tmp_path / "cut",
        plan=plans[5],
        load=small_plan.load,
        options=options,
    )  # type: ignore[arg-type]
    whole, cut = (
        (tmp_path / name / "weights.safetensors").read_bytes()
        for name in ("whole", "cut")
    )
    assert whole == cut


@pytest.mark.parametrize(("word", "record"), SETS)
def test_a_run_is_planned_without_the_set(
    word: str,
    record: type[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a step of two images
    monkeypatch.setattr("resgraph.train.trial.BUDGET", 0)
    place = {} if record.made else {"path": str(tmp_path / "nowhere")}
    chosen = {"set": word, **keys(word, record), **place}
    plan = small_plan.plan(
        recipe(data=chosen),
        widths=(4,),
        blocks=1,
        input=(3, 32, 32),
        classes=10,
    )
    data = plan.train.data  # type: ignore[union-attr]
    plan.input, plan.classes = (
        data.shape or plan.input,
        data.class_count or 10,
    )
    seen = forecast(plan, options=Options(device="cpu"))  # type: ignore[arg-type]
    counts = data.counts(plan.classes)
    assert seen.images == (counts[0] if counts else None)
    assert bool(seen.missing) != bool(record.made)


@pytest.mark.parametrize("share", [0.5, 0.003])
def test_as_many_digits_as_their_record_counts(share: float) -> None:
    digits = Digits(test=share)
    found = load(digits, digits.shape, (10,))
    assert digits.counts(10) == (len(found.train), len(found.validation))


@pytest.mark.parametrize(
    ("name", "classes", "held"),
    [("cifar10", 10, 7), ("cifar100", 100, 5_000), ("cifar10", 10, 0)],
)
def test_as_many_images_of_cifar_as_its_record_counts(
    name: str, classes: int, held: int, tmp_path: Path
) -> None:
    """Blank images in the official number, as many of each class."""
    version = VERSIONS[name][0]
    (tmp_path / version.names).write_text(
        "\n".join(map(str, range(classes)))
    )
    for files, total in ((version.train, 50_000), (version.test, 10_000)):
        each = total // len(files)
        lead = (
            len(("fine", "coarse"))
            if version.labels == "fine_labels"
            else 1
        )
        rows = numpy.zeros((each, lead + 3072), numpy.uint8)
        rows[:, lead - 1] = numpy.arange(each) % classes
        for file in files:
            rows.tofile(tmp_path / file)
    chosen = {"set": name, "path": str(tmp_path), "held_out": held}
    data = resolve_train(recipe(data=chosen)).data
    found = load(data, (3, 32, 32), (classes,))
    assert isinstance(found.train, Resident)
    assert data.counts(classes) == (len(found.train), len(found.validation))

"""`weights:` of a recipe: every tensor of either side is accounted for, and what cannot be is refused
before the first step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from starting import digest, plan, spec, trained, weights

import resgraph
from resgraph.cli import run as command
from resgraph.errors import ResgraphError, RunError, UsageError
from resgraph.train import Options, forecast, resume
from resgraph.train.data.normalize import Normalization
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import Prepared, normalization_of, prepare
from resgraph.train.rng import key


@pytest.fixture
def source(tmp_path: Path) -> dict[str, torch.Tensor]:
    """Weights of the net with five classes, in a file beside the specs."""
    torch.manual_seed(1)
    state = plan(tmp_path / "old.yaml", classes=5).module().state_dict()
    for name in state:
        if name.endswith("running_mean"):
            state[name].normal_()
    save_file(state, tmp_path / "old.safetensors")
    return state


def prepared(net: resgraph.Plan) -> Prepared:
    return prepare(net, Options(), World())


def test_every_tensor_is_in_one_list_of_the_plan(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    net = plan(tmp_path / "new.yaml", "weights: old.safetensors")
    start = prepared(net).start
    assert start
    match = start.match
    ours = [*match.kept, *match.adapted, *match.new, *match.missing]
    theirs = [
        *match.kept.values(),
        *match.adapted.values(),
        *match.new.values(),
    ]
    assert sorted(ours) == sorted(net.module().state_dict())
    assert sorted([*theirs, *match.unused]) == sorted(source)
    assert set(match.new) == {"head.1.weight", "head.1.bias"}
    told = start.lines(whole=True)
    assert told[0] == (
        f"weights of old.safetensors: tensors {len(source) - 2} kept, 0 adapted, 2 new, 0 not in"
        " the file, 0 not used of the file"
    )
    modules = {name.rpartition(".")[0] for name in source}
    assert {line.split()[1] for line in told[1:]} == (
        modules - {"head.1"}
    ) | set(match.new)
    assert start.lines(whole=False)[1:] == [
        "  + head.1.weight  new: 3x8 in place of 5x8 of head.1.weight",
        "  + head.1.bias    new: 3 in place of 5 of head.1.bias",
    ]
    text = forecast(net, options=Options(threads=1)).text()
    assert "\n".join(told) in text


def test_what_is_new_and_frozen_is_told(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    """A head that no weights are for, and that learns nothing, is noise to the end."""
    for words, said in (("head", True), ("all but head", False)):
        lines = "weights: old.safetensors", f"freeze: {words}"
        start = prepared(plan(tmp_path / "new.yaml", *lines)).start
        assert start
        told = [line for line in start.lines(whole=True) if " + " in line]
        assert len(told) == 2
        assert all(
            line.endswith("stays as it begins, by `freeze`") == said
            for line in told
        )


def test_a_run_starts_from_them_and_the_head_is_that_of_the_seed(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    spec(
        tmp_path / "new.yaml",
        "weights: old.safetensors",
        "ema: {decay: 0.5}",
    )
    net = resgraph.load(
        tmp_path / "new.yaml",
        ["train.optimizer={name: sgd, lr: 1e-12, momentum: 0}"],
    )
    trained(net, tmp_path / "run")
    after = weights(tmp_path / "run")
    torch.manual_seed(key(0, "weights"))
    fresh = net.module().state_dict()
    for name, value in {
        **source,
        "head.1.weight": fresh["head.1.weight"],
    }.items():
        if name.endswith("weight"):
            assert torch.allclose(after[name], value, atol=1e-9), name
    facts = json.loads((tmp_path / "run" / "run.json").read_text())[
        "weights"
    ]
    assert facts["file"] == str(tmp_path / "old.safetensors")
    assert set(facts["new"]) == {"head.1.weight", "head.1.bias"}


def test_grey_images_take_the_sum_over_colours(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    net = plan(
        tmp_path / "grey.yaml", "weights: old.safetensors", channels=1
    )
    start = prepared(net).start
    assert start
    assert set(start.match.adapted) == {"conv1.conv.weight"}
    module = net.module()
    start.give(module)
    assert torch.equal(
        module.state_dict()["conv1.conv.weight"],
        source["conv1.conv.weight"].sum(1, keepdim=True),
    )
    assert (
        "  ~ conv1.conv.weight  ← conv1.conv.weight: 4x1x3x3 in place of 4x3x3x3, adapted"
        in (start.lines(whole=False))
    )


def test_an_average_comes_first_and_a_key_chooses(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    other = {name: value + 1 for name, value in source.items()}
    torch.save(
        {"state_dict": source, "state_dict_ema": other},
        tmp_path / "two.pth",
    )
    for line, name, wanted in (
        ("weights: two.pth", "state_dict_ema", other),
        ("weights: {file: two.pth, key: state_dict}", "state_dict", source),
    ):
        start = prepared(plan(tmp_path / "new.yaml", line)).start
        assert start
        assert start.key == name
        assert digest(dict(start.tensors), "conv1") == digest(
            wanted, "conv1"
        )


def test_a_map_of_names_settles_what_names_do_not_tell(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    turned = dict(source)
    for role in (
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ):
        one, other = (f"conv3.1.body.{n}.bn.{role}" for n in (0, 1))
        turned[one], turned[other] = turned[other], turned[one]
    save_file(turned, tmp_path / "turned.safetensors")
    (tmp_path / "names.yaml").write_text(
        "conv3.1.body.0.bn: conv3.1.body.1.bn\nconv3.1.body.1.bn: conv3.1.body.0.bn\n"
    )
    line = "weights: {file: turned.safetensors, map: names.yaml}"
    start = prepared(plan(tmp_path / "new.yaml", line)).start
    assert start
    module = plan(tmp_path / "new.yaml", line).module()
    start.give(module)
    for name, value in module.state_dict().items():
        if not name.startswith("head"):
            assert torch.equal(value, source[name]), name


def lfs(path: Path) -> None:
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"
    )


def truncated(path: Path) -> None:
    data = (path.parent / "old.safetensors").read_bytes()
    path.write_bytes(data[: len(data) // 2])


def two(path: Path) -> None:
    state = load_file(path.parent / "old.safetensors")
    torch.save({"student": state, "teacher": state}, path)


def family(path: Path) -> None:
    torch.save(resgraph.load("digits-mlp").module().state_dict(), path)


def diverged(path: Path) -> None:
    state = load_file(path.parent / "old.safetensors")
    state["conv1.conv.weight"][0, 0] = torch.nan
    torch.save(state, path)


@pytest.mark.parametrize(
    ("made", "words", "code"),
    [
        (None, "cannot read", 5),
        (lfs, "Git LFS pointer", 5),
        (truncated, "no file of weights, or damaged: its ", 5),
        (two, "several state dicts, `student`, `teacher`", 5),
        (family, "modules", 5),
        (
            diverged,
            "`conv1.conv.weight` is NaN or infinite in the state dict",
            5,
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_place_before_the_first_step(
    tmp_path: Path,
    source: dict[str, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
    made: object,
    words: str,
    code: int,
) -> None:
    if callable(made):
        made(tmp_path / "bad.pth")
    file = spec(tmp_path / "new.yaml", "weights: bad.pth")
    out = tmp_path / "run"
    assert command(["build", str(file), "-o", str(out)]) == code
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert f"{file}:14:12: `weights`: " in said
    assert words in said
    assert not out.exists()


def test_a_resume_needs_the_file_only_until_the_first_checkpoint(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    net = plan(tmp_path / "new.yaml", "weights: old.safetensors")
    trained(net, tmp_path / "whole")
    trained(net, tmp_path / "cut", minutes=1e-9)
    (tmp_path / "old.safetensors").unlink()
    resume(tmp_path / "cut", options=Options(threads=1))
    for name in ("metrics.jsonl", "weights.safetensors"):
        whole, cut = (tmp_path / run / name for run in ("whole", "cut"))
        if name.startswith("weights"):
            assert whole.read_bytes() == cut.read_bytes()


def test_a_run_that_saved_nothing_begins_again_with_the_same_weights_only(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    net = plan(tmp_path / "new.yaml", "weights: old.safetensors")
    trained(net, tmp_path / "whole")
    trained(net, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.unlink()
    (tmp_path / "run" / "metrics.jsonl").unlink()
    resume(tmp_path / "run", options=Options(threads=1))
    assert digest(weights(tmp_path / "run"), "conv3", "head") == digest(
        weights(tmp_path / "whole"), "conv3", "head"
    )
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.unlink()
    save_file(
        {k: v + 1 for k, v in source.items()}, tmp_path / "old.safetensors"
    )
    with pytest.raises(
        RunError, match="other weights than when the run began"
    ):
        resume(tmp_path / "run", options=Options(threads=1))


@pytest.mark.parametrize(
    "change", ["train.weights=none", "train.freeze=conv1"]
)
def test_what_a_run_started_from_cannot_change_within_it(
    tmp_path: Path, source: dict[str, torch.Tensor], change: str
) -> None:
    trained(
        plan(tmp_path / "new.yaml", "weights: old.safetensors"),
        tmp_path / "run",
    )
    changed = resgraph.load(tmp_path / "run" / "spec.yaml", [change])
    with pytest.raises(RunError, match="what a run starts from"):
        resume(
            tmp_path / "run",
            plan=changed,
            options=Options(threads=1, allow_change=True),
        )


def test_images_are_normalized_as_the_run_that_the_weights_are_of(
    tmp_path: Path,
) -> None:
    first = plan(tmp_path / "old.yaml", "seed: 3", classes=5)
    trained(first, tmp_path / "old")
    ready = prepared(plan(tmp_path / "new.yaml", "weights: old"))
    known = json.loads((tmp_path / "old" / "preprocess.json").read_text())[
        "normalize"
    ]
    ours = Normalization.read(known)
    assert torch.allclose(normalization_of(ready).scale, ours.scale)
    assert torch.allclose(normalization_of(ready).offset, ours.offset)
    measured = prepared(
        plan(tmp_path / "new.yaml", "weights: old", "normalize: measured")
    )
    assert measured.stated is None
    assert normalization_of(measured).document() != known


def test_imagenets_mean_and_deviation_are_torchvisions(
    tmp_path: Path,
) -> None:
    ready = prepared(plan(tmp_path / "new.yaml", "normalize: imagenet"))
    normal = normalization_of(ready)
    pixels = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None] * 255
    assert normal(pixels.clone()).abs().max() < 1e-5
    brighter = (
        pixels
        + 255 * torch.tensor([0.229, 0.224, 0.225])[None, :, None, None]
    )
    assert torch.allclose(
        normal(brighter), torch.ones(1, 3, 1, 1), atol=1e-5
    )
    ready = prepared(
        plan(
            tmp_path / "grey.yaml",
            "normalize: {mean: [0.5], std: [0.25]}",
            channels=1,
        )
    )
    assert (
        float(normalization_of(ready)(torch.full((1, 1, 1, 1), 255.0)))
        == 2.0
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("normalize: weights", "there are none"),
        (
            "normalize: {mean: [0.5], std: [0.5]}",
            "1 channel, but the net reads 3x8x8",
        ),
        (
            "{weights: old.safetensors, normalize: weights}",
            "say nothing of their images",
        ),
    ],
)
def test_a_normalization_that_cannot_be_is_refused(
    tmp_path: Path, source: dict[str, torch.Tensor], line: str, words: str
) -> None:
    lines = (
        line.strip("{}").split(", ") if line.startswith("{w") else [line]
    )
    with pytest.raises(UsageError, match=words):
        prepared(plan(tmp_path / "new.yaml", *lines))


def test_check_reads_no_weights(tmp_path: Path) -> None:
    file = spec(tmp_path / "new.yaml", "weights: nowhere.pth")
    assert command(["check", str(file)]) == 0
    with pytest.raises(ResgraphError, match="cannot read"):
        prepared(resgraph.load(file))

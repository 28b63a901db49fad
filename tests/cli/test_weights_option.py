"""`SPEC --weights FILE`: what writes weights is read by every command that uses some."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copy

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import resgraph
from resgraph.cli import run

NET = """
name: small
input: 3x8x8
net:
  conv1: 3x3 conv 4
  conv2: basic 4
  head: [global avg pool, fc 3]
train:
  data: {set: synthetic, samples: 48, validation: 24}
  epochs: 1
  batch: 16
  optimizer: {name: sgd, lr: 0.05}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec, and a run of it."""
    place = tmp_path_factory.mktemp("place")
    (place / "net.yaml").write_text(NET)
    out = ["-o", str(place / "run"), "--threads", "1", "--json"]
    assert run(["build", str(place / "net.yaml"), *out]) == 0
    return place


def said(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == code
    found = capsys.readouterr()
    return found.out if code == 0 else found.err


def net(place: Path) -> str:
    return str(place / "net.yaml")


@pytest.mark.parametrize("weights", ["run", "run/weights.safetensors"])
def test_eval_scores_a_spec_as_its_run(
    place: Path, capsys: pytest.CaptureFixture[str], weights: str
) -> None:
    one = json.loads(
        said(capsys, "eval", str(place / "run"), "--json", "--threads=1")
    )
    known = json.loads((place / "run" / "preprocess.json").read_text())[
        "normalize"
    ]
    std = [1 / (255 * scale[0][0]) for scale in known["scale"]]
    mean = [
        offset[0][0] * s
        for offset, s in zip(known["offset"], std, strict=True)
    ]
    how = (
        ()
        if weights == "run"
        else (f"--set=train.normalize={{mean: {mean}, std: {std}}}",)
    )
    options = (
        "--weights",
        str(place / weights),
        "--json",
        "--threads=1",
        *how,
    )
    other = json.loads(said(capsys, "eval", net(place), *options))
    assert other["images"] == one["images"] == 24
    assert other["loss"] == pytest.approx(one["loss"], abs=1e-5)


def test_predict_sees_what_the_run_sees(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    pixels = torch.randint(256, (8, 8, 3), dtype=torch.uint8).numpy()
    Image.fromarray(pixels).save(place / "image.png")
    image = str(place / "image.png")
    one = json.loads(
        said(capsys, "predict", str(place / "run"), image, "--json")
    )
    options = ("--weights", str(place / "run"), image, "--json")
    assert json.loads(said(capsys, "predict", net(place), *options)) == one
    file = str(place / "run" / "weights.safetensors")
    # within its run, it is seen as there
    options = (
        "--weights",
        file,
        image,
        "--json",
    )
    assert json.loads(said(capsys, "predict", net(place), *options)) == one
    file = str(copy(file, place / "alone.safetensors"))
    options = (
        "--weights",
        file,
        "--set",
        "train.normalize=imagenet",
        image,
        "--json",
    )
    (found,) = json.loads(said(capsys, "predict", net(place), *options))
    assert {name for name, _ in found["classes"]} == {
        "class 0",
        "class 1",
        "class 2",
    }
    told = said(
        capsys, "predict", net(place), "--weights", file, image, code=2
    )
    assert "does not say how its images were normalized" in told


def test_export_writes_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = place / "out.safetensors"
    wanted = place / "run" / "weights.safetensors"
    said(
        capsys,
        "export",
        net(place),
        "--weights",
        str(wanted),
        "-o",
        str(out),
    )
    ours, theirs = load_file(out), load_file(wanted)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    part = place / "part.safetensors"
    options = (
        "--weights",
        str(wanted),
        "--features",
        "conv1",
        "-o",
        str(part),
    )
    said(capsys, "export", net(place), *options)
    assert torch.equal(
        load_file(part)["conv1.conv.weight"], ours["conv1.conv.weight"]
    )


def test_show_lists_every_tensor(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "show", net(place), "--weights", str(place / "run"))
    count = len(resgraph.load(net(place)).module().state_dict())
    assert f"tensors {count} kept, 0 adapted, 0 new" in text
    assert "  = head.1 " in text


def test_weights_of_another_net_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = (
        "--set",
        "net.head=[global avg pool, fc 5]",
        "--weights",
        str(place / "run"),
    )
    out = ("-o", str(place / "wide.safetensors"))
    told = said(capsys, "export", net(place), *wide, *out, code=5)
    assert "`head.1.weight` has another width in the state dict" in told
    assert not (place / "wide.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eval", "run", "--key", "ema"), "--key is for a spec"),
        (("eval", "run", "--set", "train.seed=1"), "--set is for a spec"),
        (
            ("export", "run", "--weights", "x", "-o", "y.pt2"),
            "--weights is for a spec",
        ),
        (
            ("export", "net.yaml", "--weights", "x", "-o", "y.py"),
            ".py has none",
        ),
        (
            ("show", "net.yaml", "net.yaml", "--weights", "x"),
            "the text of one net",
        ),
    ],
)
def test_options_that_do_not_belong_together_are_refused(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(place)
    assert words in said(capsys, *arguments, code=2)


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_key_of_no_file_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "resnet-18", "--key", "model"]) == 2
    assert "--key says which state dict" in capsys.readouterr().err

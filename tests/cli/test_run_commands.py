"""The commands about runs: what each offers and says, and what odd input is answered with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from resgraph.cli import run

SPEC = str(Path(__file__).parents[2] / "specs" / "digits.yaml")
TRAINING = {
    "--compile",
    "--checkpointing",
    "--sharding",
    "--tensorboard",
    "--save-every",
}
SCORING = {"--precision", "--layout", "--workers", "--threads", "--data"}
OFFERED = {
    "build": {"--device"} | SCORING | TRAINING,
    "resume": {"--device"} | SCORING | TRAINING,
    "eval": {"--device"} | SCORING,
    "predict": {"--device"},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "one"
    assert (
        run(
            [
                "build",
                SPEC,
                "--set",
                "train.epochs=1",
                "--device",
                "cpu",
                "-o",
                str(out),
            ]
        )
        == 0
    )
    return out


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "copy")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "seven.png"
    Image.fromarray(
        (numpy.arange(64).reshape(8, 8) * 4).astype("uint8")
    ).save(path)
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err, err
    return " ".join(err.split())


@pytest.mark.parametrize("command", OFFERED)
def test_each_command_offers_what_it_reads(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert offered & ({"--device"} | SCORING | TRAINING) == OFFERED[command]


def test_what_only_training_reads_is_refused_elsewhere(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["eval", str(trained), "--save-every=2"],
        ["predict", str(trained), "x.png", "--compile=on"],
    ):
        assert run(arguments) == 2
        assert "No such option" in said(capsys)


def test_the_lines_of_a_build(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "--compile",
        "off",
        "--checkpointing",
        "on",
        "--device",
        "cpu",
        "--precision",
        "fp32",
    ]
    assert (
        run(
            [
                "build",
                SPEC,
                "--set",
                "train.epochs=1",
                "-o",
                str(tmp_path / "a"),
                *asked,
            ]
        )
        == 0
    )
    out, err = capsys.readouterr()
    opening, machine = err.splitlines()[:2]
    assert opening.endswith("1,438 images, 1 epoch (22 steps)")
    assert (
        machine
        == f"cpu, fp32, channels-last, eager, fused, 1 thread, checkpointing → {tmp_path / 'a'}"
    )
    assert "test accuracy after 1 epoch\n" in out
    assert run(["resume", str(trained)]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("no step is left: ")
    assert err.splitlines()[2].endswith(
        f"eager, fused, 1 thread → {trained}"
    )


def test_a_plan_as_text_and_as_json(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [
        "build",
        SPEC,
        "--plan",
        "--device",
        "cpu",
        "--set",
        "train.epochs=1",
    ]
    assert run(arguments) == 0
    assert "1 epoch of 1,438 images" in capsys.readouterr().out
    assert run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["steps"], found["epochs"], found["batch"]) == (22, 1, 64)
    assert found["reasons"][0] == {
        "what": "device",
        "choice": "cpu",
        "why": "as asked",
    }
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.loads((trained / "metrics.jsonl").read_text())["validation"]
    assert run(["eval", str(trained), "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "loss",
        "error",
        "accuracy",
        "top5_error",
        "images",
        "crops",
        "sides",
        "measure",
        "notes",
    }
    assert found["measure"] == "accuracy"
    assert (found["error"], found["loss"]) == (
        pytest.approx(row["error"]),
        pytest.approx(row["loss"]),
    )
    assert (found["images"], found["crops"], found["sides"]) == (359, 1, [])
    assert 0 <= found["top5_error"] < found["error"]
    assert run(["eval", str(trained), "--device", "cpu"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(
        f"accuracy {found['accuracy']:.2f} %  error {found['error']:.2f} %, top-5 "
    )
    assert line.endswith("359 images\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--crops", "10"], "--crops 10 is for images on disk"),
        (["--crops", "5"], "'5' is not one of '1', '10'"),
        (["--sides", "224,256"], "--sides is for images on disk"),
        (
            ["--sides", "224,big"],
            "write whole numbers up to 4096 with commas",
        ),
        (["--sides", ""], "write whole numbers up to 4096 with commas"),
        (["--sides", "0"], "write whole numbers"),
        (["--sides", "5000"], "write whole numbers"),
        (["--crops", "10", "--sides", "8"], "two ways of testing"),
        (
            ["--split", "test"],
            "`digits` has no parts but the one that it was validated on",
        ),
        (
            ["--data", "elsewhere"],
            "--data elsewhere: the images of `digits` come with resgraph",
        ),
    ],
)
def test_a_test_that_cannot_be(
    arguments: list[str],
    words: str,
    trained: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["eval", str(trained), "--device", "cpu", *arguments]) == 2
    assert words in said(capsys)


def test_made_images_are_not_read_from_a_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [
        "--set",
        "train=synthetic",
        "--data",
        "elsewhere",
        "-o",
        str(tmp_path / "a"),
    ]
    assert run(["build", SPEC, *made]) == 2
    assert "the images of `synthetic` are made from a seed" in said(capsys)
    assert not (tmp_path / "a").exists()


def test_an_image_that_is_not_there(
    trained: Path,
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(image.parent)
    (image.parent / "none").mkdir()
    (image.parent / "none" / "._x.png").write_text("no image")
    (image.parent / "none" / "notes.txt").write_text("no image")
    for name, words in (
        ("sevn.png", "sevn.png is not there; did you mean `seven.png`?"),
        ("seven.jpg", "did you mean `seven.png`?"),
        ("q", "q is not there; 1 image is in"),
        (
            "no/seven.png",
            "no/seven.png is not there: there is no folder no",
        ),
        ("none", "none is a folder without images; they end with .jpg, "),
    ):
        assert run(["predict", str(trained), "seven.png", name]) == 2
        assert words in said(capsys)
    (image.parent / "text.png").write_text("no picture")
    assert run(["predict", str(trained), "text.png"]) == 3
    assert "text.png cannot be read as an image" in said(capsys)
    (image.parent / "net.yaml").write_text("name: net")
    assert run(["predict", str(trained), "net.yaml"]) == 2
    assert (
        "net.yaml cannot be read as an image: it is of no kind that Pillow reads; name files like"
        in said(capsys)
    )
    assert run(["predict", "net.yaml"]) == 2
    assert "Missing argument 'IMAGE|ARRAY...'" in said(capsys)


def test_a_folder_is_the_images_in_it(
    trained: Path,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "some"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.png", "a.PNG", "._a.png", "notes.txt", "inner/c.png"):
        (folder / name).write_bytes(image.read_bytes())
    asked = ["predict", str(trained), str(folder), str(image), "--json"]
    assert run(asked) == 0
    found = [each["image"] for each in json.loads(capsys.readouterr().out)]
    assert found == [
        str(folder / "a.PNG"),
        str(folder / "b.png"),
        str(image),
    ]


def test_an_image_that_cannot_be_read_stops_no_other(
    trained: Path,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        (folder / name).write_bytes(image.read_bytes())
    (folder / "b.png").write_bytes(image.read_bytes()[:20])
    asked = ["predict", str(trained), str(folder)]
    assert run(asked) == 3
    told = capsys.readouterr()
    seen = [line.split()[0] for line in told.out.splitlines()]
    assert seen == [str(folder / "a.png"), str(folder / "c.png")]
    assert f"error: {folder / 'b.png'} cannot be read as an" in told.err
    assert run([*asked, "--json"]) == 3
    _, broken, whole = json.loads(capsys.readouterr().out)
    assert broken["classes"] == [] and whole["classes"]
    assert broken["error"].startswith(f"{folder / 'b.png'} cannot be")


def test_a_prediction(
    trained: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["predict", str(trained), str(image), "--top", "2", "--json"])
        == 0
    )
    (found,) = json.loads(capsys.readouterr().out)
    assert found["image"] == str(image) and len(found["classes"]) == 2
    assert run(["predict", str(trained), str(image), "--top", "2"]) == 0
    assert re.fullmatch(
        r".*seven\.png  \d \d+\.\d%  \d \d+\.\d%\n", capsys.readouterr().out
    )
    masks = image.parent / "masks"
    assert run(["predict", str(trained), str(image), "-o", str(masks)]) == 0
    assert capsys.readouterr().err == (
        f"no pictures for {masks}: the net makes none\n"
    )
    assert not masks.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"shape": [1, 8, 8], "classes": ["a"], "normalize": {}}',
        "{half",
    ],
)
def test_a_damaged_preprocess_is_told_with_what_mends_it(
    text: str, copy: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "preprocess.json").write_text(text)
    for arguments in (
        ["eval", str(copy)],
        ["predict", str(copy), str(image)],
    ):
        assert run(arguments) == 5
        assert re.search(
            r"preprocess\.json is damaged: .*`resgraph resume .*` writes it again",
            said(capsys),
        )
    assert run(["resume", str(copy)]) == 0
    assert run(["predict", str(copy), str(image)]) == 0


DAMAGE: dict[str, Any] = {
    "run.json": {"params": "many"},
    "metrics.jsonl": {"step": 3},
    "timing.jsonl": {"step": 3, "seconds": "long"},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_run_hides_no_other(
    name: str,
    copy: Path,
    trained: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    whole = shutil.copytree(trained, copy.parent / "whole")
    (copy / name).write_text(json.dumps(DAMAGE[name]) + "\n")
    assert run(["runs", str(copy)]) == 5
    assert "is not what resgraph wrote" in said(capsys)
    picture = copy.parent / "all.svg"
    assert (
        run(["runs", str(copy.parent), "--curves", str(picture), "--json"])
        == 0
    )
    out, err = capsys.readouterr()
    assert [one["status"] for one in json.loads(out)] == ["damaged", "done"]
    assert err == f"wrote {picture}\n"
    assert picture.read_text().count("ResNet-8 for digits") == 1
    assert run(["runs", str(copy.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[:2]) for line in lines[2:4]] == [
        f"{copy} damaged",
        f"{whole} done",
    ]


def test_runs_in_a_pipe_are_not_cut(
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = tmp_path / ("a-long-name-" * 6)
    for name in ("one", "two"):
        shutil.copytree(trained, folder / name)
    facts = json.loads((folder / "two" / "run.json").read_text())
    facts["recipe"]["optimizer"].update(
        nesterov=False, no_decay=["norm", "bias"] * 20
    )
    (folder / "two" / "run.json").write_text(json.dumps(facts))
    assert run(["runs", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "…" not in out and str(folder / "one") in out
    lines = {
        line.split()[0]: line for line in out.splitlines() if line.strip()
    }
    assert (
        f"[{', '.join(['norm', 'bias'] * 20)}]"
        in lines["optimizer.no_decay"]
    )
    assert lines["optimizer.nesterov"].split()[1:] == ["true", "false"]


def test_a_long_path_folds_where_a_terminal_is_narrow(
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / ("a-long-name-" * 6)
    shutil.copytree(trained, folder)
    assert run(["runs", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = "status params epoch train error test error time"
    assert head in " ".join(lines[0].split())
    assert max(map(len, lines)) <= 80
    assert str(folder) in "".join(line.split(" ")[0] for line in lines[2:])


def test_runs_call_what_is_evaluated_as_their_build_did(
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    watched = json.loads((trained / "run.json").read_text())["watched"]
    assert watched == "test"
    for command in (
        ["runs", str(trained)],
        ["runs", str(trained), "--curves", str(tmp_path / "a.svg")],
    ):
        assert run(command) == 0
        assert " train error test error " in " ".join(
            capsys.readouterr().out.splitlines()[0].split()
        )
    assert "training and test error" in (tmp_path / "a.svg").read_text()
    shutil.copytree(trained, tmp_path / "runs" / "one")
    shutil.copytree(trained, tmp_path / "runs" / "two")
    other = tmp_path / "runs" / "two" / "run.json"
    other.write_text(
        other.read_text().replace(
            '"watched": "test"', '"watched": "validation"'
        )
    )
    assert run(["runs", str(tmp_path / "runs")]) == 0
    assert (
        "test or validation error"
        in capsys.readouterr().out.splitlines()[0]
    )


def test_runs_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", str(trained), "--json"]) == 0
    out = capsys.readouterr().out
    (found,) = json.loads(out)
    assert (
        found["status"],
        found["step"],
        found["steps"],
        found["params"],
    ) == (
        "done",
        22,
        22,
        75_002,
    )
    assert '"epoch": 1,' in out
    assert (
        found["error"]
        == json.loads((trained / "metrics.jsonl").read_text())[
            "validation"
        ]["error"]
    )


def test_runs_that_are_not_there(
    tmp_path: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, words in (
        (
            [str(trained), str(tmp_path / "no")],
            "no is not there, or no folder",
        ),
        (
            [str(tmp_path)],
            f"no runs in {tmp_path}; `resgraph build SPEC` makes one",
        ),
        (
            [str(trained), "--curves", str(tmp_path / "a.png")],
            "the picture is an SVG; end its name in .svg",
        ),
    ):
        assert run(["runs", *arguments]) == 2
        assert words in said(capsys)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_run_cannot_be_gone_on_with(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["resume", str(tmp_path / "no"), "--set", "train.epochs=2"])
        == 5
    )
    assert "no is not a run: there is no such directory" in said(capsys)
    for command in ("resume", "eval"):
        assert run([command, str(copy / "spec.yaml")]) == 5
        assert "it is a file, and a run is the directory" in said(capsys)
    (copy / "spec.yaml").unlink()
    assert run(["resume", str(copy), "--set", "train.epochs=2"]) == 5
    assert "has no spec.yaml that --set could change" in said(capsys)
    for command in ("resume", "eval"):
        assert run([command, str(copy)]) == 5
        told = said(capsys)
        assert (
            "spec.yaml cannot be read (there is no such file or directory); take it from a copy, or begin again"
            in told
        )


def test_events_go_on_as_the_run_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "tensorboard", reason="the extra `tensorboard` is not installed"
    )

    def steps(path: Path) -> list[int]:
        from tensorboard.backend.event_processing.event_accumulator import (
            EventAccumulator,
        )

        read = EventAccumulator(str(path))
        read.Reload()
        return [event.step for event in read.Scalars("loss/train")]

    out = tmp_path / "a"
    # two steps an epoch
    once = ["--set", "train.epochs=1", "--set", "train.data.test=0.9"]
    assert run(["build", SPEC, *once, "--tensorboard", "-o", str(out)]) == 0
    assert run(["resume", str(out), "--set", "train.epochs=2"]) == 0
    assert steps(out / "tensorboard") == [2, 4]
    longer = ["--set", "train.epochs=3", "--no-tensorboard"]
    assert run(["resume", str(out), *longer]) == 0
    assert steps(out / "tensorboard") == [2, 4]
    plain = tmp_path / "b"
    assert run(["build", SPEC, *once, "-o", str(plain)]) == 0
    assert run(["resume", str(plain)]) == 0
    assert not (plain / "tensorboard").exists()


def test_runs_of_one_net_are_told_apart_in_a_picture(
    copy: Path, trained: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(trained, copy.parent / "again")
    picture = tmp_path / "two.svg"
    assert (
        run(["runs", str(copy), str(again), "--curves", str(picture)]) == 0
    )
    text = picture.read_text()
    assert f">{copy.name} " in text
    assert ">again " in text
    assert "ResNet-8 for digits" not in text

"""The zoo by name: which net a word means, from any directory, and what a word that means none is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

import resgraph
from resgraph.cli import cli, run
from resgraph.language.extends import read_file
from resgraph.language.references import (
    locate,
    zoo_folder,
    zoo_index,
    zoo_names,
)
from resgraph.language.variants import variants_of

ROOT = Path(__file__).parents[2]
TINY = "name: mine\ninput: 3x16x16\nnet: {one: 3x3 conv 8, head: [global avg pool, fc 3]}\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_index_has_what_the_files_have() -> None:
    read = {
        path.stem: tuple(variants_of(read_file(path)[0]))
        for path in (ROOT / "specs").glob("*.yaml")
    }
    assert zoo_index() == read and len(read) >= 57


def test_every_net_has_a_name_that_means_it_and_no_other() -> None:
    names = zoo_names()
    count = sum(len(variants) or 1 for variants in zoo_index().values())
    assert len(names) == len(set(names)) == count
    found = {
        (reference.path, reference.variant)
        for reference in map(locate, names)
    }
    assert len(found) == count


@pytest.mark.parametrize(
    ("name", "file", "variant"),
    [
        (
            "resnet-50",
            "resnet",
            "resnet-50",
        ),  # torchvision's, though three files have one
        ("vgg-16", "vgg", "vgg-16"),
        ("resnet-110", "cifar-resnet", "resnet-110"),
        ("resnet::resnet-50", "resnet", "resnet-50"),
        ("resnet-v1::resnet-50", "resnet-v1", "resnet-50"),
        ("resnext-50-32x4d", "resnet", "resnext-50-32x4d"),
        ("resnet", "resnet", None),
        (
            "plain",
            "plain",
            None,
        ),  # a file's name comes before squeezenet's variant
        ("digits", "digits", None),
    ],
)
def test_what_a_name_means(
    name: str, file: str, variant: str | None
) -> None:
    found = locate(name)
    assert (found.path, found.variant, found.zoo) == (
        ROOT / f"specs/{file}.yaml",
        variant,
        file,
    )


def test_a_file_comes_before_the_zoo_and_a_directory_does_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "resnet-50").write_text(TINY, encoding="utf-8")
    (tmp_path / "digits").mkdir()
    assert resgraph.load("resnet-50").name == "mine"
    assert resgraph.load("digits").params == 75_002


def test_a_name_of_several_files_lists_its_readings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["show", "plain-20"]) == 2
    assert (
        "write `cifar-plain::plain-20` or `highway::plain-20`"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("wrong", "help_"),
    [
        ("resent-50", "did you mean `resnet-50`?"),
        ("ResNet-50", "did you mean `resnet-50`?"),
        ("resnet50", "did you mean `resnet-50`?"),
        ("tiny", "did you mean `tiny.yaml`?"),
        ("tiny.yml", "did you mean `tiny.yaml`?"),
        (
            "resnet-50.yaml",
            "the zoo's `resnet-50` is written without `.yaml`",
        ),
        (
            "specs/resnet.yaml::resnet-50",
            "the zoo's `resnet` is written without `.yaml`",
        ),
        ("qqqq", "`resgraph zoo` lists the nets that need no file"),
    ],
)
def test_a_name_that_means_nothing(
    wrong: str,
    help_: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    assert run(["check", wrong]) == 1
    told = capsys.readouterr().err
    assert "there is no such file" in told and help_ in told


def test_a_dash_is_a_text_to_check_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in (["show", "-"], ["fmt", "-"], ["resolve", "-"]):
        assert run(command) == 1
        assert (
            "only `resgraph check -` reads what is piped in: name a file"
            in capsys.readouterr().err
        )


def test_an_unknown_variant_of_a_file_of_the_zoo(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["show", "resnet::resnet-5"]) == 2
    assert "did you mean `resnet-50`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["show", "resnet-18"],
        ["check", "resnet-18", "vgg-bn"],
        ["resolve", "resnet-18"],
        ["diff", "resnet-18", "resnet-34"],
        ["export", "resnet-18"],
        ["explain", "resnet-18", "conv3.0"],
        ["render", "resnet-18", "-o", "a.svg"],
        ["build", "digits", "--plan"],
        ["zoo"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_that_takes_a_spec(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 0, capsys.readouterr().err


@pytest.mark.parametrize("command", ["fmt", "serve"])
def test_nothing_writes_to_the_zoo(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "resnet-50"]) == 2
    assert (
        "`resgraph resolve resnet-50 -o FILE.yaml` makes a file of your own"
        in capsys.readouterr().err
    )
    assert run(["check", "--fix", "resnet-50"]) == 0


@pytest.mark.parametrize("base", ["resnet-18", "resnet::resnet-18"])
def test_a_spec_extends_a_net_of_the_zoo(base: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"extends: {base}\nname: mine\nnet: {{head: [global avg pool, fc 10]}}\n",
        encoding="utf-8",
    )
    assert resgraph.load(path).params == 11_689_512 - 513 * 990


def test_a_net_of_the_zoo_that_extends_another_can_be_extended(
    tmp_path: Path,
) -> None:
    (tmp_path / "vgg.yaml").write_text(
        "name: not the zoo's\n", encoding="utf-8"
    )
    (tmp_path / "mine.yaml").write_text(
        "extends: vgg-bn::vgg-11\nname: mine\n", encoding="utf-8"
    )
    assert resgraph.load("mine.yaml").params == 132_868_840


def test_a_file_beside_a_spec_comes_before_the_zoo(tmp_path: Path) -> None:
    (tmp_path / "resnet-50").write_text(TINY, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "extends: resnet-50\nname: child\n", encoding="utf-8"
    )
    assert resgraph.load("mine.yaml").params == resgraph.loads(TINY).params


@pytest.mark.parametrize(
    ("base", "code", "says"),
    [
        (
            "plain-20",
            "E060",
            "write `cifar-plain::plain-20` or `highway::plain-20`",
        ),
        ("resent-50", "E060", "did you mean `resnet-50`?"),
        ("resnet::resnet-5", "E064", "did you mean `resnet-50`?"),
        (
            "resnet-50.yaml",
            "E060",
            "the zoo's `resnet-50` is written without `.yaml`",
        ),
        (
            str(zoo_folder() / "resnet.yaml"),
            "E062",
            "outside the directory",
        ),
    ],
)
def test_a_base_that_cannot_be(
    base: str, code: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(
        f"extends: {base}\n", encoding="utf-8"
    )
    with pytest.raises(resgraph.SpecError, match=code) as caught:
        resgraph.load("mine.yaml")
    assert says in str(caught.value)


def zoo(
    capsys: pytest.CaptureFixture[str], *words: str
) -> list[dict[str, object]]:
    assert run(["zoo", *words, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_the_zoo_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    nets = zoo(capsys)
    assert [net["name"] for net in nets] == list(zoo_names())
    (net,) = [net for net in nets if net["name"] == "resnet-50"]
    about = "He et al. 2015 (arXiv 1512.03385), stride on the 3x3; Wide ResNet (1605.07146); ResNeXt (1611.05431)"
    assert net == {
        "name": "resnet-50", "file": "resnet", "variant": "resnet-50", "params": 25_557_032, "input": "3x224x224",
        "title": "ResNet", "about": about,
    }  # fmt: skip
    for net in nets[::20]:
        assert resgraph.load(str(net["name"])).params == net["params"]


def test_the_zoo_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    by_name = [net["name"] for net in zoo(capsys, "ResNeXt", "50")]
    assert by_name == ["resnext-50-32x4d", "se-resnext-50-32x4d"]
    by_text = {net["file"] for net in zoo(capsys, "torchvision")}
    assert by_text == {
        "convnext", "deeplabv3-resnet-50", "fcn-resnet-50", "googlenet", "inception-v3", "mobilenet-v3", "regnet",
        "resnet-50-fpn", "shufflenet-v2", "vgg-bn", "video-resnet",
    }  # fmt: skip
    assert run(["zoo", "resnext", "wrn"]) == 2
    assert "no net of the zoo has `resnext wrn`" in capsys.readouterr().err


def test_what_the_list_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["zoo", "darknet"]) == 0
    head, net = capsys.readouterr().out.splitlines()
    assert head.startswith("darknet-53  Redmon and Farhadi 2018")
    assert net == "  darknet-53   41.6 M  3x256x256"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("resnext-50", ["resnext-50-32x4d"]),
        ("darknet", ["darknet-53"]),
        ("ti", ["tiny.yaml"]),
        ("van", ["van-b0", "van-b1", "van"]),
    ],
)
def test_a_shell_completes_names(
    typed: str, offered: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    for command in ("show", "check", "export", "build", "diff"):
        found = ShellComplete(
            cli, {}, "resgraph", "_RESGRAPH_COMPLETE"
        ).get_completions([command], typed)
        assert [item.value for item in found] == offered


def test_a_shell_completes_paths() -> None:
    (item,) = ShellComplete(
        cli, {}, "resgraph", "_RESGRAPH_COMPLETE"
    ).get_completions(["show"], "specs/r")
    assert (item.value, item.type) == ("specs/r", "file")


def test_what_of_a_net_is_to_be_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["explain", "resnet-50"]) == 2
    assert (
        "say what of resnet-50 to explain: its rows are conv1, conv2"
        in capsys.readouterr().err
    )

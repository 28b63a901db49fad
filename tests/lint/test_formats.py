"""A check in the forms that other programs read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resgraph.catalogue import catalogue
from resgraph.cli import run

TEXT = "name: a\ninput: 3x32x32\nnet:\n  conv1: 3x3 conv 8 bias 1\n  conv2: 3x3 covn 16\n  conv3: 3x3 conv 8 groups 3\n"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("a,b.yaml").write_text(TEXT)
    return "a,b.yaml"


def test_github(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--format", "github", spec]) == 1
    line, *_ = capsys.readouterr().out.splitlines()
    assert line == (
        "::error file=a%2Cb.yaml,line=5,endLine=5,col=14,endColumn=18,title=E011::no op or block `covn`"
        "%0Ahelp: did you mean `conv`?"
    )


def test_sarif(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--format", "sarif", spec]) == 1
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    result = one["results"][0]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "E011"
    assert (
        rules[result["ruleIndex"]]["shortDescription"]["text"]
        == catalogue()["E011"].title
    )
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a,b.yaml"
    assert place["region"] == {
        "startLine": 5,
        "startColumn": 14,
        "endLine": 5,
        "endColumn": 18,
    }
    ((change,),) = (fix["artifactChanges"] for fix in result["fixes"])
    assert change["artifactLocation"] == place["artifactLocation"]
    assert change["replacements"] == [
        {
            "deletedRegion": place["region"],
            "insertedContent": {"text": "conv"},
        }
    ]
    assert "fixes" not in one["results"][1]


def test_sarif_of_a_clean_spec_has_no_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("name: a\ninput: 3x32x32\nnet: {conv1: 3x3 conv 8}\n")
    assert run(["check", "--format", "sarif", str(spec)]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


def test_the_format_json_is_json(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "--format", "json", spec]) == 1
    printed = capsys.readouterr().out
    assert run(["check", "--json", spec]) == 1
    assert capsys.readouterr().out == printed
    assert json.loads(printed)["ok"] is False


def test_the_format_json_is_json_of_usage_errors_too(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(spec).write_text(
        "name: a\ninput: 3x32x32\nnet: {conv1: 3x3 conv 8}\n"
    )
    assert run(["check", "--format=json", f"{spec}::none"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2

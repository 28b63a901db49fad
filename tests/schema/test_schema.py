"""The JSON Schema takes every spec of the zoo, in both forms, and refuses what a spec does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from resgraph.cli import run
from resgraph.errors import Source
from resgraph.language.format import reformat
from resgraph.language.schema import File
from resgraph.language.yaml.reader import open_source, read
from resgraph.language.yaml.tree import plain_value
from resgraph.outputs.json_schema import json_schema

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
STARTERS = sorted(
    (ROOT / "resgraph" / "library" / "starters").glob("*.yaml")
)
SCHEMA = Draft7Validator(json_schema())


def problems(source: Source) -> list[str]:
    tree, errors = read(source)
    assert tree is not None
    assert not errors
    return [
        f"{list(error.path)}: {error.message[:200]}"
        for error in SCHEMA.iter_errors(plain_value(tree))
    ]


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "path", [*SPECS, *STARTERS], ids=lambda path: path.stem
)
def test_the_zoo_is_valid(path: Path) -> None:
    assert problems(open_source(path)) == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_zoo_is_valid_in_the_long_form(path: Path) -> None:
    assert (
        problems(Source(str(path), reformat(open_source(path), "long")))
        == []
    )


def spec(**keys: Any) -> dict[str, Any]:
    return {
        "name": "a",
        "input": "3x32x32",
        "net": {"conv1": "3x3 conv 16"},
        **keys,
    }


RIGHT = {
    "underscores, which are text to YAML 1.2": spec(
        expect={"params": "25_557_032"}
    ),
    "claims by variant": spec(
        variants={"a": {}}, expect={"a": {"params": 3}}
    ),
    "a layer in the long form": spec(
        net={
            "a": {
                "op": "conv",
                "kernel": "3x3",
                "width": "out/4",
                "mode": "linear",
            }
        }
    ),
    "a call in the long form": spec(
        net={
            "a": [
                {
                    "block": "se",
                    "repeat": 3,
                    "reduction": 4,
                    "shortcut": "zero-pad",
                }
            ]
        }
    ),
    "a block in a row": spec(
        net={"a": {"body": "3x3 conv out", "merge": "body + x", "out": 16}}
    ),
    "a recipe with changes": spec(
        train={
            "recipe": "cifar",
            "schedule": "cosine",
            "optimizer": {"lr": 0.2},
        }
    ),
    "only what another spec does not say": {
        "extends": "resnet.yaml",
        "net": {"conv5": "none"},
    },
}
WRONG = {
    "a key that there is not": spec(nets={}),
    "no net": {"name": "a", "input": "3x32x32"},
    "an empty net": spec(net={}),
    "a shape with a batch axis": spec(input="1x1x3x32x32"),
    "an op that there is not": spec(
        net={"a": {"op": "covn", "kernel": "3x3", "width": 16}}
    ),
    "an option that the op does not have": spec(
        net={"a": {"op": "conv", "kernel": "3x3", "width": 16, "group": 2}}
    ),
    "no width": spec(net={"a": {"op": "conv", "kernel": "3x3"}}),
    "a mode that a pool does not have": spec(
        net={"a": {"op": "max pool", "mode": "linear"}}
    ),
    "a list in a path": spec(net={"a": [["3x3 conv 16"]]}),
    "an empty path": spec(net={"a": []}),
    "a number as a label": spec(net={"a": 3}),
    "a row with a dash": spec(net={"a-b": "3x3 conv 16"}),
    "a claim that there is not": spec(expect={"flops": 3}),
    "an option of ops that there is not": spec(
        ops={"bn": {"epsilon": 1e-5}}
    ),
    "a lint that there is not": spec(allow=["odd-with"]),
    "a recipe that there is not": spec(train="cifra"),
    "a key of a recipe that there is not": spec(
        train={"recipe": "cifar", "epoch": 3}
    ),
}


@pytest.mark.parametrize("value", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_valid(value: dict[str, Any]) -> None:
    assert [error.message for error in SCHEMA.iter_errors(value)] == []


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_not(value: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(value)


def test_every_key_and_every_op_is_described() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(File.__struct_fields__)
    assert all(
        part.get("description") for part in schema["properties"].values()
    )
    layers = [
        part
        for name, part in schema["definitions"].items()
        if name.startswith("layer ")
    ]
    assert len(layers) > 30
    assert all(part["description"] for part in layers)


def test_the_command_prints_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
    assert run(["schema", "-o", str(tmp_path / "schema.json")]) == 0
    assert (
        json.loads((tmp_path / "schema.json").read_text(encoding="utf-8"))
        == json_schema()
    )

"""A .pt2 file is read as data: the same spec as of the module, and nothing of it is executed."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from torch import Tensor, nn

import resgraph
from resgraph.cli import run
from resgraph.importing import ImportRefused, from_model, from_module

INPUT = (3, 16, 16)
BROKEN = "is not what torch"


def saved(
    path: Path, module: nn.Module, *, batch: int = 2, **options: Any
) -> str:
    images = torch.zeros(batch, *INPUT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of how weights lie
        torch.export.save(
            torch.export.export(module, (images,), **options), path
        )
    return str(path)


def changed(
    path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    """The archive with other bytes for some of its files; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        files = {
            info.filename: archive.read(info) for info in archive.infolist()
        }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            made = change(name, content)
            if made is not None:
                archive.writestr(name, made)


def with_model(
    path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    def of(name: str, content: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return content
        model = json.loads(content)
        change(model["graph_module"])
        return json.dumps(model).encode()

    changed(path, of)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch": 1},
        {"dynamic_shapes": {"input": {0: torch.export.Dim("n")}}},
    ],
    ids=["two", "one", "free"],
)
def test_the_spec_is_that_of_the_module(
    tmp_path: Path, options: Any
) -> None:
    model = small.stages(small.Basic).eval()
    found = from_model(saved(tmp_path / "net.pt2", model, **options))
    expected = from_module(model, INPUT, name="net", about="net.pt2")
    assert found.text == expected.text
    assert found.names == expected.names
    assert found.proof.output is not None and found.proof.output <= 1e-12
    assert found.proof.gradients is None  # a file is a model in evaluation


def test_our_own_export_comes_back(tmp_path: Path) -> None:
    file = str(tmp_path / "digits.pt2")
    assert run(["export", "digits", "-o", file]) == 0
    found, spec = from_model(file), resgraph.load("digits")
    assert (found.plan.params, found.plan.macs) == (spec.params, spec.macs)
    assert set(found.names.values()) < set(spec.module().state_dict())


class Marker:
    """What a pickle that is loaded would leave."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("where", ["sample_inputs", "weights", "constants"])
def test_nothing_of_the_archive_is_executed(
    tmp_path: Path, where: str
) -> None:
    marker = tmp_path / "executed"
    harm = pickle.dumps(Marker(marker))
    pickle.loads(harm)
    assert marker.exists()
    marker.unlink()
    file = tmp_path / "net.pt2"
    saved(file, small.stages(small.Basic).eval())

    def change(name: str, content: bytes) -> bytes:
        if where == "sample_inputs" and name.endswith("model.pt"):
            return harm
        if where != "sample_inputs" and name.endswith(
            f"model_{where}_config.json"
        ):
            config = json.loads(content)
            for each in config["config"].values():
                each["use_pickle"] = True
            return json.dumps(config).encode()
        return (
            harm
            if where != "sample_inputs" and "/weight_" in name
            else content
        )

    changed(file, change)
    if where == "weights":
        with pytest.raises(ImportRefused, match="is not in the file"):
            from_model(str(file))
    elif where == "sample_inputs":
        assert from_model(str(file)).proof.output == 0
    else:
        with pytest.raises(ImportRefused, match=BROKEN):
            from_model(str(file))
    assert not marker.exists()


def test_an_op_that_import_cannot_read_is_never_run(tmp_path: Path) -> None:
    """ATen has ops that open files; a call whose result nothing reads is left out."""
    marker = tmp_path / "opened"
    file = tmp_path / "net.pt2"
    saved(file, small.stages(small.Basic).eval())

    def change(module: dict[str, Any]) -> None:
        node = json.loads(json.dumps(module["graph"]["nodes"][0]))
        node["target"] = "torch.ops.aten.from_file.default"
        node["outputs"] = [{"as_tensor": {"name": "nowhere"}}]
        words = {
            "filename": {"as_string": str(marker)},
            "shared": {"as_bool": True},
        }
        words |= {"size": {"as_int": 4}}
        node["inputs"] = [
            {"name": n, "arg": a, "kind": 1} for n, a in words.items()
        ]
        module["graph"]["nodes"].insert(0, node)

    with_model(file, change)
    assert from_model(str(file)).proof.output == 0
    assert not marker.exists()


def _first(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(module: dict[str, Any]) -> None:
        module["graph"]["nodes"][0][key] = value

    return change


def _huge(module: dict[str, Any]) -> None:
    for meta in module["graph"]["tensor_values"].values():
        meta["sizes"] = [{"as_int": 2**40}, {"as_int": 2**40}]


def _wide(module: dict[str, Any]) -> None:
    for name, meta in module["graph"]["tensor_values"].items():
        if name.startswith("p_"):
            meta["sizes"][0] = {"as_int": 2**30}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda module: module.clear(), BROKEN),
        (lambda module: module["graph"].pop("nodes"), BROKEN),
        (
            _first("target", "torch.ops.aten.from_file.default"),
            "`from_file`",
        ),
        (_first("target", "os.system"), "`os.system`"),
        (_first("inputs", 7), BROKEN),
        (_huge, BROKEN),
        (_wide, "Conv2d|conv2d|another net"),
    ],
)
def test_broken_files_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    file = tmp_path / "net.pt2"
    saved(file, small.stages(small.Basic).eval())
    with_model(file, change)
    with pytest.raises(ImportRefused, match=said):
        from_model(str(file))


def test_no_archive_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.pt2"
    file.write_bytes(b"PK" + bytes(100))
    assert run(["import", str(file)]) == 1
    assert run(["import", str(tmp_path / "none.pt2")]) == 1
    said = capsys.readouterr().err
    assert BROKEN in said
    assert "there is no such file" in said


class Training(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


def test_a_model_in_training_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "net.pt2", Training().train())
    with pytest.raises(ImportRefused, match="in training mode"):
        from_model(file)


def test_tensors_are_those_of_torch(tmp_path: Path) -> None:
    """Other dtypes and strides too, which a program may have."""
    from resgraph.importing.saved.pt2 import tensors_of_pt2

    model = (
        small.stages(small.Basic)
        .eval()
        .to(memory_format=torch.channels_last)
    )
    file = saved(tmp_path / "net.pt2", model)
    found, expected = tensors_of_pt2(Path(file)), model.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert (
            torch.equal(found[name], value)
            and found[name].dtype == value.dtype
        )

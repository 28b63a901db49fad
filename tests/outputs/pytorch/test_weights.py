"""Weights from elsewhere: files of both kinds, wrapped and prefixed, and every refusal."""

from __future__ import annotations

import gzip
import json
import pickle
import warnings
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import resgraph
from resgraph.errors import RunError, UsageError
from resgraph.outputs.pytorch.weights.align import AlignmentError
from resgraph.outputs.pytorch.weights.convert import Choice, convert
from resgraph.outputs.pytorch.weights.files import read_state
from resgraph.outputs.pytorch.weights.matching import matched
from resgraph.outputs.pytorch.weights.order import written_orders
from resgraph.outputs.pytorch.weights.taking import load_aligned

FACTS = Path(__file__).parents[2] / "golden_facts" / "keys.json.gz"

TEXT = """
name: small
input: 3x16x16
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 8
  conv2: [pair 8, pair 16 /2]
  head:  [global avg pool, fc 10]
"""


@pytest.fixture
def plan() -> resgraph.Plan:
    return resgraph.loads(TEXT)


def foreign(plan: resgraph.Plan) -> dict[str, torch.Tensor]:
    """The net's state under other names, in the same order, with values of its own."""
    generator = torch.Generator().manual_seed(1)
    state = plan.module().state_dict()
    return {
        f"layer{place}.{key.rpartition('.')[2]}"
        if "." in key
        else key: torch.randn(value.shape, generator=generator).to(
            value.dtype
        )
        for place, (key, value) in (
            (
                list(
                    dict.fromkeys(k.rpartition(".")[0] for k in state)
                ).index(key.rpartition(".")[0]),
                (key, value),
            )
            for key, value in state.items()
        )
    }


def test_the_order_of_every_reference_net_is_found_again() -> None:
    for net, entries in json.loads(
        gzip.decompress(FACTS.read_bytes())
    ).items():
        keys = [entry.split(" ")[0] for entry in entries]
        modules = list(
            dict.fromkeys(key.rpartition(".")[0] for key in keys)
        )
        found = [
            list(dict.fromkeys(key.rpartition(".")[0] for key in order))
            for order in written_orders(sorted(keys))
        ]
        assert modules in found, net


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(
        RunError, match="`left`, `right`, whose order is not known"
    ):
        written_orders(["a.left.weight", "a.right.weight"])


@pytest.mark.parametrize("wrap", ["plain", "nested", "parallel"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_are_taken(
    plan: resgraph.Plan, tmp_path: Path, suffix: str, wrap: str
) -> None:
    state = foreign(plan)
    written = (
        {f"module.{key}": value for key, value in state.items()}
        if wrap == "parallel"
        else state
    )
    file, out = tmp_path / f"theirs{suffix}", tmp_path / "ours.safetensors"
    if suffix == ".safetensors":
        save_file(written, file)
    else:
        torch.save(
            {"epoch": 3, "state_dict": written}
            if wrap == "nested"
            else written,
            file,
        )
    taken = convert(plan, file, out)
    assert taken.key == (
        "state_dict" if wrap == "nested" and suffix == ".pth" else ""
    )
    names = taken.names
    ours = load_file(out)
    assert ours.keys() == plan.module().state_dict().keys()
    for key, theirs in names.items():
        assert torch.equal(ours[key], state[theirs].to(ours[key].dtype))
    with pytest.raises(RunError, match="exists"):
        convert(plan, file, out)


def state_of(value: float) -> dict[str, torch.Tensor]:
    return {"fc.weight": torch.full((2, 2), value)}


NAMED = resgraph.loads(
    "name: n\ninput: 3x8x8\n"
    "net: {stem: 3x3 conv 4, body: 2 x basic 4, head: [global avg pool, fc 3]}"
)


@pytest.mark.parametrize(
    "wrapper", ["model.", "module.net.", "_orig_mod.encoder."]
)
@pytest.mark.parametrize(
    "beside", [{}, {"loss.weight": torch.ones(3)}], ids=["alone", "beside"]
)
def test_our_names_are_known_below_what_wraps_the_net(
    wrapper: str, beside: dict[str, torch.Tensor], tmp_path: Path
) -> None:  # fmt: skip
    """Sorted, as safetensors has them, so that no order helps."""
    state = NAMED.module().state_dict()
    wrapped = {f"{wrapper}{key}": state[key] for key in sorted(state)}
    torch.save(wrapped | beside, tmp_path / "x.pth")
    read = read_state(tmp_path / "x.pth").tensors
    found = matched(state, read)
    assert len(found.unused) == len(beside)
    for key, theirs in found.kept.items():
        assert torch.equal(read[theirs], state[key]) and theirs.endswith(
            key
        )
    assert found.kept.keys() == state.keys()


def test_a_net_that_is_in_a_file_twice_is_not_chosen() -> None:
    state = NAMED.module().state_dict()
    both = {f"{at}.{key}": value for at in ("student", "teacher") for key, value in state.items()}  # fmt: skip
    with pytest.raises(RunError):
        matched(state, both)


@pytest.mark.parametrize("wrapper", ["", "model."])
@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("running_", "lacks 10 of its .* tensors: `stem.bn.running_mean`, …"),
        ("body.1.body.0.conv.weight", "lacks 1 of its .*: `body.1.body.0.conv.weight`$"),
    ],
)  # fmt: skip
def test_what_a_file_with_our_names_lacks_is_told(
    lost: str, said: str, wrapper: str
) -> None:
    state = NAMED.module().state_dict()
    left = {f"{wrapper}{key}": state[key] for key in sorted(state) if lost not in key}  # fmt: skip
    with pytest.raises(AlignmentError, match=said):
        matched(state, left)


def test_what_a_file_with_our_names_has_more_is_told() -> None:
    state = NAMED.module().state_dict()
    more = {key: state[key] for key in sorted(state)} | {
        "zzz": torch.ones(3)
    }
    with pytest.raises(
        AlignmentError, match="of the net, and 1 more: `zzz`;"
    ):
        matched(state, more)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda value: value.to(torch.float8_e4m3fn), "of float8_e4m3fn"),
        (lambda value: value.to(torch.complex64), "of complex64"),
        (lambda value: value.to(torch.int32), "of int32"),
        (lambda value: value.to("meta"), "without values"),
        (lambda value: value.to_sparse(), "sparse"),
        # finite as it is, and not as the net holds it
        (lambda value: value.double() * 1e300, "NaN or infinite"),
    ],
)
def test_values_that_would_have_to_be_unpacked_are_refused(
    change: Any, said: str
) -> None:
    state = dict(NAMED.module().state_dict())
    state["stem.conv.weight"] = change(state["stem.conv.weight"])
    with pytest.raises(
        AlignmentError, match=f"`stem.conv.weight` is {said} in the state"
    ):
        load_aligned(NAMED.module(), state)


def test_a_file_of_another_kind_is_told_as_that(tmp_path: Path) -> None:
    net = NAMED.module().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(net, torch.ones(1, 3, 8, 8))
        torch.jit.save(scripted, tmp_path / "a.pt")
    numpy.savez(tmp_path / "a.npz", a=numpy.ones(3))
    (tmp_path / "a.json").write_text('{"weight_map": {}}')
    exported = torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),))
    torch.export.save(exported, tmp_path / "a.pt2")
    with ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("model.pth", b"")
    for name, said in {
        "a.pt": "a TorchScript archive",
        "a.npz": "NumPy arrays",
        "a.json": "a text .JSON",
        "a.pt2": "a torch.export program",
        "a.zip": "a zip archive: unpack it",
    }.items():
        with pytest.raises(
            RunError, match=f"{name} is no file of weights: it is {said}"
        ):
            read_state(tmp_path / name)


@pytest.mark.parametrize(
    ("checkpoint", "key", "read"),
    [
        (
            {"state_dict": state_of(1), "state_dict_ema": state_of(2)},
            None,
            "state_dict_ema",
        ),
        (
            {
                "model": state_of(1),
                "model_ema": state_of(2),
                "loss": torch.tensor(3.0),
            },
            None,
            "model_ema",
        ),
        (
            {"model": state_of(1), "model_ema": state_of(2)},
            "model",
            "model",
        ),
        (
            {
                "model": {"state_dict": state_of(1)},
                "optimizer": {"m": torch.ones(1)},
            },
            None,
            "model.state_dict",
        ),
        ({"student": state_of(1)}, None, "student"),
        # as a run's own checkpoint, and PyTorch's tutorial, with a loss
        (
            {"net": state_of(1), "tally": {"n": torch.ones(1)}},
            None,
            "net",
        ),
        (
            {"loss": {"w": torch.ones(1)}, "model_state_dict": state_of(1)},
            None,
            "model_state_dict",
        ),
        ({"model": state_of(1), "ema": state_of(2)}, None, "ema"),
        (
            {"net": state_of(1), "params_ema": state_of(2)},
            None,
            "params_ema",
        ),
        (
            {
                "model": state_of(1),
                "ema": {
                    "n": torch.tensor(9),
                    "m": {**state_of(2), "b": torch.ones(1)},
                },
            },
            None,
            "ema.m",
        ),
    ],
)
def test_which_state_dict_is_read_and_said(
    tmp_path: Path,
    checkpoint: dict[str, object],
    key: str | None,
    read: str,
) -> None:
    torch.save(checkpoint, tmp_path / "x.pth")
    state = read_state(tmp_path / "x.pth", key)
    assert state.key == read
    assert state.tensors["fc.weight"][0, 0] == (2 if "ema" in read else 1)


def test_several_state_dicts_without_a_known_name_are_refused(
    tmp_path: Path,
) -> None:
    torch.save(
        {"student": state_of(1), "teacher": state_of(2)}, tmp_path / "x.pth"
    )
    with pytest.raises(
        RunError,
        match="several state dicts, `student`, `teacher`; choose one with --key",
    ):
        read_state(tmp_path / "x.pth")
    with pytest.raises(
        RunError,
        match="no state dict at `model`; it has `student`, `teacher`",
    ):
        read_state(tmp_path / "x.pth", "model")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_own_names_in_any_order_and_another_number_of_classes(
    plan: resgraph.Plan, tmp_path: Path, suffix: str
) -> None:
    state = dict(reversed(plan.module().state_dict().items()))
    file = tmp_path / f"own{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(
        state, file
    )
    assert all(
        ours == theirs
        for ours, theirs in convert(
            plan, file, tmp_path / "o.safetensors"
        ).names.items()
    )
    other = resgraph.loads(TEXT.replace("fc 10", "fc 4"))
    with pytest.raises(
        RunError,
        match=r"`head\.1\.weight` has another width in the state dict",
    ):
        convert(other, file, tmp_path / "p.safetensors")


def test_the_net_of_the_zoo_that_a_file_is_of_is_named() -> None:
    """However many classes it has; nothing is said of a file that has our own number."""
    ours, theirs = (
        {
            key: tuple(value.shape)
            for key, value in resgraph.load(name)
            .module(device="meta")
            .state_dict()
            .items()
        }
        for name in ("resnet-18", "resnet-34")
    )
    head = [key for key in theirs if key.startswith("head")]
    few = dict(zip(head, [(7, 512), (7,)], strict=True))
    for its in (theirs, theirs | few):
        with pytest.raises(
            AlignmentError, match="as many parameters as `resnet-34"
        ):
            matched(ours, its)
    first = next(iter(theirs))
    with pytest.raises(AlignmentError) as told:
        matched(theirs, theirs | {first: theirs[first][::-1]})
    assert "as many parameters" not in f"{told.value}"


def test_another_net_is_refused_with_the_first_disagreement(
    plan: resgraph.Plan, tmp_path: Path
) -> None:
    state = foreign(plan)
    first = next(
        key for key, value in state.items() if value.shape == (16, 8, 3, 3)
    )
    state[first] = torch.zeros(16, 8, 5, 5)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(RunError, match=r"conv2\.1\.body\.0\.conv.*5x5"):
        convert(plan, tmp_path / "x.pth", tmp_path / "o.safetensors")
    assert not (tmp_path / "o.safetensors").exists()
    torch.save(
        {"state_dict": state, "state_dict_ema": state}, tmp_path / "y.pth"
    )
    with pytest.raises(
        RunError, match=r"5x5.*; read from `state_dict_ema` of the file"
    ):
        convert(plan, tmp_path / "y.pth", tmp_path / "o.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_a_file_is_what_its_name_says_and_is_read_by_what_it_holds(
    plan: resgraph.Plan, tmp_path: Path, suffix: str
) -> None:
    file, out = tmp_path / "theirs.pth", tmp_path / f"ours{suffix}"
    # under a name that says otherwise
    save_file(plan.module().state_dict(), file)
    convert(plan, file, out)
    pickled = tmp_path / "pickled.safetensors"
    torch.save(plan.module().state_dict(), pickled)
    assert (
        read_state(pickled).tensors.keys()
        == read_state(file).tensors.keys()
    )
    with pytest.raises(
        RunError, match=r"name the file .*weights\.safetensors"
    ):
        read_state(tmp_path)
    state = (
        load_file(out)
        if suffix == ".safetensors"
        else torch.load(out, weights_only=True)
    )
    assert all(
        torch.equal(state[key], value)
        for key, value in read_state(file).tensors.items()
    )
    with pytest.raises(
        UsageError, match=r"\.safetensors or \.pth, \.pt, \.bin"
    ):
        convert(plan, file, tmp_path / "ours.txt")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "a Git LFS pointer.*git lfs pull",
        ),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"\x1f\x8b\x08\x00rest", "compressed by gzip"),
        (b"name: ResNet-50\ninput: 3x224x224\n", "a text$"),
        ("# ä".encode()[:-1], "a text$"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_another_kind_is_told_what_it_is(
    tmp_path: Path, content: bytes, what: str, suffix: str
) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    with pytest.raises(
        RunError, match=rf"x\{suffix} is no file of weights: it is {what}"
    ):
        read_state(file)


def test_an_onnx_model_is_told_what_reads_it(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"\x08\x0a\x12\x08resgraph")
    with pytest.raises(RunError, match="an ONNX model: `resgraph import`"):
        read_state(tmp_path / "x.onnx")


class Nasty:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("this must not run",)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"\x80\x02.", pickle.dumps(Nasty()), b"PK\x03\x04"],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_bad_file_is_one_message(
    tmp_path: Path,
    content: bytes,
    suffix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / f"bad{suffix}"
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"bad\.(pth|safetensors)"):
        read_state(file)
    assert "must not run" not in capsys.readouterr().out


def test_a_map_settles_what_names_do_not_tell(
    plan: resgraph.Plan, tmp_path: Path
) -> None:
    state = {
        key.replace("conv2.0.body.0", "x.left").replace(
            "conv2.0.body.1", "x.right"
        ): v
        for key, v in foreign_names(plan).items()
    }
    file, names = tmp_path / "x.pth", tmp_path / "names.yaml"
    torch.save(state, file)
    with pytest.raises(RunError, match="could be"):
        convert(plan, file, tmp_path / "o.safetensors")
    names.write_text(
        "conv2.0.body.0: n.x.right\nconv2.0.body.1: n.x.left\n"
    )
    taken = convert(
        plan, file, tmp_path / "o.safetensors", Choice(names=names)
    )
    assert (
        taken.names["conv2.0.body.1.conv.weight"] == "n.x.left.conv.weight"
    )
    names.write_text("- conv1\n")
    with pytest.raises(UsageError, match=r"names\.yaml is no map of names"):
        convert(plan, file, tmp_path / "p.safetensors", Choice(names=names))


def foreign_names(plan: resgraph.Plan) -> dict[str, torch.Tensor]:
    return {
        f"n.{key}": value
        for key, value in plan.module().state_dict().items()
    }

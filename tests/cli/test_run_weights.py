"""A run's weights and preprocess.json: used only where they are what was written, and readable by others."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch
from test_run_commands import copy, image, said, trained

from resgraph.cli import run
from resgraph.train.data.normalize import Normalization

__all__ = ["copy", "image", "trained"]


def test_damaged_weights_are_told_with_what_mends_them(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (copy / "weights.safetensors").read_bytes()
    (copy / "weights.safetensors").write_bytes(whole[:100])
    assert run(["eval", str(copy)]) == 5
    assert re.search(
        r"weights\.safetensors is damaged: .* writes it again", said(capsys)
    )
    assert run(["resume", str(copy)]) == 0
    assert (copy / "weights.safetensors").read_bytes() == whole


def test_weights_that_changed_are_not_evaluated(
    copy: Path,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = copy / "weights.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1000] ^= 64
    flipped[-2000] ^= 1
    path.write_bytes(flipped)
    out = str(tmp_path / "net.safetensors")
    for arguments in (
        ["eval", str(copy)],
        ["predict", str(copy), str(image)],
        ["export", str(copy), "-o", out],
    ):
        assert run(arguments) == 5
        assert (
            "weights.safetensors is damaged: its bytes are not those that were written; `resgraph resume"
            in (said(capsys))
        )
    assert not Path(out).exists()
    assert run(["resume", str(copy)]) == 0
    assert path.read_bytes() == whole
    facts = json.loads((copy / "run.json").read_text())
    assert facts.pop("weights_sha256") == hashlib.sha256(whole).hexdigest()
    # as an older resgraph wrote it
    (copy / "run.json").write_text(json.dumps(facts))
    assert run(["eval", str(copy)]) == 0


def test_the_formula_of_a_preprocess_is_the_one_in_use(
    trained: Path,
) -> None:
    document = json.loads((trained / "preprocess.json").read_text())
    assert document["formula"] == "image (0..16) * scale - offset"
    scale, offset = (
        torch.tensor(document["normalize"][name])
        for name in ("scale", "offset")
    )
    image = torch.randint(0, 17, (2, 1, 8, 8), dtype=torch.uint8)
    by_words = image.float() * scale - offset
    assert torch.allclose(
        Normalization.read(document["normalize"])(image), by_words
    )


def test_a_preprocess_may_say_more_or_less(
    copy: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((copy / "preprocess.json").read_text())
    told = []
    for other in ({"formula": "other words", "later": [1]}, {}):
        document.pop("formula", None)
        (copy / "preprocess.json").write_text(
            json.dumps({**document, **other})
        )
        assert run(["predict", str(copy), str(image)]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]

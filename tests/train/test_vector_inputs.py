"""A net of vectors on images: they are augmented as images, and read row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import resgraph
from resgraph.train import Options, build, evaluate, predict, resume
from resgraph.train.data.digits import stored

ONE = Options(threads=1)
SPEC = """\
name: layers
input: 64
blocks:
  layer:
    body:  [fc out bias none, bn, relu]
    merge: body + x
net:
  first: [fc 32 bias none, bn, relu]
  rest:  2 x layer 32
  head:  fc 10
train: {recipe: digits, epochs: 6}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "layers.yaml"
    path.write_text(SPEC)
    return path


def test_digits_are_read_row_by_row(spec: Path, tmp_path: Path) -> None:
    result = build(resgraph.load(spec), out=tmp_path / "run", options=ONE)
    assert result.accuracy > 85
    assert 100 - evaluate(
        tmp_path / "run", options=ONE
    ).error == pytest.approx(result.accuracy)
    images, labels = stored()
    right = 0
    for index in range(20):
        picture = tmp_path / f"{index}.png"
        grey = (
            images[index]
            .to(torch.float64)
            .mul(255 / 16)
            .round()
            .to(torch.uint8)
        )
        Image.fromarray(grey.numpy()).save(picture)
        (found,) = predict(tmp_path / "run", [picture], options=ONE)
        right += found.classes[0][0] == str(int(labels[index]))
    assert right >= 16
    resume(tmp_path / "run", options=ONE)


def test_a_vector_of_another_length_is_refused(spec: Path) -> None:
    plan = resgraph.load(spec, ["input=65"])
    (problem,) = plan.unmet()
    assert problem.code == "E051"
    assert (
        problem.message
        == "the net reads 65, but digits has images of 1x8x8"
    )

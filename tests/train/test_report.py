"""report.html: what it says is counted here by itself, it loads nothing, and a real browser shows it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy
import pytest
import torch
from browser import CHROMIUM, browser
from forked import worker
from starting import plan, spec, trained
from torch import Tensor

from resgraph import load
from resgraph.cli import run
from resgraph.errors import UsageError
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.data.sets import DataSet, Resident
from resgraph.train.engine.evaluate import Score
from resgraph.train.engine.verdicts import Verdicts, Witness
from resgraph.train.parallel.distributed import World
from resgraph.train.report.matrix import confusion
from resgraph.train.report.page import Judgement

ODD = "<b>bold</b> & <script>document.title='run'</script>"


def made(
    classes: int, images: int, shape: tuple[int, ...] = (3, 8, 8)
) -> tuple[Tensor, Tensor, DataSet]:
    """Logits, labels, and the set that they are of."""
    draw = torch.Generator().manual_seed(classes)
    labels = torch.arange(images) % classes
    logits = torch.randn(images, classes, generator=draw)
    logits[torch.arange(images), labels] += 1.5
    pixels = torch.randint(
        0, 256, (images, *shape), dtype=torch.uint8, generator=draw
    )
    part = Resident(pixels, labels)
    names = (
        ODD,
        "long " * 40,
        *(f"n{number:08d}" for number in range(2, classes)),
    )
    about = "made up"
    data = DataSet(
        "set", part, part, names, shape, about, watched="validation"
    )
    return logits, labels, data


def seen(logits: Tensor, labels: Tensor) -> Verdicts:
    witness = Witness()
    for part in zip(logits.split(7), labels.split(7), strict=True):
        witness(*part)
    return witness.verdicts(len(labels), World())


def page(
    classes: int, images: int, shape: tuple[int, ...] = (3, 8, 8)
) -> str:
    logits, labels, data = made(classes, images, shape)
    score = Score(0.5, 25.0, images)
    return Judgement(
        ODD, data, seen(logits, labels), score, "weights"
    ).page()


def test_verdicts_count_what_was_said() -> None:
    logits, labels, _ = made(5, 60)
    labels[[3, 17]] = -100  # could not be read
    said = seen(logits, labels)
    chances = logits.softmax(1)
    sure, guess = chances.max(1)
    known = [number for number in range(60) if number not in (3, 17)]
    assert said.number.tolist() == known
    wanted = numpy.zeros((5, 5), int)
    for number in known:
        wanted[labels[number], guess[number]] += 1
    assert said.matrix(5).tolist() == wanted.tolist()
    wrong = [number for number in known if guess[number] != labels[number]]
    wrong.sort(key=lambda number: -float(sure[number]))
    assert [said.number[at] for at in said.mistakes()] == wrong[:25]
    own = chances[torch.arange(60), labels.clamp_min(0)]
    assert numpy.array_equal(said.right, own[known].numpy())
    numpy.fill_diagonal(wanted, 0)
    pairs = said.confusions(5)
    assert pairs[0][0] == wanted.max() and all(
        wanted[b, c] == a for a, b, c in pairs
    )
    assert sum(count for count, _, _ in pairs) == wanted.sum()


def test_ranks_that_took_turns_say_the_same() -> None:
    """31 images on 2 ranks: the second one has one less, and its last batch is filled up."""
    logits, labels, _ = made(5, 31)
    parts = []
    for rank in range(2):
        witness = Witness()
        filled = torch.full((16,), -100)
        filled[: len(labels[rank::2])] = labels[rank::2]
        mine = torch.zeros(16, 5)
        mine[: len(logits[rank::2])] = logits[rank::2]
        witness(mine[:8], filled[:8])
        witness(mine[8:], filled[8:])
        parts.append(witness)

    class Two(World):
        def gather(self, values: Tensor) -> Tensor:
            others = torch.cat(parts[1].parts, 1)
            return torch.stack([values, others])

    found = parts[0].verdicts(31, Two(rank=0, size=2))
    whole = seen(logits, labels)
    assert len(whole) == 31
    for name in Verdicts.__struct_fields__:
        assert numpy.array_equal(
            getattr(found, name), getattr(whole, name)
        ), name


@pytest.mark.slow
def test_so_do_two_processes(tmp_path: Path) -> None:
    file, pages = spec(tmp_path / "net.yaml"), []
    for ranks in (1, 2):
        launch = {
            "ranks": ranks, "number": 0, "out": str(tmp_path / f"run{ranks}"), "recipe": {},
            "real": str(file), "sharding": "off",
        }  # fmt: skip
        (ended,) = worker({"launches": [launch]})
        assert [code for code, _ in ended] == [0] * ranks, ended
        text = (tmp_path / f"run{ranks}" / "report.html").read_text()
        pages.append(re.sub(r"\d+\.\d+", "", text))
    assert pages[0] == pages[1]


def test_a_build_ends_with_it_and_eval_writes_it(tmp_path: Path) -> None:
    result = trained(plan(tmp_path / "net.yaml"), tmp_path / "run")
    own = (tmp_path / "run" / "report.html").read_text()
    assert result.files["report"] == tmp_path / "run" / "report.html"
    assert "report.html" in result.summary()
    evaluate(
        tmp_path / "run",
        report=tmp_path / "r.html",
        options=Options(threads=1),
    )
    again = (tmp_path / "r.html").read_text()
    assert again == own.replace(
        "weights after 2 epochs", f"weights of {tmp_path / 'run'}"
    )
    assert f"<b>{result.accuracy:.2f} % accuracy</b>" in own
    (tmp_path / "run" / "report.html").unlink()
    resume(tmp_path / "run", options=Options(threads=1))
    assert (tmp_path / "run" / "report.html").read_text() == own


def test_what_has_no_classes_has_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = spec(tmp_path / "net.yaml", "target: itself")
    net = load(file, ["net.conv3=basic 8", "net.head=3x3 conv 3 linear"])
    result = build(net, out=tmp_path / "run", options=Options(threads=1))
    assert "report" not in result.files
    assert not (tmp_path / "run" / "report.html").exists()
    with pytest.raises(UsageError, match="not for `target: itself`"):
        evaluate(tmp_path / "run", report=tmp_path / "r.html")
    trained(plan(tmp_path / "net.yaml"), tmp_path / "label")
    asked = ["eval", str(tmp_path / "label"), "--report"]
    assert run([*asked, str(tmp_path)]) == 2
    assert run([*asked, str(tmp_path / "none" / "r.html")]) == 2
    assert (
        "name a file in a folder that is there" in capsys.readouterr().err
    )


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_it_is_one_file_that_loads_nothing(classes: int) -> None:
    text = page(classes, max(80, classes))
    assert "http-equiv" in text and "default-src 'none'" in text
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources and all(
        source.startswith("data:image/") for source in sources
    )
    assert not re.search(r"<script|<link|@import|url\(", text)
    assert text.count("<tr><td") >= classes
    assert len(text) < 10**6


def test_names_of_files_need_not_be_text() -> None:
    logits, labels, data = made(2, 8)
    names = ("caf\udce9", "line\nbreak\x00")
    odd = DataSet(
        "set", data.train, data.validation, names, (3, 8, 8), "made up"
    )
    told = Judgement(
        "net", odd, seen(logits, labels), Score(0.5, 0.0, 8), "weights"
    )
    assert "caf\ufffd" in told.page().encode().decode()
    assert "line\ufffdbreak\ufffd" in told.page()


def test_an_image_of_no_colours_has_no_picture() -> None:
    assert "<i>no picture</i>" in page(3, 40, (5, 8, 8))


def test_nothing_wrong_is_said() -> None:
    labels = torch.arange(6) % 2
    _, _, data = made(2, 6)
    logits = torch.nn.functional.one_hot(labels, 2).float() * 9
    text = Judgement(
        "net", data, seen(logits, labels), Score(0.0, 0.0, 6), "w"
    ).page()
    assert "There is none." in text and "6 of 6 validation images" in text


def test_cells_say_counts_and_shares() -> None:
    matrix = numpy.array([[3, 1], [0, 0]])
    drawn = confusion(matrix, ["a", "b<"])
    counts = re.findall(r'text-anchor="middle">([\d,]+)<', drawn)
    assert counts == ["3", "1"]
    assert drawn.count("<rect") == 2 + 2 and "b&lt;" in drawn


@pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt install chromium"
)
@pytest.mark.parametrize("classes", [2, 100])
def test_a_browser_shows_it(tmp_path: Path, classes: int) -> None:
    (tmp_path / "report.html").write_text(page(classes, 80))
    with browser() as tab:
        tab.open((tmp_path / "report.html").as_uri(), "figure")
        tab.until("document.readyState === 'complete'")
        dom = tab.value("document.documentElement.outerHTML")
    assert "<script" not in dom and "<title>&lt;b&gt;bold" in dom
    wrong = len(list(seen(*made(classes, 80)[:2]).mistakes()))
    assert dom.count("<figure>") == wrong > 0
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;" in dom
    assert ("<image" in dom) == (classes == 100)

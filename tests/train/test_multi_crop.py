"""Ten crops and several sizes of an image: the mean prediction, computed here by hand from the files."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy
import pytest
import small_plan
import torch
from forked import worker
from PIL import Image
from safetensors.torch import load_file

import resgraph
from resgraph.errors import TrainingError, UsageError
from resgraph.train import Options, build, evaluate
from resgraph.train.augment.crops import FiveCrop, center_crop
from resgraph.train.engine.evaluate import Score, Sums, score

SIDE, RESIZE, CLASSES = 16, 20, 7
# height, width: the shorter side is what it is resized to
SIZES = [
    (20, 26),
    (20, 32),
    (24, 20),
    (20, 20),
    (30, 20),
]
SIDES = (12, 20, 30)
FAST = Options(threads=1, workers=0, device="cpu", precision="fp32")


def noise(number: int) -> numpy.ndarray[Any, Any]:
    draw = numpy.random.default_rng(number)
    coarse = draw.integers(0, 256, (4, 4, 3))
    height, width = SIZES[number % len(SIZES)]
    smooth = Image.fromarray(coarse.astype(numpy.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return numpy.asarray(smooth)


def write_tree(path: Path) -> Path:
    for (part, count), label in product(
        (("train", 4), ("val", 3)), range(CLASSES)
    ):
        folder = path / part / f"c{label}"
        folder.mkdir(parents=True)
        for number in range(count):
            Image.fromarray(
                noise(100 * label + 10 * (part == "val") + number)
            ).save(folder / f"{number}.png")
    return path


def recipe(path: Path, **keys: Any) -> dict[str, Any]:
    return {
        "data": {
            "set": "folder",
            "path": str(path),
            "resize": RESIZE,
            "unreadable": 0.1,
        },
        "augment": {"crop": {"kind": "area", "area": [0.3, 1.0]}},
        "epochs": 3,
        "batch": 6,
        "optimizer": {"name": "sgd", "lr": 0.05},
        **keys,
    }


def trained(root: Path, normalize: str) -> Path:
    tree = write_tree(root / "set")
    plan = small_plan.plan(
        recipe(tree, normalize=normalize),
        input=(3, SIDE, SIDE),
        classes=CLASSES,
        widths=(4, 8),
        blocks=1,
    )
    build(plan, out=root / "run", options=FAST)
    return root / "run"


@pytest.fixture(scope="module", params=["per-channel", "per-pixel"])
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return trained(tmp_path_factory.mktemp("views"), request.param)


def eval_net(run: Path, **keys: Any) -> Score:
    return evaluate(run, load=small_plan.load, options=FAST, **keys)


def five(pixels: numpy.ndarray[Any, Any]) -> list[numpy.ndarray[Any, Any]]:
    down, across = pixels.shape[0] - SIDE, pixels.shape[1] - SIDE
    corners = [
        (0, 0),
        (0, across),
        (down, 0),
        (down, across),
        (down // 2, across // 2),
    ]
    return [pixels[y : y + SIDE, x : x + SIDE] for y, x in corners]


def wholes(
    pixels: numpy.ndarray[Any, Any],
) -> list[numpy.ndarray[Any, Any]]:
    image, out = Image.fromarray(pixels), []
    for side in SIDES:
        scale = side / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        out.append(
            numpy.asarray(image.resize(size, Image.Resampling.BILINEAR))
        )
    return out


def by_hand(
    run: Path, views: Any, left_out: tuple[str, ...] = ()
) -> tuple[float, float, float, int]:
    """Loss, error, top-5 error (in percent) and images: one image after another, each view and its mirror image."""
    net = small_plan.load(run / "spec.yaml").module()
    net.load_state_dict(load_file(run / "weights.safetensors"))
    net.eval()
    told = json.loads((run / "preprocess.json").read_text())["normalize"]
    scale, offset = (
        numpy.array(told[name]) for name in ("scale", "offset")
    )
    loss, wrong, far, images = 0.0, 0, 0, 0
    for file in sorted((run.parent / "set" / "val").rglob("*.png")):
        if str(file.relative_to(run.parent / "set" / "val")) in left_out:
            continue
        label, said = int(file.parent.name[1:]), []
        for view in views(numpy.asarray(Image.open(file))):
            ready = view.transpose(2, 0, 1) * scale.mean(
                (1, 2), keepdims=True
            )
            own = (
                offset
                if ready.shape == (3, SIDE, SIDE)
                else offset.mean((1, 2), keepdims=True)
            )
            for form in (ready - own, (ready - own)[:, :, ::-1]):
                with torch.no_grad():
                    logits = (
                        net(
                            torch.from_numpy(form.astype(numpy.float32))[
                                None
                            ]
                        )[0]
                        .double()
                        .numpy()
                    )
                said.append(numpy.exp(logits) / numpy.exp(logits).sum())
        chance = numpy.mean(said, 0)
        place = int((chance > chance[label]).sum())
        loss = loss - numpy.log(chance[label])
        wrong = wrong + (place > 0)
        far = far + (place > 4)
        images = images + 1
    return loss / images, 100 * wrong / images, 100 * far / images, images


def told(found: Score) -> tuple[Any, ...]:
    return found.loss, found.error, found.top5, found.images


def test_ten_crops_are_the_mean_of_ten(run: Path) -> None:
    wanted = by_hand(run, five)
    assert told(eval_net(run, crops=10)) == pytest.approx(wanted, rel=1e-5)
    assert wanted[3] == CLASSES * 3
    assert 0 < wanted[2] < wanted[1] < 100
    assert wanted[0] != pytest.approx(eval_net(run).loss, rel=1e-4), (
        "ten crops say the same as one"
    )


def test_several_sides_are_the_mean_of_whole_images(run: Path) -> None:
    wanted = by_hand(run, wholes)
    assert told(eval_net(run, sides=SIDES)) == pytest.approx(
        wanted, rel=1e-5
    )
    assert wanted[0] != pytest.approx(by_hand(run, five)[0], rel=1e-5)


def test_one_crop_is_what_validation_says(run: Path) -> None:
    row = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])[
        "validation"
    ]
    found = eval_net(run, crops=1)
    assert (found.loss, found.error) == pytest.approx(
        (row["loss"], row["error"])
    )


def test_where_and_how_the_images_are_read_changes_nothing(
    run: Path, tmp_path: Path
) -> None:
    copy = write_tree(tmp_path / "copy")
    elsewhere = Options(
        threads=1, workers=2, device="cpu", data=copy, layout="contiguous"
    )
    for keys in ({"crops": 10}, {"sides": SIDES}):
        again = evaluate(
            run, load=small_plan.load, options=elsewhere, **keys
        )  # type: ignore[arg-type]
        assert told(again) == pytest.approx(
            told(eval_net(run, **keys)), rel=1e-5
        )


def test_a_copy_with_other_classes_is_refused(
    run: Path, tmp_path: Path
) -> None:
    copy = write_tree(tmp_path / "copy")
    for part in ("train", "val"):
        (copy / part / "c3").rename(copy / part / "zebra")
    with pytest.raises(
        UsageError,
        match=r"copy are not of the classes .* trained on: only one has c3, zebra",
    ):
        evaluate(
            run,
            load=small_plan.load,
            options=Options(threads=1, workers=0, device="cpu", data=copy),
        )


def test_a_broken_image_is_left_out(tmp_path: Path) -> None:
    run = trained(tmp_path, "per-channel")
    (tmp_path / "set" / "val" / "c3" / "1.png").write_bytes(
        b"\x89PNG\r\n\x1a\nno more"
    )
    wanted = by_hand(run, five, ("c3/1.png",))
    assert told(eval_net(run, crops=10)) == pytest.approx(wanted, rel=1e-5)
    assert wanted[3] == CLASSES * 3 - 1
    for number in range(3):
        (tmp_path / "set" / "val" / "c4" / f"{number}.png").write_bytes(b"")
        (tmp_path / "set" / "val" / "c5" / f"{number}.png").write_bytes(b"")
    with pytest.raises(
        TrainingError,
        match=r"images cannot be read, more than `data\.unreadable`",
    ):
        eval_net(run, sides=SIDES)


def test_ranks_share_the_images(tmp_path: Path) -> None:
    run = trained(tmp_path, "per-channel")
    ways = ({}, {"crops": 10}, {"sides": [12, 20, 30]})
    launches = [
        {"ranks": n, "number": 0, "out": str(run), "evaluate": keys}
        for keys in ways
        for n in (1, 2)
    ]
    found = worker({"launches": launches})
    assert [code for ended in found for code, _ in ended] == [0] * 9
    said = [[json.loads(text) for _, text in ended] for ended in found]
    for (one,), both in zip(said[::2], said[1::2], strict=True):
        assert one[3] == 21, "an odd number, which two cannot share equally"
        assert both == [pytest.approx(one, rel=1e-6)] * 2


def test_the_middle_of_five_is_what_validation_looks_at() -> None:
    image = Image.fromarray(noise(1))
    for side, size in ((18, (16, 16)), (20, (12, 16)), (33, (16, 9))):
        views = FiveCrop(side, size)(image, 0, 0)
        assert [view.shape[1:] for view in views] == [torch.Size(size)] * 5
        assert torch.equal(views[4], center_crop(image, side, size))


def test_only_images_on_disk_have_crops(tmp_path: Path) -> None:
    build(
        small_plan.plan({"recipe": "digits", "iterations": 1}),
        out=tmp_path / "run",
        options=FAST,
    )
    for keys, asked in (
        ({"crops": 10}, "--crops 10"),
        ({"sides": (12,)}, "--sides"),
    ):
        with pytest.raises(
            UsageError,
            match=rf"{asked} is for images on disk.*digits are 1x8x8",
        ):
            eval_net(tmp_path / "run", **keys)
    with pytest.raises(UsageError, match="two ways of testing"):
        eval_net(tmp_path / "run", crops=10, sides=(12,))
    with pytest.raises(UsageError, match="there are 1 and 10"):
        eval_net(tmp_path / "run", crops=5)


def test_a_net_of_one_size_is_refused_for_others(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "set")
    spec = tmp_path / "flat.yaml"
    spec.write_text(
        f"name: flat\ninput: 3x16x16\nnet:\n  stem: 3x3 conv 4 /2\n  head: [flatten, fc {CLASSES}]\n"
    )
    plan = resgraph.load(
        spec, [f"train={json.dumps(recipe(tree, epochs=1))}"]
    )
    build(plan, out=tmp_path / "run", options=FAST)
    assert (
        evaluate(tmp_path / "run", crops=10, options=FAST).images
        == CLASSES * 3
    )
    with pytest.raises(
        UsageError,
        match=r"--sides: the net does not take 3x24x\d+ .*global avg pool",
    ):
        evaluate(tmp_path / "run", sides=(24,), options=FAST)


def test_five_likeliest_are_told_from_six_classes_on() -> None:
    from resgraph.train.parallel.distributed import World
    from resgraph.train.settings.decide import Workload, decide
    from resgraph.train.tasks.classes import Classes

    decisions = decide(
        Options(device="cpu"), World(), Workload(1.0, False, 1)
    )
    net = torch.nn.Identity()
    # class 5 is the likeliest, class 0 the last
    ranked = torch.arange(6.0).repeat(6, 1)
    labels = torch.tensor([0, 1, 2, 3, 5, -100])
    found = score(
        net, [((ranked,), labels)], Sums(decisions, Classes(6)), World()
    )
    assert (found.error, found.top5, found.images) == (
        pytest.approx(80),
        pytest.approx(20),
        5,
    )
    assert (
        score(
            net,
            [((ranked[:, :5],), labels.clamp(max=4))],
            Sums(decisions, Classes(5)),
            World(),
        ).top5
        is None
    )

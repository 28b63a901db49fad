"""Recipes whose keys contradict each other or the net: one error each, at its line, with what to write."""

from __future__ import annotations

import pytest

import resgraph
from resgraph.errors import UsageError
from resgraph.train import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import prepare

NET = "name: a\ninput: 1x8x8\nnet:\n  conv1: 3x3 conv 4\n  head: [global avg pool, fc 10]\ntrain:\n  recipe: digits\n  "
WRONG = {
    "threshold of a cross-entropy": (
        "target: {kind: label, threshold: 0.2}", "cross-entropy takes shares", "write `loss: bce`"),
    "threshold without mixtures": (
        "target: {kind: label, loss: bce, threshold: 0.2}", "for mixtures of images", "cutmix: 1.0"),
    "smoothing of what is there or not": (
        "target: {kind: label, loss: bce, threshold: 0.2}\n  augment: {mixup: 0.1}\n  label_smoothing: 0.1",
        "nothing is left to smooth", "`label_smoothing: none`"),
    "a batch of one image": (
        "augment: {repeats: 4}\n  batch: 6", "a batch of 6 does not hold two images", "`batch: 8` or more"),
    "repeats of nothing": (
        "augment: {repeats: 2, rotate: none, zoom: none, shift: none}", "says no change", "`repeats: none`"),
    "two policies": (
        "augment: {trivialaugment: true, randaugment: {ops: 2}}", "both are written", "`randaugment: none`"),
    "balanced twice": (
        "sampling: balanced\n  target: {kind: label, weights: balanced}", "count more by", "`sampling: none`"),
    "classes of what has none": (
        "sampling: balanced\n  target: {kind: itself}", "is of the classes of images", "`sampling: none`"),
    "a filter of images in memory": (
        "augment: {crop: {kind: area, interpolation: random}}", "is for images on disk", "leave it out"),
    "a part that is not there": (
        "optimizer: {name: muon, lr: 0.02, others: {name: sgd, lr: 0.1, by: {heat: {lr: 1}}}}",
        "`optimizer.others.by` names `heat`", "`head`"),
    "no matrix is left": (
        "optimizer: {name: muon, lr: 0.02}\n  freeze: conv1", "the net has none that learns", "{name: sgd, lr: 0.1}"),
    "no convolution to whiten": (
        "whiten: {layer: head}", "`whiten` names `head`, which is no convolution", "the first convolution"),
    "nothing of that name to whiten": (
        "whiten: {layer: stem}", "`whiten` names `stem`, which is no convolution", "the first convolution"),
    "too few filters to whiten": (
        "whiten: {layer: conv1.conv}", "has 4 filters, and its patches have 9 directions", "`3x3 conv 18`"),
    "whitened and given": (
        "whiten: {layer: conv1.conv}\n  weights: x.safetensors", "`weights` brings others", "`whiten: none`"),
    "mirrors of no flip": (
        "augment: {alternate: true}", "`flip` that none is", "`flip: true` too"),
    "a border that is more than the image": (
        "augment: {crop: {kind: pad, cells: 8, border: reflect}}", "mirrors more of an image than 1x8x8", "`cells: 7`"),
    "views of an autoencoder": (
        "target: {kind: itself}\n  views: mirror", "`views` moves an image, and not its", "`views: none`"),
    "mixtures of what is no class": (
        "target: {kind: itself}\n  augment: {mixup: 0.2}", "`mixup` mixes classes of images", "`mixup: none`"),
    "smoothing of what is no class": (
        "target: {kind: itself}\n  label_smoothing: 0.1", "`label_smoothing` is for classes", "none`"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_contradiction_is_one_error_before_the_first_step(
    name: str,
) -> None:
    recipe, said, fix = WRONG[name]
    head = (
        "3x3 conv 1 linear"
        if "itself" in recipe
        else "[global avg pool, fc 10]"
    )
    text = NET.replace("[global avg pool, fc 10]", head)
    plan = resgraph.loads(text + recipe + "\n")
    (problem,) = plan.unmet()
    assert problem.code in ("E051", "E052")
    assert said in problem.message, problem.message
    assert fix in problem.help, problem.help
    assert problem.span is not None and problem.span.line >= 7
    with pytest.raises(resgraph.errors.ResgraphError, match=said[:20]):
        prepare(plan, Options(device="cpu"), World(), counted=True)


@pytest.mark.parametrize(
    ("recipe", "said", "fix"),
    [
        ("whiten: {layer: fc1}", "`whiten` is for images, but the net reads 64", "`whiten: none`"),
        ("views: mirror", "`views` is for images, but the net reads 64", "`views: none`"),
    ],
)  # fmt: skip
def test_vectors_have_neither_mirrors_nor_patches(
    recipe: str, said: str, fix: str
) -> None:
    top = "name: a\ninput: 64\nnet:\n  fc1: fc 16\n  head: fc 10\ntrain:\n  recipe: digits\n  augment: none\n  "
    (problem,) = resgraph.loads(top + recipe + "\n").unmet()
    assert said in problem.message and fix in problem.help


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("init: {fc: dirac}", "`dirac` is for convolutions"),
        ("train: {recipe: digits, optimizer: {name: muon}}", "`lr` is missing"),
        ("train: {recipe: digits, optimizer: {name: muon, lr: 1, adjust: none}}", "`adjust` has no `none`"),
        ("train: {recipe: digits, optimizer: {name: muon, lr: 1, others: {name: lamb, lr: 1}}}", "lamb"),
        ("train: {recipe: digits, optimizer: {name: lamb, lr: 1, momentum: 0.9}}", "momentum"),
        ("train: {recipe: digits, views: flips}", "`views` must be `mirror`"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_error_where_it_stands(
    words: str, said: str
) -> None:
    with pytest.raises(resgraph.errors.SpecError) as raised:
        resgraph.loads(NET.partition("train:")[0] + words + "\n")
    (problem,) = raised.value.diagnostics
    assert said in problem.message
    assert problem.help or " or " in problem.message, "what would be right"
    assert problem.span is not None and problem.span.line == 6


def test_what_steps_by_whole_weights_is_not_sharded() -> None:
    options = Options(device="cpu", sharding="on")
    for name in ("lamb", "muon"):
        plan = resgraph.loads(
            NET + f"optimizer: {{name: {name}, lr: 0.01}}\n"
        )
        assert plan.unmet() == []
        with pytest.raises(
            UsageError, match=f"`optimizer: {name}` steps by whole"
        ):
            prepare(plan, options, World(size=2, sharing=2), counted=True)

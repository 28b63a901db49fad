"""What a resume reports and refuses: what is left, what has changed since the run began, and what mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small_plan
from test_resume import ONE, PLAIN, corrupt_bit, result, stopped_run, tiny

from resgraph.errors import RunError
from resgraph.language.recipe import resolve_train
from resgraph.train import (
    Options,
    Silent,
    build,
    evaluate,
    read_run,
    resume,
)
from resgraph.train.engine.schedule import LearningRates
from resgraph.train.reporter import Epoch
from resgraph.train.run.metrics_log import MetricsLog


@pytest.fixture(autouse=True)
def _look_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)


class Heard(Silent):
    """Keeps what is said, and the learning rate of each evaluation."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rates: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def epoch(self, epoch: Epoch) -> None:
        self.rates.append(epoch.lr)


def test_no_whole_checkpoint_is_an_error_and_never_a_fresh_start(
    tmp_path: Path,
) -> None:
    cut = stopped_run(tmp_path / "cut")
    for path in (cut / "checkpoints").glob("*.pt"):
        corrupt_bit(path)
    newest, before = json.loads(
        (cut / "checkpoints" / "latest.json").read_text()
    )["checkpoints"]
    (cut / "checkpoints" / newest["file"]).unlink()
    heard = Heard()
    with pytest.raises(
        RunError, match=r"no checkpoint .* is whole:"
    ) as caught:
        resume(cut, load=small_plan.load, reporter=heard)
    _, first, second, way_out = str(caught.value).splitlines()
    assert (
        f"{newest['file']} cannot be read (there is no such file or directory)"
        in first
    )
    assert f"{before['file']} is damaged" in second
    assert (
        way_out
        == "take one from a copy, or begin again with `resgraph build`"
    )
    assert heard.said == []


def test_a_finished_run_says_that_nothing_is_left(tmp_path: Path) -> None:
    build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    before, heard = result(tmp_path / "run"), Heard()
    resume(tmp_path / "run", load=small_plan.load, reporter=heard)
    assert result(tmp_path / "run") == before and heard.rates == []
    (line,) = heard.said
    assert line.startswith(
        "no step is left: the run is at its last one, 18,"
    )
    assert (
        f"`resgraph resume {tmp_path / 'run'} --set train.epochs=N` extends it"
        in line
    )


def test_a_stretched_schedule_says_where_its_rate_jumps(
    tmp_path: Path,
) -> None:
    build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    before = LearningRates(resolve_train(PLAIN), 6)
    longer = {**PLAIN, "epochs": 6}
    after, heard = LearningRates(resolve_train(longer), 6), Heard()
    resume(
        tmp_path / "run",
        plan=tiny(longer),
        load=small_plan.load,
        reporter=heard,
    )
    jump = f"the learning rate jumps from {before.lr(18):.3g} to {after.lr(18):.3g} at step 19"
    assert heard.said == [
        f"the schedule is stretched over 36 steps: {jump}"
    ]
    assert after.lr(18) > 10 * before.lr(18)
    constant = {**PLAIN, "schedule": "constant"}
    build(tiny(constant), out=tmp_path / "flat", options=ONE)
    heard = Heard()
    resume(
        tmp_path / "flat",
        plan=tiny({**constant, "epochs": 4}),
        load=small_plan.load,
        reporter=heard,
    )
    assert heard.said == [] and heard.rates == [0.05]


def test_the_speed_told_is_of_all_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = stopped_run(tmp_path / "cut", after=14)
    monkeypatch.setattr(MetricsLog, "seconds", lambda _: 2000.0)
    found = resume(cut, load=small_plan.load)
    assert found.seconds > 2000
    assert found.images_per_second == pytest.approx(
        16 * found.steps / found.seconds
    )


def test_more_epochs_extend_a_finished_run(tmp_path: Path) -> None:
    recipe = {**PLAIN, "schedule": "constant"}
    build(tiny({**recipe, "epochs": 5}), out=tmp_path / "long", options=ONE)
    build(tiny(recipe), out=tmp_path / "short", options=ONE)
    resume(
        tmp_path / "short",
        plan=tiny({**recipe, "epochs": 5}),
        load=small_plan.load,
    )
    assert result(tmp_path / "short") == result(tmp_path / "long")
    resume(tmp_path / "short", load=small_plan.load)


def test_a_change_that_cannot_be_gone_on_with_changes_nothing(
    tmp_path: Path,
) -> None:
    recipe = {**PLAIN, "schedule": "constant"}
    build(tiny(recipe), out=tmp_path / "run", options=ONE)
    for path in (tmp_path / "run" / "checkpoints").glob("*.pt"):
        corrupt_bit(path)
    before = {
        name: (tmp_path / "run" / name).read_bytes()
        for name in ("run.json", "spec.yaml")
    }
    heard = Heard()
    for plan in (tiny({**recipe, "epochs": 5}), None):
        with pytest.raises(RunError, match=r"no checkpoint .* is whole"):
            resume(
                tmp_path / "run",
                plan=plan,
                load=small_plan.load,
                reporter=heard,
            )
    assert heard.said == []
    assert {
        name: (tmp_path / "run" / name).read_bytes() for name in before
    } == before


def test_a_recipe_that_ends_before_the_run_is_refused(
    tmp_path: Path,
) -> None:
    recipe = {**PLAIN, "schedule": "constant"}
    result = build(tiny(recipe), out=tmp_path / "run", options=ONE)
    facts = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(
        RunError,
        match=rf"is at step {result.steps} already, and the recipe ends at ",
    ):
        resume(
            tmp_path / "run",
            plan=tiny({**recipe, "epochs": 1}),
            load=small_plan.load,
        )
    assert (
        json.loads((tmp_path / "run" / "run.json").read_bytes())["recipe"]
        == json.loads(facts)["recipe"]
    )


def test_another_net_is_refused_with_the_difference(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    other = small_plan.plan(PLAIN, widths=(4, 16), blocks=1)
    with pytest.raises(
        RunError, match=r"another net[\s\S]*-# \(4, 8\) 1\n\+# \(4, 16\) 1"
    ):
        resume(cut, plan=other, load=small_plan.load)


def test_another_recipe_needs_a_word(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    changed = tiny({**PLAIN, "label_smoothing": 0.1})
    with pytest.raises(
        RunError,
        match=r"differs: `label_smoothing` 0 → 0\.1; --allow-change",
    ):
        resume(cut, plan=changed, load=small_plan.load)
    with pytest.raises(
        RunError,
        match="cannot change within it: `batch` 16 → 32; build anew",
    ):
        resume(
            cut,
            plan=tiny({**PLAIN, "batch": 32}),
            load=small_plan.load,
            options=Options(allow_change=True),
        )
    resume(
        cut,
        plan=changed,
        load=small_plan.load,
        options=Options(allow_change=True),
    )
    assert read_run(cut).recipe["label_smoothing"] == 0.1


def test_a_spec_changed_behind_the_run_is_refused(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    with (cut / "spec.yaml").open("a") as file:
        file.write("# a note\n")
    words = rf"was changed since .*Put it back as it was, .*`resgraph resume {cut} --set train\.epochs=…`"
    for use in (resume, evaluate):
        with pytest.raises(RunError, match=words):
            use(cut, load=small_plan.load)

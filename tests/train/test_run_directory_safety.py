"""Files that are not a run's own are never touched, and what was changed in a run is reported by its resume."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import small_plan
from test_resume import ONE, PLAIN, stopped_run, tiny

from resgraph.errors import RunError, UsageError
from resgraph.train import Options, build, find_runs, read_run, resume
from resgraph.train.run.directory import LOCK, create, in_use, open_run


@pytest.fixture(autouse=True)
def _look_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)


def test_a_folder_with_a_lock_of_its_own_is_not_emptied(
    tmp_path: Path,
) -> None:
    for name in (LOCK, "thesis.tex"):
        (tmp_path / name).write_text("mine")
    for force in (False, True):
        with pytest.raises(UsageError, match="exists and is no run"):
            create("net", tmp_path, force=force)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_a_place_is_refused_before_the_data_is_read(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    data = {"set": "arrays", "path": str(tmp_path / "none.npz")}
    plan = tiny({**PLAIN, "data": data})
    with pytest.raises(UsageError, match="exists and is no run"):
        build(plan, out=tmp_path, options=ONE)
    with pytest.raises(RunError, match=r"a file, .*another place with `-o"):
        create("net", tmp_path / "thesis.tex" / "run")


def test_what_died_at_birth_makes_way(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in (LOCK, "spec.yaml", ".partial-model.py"):
        (tmp_path / name).write_text("")
    with pytest.raises(
        RunError, match=r"`resgraph build SPEC -o .*` begins anew"
    ):
        open_run(tmp_path)
    with create("net", tmp_path) as run:
        assert sorted(path.name for path in run.path.iterdir()) == [
            LOCK,
            "checkpoints",
        ]


def test_a_replaced_run_is_locked_all_the_while(tmp_path: Path) -> None:
    build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    with create("net", tmp_path / "run", force=True) as run:
        assert in_use(run.path)
        with pytest.raises(RunError, match="in use by another process"):
            create("net", tmp_path / "run", force=True)
    assert not in_use(tmp_path / "run")


def test_looking_at_runs_keeps_nobody_out(tmp_path: Path) -> None:
    build(tiny(PLAIN), out=tmp_path / "run", options=ONE)
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            find_runs(tmp_path)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(300):
            open_run(tmp_path / "run").lock.close()
    finally:
        done.set()
        looker.join()


def test_a_damaged_row_loses_no_other(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut", after=14)
    rows = (cut / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 2
    (cut / "metrics.jsonl").write_text(
        "\n".join([rows[0], rows[1][:20], rows[1], ""])
    )
    resume(cut, load=small_plan.load)
    assert (cut / "metrics.jsonl").read_text().splitlines()[:2] == rows


def test_results_that_cannot_be_written_are_a_failure(
    tmp_path: Path,
) -> None:
    cut = stopped_run(tmp_path / "run")
    (cut / "weights.safetensors").mkdir()
    with pytest.raises(
        RunError,
        match=r"cannot write .*weights\.safetensors: it is a directory",
    ):
        resume(cut, load=small_plan.load)
    assert read_run(cut).status == "failed"


@pytest.mark.parametrize(
    ("name", "value"),
    [("threads", "two"), ("precision", "fp8"), ("layout", 3)],
)
def test_choices_that_are_none_are_told(
    name: str, value: Any, tmp_path: Path
) -> None:
    cut = stopped_run(tmp_path / "cut")
    facts = json.loads((cut / "run.json").read_bytes())
    facts["used"][name] = value
    (cut / "run.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match=rf"`used\.{name}` is "):
        resume(cut, load=small_plan.load)


def test_other_images_than_before_need_a_word(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    facts = json.loads((cut / "run.json").read_bytes())
    now = facts["data"]["train"]
    facts["data"]["train"] = now + 2
    (cut / "run.json").write_text(json.dumps(facts))
    with pytest.raises(
        RunError,
        match=rf"the images are others than .* \(train {now + 2} → {now}\); --allow-change",
    ):
        resume(cut, load=small_plan.load)
    resume(cut, load=small_plan.load, options=Options(allow_change=True))


def test_classes_in_another_order_are_other_classes(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    facts = json.loads((cut / "run.json").read_bytes())
    facts["classes"].reverse()
    (cut / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UsageError, match="but in another order"):
        resume(cut, load=small_plan.load)

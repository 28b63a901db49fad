"""A study's file: what it may say, and one clear error for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from resgraph.cli import run
from resgraph.errors import Source, SpecError
from resgraph.language.extends import read_file
from resgraph.language.format import reformat
from resgraph.language.spec import is_study_file
from resgraph.language.yaml.reader import open_source
from resgraph.language.yaml.tree import plain_value
from resgraph.study.checked import check_study
from resgraph.study.json_schema import study_schema
from resgraph.study.plan import StaleError, baseline, jobs, points
from resgraph.study.schema import Study, parse_measure, study_of
from resgraph.study.space import parse_choices, parse_condition

ROOT = Path(__file__).parents[2]
HEAD = "study: s\nnets: {file: digits-degradation, variants: [plain-8, residual-8]}\n"


def study(text: str, folder: Path = Path()) -> Study:
    return study_of(Source("s.yaml", text), folder)


def test_nets_by_grid_and_seed() -> None:
    it = study(
        f"{HEAD}grid: {{train.optimizer.lr: [0.05, 0.1]}}\nseeds: [3, 5]\nbudget: {{steps: 9}}\n"
    )
    nets = points(it)
    assert [net.name for net in nets] == [
        "plain-8 lr=0.05",
        "plain-8 lr=0.1",
        "residual-8 lr=0.05",
        "residual-8 lr=0.1",
    ]
    runs = jobs(it, nets)
    assert [run.seed for run in runs] == [3] * 4 + [5] * 4
    train = runs[-1].plan().spec.train
    assert train is not None
    assert (train.optimizer.lr, train.iterations, train.seed) == (0.1, 9, 5)
    assert baseline(it, nets).name == "plain-8 lr=0.05"


def test_paths_of_one_last_word_are_told_apart() -> None:
    it = study(
        "study: s\nnets: digits\ngrid: {train.optimizer.lr: [0.1], train.augment.rotate: [5],"
        " train.augment.zoom: [0.1]}\nbudget: {steps: 9}\n"
    )
    assert [net.name for net in points(it)] == [
        "digits lr=0.1 rotate=5 zoom=0.1"
    ]


def test_a_sample_is_drawn_with_its_seed_and_keeps_its_condition() -> None:
    text = (
        "study: s\nnets: digits-degradation::plain-8\n"
        "sample: {{n: 3, seed: {}, where: params < 1e6 and depth >= 10 and log2(params - 50) < 20, over: {{let.n: 1..6}}}}\n"
    )
    first, again, other = (
        [net.overrides for net in points(study(text.format(seed)))]
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(set(first)) == 3
    for net in points(study(text.format(0))):
        assert net.facts["params"] < 10**6
        assert net.facts["depth"] >= 10


def test_a_file_is_read_once_for_all_nets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def counting(path: Path, **options: bool) -> object:
        read.append(path.name)
        return read_file(path, **options)

    monkeypatch.setattr("resgraph.language.spec.read_file", counting)
    text = (
        "study: s\nnets: [digits-degradation::plain-8, digits-degradation::residual-8, digits]\n"
        "grid: {train.optimizer.lr: [0.05, 0.1]}\nbudget: {steps: 9}\n"
    )
    assert len(points(study(text))) == 6
    assert read == ["digits-degradation.yaml", "digits.yaml"]


def test_a_study_that_is_stale_is_left() -> None:
    """As in an editor, where its author types on."""
    asked = iter([False, False, True])
    it = study(
        "study: s\nnets: digits\ngrid: {train.optimizer.lr: [1, 2, 3, 4, 5]}\n"
    )
    with pytest.raises(StaleError):
        points(it, lambda: next(asked))
    assert next(asked, None) is None


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("16..64 step 16", (16, 32, 48, 64)),
        ("1..3", (1, 2, 3)),
        ("0.5..1 step 0.25", (0.5, 0.75, 1)),
        ([8, "relu"], (8, "relu")),
    ],
)
def test_choices(written: object, values: tuple[object, ...]) -> None:
    assert parse_choices(written).values == values


def test_conditions() -> None:
    facts = {"params": 10, "macs": 10**8, "activations": 1, "depth": 20}
    assert parse_condition("macs <= 1e8 and depth == 4*5")(facts)
    assert not parse_condition("macs < 1e8")(facts)
    assert parse_condition("macs / params > 1e6")(facts)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("validation error", 1),
        ("training loss at its best", 0),
        ("validation error over the last 5 evaluations", 5),
    ],
)
def test_measures(text: str, last: int) -> None:
    measure = parse_measure(text)
    assert measure.last == last
    assert parse_measure(str(measure)) == measure


WRONG = {
    "seeds: 0": ("E022", 3, "at least 1"),
    "seeds: [1, 1]": ("E022", 3, "twice"),
    "budget: {epochs: 2, steps: 3}": ("E022", 3, "one of"),
    "budgets: {epochs: 2}": ("E020", 3, "budgets"),
    "grid: {train.epochs: [2, 3]}\nbudget: {steps: 3}": ("E022", 3, "both"),
    "grid: {let.n: [1]}\nsample: {n: 1, over: {let.n: [1]}}": (
        "E022",
        4,
        "say one",
    ),
    "sample: {n: 2, over: {train.batch: [no]}}": ("E022", 3, "batch"),
    "grid: {train.seed: [2, 3]}": ("E022", 3, "seeds"),
    "measure: accuracy": ("E022", 3, "nothing that a run measures"),
    "match: {params: 5}": ("E022", 3, "write `params: 5 %`"),
    "match: {params: five %}": ("E022", 3, "percentage"),
    "grid: {train.optimizer.lr: []}": ("E022", 3, "no values"),
    "grid: {train.optimiser: [1]}": ("E020", 3, "optimiser"),
    "grid: {lett.n: [1]}": ("E065", 3, "lett.n"),
    "baseline: plain-9": ("E022", 3, "plain-9"),
    "match: {macs: 1 %}\ngrid: {let.n: [1, 2]}": ("E022", 3, "plain-8 n=2"),
    "set: {train.batch: 63, train.accumulate: 2}": ("E022", 3, "63"),
    "sample: {n: 2, over: {let.n: 9..1}}": ("E022", 3, "ends before"),
    "sample: {n: 2, where: size < 3, over: {let.n: [1]}}": (
        "E022",
        3,
        "size",
    ),
    "sample: {n: 2, where: log2(params - 1e9) < 3, over: {let.n: [1, 2]}}": (
        "E022",
        3,
        "`log2` of -",
    ),
    "sample: {n: 2, where: 1/(depth - 8) < 3, over: {let.n: [1, 2]}}": (
        "E022",
        3,
        "division by zero",
    ),
    "sample: {n: 2, over: {train.optimizer.lr: 1e-400..1 log}}": (
        "E022",
        3,
        "no range",
    ),
    "sample: {n: 2, over: {let.n: 1..1e999999999}}": ("E022", 3, "range"),
    "seeds: [-1]": ("E022", 3, "at least 0"),
    "seeds: [1, 99999999999999999999]": ("E004", 3, "20 digits"),
    "grid: {let..n: [1]}": ("E022", 3, "no path"),
    "set: {variants.plain-8.n: 1}": ("E022", 3, "no path"),
    "grid: {let.n: [1, 1]}": ("E022", 3, "twice"),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_mistake_is_told_at_its_place(line: str) -> None:
    code, at, word = WRONG[line]
    head = (
        HEAD
        if "sample" not in line
        else "study: s\nnets: digits-degradation::plain-8\n"
    )
    head = head if head.count("\n") == 2 else head + "\n"
    with pytest.raises(SpecError) as caught:
        points(study(f"{head}{line}\n"))
    (found,) = caught.value.diagnostics
    assert found.code == code, found.frame()
    assert found.span is not None
    assert (found.span.source.name, found.span.line) == ("s.yaml", at), (
        found.frame()
    )
    assert word in found.message + found.help, found.frame()


@pytest.mark.parametrize(
    ("nets", "code", "at", "said"),
    [
        ("[digits, digits-degradation::no]", "E022", 16, "no variant `no`"),
        ("[digits, nowhere.yaml]", "E001", 16, "no such file"),
        ("{file: nowhere.yaml}", "E001", 14, "no such file"),
        ("nowhere.yaml", "E001", 7, "no such file"),
        ("digits-degradation::no", "E022", 7, "no variant `no`"),
        ("[3]", "E022", 8, "`nets` must be text"),
        ("{variants: [s]}", "E021", 7, "`file` is missing"),
        ("{file: digits, variants: []}", "E022", 7, "`nets` is empty"),
        (
            "[digits.yaml, ./digits.yaml]",
            "E022",
            7,
            "a net is listed twice",
        ),
    ],
)
def test_a_net_that_is_not_there_is_told_where_it_is_named(
    nets: str, code: str, at: int, said: str
) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        points(study(f"study: s\nnets: {nets}\n"))
    (found,) = caught.value.diagnostics
    assert found.code == code and found.span is not None
    assert str(found.span) == f"s.yaml:2:{at}"


def test_text_stays_text() -> None:
    """Whatever YAML would make of it without the quotes that it has in the study."""
    texts = ["a # b", "x: y", "1", "[b", "&c", "true"]
    found = points(
        study(
            f"study: s\nnets: digits\ngrid: {{name: {json.dumps(texts)}}}\n"
        )
    )
    assert [net.plan.name for net in found] == texts


def test_nets_of_unequal_budgets_are_not_compared() -> None:
    with pytest.raises(SpecError, match="unequal budgets"):
        points(
            study("study: s\nnets: digits\ngrid: {train.epochs: [2, 3]}\n")
        )
    equal = "study: s\nnets: [digits, digits-degradation::plain-8]\nbudget: {steps: 3}\n"
    assert len(points(study(equal))) == 2


def test_a_net_that_fails_check_is_told_of_itself(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "name: bad\ninput: 1x8x8\nnet:\n  a: 3x3 convv 4\ntrain: digits\n"
    )
    with pytest.raises(SpecError) as caught:
        points(study("study: s\nnets: bad.yaml\n", tmp_path))
    assert "bad.yaml:4:10" in str(caught.value.diagnostics[0].span)


STUDIES = sorted((ROOT / "examples" / "studies").glob("*.yaml"))
STUDIES = [path for path in STUDIES if is_study_file(path)]


def test_the_papers_experiments_are_studies() -> None:
    assert {path.stem for path in STUDIES} >= {
        "degradation",
        "shortcut-options",
        "shortcut-forms",
        "activation-orders",
    }


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_an_example_is_checked_net_by_net(path: Path) -> None:
    nets = check_study(path)
    assert all(net.plan and not net.problems for net in nets)
    assert len(nets) >= 3
    tree, errors = read_file(path)
    assert not errors
    assert not list(
        Draft7Validator(study_schema()).iter_errors(plain_value(tree))
    )
    assert reformat(open_source(path), "keep") == open_source(path).text


def test_check_takes_studies_beside_specs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: s\nnets: digits\nsearch: {trials: 2, over: {let.n: 1..3}}\n"
    )
    assert run(["check", "digits", str(path)]) == 1
    assert "`let.n`" in capsys.readouterr().err
    path.write_text(
        "study: s\nnets: digits\nsearch: {trials: 2, over: {train.batch: 16..32}}\n"
    )
    assert run(["check", "digits", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].startswith(f"ok  {path}: trial")
    assert run(["check", str(path), "--set", "train.batch=3"]) == 2
    assert run(["check", str(path), "--json"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["nets"][0]["params"] == 75_002
    )


@pytest.mark.parametrize("command", ["show", "build", "resolve", "check"])
def test_a_study_is_no_spec(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: s\nnets: digits\nbudget: {epochs: 2}\nsets: {a: 1}\n"
    )
    assert run([command, str(path)]) == 1
    shown = capsys.readouterr().err
    expected = (
        "unknown key `sets`" if command == "check" else "this is a study"
    )
    assert f"error[E020]: {expected}" in shown
    assert shown.count("error[") == 1


def test_where_a_key_belongs(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    keys = ["epochs: 3", "lr: 0.1", "train.batch: 32", "train: digits", "device: cpu", "trainer: 1"]  # fmt: skip
    file.write_text("\n".join(["study: s", "nets: resnet-20", *keys]))
    (found,) = check_study(file)
    paths = ["train.optimizer.lr", "train.batch", "train"]
    assert [d.help for d in found.problems[:5]] == [
        "it belongs to `budget`: `budget: {epochs: …}`",
        *(
            f"`set` says it of all runs, `grid` compares values: `set: {{{path}: …}}`"
            for path in paths
        ),
        "the command says it, not the file: `resgraph sweep --device …`",
    ]
    assert found.problems[5].help.startswith("the keys are ")


def test_nets_that_differ_in_a_setting_are_a_grid(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "study: s\nnets: {with: {net: resnet-20, set: {let.w: 1}}}"
    )
    (found,) = check_study(file)
    assert "`grid: {train.optimizer.lr: [0.05, 0.1]}`" in next(
        d.help for d in found.problems if d.code == "E020"
    )


def test_the_schema_of_studies_refuses_what_they_do_not_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["schema", "--study"]) == 0
    schema = Draft7Validator(json.loads(capsys.readouterr().out))
    assert schema.is_valid({"study": "s", "nets": "digits"})
    assert not schema.is_valid({"study": "s"})
    assert not schema.is_valid({"study": "s", "nets": "digits", "sets": {}})
    assert not schema.is_valid(
        {"study": "s", "nets": "digits", "seeds": "five"}
    )


def test_a_study_without_its_title_is_a_study(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: depths\nnets: digits\nseed: 2\n", encoding="utf-8"
    )
    assert is_study_file(file)
    (found,) = check_study(file)
    assert [(d.message, d.help) for d in found.problems] == [
        ("unknown key `name`", "did you mean `study`?"),
        ("unknown key `seed`", "did you mean `seeds`?"),
    ]

#!/usr/bin/env bash
# optuna 5.0.0: a study that is kept in a storage keeps its trials, not its sampler. Resumed by the program that made
# it, with `load_if_exists=True` and a sampler of one seed, a random search draws the trials that it has already made,
# and so does TPE in its first ten; a second worker with the seed repeats the first one's. One would have guessed that a
# study goes on where it stood, as the seed is there to make a search that can be repeated: of two nights of training
# the second is the first again, each value is there twice, and the count of trials says otherwise. A seed made of the
# number of trials (`seed + len(study.trials)`) goes on.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q optuna==5.0.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import optuna
from optuna.samplers import RandomSampler, TPESampler

optuna.logging.set_verbosity(optuna.logging.ERROR)
HALF = 5


def searched(sampler, name, halves=2):
    """Learning rates of a study that is made, and then resumed as by another process."""
    for half in range(halves):
        study = optuna.create_study(
            storage=f"sqlite:///{sys.argv[1]}/studies.db",
            study_name=name,
            load_if_exists=True,
            sampler=sampler(half * HALF),
        )
        study.optimize(lambda trial: trial.suggest_float("lr", 1e-4, 1.0, log=True), HALF)
    return [trial.value for trial in study.trials]


print("optuna", optuna.__version__)
for kind in (RandomSampler, TPESampler):
    one_seed = searched(lambda done: kind(seed=0), f"{kind.__name__}, one seed")
    by_number = searched(lambda done: kind(seed=done), f"{kind.__name__}, a seed by the trials")
    at_once = optuna.create_study(sampler=kind(seed=0))
    at_once.optimize(lambda trial: trial.suggest_float("lr", 1e-4, 1.0, log=True), 2 * HALF)
    whole = [trial.value for trial in at_once.trials]
    for name, found in (("resumed", one_seed), ("not interrupted", whole), ("a seed by the trials", by_number)):
        print(f"{kind.__name__:14}{name:22}", *(f"{value:.4f}" for value in found), len(set(found)), "of", len(found))
    assert len(one_seed) == 2 * HALF and one_seed[:HALF] == one_seed[HALF:] == whole[:HALF], "this has changed"
    assert len(set(whole)) == len(set(by_number)) == 2 * HALF
PY

#!/usr/bin/env bash
# torch 2.13.0: torch.cdist takes the distance of two rows from their difference where there are at most 25 rows, and
# from a matrix product where there are more, which in float32 keeps half of the digits. A feature of 512 numbers about
# 5 is 0 from itself among 25, and up to 0.1 among 2000; one that is 0.0226 away is found at between 0.15 and 0.22. One
# would have guessed that the distance of two rows depends on those two, and that a small test shows what a large one
# does: near-duplicates of a data set are not found by a threshold that finds them in ten images.
# `compute_mode="donot_use_mm_for_euclid_dist"` keeps the digits, and the mean of all taken off first most of them.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch

features = torch.randn(2000, 512, generator=torch.Generator().manual_seed(0)).relu() + 5
copies, true = features + 0.001, 0.001 * 512**0.5
centred = features - features.mean(0), copies - features.mean(0)


def between(one, other, rows, **options):
    """Least and largest distance of a row to its like."""
    found = torch.cdist(one[:rows], other[:rows], **options).diagonal()
    return found.min().item(), found.max().item()


print("torch", torch.__version__, "true distance of a copy", true)
for rows in (25, 26, 2000):
    itself, copy = between(features, features, rows), between(features, copies, rows)
    exact = between(features, copies, rows, compute_mode="donot_use_mm_for_euclid_dist")
    print(f"{rows:4} rows: to itself {itself}, to its copy {copy}, without the product {exact}")
    assert all(abs(each - true) < 1e-5 for each in exact)
    assert (itself == (0.0, 0.0)) == (rows == 25), "this has changed"
    assert (max(copy) < 1.01 * true) == (rows == 25), "this has changed"
near = between(*centred, 2000)
print("2000 rows, of the centred features", near)
assert 0.8 * true < near[0] and near[1] < 1.2 * true
PY

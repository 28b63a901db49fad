#!/usr/bin/env bash
# optax 0.2.8: softmax_cross_entropy_with_integer_labels takes a label of -1 for the last class and -2 for the one
# before it, as an index into an array, and gives NaN for one that is too large; softmax_cross_entropy of the same
# labels by jax.nn.one_hot gives 0 for all of those. One would have guessed an error, as torch has it, or that -1,
# which is what images without a label have in many sets (STL-10's, semi-supervised splits, masks), counts for nothing
# in both: the net learns that all images without a label are of the last class, and the loss falls as it should. The
# losses times `labels >= 0` leave them out.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import optax

logits = jnp.array([[1.0, 2.0, 3.0]])


def loss(label, **options):
    return round(float(optax.softmax_cross_entropy_with_integer_labels(logits, jnp.array([label]), **options)[0]), 4)


def soft(label):
    return round(float(optax.softmax_cross_entropy(logits, jax.nn.one_hot(jnp.array([label]), 3))[0]), 4)


print("optax", optax.__version__, "jax", jax.__version__)
seen = {label: loss(label) for label in (-2, -1, 0, 1, 2, 3, 255)}
one_hot = {label: soft(label) for label in seen}
print("by integer labels", seen, "by one-hot", one_hot, sep="\n")
assert seen[0] != seen[1] != seen[2] and all(seen[label] == one_hot[label] for label in range(3))
assert seen[-1] == seen[2] and seen[-2] == seen[1], "this has changed"
assert seen[3] != seen[3] and seen[255] != seen[255], "this has changed"
assert one_hot[-1] == one_hot[-2] == one_hot[3] == one_hot[255] == 0, "this has changed"
PY

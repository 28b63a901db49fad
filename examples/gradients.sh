#!/bin/sh
# Trains a plain and a residual net of 56 layers for three epochs on digits (a minute or two), and
# paints both with the gradients of their loss: examples/gradients.sh [DIR]
set -eu
dir=${1:-runs/gradients}
specs=$(dirname "$0")/../specs/digits-degradation.yaml
for net in plain-56 residual-56; do
  resgraph build "$specs::$net" --set train.epochs=3 -o "$dir/$net"
done
resgraph render "$specs::plain-56" "$specs::residual-56" \
  --paint "$dir/plain-56:gradient" --paint "$dir/residual-56:gradient" -o "$dir/gradients.svg"

#!/usr/bin/env bash
# msgspec 0.23.0, mypy 2.4.1: a struct below a frozen one is frozen, as msgspec hands its options on, and mypy takes it
# for one that is not, and refuses the class: "Non-frozen dataclass cannot inherit from a frozen dataclass". One would
# have guessed that a base for all frozen records, said once, is what both mean: mypy knows structs by PEP 681, whose
# `frozen` holds for the class that says it. With `dataclass_transform(frozen_default=True)` on the base both agree.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q msgspec==0.23.0 mypy==2.4.1
cat > "$work/plain.py" <<'PY'
from msgspec import Struct


class Frozen(Struct, frozen=True):
    pass


class Point(Frozen):
    x: int


try:
    Point(1).x = 2
except AttributeError as refused:
    print("at run time:", refused)
else:
    raise SystemExit("this has changed: a struct below a frozen one can be written")
PY
sed -e 's/^from msgspec import Struct/from typing import dataclass_transform\n\nfrom msgspec import Struct, field/' \
  -e 's/^class Frozen/@dataclass_transform(frozen_default=True, field_specifiers=(field,))\nclass Frozen/' \
  "$work/plain.py" > "$work/transformed.py"
cd "$work"
for file in plain transformed; do
  venv/bin/python "$file.py"
  venv/bin/mypy --strict "$file.py" > "$file.txt" || true
  cat "$file.txt"
done
grep -q 'Non-frozen dataclass cannot inherit from a frozen dataclass' plain.txt
grep -q 'Property "x" defined in "Point" is read-only' transformed.txt
if grep -q 'Non-frozen' transformed.txt; then
  echo "this has changed: the transform does not hold for classes below" >&2
  exit 1
fi

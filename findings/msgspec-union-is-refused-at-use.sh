#!/usr/bin/env bash
# msgspec 0.23.0: a struct with a key that is one of two structs without tags can be declared, made and encoded. The
# first `convert` into it raises TypeError about the type, whatever the value: also of text, where the type could not
# matter. One would have guessed that the class is refused when it is declared, or that text is a ValidationError, as it
# is for any other struct: code that catches ValidationError around bad input lets this one through.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q msgspec==0.23.0
"$work/venv/bin/python" - <<'PY'
import msgspec
from msgspec import Struct


class Pad(Struct):
    cells: int


class Area(Struct):
    share: float


class Plain(Struct):
    pad: Pad | None = None


class Augment(Struct):
    crop: Pad | Area | None = None


made = Augment(crop=Pad(4))
print("made and encoded:", msgspec.json.encode(made).decode())
for kind in (Plain, Augment):
    try:
        msgspec.convert("flip", kind)
    except Exception as problem:
        print(f"{kind.__name__}: {type(problem).__name__}: {str(problem)[:70]}")
        if type(problem) is not (msgspec.ValidationError if kind is Plain else TypeError):
            raise SystemExit("this has changed")
    else:
        raise SystemExit("this has changed: text is a struct")
PY

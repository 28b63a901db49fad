#!/usr/bin/env bash
# torch 2.13.0: torch.load of a path that ends in .safetensors hands it to safetensors, whatever the file holds. A checkpoint that
# torch.save wrote under that name, without a word, is then an error of a header that cannot be read; as an open file it loads. One
# would have guessed that a file is known by its first bytes, as torch.load itself tells its zip files from its older pickles, and
# that what save writes under a name load reads under it. A file of safetensors under another name is refused, too.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 safetensors==0.8.0 numpy==2.4.6
cat > "$work/seen.py" <<'PY'
from pathlib import Path

import torch
from safetensors.torch import save_file

state = {"weight": torch.arange(4.0)}


def read(file):
    try:
        return torch.equal(torch.load(file, weights_only=True)["weight"], state["weight"])
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:60]


print("torch", torch.__version__)
for name in ("own.pt", "own.safetensors"):
    torch.save(state, name)
save_file(state, "theirs.safetensors")
Path("theirs.pt").write_bytes(Path("theirs.safetensors").read_bytes())
seen = {name: read(name) for name in ("own.pt", "own.safetensors", "theirs.safetensors", "theirs.pt")}
with open("own.safetensors", "rb") as opened:
    seen["own.safetensors, opened"] = read(opened)
for name, found in seen.items():
    print(f"{name:24} {found}")
assert seen["own.pt"] is True and seen["own.safetensors, opened"] is True
assert seen["own.safetensors"] is not True and seen["theirs.safetensors"] is True, "this has changed"
PY
cd "$work" && venv/bin/python -W ignore seen.py

#!/usr/bin/env bash
# torch 2.13.0: a program of torch.export cannot become a module again where a submodule is called `graph`, `code`,
# `meta` or `recompile`, as those are attributes of the fx.GraphModule that it is unpacked into. Exporting works, and
# `.module()` says that a weight "references nonexistent attribute". One would have guessed that any name which an
# nn.Module takes comes through: a net of graphs or codes, or one with metadata, has such a child by nature.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.Linear(2, 2))

    def forward(self, x):
        (child,) = self.children()
        return child(x)


def comes_through(name):
    program = torch.export.export(Net(name), (torch.zeros(1, 2),))
    try:
        return sorted(program.module().state_dict()) == [f"{name}.bias", f"{name}.weight"]
    except RuntimeError as error:
        assert "nonexistent attribute" in str(error), error
        return False


seen = {name: comes_through(name) for name in ("head", "data", "graph", "code", "meta", "recompile")}
print("torch", torch.__version__, seen)
lost = [name for name, whole in seen.items() if not whole]
assert lost == ["graph", "code", "meta", "recompile"], "this has changed"
PY

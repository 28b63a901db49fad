#!/usr/bin/env bash
# webdataset 1.0.2: the key of a sample ends at the first dot of a file's name, so a shard of img.0001.jpg,
# img.0001.cls, img.0002.jpg … is ONE sample, "img", whose fields are 0001.jpg, 0001.cls and so on, without a word. One
# would have guessed that the ending alone is taken off, as pathlib's suffix is: names with dots (a date, a version, a
# frame's number) come from many cameras and data sets.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 pyyaml==6.0.3 braceexpand==0.1.7
"$work/venv/bin/pip" install -q --no-deps webdataset==1.0.2
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import io
import os
import tarfile
import tempfile

import webdataset


def keys(names):
    """Samples that a shard of these files has: key → fields."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.tar")
        with tarfile.open(path, "w") as shard:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = 1
                shard.addfile(member, io.BytesIO(b"0"))
        return [
            (sample["__key__"], sorted(field for field in sample if not field.startswith("__")))
            for sample in webdataset.WebDataset(path, shardshuffle=False)
        ]


plain = keys([f"img{number}.{ending}" for number in range(3) for ending in ("jpg", "cls")])
dotted = keys([f"img.{number}.{ending}" for number in range(3) for ending in ("jpg", "cls")])
print("webdataset", importlib.metadata.version("webdataset"), plain, dotted, sep="\n")
assert plain == [(f"img{number}", ["cls", "jpg"]) for number in range(3)], "this has changed"
assert dotted == [("img", ["0.cls", "0.jpg", "1.cls", "1.jpg", "2.cls", "2.jpg"])], "this has changed"
PY

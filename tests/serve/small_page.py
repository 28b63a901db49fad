"""A small spec, and a server of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resgraph.serve.server import SpecServer

SPEC = """name: small
input: 3x16x16
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 8
  conv2: 2 x pair 16 /2
  head:  [global avg pool, fc 10]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[SpecServer]:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    with SpecServer(path) as server:
        thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)

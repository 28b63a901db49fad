"""The state of a run → checkpoints that survive a kill at any instant, and back: the newest one
that is whole.

latest.json is the commit point: it lists what may be trusted, newest first, each with the SHA-256
of its bytes."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ...errors import RunError
from ...files import read_file, readable, reason
from ...structs import Frozen
from ..atomic_write import write_whole

State = dict[str, Any]
ENTRY = {"file": str, "sha256": str, "step": int, "spec": str}
"""What latest.json says of each checkpoint."""


class Checkpoints(Frozen):
    """The checkpoints of one run; `spec` is the SHA-256 of its resolved spec, `former` what it was
    before changes."""

    directory: Path
    spec: str
    keep: int = 2
    former: tuple[str, ...] = ()

    def save(self, state: State, step: int, world: int) -> Path:
        """Writes one and commits to it; older ones than `keep` go once the commit is on disk."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        path = self.directory / f"step-{step:09d}.pt"
        digest = write_whole(path, buffer.getvalue())
        entry = {
            "file": path.name,
            "sha256": digest,
            "step": step,
            "spec": self.spec,
            "world": world,
        }
        older = [old for old in self.entries() if old["file"] != path.name]
        kept = [entry, *older][: max(2, self.keep)]
        write_whole(
            self.directory / "latest.json",
            json.dumps({"checkpoints": kept}, indent=2) + "\n",
        )
        names = {item["file"] for item in kept}
        for stale in self.directory.glob("step-*.pt"):
            if stale.name not in names:
                # what is not ours, or cannot go, is in nobody's way
                with suppress(OSError):
                    stale.unlink()
        return path

    def entries(self) -> list[dict[str, Any]]:
        """What latest.json lists, none where it does not exist yet."""
        path = self.directory / "latest.json"
        if not path.exists():
            return []
        with readable(path, RunError, "; nothing was changed"):
            written = read_file(path)
        try:
            listed = json.loads(written)
        except (ValueError, RecursionError) as error:
            raise _damaged(path, f"it is no JSON ({error})") from error
        entries = (
            listed.get("checkpoints") if isinstance(listed, dict) else None
        )
        if not isinstance(entries, list) or not all(
            map(_is_entry, entries)
        ):
            raise _damaged(
                path,
                f'expected {{"checkpoints": [...]}}, each with {", ".join(ENTRY)}',
            )
        return [
            dict(item, file=Path(item["file"]).name) for item in entries
        ]

    def load(self, warn: Callable[[str], None]) -> State | None:
        """The newest whole one; None where the run has not saved yet.

        Raises `RunError` where some are listed and none is whole: never a silent fresh start.
        """
        decode_failures: list[str] = []
        for entry in self.entries():
            path = self.directory / entry["file"]
            data, why = _whole(path, entry["sha256"])
            if data is None:
                decode_failures.append(why)
                continue
            for text in decode_failures:
                warn(
                    f"{text}; the run resumes from {path.name}, which was saved before it"
                )
            if entry["spec"] not in (self.spec, *self.former):
                raise RunError(
                    f"{path} was saved by another spec than this run's spec.yaml, which was changed"
                    " since"
                )
            try:
                state: State = torch.load(
                    io.BytesIO(data), map_location="cpu", weights_only=True
                )
            except pickle.UnpicklingError as error:
                raise RunError(
                    f"{path} holds more than numbers, and is not loaded"
                ) from error
            return state
        if decode_failures:
            listed_damage = "".join(
                f"\n  {text}" for text in decode_failures
            )
            raise RunError(
                f"no checkpoint of {self.directory.parent} is whole:{listed_damage}\n"
                "take one from a copy, or begin again with `resgraph build`"
            )
        return None


def _whole(path: Path, digest: str) -> tuple[bytes | None, str]:
    """The bytes of a checkpoint, or None and what is wrong with them."""
    try:
        data = read_file(path)
    except OSError as error:
        return None, f"{path} cannot be read ({reason(error)})"
    if hashlib.sha256(data).hexdigest() != digest:
        return (
            None,
            f"{path} is damaged: its bytes are not those that were saved",
        )
    return data, ""


def _is_entry(item: object) -> bool:
    return isinstance(item, dict) and all(
        isinstance(item.get(name), kind) for name, kind in ENTRY.items()
    )


def _damaged(path: Path, why: str) -> RunError:
    return RunError(
        f"{path} is damaged: {why}; take it from a copy, or begin again with `resgraph build`"
    )

"""Things to do → how long each takes beside the others: interleaved, as ratios, on a machine that
is never quiet.

Every round does everything once, in an order that turns, and a ratio is taken within its round, so
that what slows the machine down for a while slows both down. The median over the rounds is what is
told, with the middle half of the rounds as its spread. One alternative is always there twice: how
far that ratio is from 1 is the noise."""

from __future__ import annotations

import gc
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Run = Callable[[], object]
Clock = Callable[[], float]


def interleaved(
    runs: Mapping[str, Run],
    rounds: int,
    clock: Clock = time.process_time,
    warm: int = 1,
) -> dict[str, list[float]]:
    """Seconds by `clock` of each run in each round, after `warm` rounds that do not count."""
    names = list(runs)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + warm):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            gc.collect()  # what others left behind is not this one's work
            began = clock()
            runs[name]()
            if number >= warm:
                found[name].append(clock() - began)
    return found


def ratio(one: Sequence[float], other: Sequence[float]) -> str:
    """`0.98 (0.97–1.00)`: the median of the rounds' ratios, and between which the middle half
    lies."""
    ratios = sorted(a / b for a, b in zip(one, other, strict=True))
    return f"{statistics.median(ratios):.3f} ({_at(ratios, 0.25):.2f}–{_at(ratios, 0.75):.2f})"


def spent_by_children() -> float:
    """CPU seconds of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]


def rows(
    found: Mapping[str, Sequence[float]], base: str, images: int = 0
) -> Iterable[list[str]]:
    """A row for each thing: name, milliseconds, the ratio to `base`, and images a second where
    `images` are done."""
    for name, seconds in found.items():
        middle = statistics.median(seconds)
        row = [
            name,
            f"{middle * 1e3:,.1f}",
            "1" if name == base else ratio(seconds, found[base]),
        ]
        yield row + ([f"{images / middle:,.1f}"] if images else [])


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table: words to the left, numbers to the right."""
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'|'.join('---:' for _ in head[1:])}|")
    for row in body:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def heading(title: str) -> None:
    """Print what is measured, where and how."""
    print(
        f"### {title}\n\n`{' '.join(['python', *sys.argv])}`, {machine()}\n",
        flush=True,
    )


def machine() -> str:
    """The processor, and the GPU where there is one, with the versions that matter."""
    parts = [_processor(), f"Python {platform.python_version()}"]
    torch = sys.modules.get("torch")
    if torch is not None:
        parts.append(
            f"torch {torch.__version__}, {torch.get_num_threads()} thread(s)"
        )
        if torch.cuda.is_available():
            parts.append(torch.cuda.get_device_name(0))
    return ", ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = (
        info.read_text(encoding="utf-8").splitlines()
        if info.exists()
        else []
    )
    names = [
        line.partition(":")[2].strip()
        for line in lines
        if line.startswith("model name")
    ]
    return (
        f"{len(names)} cores of {names[0]}"
        if names
        else platform.processor() or platform.machine()
    )

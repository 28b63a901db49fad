"""A program that cannot be read to its end → the longest beginning of it that can, as a program of
its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from .aten import Reader
from .captured import ImportRefused
from .program import AtenCall, AtenProgram, parameters_read


def beginning(program: AtenProgram) -> AtenProgram | None:
    """Up to the last place before what is refused where one tensor alone is alive."""
    reader = Reader(program)
    try:
        reader.read()
    except ImportRefused:
        for place, value in _cuts(program, reader.count):
            found = _until(program, place, value)
            if _readable(found):
                return found
    return None


def _cuts(program: AtenProgram, count: int) -> Iterator[tuple[int, str]]:
    """Of the first `count` calls, how many lie before a cut, and the tensor that is alive there;
    the last cut first."""
    later = set(program.outputs)
    for call in program.calls[count:]:
        later.update(call.reads)
    for place in range(count, 0, -1):
        calls = program.calls[:place]
        alive = later & {*program.names}.union(
            *(call.made for call in calls)
        )
        if len(alive) == 1 and alive <= calls[-1].made:
            yield place, alive.pop()
        later.update(calls[-1].reads)


def _until(program: AtenProgram, count: int, value: str) -> AtenProgram:
    calls: Sequence[AtenCall] = program.calls[:count]
    parameters = parameters_read(program.parameters, calls)
    return replace(
        program, parameters=parameters, calls=calls, outputs=[value]
    )


def _readable(program: AtenProgram) -> bool:
    try:
        Reader(program).read()
    except ImportRefused:
        return False
    return True

"""A program that cannot be read to its end → the longest beginning of it that can, as a program of
its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from .aten import Reader
from .captured import ImportRefused
from .program import AtenCall, AtenProgram


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
        made = {o.name for call in program.calls[:place] for o in call.outputs}
        alive = later & (made | {each.name for each in program.inputs})
        last = {output.name for output in program.calls[place - 1].outputs}
        if len(alive) == 1 and alive <= last:
            yield place, alive.pop()
        later.update(program.calls[place - 1].reads)


def _until(program: AtenProgram, count: int, value: str) -> AtenProgram:
    calls: Sequence[AtenCall] = program.calls[:count]
    read = {name for call in calls for name in call.reads}
    parameters = {n: each for n, each in program.parameters.items() if n in read}
    return replace(program, parameters=parameters, calls=calls, outputs=[value])


def _readable(program: AtenProgram) -> bool:
    try:
        Reader(program).read()
    except ImportRefused:
        return False
    return True

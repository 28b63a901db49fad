"""Products with fixed numbers → fewer: one for two in a row, and none where the number is that of
the convolutions behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from msgspec.structs import asdict, replace

from ...collecting import by_name
from ...ops import Conv, Div, Gain, Mul, Op
from ..captured import CapturedOp, readers


def number_of(op: Op) -> float | None:
    """The number by which an op multiplies a tensor; None where it does something else."""
    if isinstance(op, Mul):
        return op.right if op.left is None else op.left
    if isinstance(op, Div) and op.right is not None:
        return 1 / op.right
    return None


def gathered(
    steps: Iterable[CapturedOp], outputs: Collection[str]
) -> Mapping[str, CapturedOp]:
    """Steps that give the same with fewer products. Those that are `outputs` stay."""
    factors = _Factors(steps, outputs)
    factors.give_to_convolutions()
    factors.join()
    return factors.steps


class _Factors:
    """The products of a net; `users` are the steps that read each value."""

    def __init__(
        self, steps: Iterable[CapturedOp], outputs: Collection[str]
    ) -> None:
        self.steps = by_name(steps)
        self.outputs = outputs
        self.users = readers(self.steps.values())

    def give_to_convolutions(self) -> None:
        """The number that stands before most filters of a scaled standard deviation is their
        `gamma` (Brock et al. 2021, section 4.1): a file says that once."""
        scaled = {
            name for name, step in self.steps.items() if _is_scaled(step.op)
        }
        read = {name: [*self._read_by(name)] for name in self._products()}
        given = {
            name: ends
            for name, ends in read.items()
            if ends and scaled >= {*ends}
        }
        for name in self._usual(given, len(scaled) // 2):
            self._give(name, given[name])

    def _usual(
        self, given: Mapping[str, list[str]], more: int
    ) -> list[str]:
        """Products with the number that is read by more convolutions than so many."""
        count = Counter[float]()
        for name, ends in given.items():
            count[self._number(name)] += len(ends)
        often = {number for number, ends in count.items() if ends > more}
        return [name for name in given if self._number(name) in often]

    def _give(self, name: str, convolutions: Iterable[str]) -> None:
        """Unless one of them cannot have such a `gamma`."""
        with suppress(ValueError):
            number = self._number(name)
            made = {
                each: _times(self.steps[each].op, number)
                for each in convolutions
            }
            for each, op in made.items():
                self._change(each, op)
            self._drop(name)

    def join(self) -> None:
        """One product for two with nothing between but a learned factor, which nothing else
        reads."""
        for name in [*self._products()]:
            end = self._joined_by(name) if name in self.steps else ""
            if end:
                self._join(name, end)

    def _join(self, name: str, end: str) -> None:
        left = self._number(name) * self._number(end)
        self._drop(name)
        self._change(end, Mul(left=left))
        if left == 1.0 and end not in self.outputs:
            self._drop(end)

    def _joined_by(self, name: str) -> str:
        """The product that one may be a part of; "" where there is none."""
        while name not in self.outputs and len(self.users[name]) == 1:
            (name,) = self.users[name]
            op = self.steps[name].op
            if number_of(op) is not None:
                return name
            if not (isinstance(op, Gain) and op.shift is None):
                break
        return ""

    def _products(self) -> Iterator[str]:
        steps = self.steps.items()
        return (
            name for name, step in steps if number_of(step.op) is not None
        )

    def _number(self, name: str) -> float:
        number = number_of(self.steps[name].op)
        assert number is not None
        return number

    def _read_by(self, name: str) -> Iterator[str]:
        """What reads a value, perhaps behind averages and other products; the value itself where
        it is an output."""
        if name in self.outputs:
            yield name
        for user in self.users[name]:
            op = self.steps[user].op
            if number_of(op) is not None or op.op == "avg pool":
                yield from self._read_by(user)
            else:
                yield user

    def _change(self, name: str, op: Op) -> None:
        self.steps[name] = replace(self.steps[name], op=op)

    def _drop(self, name: str) -> None:
        """Its readers read what it read."""
        (source,) = self.steps.pop(name).inputs
        users = self.users.pop(name)
        self.users[source] = [
            u for u in self.users[source] if u != name
        ] + users
        for user in users:
            step = self.steps[user]
            inputs = tuple(
                source if each == name else each for each in step.inputs
            )
            self.steps[user] = replace(step, inputs=inputs)


def _is_scaled(op: Op) -> bool:
    return isinstance(op, Conv) and op.standardize == "scaled"


def _times(convolution: Op, number: float) -> Op:
    """A convolution whose filters are multiplied. Raises `ValueError`."""
    assert isinstance(convolution, Conv)
    said = asdict(convolution) | {"gamma": convolution.gamma * number}
    return Conv(**said)

"""Bytes of a CIFAR pickle → the dictionary in it, by a reader that knows dictionaries, lists, text,
numbers and byte arrays only.

Python's own `pickle` would run whatever a file says. Here every global that a file asks for is
looked up in a closed list of names that CIFAR's official files need (numpy's way of storing an
array), and each stands for an inert function of ours."""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn

import numpy

from ....errors import TrainingError

LARGEST = 256 * 2**20
"""Bytes of an array: CIFAR's largest is 147 MiB."""


class _Array:
    """What `numpy.core.multiarray._reconstruct` makes: an array that its state is still to come
    to."""

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        data = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)
        if (
            not isinstance(dtype, _Dtype)
            or dtype.code not in ("u1", "i8", "i4")
            or len(data) > LARGEST
        ):
            raise pickle.UnpicklingError(
                "an array of another kind than CIFAR has"
            )
        value = numpy.frombuffer(
            data, dtype=numpy.dtype(dtype.code).newbyteorder("<")
        )
        self.value = value.reshape(
            tuple(shape), order="F" if fortran else "C"
        )


class _Dtype:
    """What `numpy.dtype` makes: its code."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code.decode() if isinstance(code, bytes) else str(code)

    def __setstate__(self, state: Any) -> None:
        """Byte order and flags: CIFAR's are little-endian or single bytes."""


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _no_array(*_: Any) -> NoReturn:
    raise pickle.UnpicklingError("an array class is never called")


def _encode(text: Any, encoding: Any) -> bytes:
    """Python 3 stores bytes in old protocols as latin-1 text."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("only latin-1 text is turned to bytes")
    return text.encode("latin-1")


ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _no_array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}
"""Everything that a file may name, and what it gets."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """From the closed list, and nowhere else."""
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which no CIFAR file needs"
            ) from None

    def persistent_load(self, pid: Any) -> NoReturn:
        """CIFAR has none."""
        raise pickle.UnpicklingError("it refers to objects outside itself")


def read_dictionary(data: bytes, name: str) -> dict[str, Any]:
    """The dictionary, its keys and lists of names as text, its arrays as numpy's. Raises
    `TrainingError` where the bytes are anything else."""
    try:
        found = _Reader(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:
        # a hostile or broken pickle can raise anything; it never runs anything
        raise TrainingError(
            f"{name} is not an official CIFAR file: {error}"
        ) from error
    if not isinstance(found, dict):
        raise TrainingError(
            f"{name} is not an official CIFAR file: it holds no dictionary"
        )
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): (
            value.value if isinstance(value, _Array) else _text(value)
        )
        for key, value in found.items()
    }


def _text(value: Any) -> Any:
    """Names that a Python 3 stored as bytes are text, as those of the official files are."""
    if isinstance(value, list):
        return [
            item.decode("utf-8", "replace")
            if isinstance(item, bytes)
            else item
            for item in value
        ]
    return value

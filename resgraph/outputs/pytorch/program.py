"""What a source file is made of, before it is text: functions for layers, classes for blocks, a
class for the net."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ...collecting import of_type
from ...ops.base import Call, Ref
from ...passes.starts import Start
from .forward import Statement
from .repeat import compress
from .signatures import Signatures, same
from .tree import Comprehension, parts


class Function(Struct):
    """A layer of several modules: `conv_bn_relu(width_in, width, kernel_size)`."""

    name: str
    parameters: dict[str, Any]
    tree: Call


class Class(Struct):
    """A block or the net: its modules by name, and how they are put together.

    Without `forward` it is an `nn.Sequential`, whose modules are the arguments of `modules[""]`.
    Like blocks become one class: they are put side by side with their literals in place, then
    `parameters` are what differs."""

    modules: list[tuple[str, Any]]
    forward: list[Statement]
    starts: tuple[Start, ...]
    sequential: bool = False
    arguments: tuple[str, ...] = ("x",)  # of the forward
    name: str = ""
    docstring: list[str] = []
    parameters: dict[str, Any] = {}


class Program(Struct):
    """Everything that a file defines, in the order in which it is written; the last class is the
    net."""

    known: Signatures
    functions: list[Function] = []
    classes: list[Class] = []

    def called(self) -> set[str]:
        """The name of everything that is called somewhere."""
        trees: list[Any] = [function.tree for function in self.functions]
        for cls in self.classes:
            trees += [tree for _, tree in cls.modules]
            trees += [statement.value for statement in cls.forward]
        return {
            part.target
            for tree in trees
            for part in of_type(Call, parts(tree))
        }


def tidy(tree: Any, known: Signatures) -> Any:
    """The tree as it is written: without arguments that say what is so anyway, and with runs of
    children as loops."""
    if isinstance(tree, Comprehension):
        return Comprehension(tidy(tree.item, known), tree.loop)
    if not isinstance(tree, Call):
        return tree
    args, kwargs = list(tree.args), list(tree.kwargs)
    if tree.target in (
        "nn.Sequential",
        "StreamSequential",
        "sequential_from",
    ):
        args = compress(args, known)
    kwargs = [
        (name, tidy(value, known))
        for name, value in kwargs
        if not same(value, known.default(tree.target, name))
    ]
    if known.is_conv(tree.target):
        # what is handed on stands by place: nn.Conv2d(width_in, width, kernel_size, stride)
        names = known.roles(tree.target, len(args) + len(kwargs))[
            len(args) :
        ]
        for role, (name, value) in zip(names, tuple(kwargs), strict=True):
            if name != role or not isinstance(value, Ref):
                break
            args.append(value)
            del kwargs[0]
    return Call(
        tree.target, tuple(tidy(arg, known) for arg in args), tuple(kwargs)
    )

"""Plan → the text of a Python module that depends on torch alone and defines the net as one would
write it by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...language.init import Init
from ...ops.base import shape_text
from ...passes.inplace import inplace
from ...passes.starts import starts
from .init import reset_lines
from .lower import lower
from .program import Class, Function, Program, tidy
from .signatures import Signatures
from .support import REQUIRED, support_imports, support_texts
from .text import Group, Piece, comment, docstring, layout
from .tree import literal, piece

if TYPE_CHECKING:
    from ...plan import Plan

_IMPORTS = {
    "OrderedDict": "from collections import OrderedDict",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
}
_SEQUENTIAL_FROM = '''\
def sequential_from(first, *modules):
    """A Sequential that counts from `first`: the places before belong to what learns nothing."""
    places = (str(place) for place in range(first, first + len(modules)))
    return nn.Sequential(OrderedDict(zip(places, modules, strict=True)))
'''


def source(plan: Plan) -> str:
    """Readable PyTorch source: support classes, a function for each layer, a class for each block,
    the net.

    Its `state_dict` keys are the names of the plan's nodes. Deterministic to the byte; torch is not
    imported."""
    init = plan.spec.init or Init()
    begins = starts(
        plan.graph, zero_last=init.zero_last, zero_biases=init.conv != "torch"
    )
    program = lower(plan.graph, plan.name, inplace(plan.graph), begins)
    body = "\n\n\n".join(_parts(program, reset_lines(program, init)))
    own = sorted({node.op.imports for node in plan.graph.nodes.values()} - {""})
    imports = [
        *_imports(body),
        *(["", *(f"import {module}" for module in own)] if own else []),
    ]
    return "\n".join([*_header(plan), "", *imports, "", "", body]) + "\n"


def _header(plan: Plan) -> list[str]:
    about = getattr(plan.spec, "about", "")
    cost = plan.graph.cost
    return [
        *comment(f"{plan.name}: {about}" if about else plan.name),
        (
            f"# {cost.params:,} parameters, {cost.macs:,} multiply-adds for one"
            f" {shape_text(plan.input)} input."
        ),
        "# Written by resgraph.",
    ]


def _parts(program: Program, reset: list[str]) -> Iterator[str]:
    """Every definition, those that others need first."""
    called = program.called()
    yield from support_texts(called)
    if "sequential_from" in called:
        yield _SEQUENTIAL_FROM.rstrip()
    for function in program.functions:
        yield "\n".join(_function(function, program.known))
    *blocks, net = program.classes
    for cls in blocks:
        yield "\n".join(_class(cls, program.known))
    tail = [
        "",
        "    def reset_parameters(self):",
        *(f"        {line}" for line in _wrapped(reset)),
    ]
    yield "\n".join([*_class(net, program.known, reset=True), *tail])


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines of `reset_parameters`; a list of many classes is broken."""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        head, found, rest = line.partition("isinstance(module, (")
        if len(line) + 8 > 100 and found:
            names = tuple(rest.removesuffix(")):").split(", "))
            call: Piece = Group("isinstance(", ("module", Group("(", names)))
            yield from (
                text[8:] for text in layout(call, indent + 8, head.strip() + " ", ":")
            )
        else:
            yield line


def _function(function: Function, known: Signatures) -> list[str]:
    lines = _signature(f"def {function.name}(", function.parameters, 0)
    return lines + layout(piece(tidy(function.tree, known)), 4, "return ")


def _class(cls: Class, known: Signatures, *, reset: bool = False) -> list[str]:
    lines = [f"class {cls.name}(nn.{'Sequential' if cls.sequential else 'Module'}):"]
    lines += [*docstring(cls.docstring, 4), ""]
    lines += _signature("def __init__(", {"self": REQUIRED, **cls.parameters}, 4)
    if cls.sequential:
        tree = tidy(cls.modules[0][1], known)
        call = piece(tree)
        assert isinstance(call, Group)
        lines += layout(Group("super().__init__(", call.items), 8)
    else:
        lines += ["        super().__init__()"]
        for word, tree in cls.modules:
            lines += layout(piece(tidy(tree, known)), 8, f"self.{word} = ")
    if reset:
        lines += ["        self.reset_parameters()"]
    if cls.forward:
        lines += [
            "",
            "    def forward(self, x):",
            *(line for statement in cls.forward for line in statement.lines()),
        ]
    return lines


def _signature(head: str, parameters: Mapping[str, Any], indent: int) -> list[str]:
    items = [
        name if default is REQUIRED else f"{name}={literal(default)}"
        for name, default in parameters.items()
    ]
    return layout(Group(head, tuple(items)), indent, after=":")


def _imports(body: str) -> list[str]:
    """The imports that the body needs, sorted as isort would."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = {
        text for name, text in (support_imports() | _IMPORTS).items() if name in used
    }
    theirs = sorted((line for line in lines if "torch" in line), key=_plain_first)
    standard = sorted(lines.difference(theirs), key=_plain_first)
    return [*standard, "", *theirs] if standard else theirs


def _plain_first(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line

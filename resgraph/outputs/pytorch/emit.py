"""Plan → the text of a Python module that depends on torch alone and defines the net as one would
write it by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ...collecting import each_text
from ...dotted import first_word
from ...garbage import nothing_collected
from ...language.init import Init
from ...ops.base import shape_text
from ...passes.inplace import inplace as overwriting
from ...passes.starts import starts
from .forward import statement_lines
from .init import reset_lines
from .lower import lower
from .program import Class, Function, Program, tidy
from .signatures import Signatures
from .support import REQUIRED, support_imports, support_needed
from .text import Bracketed, comment, docstring, layout
from .tree import literal, piece

if TYPE_CHECKING:
    from ...plan import Plan

_SEQUENTIAL_FROM = '''\
def sequential_from(first, *modules):
    """A Sequential that counts from `first`: the places before belong to what learns nothing."""
    places = (str(place) for place in range(first, first + len(modules)))
    return nn.Sequential(OrderedDict(zip(places, modules, strict=True)))'''


@nothing_collected()
def source(
    plan: Plan,
    taken: Collection[str] = (),
    *,
    uses: Collection[str] = (),
    inplace: bool = True,
) -> str:
    """Readable PyTorch source: support classes, a function for each layer, a class for each block,
    the net.

    Its `state_dict` keys are the names of the plan's nodes. Without `inplace` no module and no sum
    writes over what it reads: the numbers are the same, and hooks see what they should.
    Deterministic to the byte; torch is not imported. What follows it in a file may have names
    `taken`, and import what it `uses`."""
    init = plan.spec.init or Init()
    begins = starts(
        plan.graph,
        zero_last=init.zero_last,
        zero_biases=init.conv != "torch",
    )
    over = overwriting(plan.graph) if inplace else frozenset()
    program = lower(plan.graph, plan.name, over, begins, taken)
    called = program.called()
    support = support_needed(called)
    texts = each_text(support)
    used = {"nn", *uses, *map(first_word, called)}
    used.update(*(definition.names for definition in support))
    if "sequential_from" in called:
        texts.append(_SEQUENTIAL_FROM)
        used.add("OrderedDict")
    texts += _definitions(
        program, reset_lines(program.classes, called, init)
    )
    imports = _imports(used)
    if own := sorted(
        {node.op.imports for node in plan.graph.nodes.values()} - {""}
    ):
        imports += ["", *(f"import {module}" for module in own)]
    head = "\n".join([*_header(plan), "", *imports])
    return "\n\n\n".join([head, *texts]) + "\n"


def _header(plan: Plan) -> list[str]:
    about = getattr(plan.spec, "about", "")
    cost = plan.graph.cost
    return [
        *comment(f"{plan.name}: {about}" if about else plan.name),
        (
            f"# {cost.params:,} parameters, {cost.macs:,} multiply-adds for one"
            f" {', '.join(map(shape_text, plan.inputs.values()))} input."
        ),
        "# Written by resgraph.",
    ]


def _definitions(program: Program, reset: list[str]) -> Iterator[str]:
    """Every definition, those that others need first; the net comes last, and has start values."""
    for function in program.functions:
        yield "\n".join(_function(function, program.known))
    *blocks, net = program.classes
    for cls in blocks:
        yield "\n".join([*_class(cls, program.known), *_forward(cls)])
    yield "\n".join(
        [
            *_class(net, program.known),
            "        self.reset_parameters()",
            *_forward(net),
            "",
            "    def reset_parameters(self):",
            *reset,
        ]
    )


def _function(function: Function, known: Signatures) -> list[str]:
    lines = _signature(f"def {function.name}(", function.parameters, 0)
    return lines + layout(piece(tidy(function.tree, known)), 4, "return ")


def _class(cls: Class, known: Signatures) -> list[str]:
    """A class up to the end of its constructor."""
    trees = [(word, tidy(tree, known)) for word, tree in cls.modules]
    base = trees[0][1].target if cls.sequential else "nn.Module"
    lines = [f"class {cls.name}({base}):"]
    lines += [*docstring(cls.docstring, 4), ""]
    lines += _signature(
        "def __init__(", {"self": REQUIRED, **cls.parameters}, 4
    )
    if cls.sequential:
        ((_, tree),) = trees
        return lines + layout(
            piece(replace(tree, target="super().__init__")), 8
        )
    lines.append("        super().__init__()")
    for word, tree in trees:
        lines += layout(piece(tree), 8, f"self.{word} = ")
    return lines


def _forward(cls: Class) -> Iterator[str]:
    if cls.forward:
        yield ""
        names = {"self": REQUIRED, **dict.fromkeys(cls.arguments, REQUIRED)}
        yield from _signature("def forward(", names, 4)
    yield from statement_lines(cls.forward)


def _signature(
    head: str, parameters: Mapping[str, Any], indent: int
) -> list[str]:
    items = [
        name if default is REQUIRED else f"{name}={literal(default)}"
        for name, default in parameters.items()
    ]
    return layout(Bracketed(head, tuple(items)), indent, after=":")


def _imports(used: Collection[str]) -> list[str]:
    """The imports of the names that are used, sorted as isort would."""
    known = support_imports()
    theirs = sorted(
        (known[name] for name in known.keys() & used), key=_plain_first
    )
    standard = ["from collections import OrderedDict", ""]
    return standard + theirs if "OrderedDict" in used else theirs


def _plain_first(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line

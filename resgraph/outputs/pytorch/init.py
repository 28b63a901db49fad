"""The `init:` section of a spec → the lines of `reset_parameters` that give a net its first
weights."""

from __future__ import annotations

from collections.abc import Sequence

from ...language.init import Init, Scheme, parse_scheme
from .program import Class, Program
from .support import support_bases
from .text import docstring

_CONVS = ("nn.Conv2d", "nn.ConvTranspose2d", "nn.Conv1d")
_DESCRIBED = {
    "he": "He et al. 2015",
    "xavier": "Glorot & Bengio 2010",
    "lecun": "LeCun et al. 1998",
    "normal": "a normal distribution",
    "trunc normal": "a truncated normal distribution",
    "torch": "torch's own",
}


def reset_lines(program: Program, init: Init) -> list[str]:
    """The body of the net's `reset_parameters(self)`, which sets every parameter and buffer."""
    called = program.called()
    # with parameters beside the weight
    own = sorted(name for name in called if set(support_bases(name)) & set(_CONVS))
    made = called.union(*(support_bases(name) for name in called))
    lines = ["for module in self.modules():"]
    if own:
        lines += [
            f"    if isinstance(module, {_kinds(own)}):",
            "        module.reset_parameters()",
        ]
    word, said = "if", []
    for scheme, (kinds, names) in _cases(made, init).items():
        lines += [f"    {word} isinstance(module, {_kinds(names)}):", *_set(scheme)]
        word = "elif"
        said.append(f"{_DESCRIBED[scheme.kind]} for {' and '.join(kinds)}")
    lines += [
        f'    {word} module is not self and hasattr(module, "reset_parameters"):',
        "        module.reset_parameters()",
    ]
    said.append("torch's own for the rest" if said else "torch's own")
    summary = docstring([f"Start values: {', '.join(said)}."], 8)
    return [*(line[8:] for line in summary), *lines, *_starts(program.classes)]


def _cases(made: set[str], init: Init) -> dict[Scheme, tuple[list[str], list[str]]]:
    """What each scheme is for, in words and as the classes that are made; torch's own needs no
    case."""
    cases: dict[Scheme, tuple[list[str], list[str]]] = {}
    for kind, names, text in (
        ("convolutions", _CONVS, init.conv),
        ("linear layers", ("nn.Linear",), init.fc),
    ):
        scheme, found = parse_scheme(text), [name for name in names if name in made]
        if found and scheme.kind != "torch":
            kinds, classes = cases.setdefault(scheme, ([], []))
            kinds.append(kind)
            classes += found
    return cases


def _kinds(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _set(scheme: Scheme) -> list[str]:
    """The weight by a scheme, the bias 0."""
    return [
        f"        nn.init.{_call(scheme)}",
        "        if module.bias is not None:",
        "            nn.init.zeros_(module.bias)",
    ]


def _call(scheme: Scheme) -> str:
    form = "uniform_" if scheme.uniform else "normal_"
    if scheme.kind == "he":
        return f'kaiming_{form}(module.weight, mode="fan_{scheme.fan}", nonlinearity="relu")'
    if scheme.kind == "lecun":
        return 'kaiming_normal_(module.weight, mode="fan_in", nonlinearity="linear")'
    if scheme.kind == "xavier":
        return f"xavier_{form}(module.weight)"
    return f"{scheme.kind.replace(' ', '_')}_(module.weight, std={scheme.std!r})"


def _starts(classes: Sequence[Class]) -> list[str]:
    """The parameters that do not start as their layers say, by the class of their block; the net's
    own last."""
    *blocks, net = classes
    groups: dict[tuple[str, ...], list[str]] = {}
    for cls in blocks:
        if cls.starts:
            lines = tuple(
                _constant("module", start.parameter, start.value)
                for start in cls.starts
            )
            groups.setdefault(lines, []).append(cls.name)
    out = ["for module in self.modules():"] if groups else []
    for lines, names in groups.items():
        out += [
            f"    if isinstance(module, {_kinds(names)}):",
            *(f"        {line}" for line in lines),
        ]
    return out + [
        _constant("self", start.parameter, start.value) for start in net.starts
    ]


def _constant(owner: str, parameter: str, value: float) -> str:
    if value == 0:
        return f'nn.init.zeros_({owner}.get_parameter("{parameter}"))'
    return f'nn.init.constant_({owner}.get_parameter("{parameter}"), {value!r})'

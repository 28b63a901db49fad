"""The `init:` section of a spec → the lines of `reset_parameters` that give a net its first
weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...collecting import among, by_key, keyed
from ...language.init import Init, Scheme, parse_scheme
from ...passes.starts import Start
from .program import Class
from .support import support_bases, support_reads
from .text import Bracketed, TextPiece, docstring, layout

_CONVS = tuple(
    f"nn.Conv{kind}{n}d" for n in (2, 1, 3) for kind in ("", "Transpose")
)
_DESCRIBED = {
    "he": "He et al. 2015",
    "xavier": "Glorot & Bengio 2010",
    "lecun": "LeCun et al. 1998",
    "normal": "a normal distribution",
    "trunc normal": "a truncated normal distribution",
    "dirac": "the identity in the first filters",
    "torch": "torch's own",
}


def reset_lines(
    classes: Sequence[Class], called: set[str], init: Init
) -> list[str]:
    """The body of the net's `reset_parameters(self)`, which sets every parameter and buffer; what
    is `called` somewhere is made."""
    bases = keyed(support_bases, called)
    # support classes with parameters beside the weight of a convolution
    own = sorted(
        name for name in called if not set(_CONVS).isdisjoint(bases[name])
    )
    reset = ["module.reset_parameters()"]
    lines = ["        for module in self.modules():"]
    if own:
        lines += _case("if", own, reset)
    word, described = "if", []
    made = called.union(*bases.values(), *map(support_reads, called))
    cases = _cases(made, init)
    for scheme, (kinds, names) in cases.items():
        lines += _case(word, names, _set(scheme))
        word = "elif"
        described.append(
            f"{_DESCRIBED[scheme.kind]} for {' and '.join(kinds)}"
        )
    rest = f'{word} module is not self and hasattr(module, "reset_parameters"):'
    described.append(
        "torch's own for the rest" if described else "torch's own"
    )
    return [
        *docstring([f"Start values: {', '.join(described)}."], 8),
        *lines,
        *_indented(12, [rest]),
        *_indented(16, reset),
        *_starts(classes),
    ]


def _indented(columns: int, lines: Iterable[str]) -> list[str]:
    return [" " * columns + line for line in lines]


def _case(
    word: str, names: Sequence[str], body: Iterable[str]
) -> list[str]:
    """`if isinstance(module, …):` for one class or for several, and what follows."""
    kinds: TextPiece = (
        names[0] if len(names) == 1 else Bracketed("(", tuple(names))
    )
    head = layout(
        Bracketed("isinstance(", ("module", kinds)), 12, f"{word} ", ":"
    )
    return [*head, *_indented(16, body)]


def _cases(
    made: set[str], init: Init
) -> dict[Scheme, tuple[list[str], list[str]]]:
    """What each scheme is for, in words and as the classes that are made; torch's own needs no
    case."""
    cases: dict[Scheme, tuple[list[str], list[str]]] = {}
    for kind, names, text in (
        ("convolutions", _CONVS, init.conv),
        ("linear layers", ("nn.Linear",), init.fc),
    ):
        scheme = parse_scheme(text)
        found = among(names, made)
        if found and scheme.kind != "torch":
            kinds, classes = cases.setdefault(scheme, ([], []))
            kinds.append(kind)
            classes += found
    return cases


def _set(scheme: Scheme) -> list[str]:
    """The weight by a scheme, the bias 0; with `dirac` as torch has it but for the first
    filters."""
    if scheme.kind == "dirac":
        first = "module.weight.detach()[: module.weight.shape[1]]"
        return ["module.reset_parameters()", f"nn.init.dirac_({first})"]
    return [
        f"nn.init.{_call(scheme)}",
        "if module.bias is not None:",
        "    nn.init.zeros_(module.bias)",
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
    groups = by_key(
        (
            tuple(_constant("module", start) for start in cls.starts),
            cls.name,
        )
        for cls in blocks
        if cls.starts
    )
    out = ["        for module in self.modules():"] if groups else []
    for lines, names in groups.items():
        out += _case("if", names, lines)
    return out + _indented(
        8, (_constant("self", start) for start in net.starts)
    )


def _constant(owner: str, start: Start) -> str:
    parameter = f'{owner}.get_parameter("{start.parameter}")'
    if start.value == 0:
        return f"nn.init.zeros_({parameter})"
    return f"nn.init.constant_({parameter}, {start.value!r})"

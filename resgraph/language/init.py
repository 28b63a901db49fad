"""The `init:` section of a spec: how weights start, as text that is checked (`he fan in`, `trunc
normal 0.02`)."""

import re
from typing import Annotated, Literal

from ..errors import Hint
from ..structs import Frozen
from .diagnose.keys import refused
from .diagnose.nearest import certain, meant
from .record import Info, Record, Validator

InitKind = Literal[
    "he", "xavier", "lecun", "normal", "trunc normal", "dirac", "torch"
]

_SCHEMES: dict[str, InitKind] = {
    "he": "he",
    "xavier": "xavier",
    "lecun": "lecun",
    "dirac": "dirac",
    "torch": "torch",
}


_SCHEMES_LISTED = (
    "one of `he`, `he fan in`, `he uniform`, `xavier`, `xavier uniform`, `lecun`, `normal 0.01`, "
    "`trunc normal 0.02`, `dirac`, `torch`"
)


class Scheme(Frozen):
    """A parsed scheme. `fan` and `uniform` are of he and xavier, `std` of the two normals."""

    kind: InitKind
    fan: Literal["in", "out"] = "out"
    uniform: bool = False
    std: float = 0.0


_HE = (
    "he",
    "he fan in",
    "he fan out",
    "he uniform",
    "he uniform fan in",
    "he uniform fan out",
)
_WORDED = (*_HE, "xavier", "xavier uniform", "lecun", "dirac", "torch")


def parse_scheme(text: str) -> Scheme:
    """`he uniform fan in` → `Scheme("he", "in", True)`. Raises `ValueError` with what would be
    right."""
    words = " ".join(text.split())
    number = re.fullmatch(
        r"(trunc )?normal ([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)", words
    )
    if number and 0 <= float(number[2]) <= 100:
        return Scheme(
            "trunc normal" if number[1] else "normal", std=float(number[2])
        )
    if words not in _WORDED:
        raise refused(
            f"no scheme `{text}`", _meant(words) or _SCHEMES_LISTED
        )
    name, _, rest = words.partition(" ")
    return Scheme(
        _SCHEMES[name],
        "in" if rest.endswith("fan in") else "out",
        rest.startswith("uniform"),
    )


def _meant(words: str) -> Hint:
    """What was meant by a scheme in which one word is wrong."""
    found = re.fullmatch(r"([^0-9]*)( [0-9.]+)", words)
    name, number = found.groups() if found else (words, "")
    right = certain(name, ["normal", "trunc normal"] if number else _WORDED)
    return (
        meant(right + number, sure=True)
        if right and right != name
        else Hint()
    )


def _checked(text: str, _: Info) -> str:
    parse_scheme(text)
    return text


def _of_matrices(text: str, _: Info) -> str:
    if parse_scheme(text).kind == "dirac":
        raise refused(
            "`dirac` is for convolutions, whose first filters then pass on what they read",
            "write `fc: torch`, or another scheme",
        )
    return text


SchemeText = Annotated[str, Validator(_checked)]


class Init(Record):
    """How weights start. Where nothing is said: convolutions after He et al. 2015 (normal, fan
    out), `fc` as in torch.

    `dirac` is torch's own, and of as many filters as there are channels to read the identity
    (Zagoruyko, Komodakis 2017, arXiv 1706.00388). `zero_last` starts the last norm of each residual
    branch at 0 (Goyal et al. 2017, section 5.1).
    """

    conv: SchemeText = "he"
    fc: Annotated[SchemeText, Validator(_of_matrices)] = "torch"
    zero_last: bool = False

r"""A line of text → LaTeX's commands for it, in ASCII, so that every engine and every encoding
reads the same.

Accents are commands (`\v{c}`), Greek and signs are mathematics (`$\alpha$`): no package is asked of
a paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import filterfalse

from ....collecting import each_value, flatten


def _table(text: str) -> dict[str, str]:
    """Characters and what is written for each, in turn."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\char34{}",
    "`": r"\`{}", "\xa0": "~",
}  # fmt: skip
_LETTERS = _table(
    r"""
    ß ss   æ ae   Æ AE   œ oe   Œ OE   ø o   Ø O   ł l   Ł L   ı i   ȷ j   § S   ¶ P   † dag
    ‡ ddag   © copyright   £ pounds   – textendash   — textemdash   ‘ textquoteleft
    ’ textquoteright   “ textquotedblleft   ” textquotedblright   … dots   ¡ textexclamdown
    ¿ textquestiondown   • textbullet   ® textregistered   ™ texttrademark   ª textordfeminine
    º textordmasculine
    """
)
_T1 = _table(
    r"""
    ð dh   Ð DH   đ dj   Đ DJ   þ th   Þ TH   ŋ ng   Ŋ NG   « guillemotleft   » guillemotright
    ‹ guilsinglleft   › guilsinglright   „ quotedblbase   ‚ quotesinglbase
    """
)
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0328": "k", "\u0331": "b",
}  # fmt: skip
_SIGNS = _table(
    r"""
    × times   ÷ div   − -   ± pm   ∓ mp   · cdot   → to   ← gets   ↑ uparrow   ↓ downarrow
    ↔ leftrightarrow   ⇒ Rightarrow   ⇐ Leftarrow   ⇔ Leftrightarrow   ↦ mapsto   ≤ leq   ≥ geq
    ≠ neq   ≈ approx   ≡ equiv   ∼ sim   ∝ propto   ∞ infty   ∑ sum   ∏ prod   ∫ int   √ surd
    ∂ partial   ∇ nabla   ∈ in   ∉ notin   ⊂ subset   ⊆ subseteq   ∪ cup   ∩ cap   ∅ emptyset
    ∀ forall   ∃ exists   ¬ neg   ∧ wedge   ∨ vee   ⊕ oplus   ⊗ otimes   ⊙ odot   ∘ circ   ∗ ast
    ⋅ cdot   ⋯ cdots   ℓ ell   ° ^\circ   ¹ ^1   ² ^2   ³ ^3   ⁰ ^0   ½ frac12   ¼ frac14
    ¾ frac34   ′ prime   ‖ Vert   ⟨ langle   ⟩ rangle   µ mu   ϵ epsilon   ϕ phi   ϑ vartheta
    ς varsigma   ∥ parallel   ⊥ perp   ⁴ ^4   ⁵ ^5   ⁶ ^6   ⁷ ^7   ⁸ ^8   ⁹ ^9   ₀ _0   ₁ _1
    ₂ _2   ₃ _3   ₄ _4   ₅ _5   ₆ _6   ₇ _7   ₈ _8   ₉ _9   α alpha   β beta   γ gamma   δ delta
    ε varepsilon   ζ zeta   η eta   θ theta   ι iota   κ kappa   λ lambda   μ mu   ν nu   ξ xi
    ο o   π pi   ρ rho   σ sigma   τ tau   υ upsilon   φ varphi   χ chi   ψ psi   ω omega
    Γ Gamma   Δ Delta   Θ Theta   Λ Lambda   Ξ Xi   Π Pi   Σ Sigma   Υ Upsilon   Φ Phi   Ψ Psi
    Ω Omega
    """
)
_LIGATURE = re.compile("([-,'])(?=\\1)")
"""What TeX draws as another sign when it comes twice: `--` is a dash, `''` a quote."""
_LIKE_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
"""Greek letters that mathematics has no command for, since they look as Latin ones do."""


def escape(text: str) -> str:
    """Text that LaTeX sets as it stands. Raises `ValueError` for a character that it cannot set
    (`lacking`)."""
    return _LIGATURE.sub(
        r"\1{\\kern0pt}", "".join(map(_written, _clusters(text)))
    )


def lacking(texts: Iterable[str]) -> list[str]:
    """The characters of `texts` that `escape` cannot write, each once."""
    clusters = flatten(map(_clusters, texts))
    return [*filterfalse(_can, dict.fromkeys(clusters))]


def _clusters(text: str) -> Iterable[str]:
    """Characters, each with the accents that follow it."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            yield unicodedata.normalize("NFC", text[start:place])
            start = place


def _can(cluster: str) -> bool:
    try:
        _written(cluster)
    except ValueError:
        return False
    return True


def _written(cluster: str) -> str:
    if cluster in _WRITTEN:
        return _WRITTEN[cluster]
    apart = unicodedata.normalize("NFD", cluster)
    base = apart[0]
    accents = apart[1:]
    out = _WRITTEN.get(base, "")
    if (
        not accents
        or (base not in _LETTERS and not base.isascii())
        or not set(accents) <= set(_ACCENTS)
    ):
        raise ValueError(f"LaTeX has no command for {cluster!r}")
    for accent in accents:
        out = f"\\{_ACCENTS[accent]}{{{out}}}"
    return out


def _mathematics(sign: str) -> str:
    return f"${sign}$" if sign[0] in "^_-" else rf"$\{sign}$"


_WRITTEN = {
    **each_value(_mathematics, _SIGNS),
    **{
        character: rf"{{\fontencoding{{T1}}\selectfont\{name}}}"
        for character, name in _T1.items()
    },
    **{character: rf"\{name}{{}}" for character, name in _LETTERS.items()},
    **_LIKE_LATIN,
    **{character: character for character in map(chr, range(32, 127))},
    **_SPECIAL,
}
"""How each character without accents is written."""

"""A value that YAML cut at a comma in brackets → the mistake, and the value in one piece.

In braces `merge: concat(x, body)` loads as `merge: "concat(x"` and `"body)": null`, without a word.
"""

from __future__ import annotations

from msgspec import Struct

from resgraph.errors import Diagnostic, Hint, fault

from ..foreign import plain_calls
from ..torch_call import call_meant
from .mistakes import number_meant
from .places import Places
from .scalars import shown
from .tree import Scalar, bare


class Split(Struct):
    """The pieces so far: they began at `start`, and `depth` brackets are open after the last."""

    start: int
    key: Scalar | None  # whose value was cut, in a mapping
    first: int  # the place of the first piece, in a list
    depth: int = 0

    def whole(self, end: int, places: Places) -> tuple[Scalar, Diagnostic]:
        """The value as it was meant, and what to tell its writer."""
        written = places.text[self.start : end]
        span = places.span(self.start, end)
        text = " ".join(written.replace(",", " ").split())
        note = ""
        hint: str | Hint = "close it, or put quotes around the text"
        if self.depth < 0:
            message = (
                f"{shown(written)} closes a bracket that was not opened"
            )
            hint = "take it out, or put quotes around the text"
        elif self.depth > 0:
            message = f"{shown(written)} opens a bracket that is not closed"
        else:
            message = f"a comma cuts {shown(written)} in pieces"
            note = (
                "between `[ ]` or `{ }`, YAML ends a value at every comma"
            )
            hint = Hint(
                f"leave the comma out: {shown(text, 80)}",
                text,
                not number_meant(written),
            )
            if (layer := call_meant(written)).write:
                text, hint = layer.write, layer
            elif (plain := plain_calls(written)) != written:
                text, hint = plain, Hint(f"write {shown(plain, 80)}", plain)
        notes = (note,) if note else ()
        return (
            bare(text, span),
            fault("E009", message, span, hint, *notes).diagnostic,
        )


def brackets(text: str, depth: int) -> int:
    """How many round brackets are open after `text`; -1 as soon as one is closed too many."""
    if "(" not in text and ")" not in text:
        return depth
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
    return depth

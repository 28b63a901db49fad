"""PyYAML's error → a diagnostic in plain words, at the place where the mistake was made."""

from __future__ import annotations

import re
from typing import Any

from resgraph.errors import NOWHERE, Diagnostic, Hint, Related, Span, write

from .mistakes import mistake
from .places import Places
from .scalars import shown
from .tree import Scalar, Sequence

_INDEXED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[([0-9]+)\]")
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{0,2}|u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8})"
)
_NO_SPACE = re.compile(r"\s*([\w-]+:)(?=\S)")
_ASSIGNED = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=\s*(?=[^\s=])")
_LABELLED = re.compile(
    r"([A-Za-z][^\[\]{},:]* [^\[\]{},:]*[^\[\]{},:\s]) *$"
)
_QUOTES = "put quotes around the text"
_WRITE = f"write it, or {_QUOTES}"
_AFTER = "take it out, or put quotes around all of the text"
_REFUSED = {  # words of PyYAML's messages
    "anchor": "anchors",
    "an alias": "aliases",
    " a tag": "tags",
    "tag handle": "tags",
    "<tag>": "tags",
    "directive": "directives",
    "incompatible YAML": "directives",
}
_COLUMN = (
    "the keys of one map start in one column, and what belongs below a key"
    " is indented further"
)
_IN_FLOW = {
    ":": (
        "a second colon in one entry",
        f"put a comma between entries, or {_QUOTES}",
    ),
    ",": (
        "a value is missing before this comma",
        "write it, or take the comma out",
    ),
}
_NO_COMMA = ("a comma is missing before this", _WRITE)


def not_a_spec(
    root: Scalar | Sequence | None, places: Places
) -> Diagnostic:
    """A file whose value is no mapping."""
    hint = "a spec begins with lines such as `name: ResNet-50` and `input: 3x224x224`"
    if root is None or (
        isinstance(root, Scalar)
        and root.plain
        and root.text in ("", "none")
    ):
        return mistake(
            "E003", "the file says nothing", places.span(0, 0), hint
        )
    if isinstance(root, Scalar) and _NO_SPACE.match(root.text):
        hint = "put a space after the colon"
    what = "a list" if isinstance(root, Sequence) else "text"
    said = f"a spec is a map of `name: value` lines, and this is {what}"
    return mistake("E003", said, root.span, hint)


def syntax_error(error: Exception, places: Places) -> Diagnostic:
    """What PyYAML's scanner or parser (C or Python) complains of."""
    if not hasattr(error, "problem_mark") or error.problem_mark is None:
        said = str(error).split("\n")[0][:80]
        return mistake(
            "E003", f"this is not YAML: {said}", places.span(0, 1)
        )
    return _Complaint(error, places).diagnostic()


class _Complaint:
    """One error of PyYAML: what it says, where it stood, and where the thing that it was reading
    began."""

    def __init__(self, error: Any, places: Places) -> None:
        self.places, self.text = places, places.text
        self.problem, self.context = (
            str(error.problem or ""),
            str(error.context or ""),
        )
        self.at = min(error.problem_mark.index, len(self.text))
        self.start = (
            min(error.context_mark.index, self.at)
            if error.context_mark
            else self.at
        )
        self.character = self.text[self.at : self.at + 1]

    def diagnostic(self) -> Diagnostic:
        """The first reading that fits."""
        for reading in _READINGS:
            if found := reading(self):
                return found
        return self.error(f"this is not YAML: {self.problem[:80]}")

    def error(
        self,
        message: str,
        hint: str | Hint = "",
        span: Span = NOWHERE,
        *related: Related,
        label: str = "",
    ) -> Diagnostic:
        """A syntax error, at the place of the complaint if no other is given."""
        return mistake(
            "E003",
            message,
            span or self.here(),
            hint,
            *related,
            label=label,
        )

    def here(self, length: int = 1) -> Span:
        """The place of the complaint; at the end of the text, the last character that is not
        blank."""
        if self.text[self.at :].strip():
            return self.places.span(self.at, self.at + length)
        last = len(self.text.rstrip())
        return self.places.span(last - 1, last)

    def before(self) -> str:
        """What stands on the line before the complaint."""
        return self.text[self.places.line(self.at)[0] : self.at]

    # -- readings ----------------------------------------------------------------------------------

    def refused(self) -> Diagnostic | None:
        """Anchors, aliases, tags and directives that YAML cannot read either."""
        for word, what in _REFUSED.items():
            if word in self.context or word in self.problem:
                start = self.start if word in self.context else self.at
                span = self.places.span(start, start + 1)
                hint = "" if what == "directives" else f", or {_QUOTES}"
                return mistake(
                    "E006",
                    f"a spec has no {what}",
                    span,
                    f"take it out{hint}",
                )
        return None

    def tab(self) -> Diagnostic | None:
        """Tabs where only spaces can stand."""
        if self.character != "\t":
            return None
        length = len(self.text[self.at :]) - len(
            self.text[self.at :].lstrip("\t")
        )
        said = "a line is indented with a tab"
        hint = Hint("indent with spaces, two for each level")
        if self.before().strip():
            said = "a tab stands where a space belongs"
            hint = Hint("write one space", " ", True)
        return self.error(said, hint, self.here(length), label="a tab")

    def quote(self) -> Diagnostic | None:
        """Inside quotes."""
        if "quoted scalar" not in self.context:
            return None
        quote = self.text[self.start : self.start + 1]
        if "end of stream" in self.problem or "document" in self.problem:
            return self.unclosed("quote", shown(quote))
        slash = max(
            self.start, self.text.rfind("\\", self.start, self.at + 1)
        )
        escape = _ESCAPE.match(self.text, slash)
        written = escape[0] if escape else self.text[slash : slash + 2]
        span = self.places.span(slash, slash + len(written))
        hint = "write `\\\\` for a backslash, or use single quotes"
        if re.match(r"\\u[dD][89a-fA-F]", written):
            hint = (
                "it is half of a pair: write the character itself,"
                " or both halves, `\\ud83d\\ude00`"
            )
        return self.error(f"invalid escape {shown(written)}", hint, span)

    def opening(self) -> Span:
        """Where what PyYAML was reading began."""
        return self.places.span(self.start, self.start + 1)

    def unclosed(self, what: str, closer: str) -> Diagnostic:
        said = f"this {what} is not closed"
        hint = f"put a {closer} at its end"
        return self.error(said, hint, self.opening(), label="opened here")

    def index(self) -> Diagnostic | None:
        """`reps[0]`, which is text in a line of its own and a list in a list."""
        for found in _INDEXED.finditer(
            self.text, *self.places.line(self.at)
        ):
            if (
                "flow" in self.context
                and found.start() < self.at < found.end()
            ):
                said = f"brackets after a name do not work here: {shown(found[0])}"
                hint = write(f"{found[1]}.{found[2]}")
                return self.error(
                    said, hint, self.places.span(*found.span())
                )
        return None

    def flow(self) -> Diagnostic | None:
        """Inside brackets and braces."""
        opener = self.text[self.start : self.start + 1]
        if "flow" not in self.context or opener not in ("[", "{"):
            return None
        what, closer = ("list", "]") if opener == "[" else ("map", "}")
        other_line = self.places.line_of(self.start) != self.places.line_of(
            self.at
        )
        if not self.text[self.at :].strip() or (
            other_line and self.character == ":"
        ):
            return self.unclosed(what, f"`{closer}`")
        if self.character in "]}":
            said = (
                f"a {what} that begins with `{opener}` ends with `{closer}`"
            )
            related = Related(self.opening(), "opened here")
            return self.error(said, "", NOWHERE, related)
        if found := self.character == "[" and _LABELLED.search(
            self.before()
        ):
            return self._list_in_a_label(found[1])
        return self.error(*_IN_FLOW.get(self.character, _NO_COMMA))

    def _list_in_a_label(self, label: str) -> Diagnostic:
        hint = "a comma parts it from the label, as one item of a list from the next"
        if label.endswith(" shortcut"):
            block = label.split()[0]
            hint = f"a path takes the long form: `{{block: {block}, shortcut: […]}}`"
        return self.error("a list cannot stand within a label", hint)

    def colon(self) -> Diagnostic | None:
        """A colon too many, or too few."""
        if "unexpected ':'" in self.problem:
            return self.error("a value is missing after this colon", _WRITE)
        if "could not find expected ':'" in self.problem:
            return self.no_entry(self.start)
        if "mapping values are not allowed" not in self.problem:
            return None
        before = self.before()
        if re.search(r":\s", before):
            hint = f"{_QUOTES}, or give the key its own line"
            return self.error("a second colon on one line", hint)
        above = len(self.text[: self.at - len(before)].rstrip())
        line = self.text[slice(*self.places.line(above))] if above else ""
        if line and not re.search(r":(\s|$)|^\s*#", line):
            return self.no_entry(above)
        begin = self.at - len(before.lstrip())
        span = self.places.span(begin, max(self.at, begin + 1))
        said = "this key is indented below a key that has a value"
        return self.error(said, _COLUMN, span)

    def no_entry(self, offset: int) -> Diagnostic:
        """A line without a colon that ends a key."""
        start, end = self.places.line(offset)
        line = self.text[start:end]
        span = self.places.span(
            start + len(line) - len(line.lstrip()),
            start + len(line.rstrip()),
        )
        hint = Hint("write `name: value`")
        if found := _ASSIGNED.match(line) or _NO_SPACE.match(line):
            place = self.places.span(
                start + found.start(1), start + found.end()
            )
            said, key = "put a space after the colon", found[1]
            if not key.endswith(":"):
                said, key = f"write `{key}: …`", f"{key}:"
            hint = Hint(said, f"{key} ", True, place)
        return self.error("this line is not `name: value`", hint, span)

    def block(self) -> Diagnostic | None:
        """Between the lines of a map or a list."""
        listed = "block collection" in self.context
        if not listed and "block mapping" not in self.context:
            return None
        if self.character and self.character in "]}":
            return self.error(
                f"unmatched `{self.character}`", "take it out"
            )
        if self.before().strip(" -"):
            return self.error("a value has ended, and more follows", _AFTER)
        said = "this line is indented like none above it"
        if listed:
            said = "a list goes on with `-`, and this line has none"
        elif self.text.startswith("- ", self.at):
            said = "a key is expected here, not an item of a list"
        return self.error(said, _COLUMN)

    def start_of_value(self) -> Diagnostic | None:
        """A character that starts no value, and content where none can be."""
        if "cannot start any token" in self.problem:
            said = f"a value cannot begin with {shown(self.character)}"
            return self.error(said, _QUOTES)
        if "sequence entries are not allowed" in self.problem:
            hint = "begin the list on the next line, or write it in brackets: `[a, b]`"
            return self.error(
                "a list with `-` cannot begin on this line", hint
            )
        if "block scalar" in self.context:
            hint = "begin the text on the next line"
            return self.error(
                "nothing but a comment can follow `|` or `>`", hint
            )
        if self.text.startswith("...", self.at):
            said = "`...` ends a document, and none has begun"
            return self.error(said, "take it out", self.here(3))
        if "document start" in self.problem:
            return self.error(
                "the value of the file has ended, and more follows", _AFTER
            )
        if "node content" in self.problem and self.character in [*"]},:"]:
            said = f"a value cannot begin with `{self.character}`"
            return self.error(said, f"take it out, or {_QUOTES}")
        return None


_READINGS = (
    _Complaint.refused, _Complaint.tab, _Complaint.quote, _Complaint.index,
    _Complaint.flow, _Complaint.colon, _Complaint.block, _Complaint.start_of_value,
)  # fmt: skip
"""In the order in which they are tried."""

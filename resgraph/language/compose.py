"""YAML events → a tree with places, and every mistake that YAML itself would let pass."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import Diagnostic, Related, Span
from .characters import FORBIDDEN, described
from .limits import Limits, Stop
from .places import Places
from .scalars import Refusal, read_plain, shown
from .tree import Entry, Mapping, Scalar, Sequence, Tree

_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*")


@dataclass(slots=True)
class _Torn:
    """A value in a flow collection that a comma inside brackets has split, until its brackets balance."""

    start: int
    key: Scalar | None  # whose value was split, in a mapping
    first: int  # the place of the first piece, in a list
    balance: int = 0


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. A mapping expects a key where there is no `key` and nothing to `drop`."""

    node: Sequence | Mapping
    start: int
    end: int
    key: Scalar | None = None
    drop: bool = False  # the next value belongs to a key that was refused
    torn: _Torn | None = None

    @property
    def expects_key(self) -> bool:
        return isinstance(self.node, Mapping) and self.key is None and not self.drop


@dataclass
class Composer:
    """Builds one tree, without recursion. `errors` are the mistakes; what is wrong is mended, so that reading goes on."""

    places: Places
    limits: Limits
    errors: list[Diagnostic] = field(default_factory=list)
    root: Tree | None = None
    stack: list[_Open] = field(default_factory=list)
    count: int = 0
    documents: int = 0

    def compose(self, events: Iterable[Any]) -> None:
        """Read all events. Raises `Stop` at a limit or a second document, and whatever `events` raises."""
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
            yaml.DocumentStartEvent: self._document,
        }
        for event in events:
            if handler := handlers.get(type(event)):
                handler(event)

    def report(
        self, code: str, message: str, span: Span, label: str = "", hint: str = "", *related: Related
    ) -> None:
        """Keep one mistake. Raises `Stop` when there are more than anyone would read."""
        self.errors.append(Diagnostic(code, message, span, label, (), hint, related))
        if len(self.errors) >= self.limits.errors:
            message = f"the first {self.limits.errors} mistakes are told, and the file is read no further"
            self.errors.append(Diagnostic("E004", message, span))
            raise Stop

    # -- events -------------------------------------------------------------------------------------------------------

    def _document(self, event: Any) -> None:
        if event.version or event.tags:
            line = re.search(r"^%.*", self.places.text, re.MULTILINE)
            span = self.places.span(*(line.span() if line else (0, 1)))
            self.report("E006", "a spec has no `%` lines", span, "", "take it out")
        self.documents += 1
        if self.documents > 1:
            start = event.start_mark.index
            hint = "give each spec its own file, or make them `variants` of one"
            self.report("E006", "a second document begins here", self.places.span(start, start + 3), "", hint)
            raise Stop

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        self._counted(start)
        span, text = self.places.span(start, end), self.places.text[start:end]
        hint = "write the value out, or name it in `let:`; if text is meant, put quotes around it"
        self.report("E006", f"{shown(text)} is an alias, which a spec does not have", span, "", hint)
        if self.stack and self.stack[-1].expects_key:
            self.stack[-1].drop = True
        else:
            self._add(Scalar(text, text, span, True), end)

    def _open(self, event: Any) -> None:
        start = event.start_mark.index
        self._counted(start)
        self._refuse_properties(event)
        if len(self.stack) >= self.limits.depth:
            message = f"values stand {len(self.stack) + 1} deep in one another, and the limit is {self.limits.depth}"
            self.report("E004", message, self.places.span(start, start + 1))
            raise Stop
        flow, span = bool(event.flow_style), self.places.span(start, start)
        listed = isinstance(event, yaml.SequenceStartEvent)
        self.stack.append(
            _Open(Sequence([], span, flow) if listed else Mapping({}, span, flow), start, start)
        )

    def _close(self, event: Any) -> None:
        top = self.stack[-1]
        if top.torn:
            self._mend(top, top.end)
        self.stack.pop()
        end = event.end_mark.index
        if not (top.node.flow and self.places.text[end - 1 : end] in ("]", "}")):
            end = top.end  # a block's end mark is where the next token starts
        top.node.span = self.places.span(top.start, end)
        self._add(top.node, end)

    def _scalar(self, event: Any) -> None:
        start, end = self._content(event)
        self._counted(start)
        text, plain = event.value, event.style not in ("'", '"', "|", ">")
        scalar = Scalar(text, text, self.places.span(start, end), plain)
        top = self.stack[-1] if self.stack else None
        if top and top.node.flow and plain and self._tear(top, text, start, end):
            return
        if hidden := FORBIDDEN.search(text):
            message = f"this text holds {described(hidden[0])}, by an escape"
            self.report("E002", message, scalar.span, "", "take it out")
        bare = self._refuse_properties(event)
        if top and top.expects_key:
            top.end = end
            self._key(top, scalar)
            return
        if plain and bare and not (top and top.drop):
            self._resolve(top, scalar, start)
        self._add(scalar, end)

    def _content(self, event: Any) -> tuple[int, int]:
        """Where a scalar's text stands: inside the quotes, below the `|`."""
        start, end, text = event.start_mark.index, event.end_mark.index, self.places.text
        if event.style in ("'", '"'):
            return text.find(event.style, start) + 1, end - 1
        if event.style in ("|", ">"):
            body = text[text.find("\n", start, end) + 1 : end]
            return (
                (end - len(body.lstrip()), end - len(body) + len(body.rstrip()))
                if body.strip()
                else (start, start + 1)
            )
        if event.anchor or event.tag:
            return max(start, end - len(event.value)), end
        return start, end

    # -- values and keys ----------------------------------------------------------------------------------------------

    def _add(self, tree: Tree, end: int) -> None:
        """Put a finished value where it belongs."""
        if not self.stack:
            self.root = tree
            return
        top = self.stack[-1]
        top.end = max(top.end, end)
        if isinstance(top.node, Sequence):
            top.node.items.append(tree)
        elif top.drop:
            top.drop = False
        elif top.key:
            top.node.entries[top.key.text] = Entry(top.key, tree)
            top.key = None
        else:
            top.drop = True
            if not top.torn:
                what = "a list" if isinstance(tree, Sequence) else "a map"
                self.report("E005", f"a key is a name, and this is {what}", tree.span)

    def _key(self, top: _Open, key: Scalar) -> None:
        assert isinstance(top.node, Mapping)
        value = read_plain(key.text, self.limits.digits) if key.plain else key.text
        if key.plain and key.text == "<<":
            hint = "`extends:` builds on another file; within a file, write the keys out"
            self.report("E006", "`<<` is a merge key, which a spec does not have", key.span, "", hint)
        elif not key.text:
            self.report("E005", "a key is missing here", key.span, "", "write a name before the colon")
        elif not isinstance(value, str):
            kind = (
                "a truth value"
                if isinstance(value, bool)
                else "a number"
                if isinstance(value, int | float)
                else "not"
            )
            self.report("E005", f"a key is a name, and {shown(key.text)} is {kind}", key.span)
        elif key.text in top.node.entries:
            first = Related(top.node.entries[key.text].key.span, "first here")
            self.report("E005", f"{shown(key.text)} is given twice", key.span, "", "keep one of them", first)
        else:
            top.key = key
            return
        top.drop = True

    def _resolve(self, top: _Open | None, scalar: Scalar, start: int) -> None:
        """Give a plain text its value; what is refused stays text."""
        if scalar.text == "":
            scalar.value = scalar.text = "none"
            if top and top.key:
                scalar.span = top.key.span
                hint = "write it after the colon; what belongs below a key is indented further than the key"
                self.report("E008", f"{shown(top.key.text)} has no value", scalar.span, "", hint)
            elif top:
                scalar.span = self.places.span(start - 1, start)
                self.report(
                    "E008",
                    "an item of the list is missing here",
                    scalar.span,
                    "",
                    "write it, or take the `-` out",
                )
            return
        value = read_plain(scalar.text, self.limits.digits)
        if not isinstance(value, Refusal):
            scalar.value = value
            return
        self.report(value.code, value.message, scalar.span, value.label, value.help)
        if value.code == "E008":
            scalar.value = scalar.text = "none"

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _counted(self, offset: int) -> None:
        self.count += 1
        if self.count > self.limits.values:
            message = f"the file holds more than {self.limits.values:,} values, which is the limit"
            self.report("E004", message, self.places.span(offset, offset + 1))
            raise Stop

    def _refuse_properties(self, event: Any) -> bool:
        """Whether a value has neither anchor nor tag."""
        if not (event.anchor or event.tag):
            return True
        start = event.start_mark.index
        found = _PROPERTY.match(self.places.text, start)
        text = found[0] if found else ""
        what = "an anchor" if text.startswith("&") else "a tag"
        span = self.places.span(start, start + max(1, len(text)))
        hint = "take it out; if text is meant, put quotes around it"
        self.report("E006", f"{shown(text)} is {what}, which a spec does not have", span, "", hint)
        return False

    def _tear(self, top: _Open, text: str, start: int, end: int) -> bool:
        """Whether a plain text is a piece of a value that a comma in brackets has split; pieces are gathered here."""
        if top.torn is None:
            if _balance(text, 0) == 0:
                return False
            items = top.node.items if isinstance(top.node, Sequence) else ()
            top.torn = _Torn(start, top.key, len(items))
        top.torn.balance = _balance(text, top.torn.balance)
        top.drop = top.expects_key  # the value of a piece that became a key is a piece too
        top.key, top.end = None, max(top.end, end)
        if top.torn.balance <= 0:
            self._mend(top, end)
        return True

    def _mend(self, top: _Open, end: int) -> None:
        """Report a split value, and put the whole one in its place."""
        torn, top.torn = top.torn, None
        assert torn is not None
        written, span = self.places.text[torn.start : end], self.places.span(torn.start, end)
        whole = " ".join(written.replace(",", " ").split())
        quotes = "if text is meant, put quotes around it"
        if torn.balance < 0:
            self.report("E009", f"{shown(written)} closes a bracket that was not opened", span, "", quotes)
        elif torn.balance > 0:
            self.report("E009", f"{shown(written)} opens a bracket that is not closed", span, "", quotes)
        else:
            hint = f"leave the comma out: {shown(whole, 80)}"
            self.report(
                "E009",
                f"the comma cuts {shown(written)} in two",
                span,
                "inside `[ ]` and `{ }`, YAML ends a value at every comma",
                hint,
            )
        scalar = Scalar(whole, whole, span, True)
        if isinstance(top.node, Sequence):
            top.node.items[torn.first :] = [scalar]
        elif torn.key:
            top.node.entries[torn.key.text] = Entry(torn.key, scalar)


def _balance(text: str, depth: int) -> int:
    """How many brackets are open after `text`; -1 as soon as one is closed too many."""
    if "(" not in text and ")" not in text:
        return depth
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
    return depth

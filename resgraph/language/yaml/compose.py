"""YAML events → a tree with places, and every mistake that YAML itself would let pass."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

import yaml
from resgraph.errors import Diagnostic

from . import mistakes
from .characters import (
    FORBIDDEN,
    described,
    odd_spaces,
    with_plain_spaces,
    without_fillers,
)
from .limits import EndOfReadingError, Limits
from .mistakes import mistake
from .places import Places
from .scalars import Refusal, read_plain
from .splits import Split, brackets
from .tree import KeyValue, Mapping, Scalar, Sequence, Tree, bare


class _Open(Struct):
    """A collection whose end has not come yet, and where its last value ended."""

    node: Sequence | Mapping
    start: int
    end: int
    key: Scalar | None = None
    drop: bool = False  # the next value belongs to a key that was refused
    split: Split | None = None

    @property
    def expects_key(self) -> bool:
        return (
            isinstance(self.node, Mapping)
            and self.key is None
            and not self.drop
        )


class Composer(Struct):
    """Builds one tree, without recursion; what is wrong is told and mended, so that reading goes
    on."""

    places: Places
    limits: Limits
    errors: list[Diagnostic] = []
    root: Tree | None = None
    stack: list[_Open] = []
    count: int = 0
    documents: int = 0

    def compose(self, events: Iterable[Any]) -> None:
        """Read all events. Raises `EndOfReadingError` at a limit, and whatever `events` raises."""
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

    def _report(self, problem: Diagnostic) -> None:
        """Keep one mistake; there are never more than anyone would read."""
        self.errors.append(problem)
        if len(self.errors) >= self.limits.errors and problem.span:
            message = f"{self.limits.errors} mistakes are shown, and the file is read no further"
            self.errors.append(mistake("E004", message, problem.span))
            raise EndOfReadingError

    def _end_at(self, offset: int, message: str) -> None:
        """A limit is reached."""
        self.errors.append(
            mistake("E004", message, self.places.span(offset, offset + 1))
        )
        raise EndOfReadingError

    def _counted(self, offset: int) -> None:
        self.count += 1
        if self.count > self.limits.values:
            self._end_at(
                offset,
                f"the file holds more than {self.limits.values:,} values, which is the limit",
            )

    # -- events ------------------------------------------------------------------------------------

    def _document(self, event: Any) -> None:
        if event.version or event.tags:
            self._report(mistakes.directive(self.places))
        self.documents += 1
        if self.documents > 1:
            self._report(
                mistakes.second_document(
                    event.start_mark.index, self.places
                )
            )
            raise EndOfReadingError

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        self._counted(start)
        span = self.places.span(start, end)
        text = self.places.text[start:end]
        self._report(mistakes.alias(span, text))
        if self.stack and self.stack[-1].expects_key:
            self.stack[-1].drop = True
        else:
            self._add(bare(text, span), end)

    def _open(self, event: Any) -> None:
        start = event.start_mark.index
        self._counted(start)
        if problem := mistakes.properties(event, self.places):
            self._report(problem)
        if len(self.stack) >= self.limits.depth:
            self._end_at(
                start,
                f"more than {self.limits.depth} lists and maps in one another, which is the limit",
            )
        flow, span = bool(event.flow_style), self.places.span(start, start)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node: Sequence | Mapping = (
            Sequence([], span, flow) if is_list else Mapping({}, span, flow)
        )
        self.stack.append(_Open(node, start, start))

    def _close(self, event: Any) -> None:
        top = self.stack[-1]
        if top.split:
            self._mend(top, top.split)
        self.stack.pop()
        end = event.end_mark.index
        if not (
            top.node.flow and self.places.text[end - 1 : end] in ("]", "}")
        ):
            # a block's end mark is where the next token starts
            end = top.end
        top.node.span = self.places.span(top.start, end)
        self._add(top.node, end)

    def _scalar(self, event: Any) -> None:
        start, end = self._content(event)
        self._counted(start)
        top = self.stack[-1] if self.stack else None
        plain = event.style not in ("'", '"', "|", ">")
        text = self._text(event, top, start, end)
        if plain and self._is_piece(top, text, start, end):
            return
        scalar = Scalar(text, text, self.places.span(start, end), plain)
        self._hidden(event, scalar)
        problem = mistakes.properties(event, self.places)
        if problem:
            self._report(problem)
        if top and top.expects_key:
            self._key_or_decimal(top, scalar, start, end)
        else:
            if plain and not problem and not (top and top.drop):
                self._resolve(top, scalar, start)
            self._add(scalar, end)

    def _key_or_decimal(
        self, top: _Open, scalar: Scalar, start: int, end: int
    ) -> None:
        """A key, but for the rest of a number that was written `0,1`."""
        touching = self.places.text[top.end : start] == ","
        top.end = end
        if not (
            touching and top.node.flow and self._is_decimal(top, scalar)
        ):
            self._key(top, scalar)

    def _text(
        self, event: Any, top: _Open | None, start: int, end: int
    ) -> str:
        """A scalar's text without what fills lines, with spaces for what only looks like them."""
        written = self.places.text[
            event.start_mark.index : event.end_mark.index
        ]
        text = without_fillers(
            event.value, written, quoted=event.style == '"'
        )
        if event.style not in ("|", ">") and not self._is_prose(top):
            for odd in odd_spaces(self.places, start, end):
                self._report(odd)
                text = with_plain_spaces(text).rstrip()
        return text

    def _hidden(self, event: Any, scalar: Scalar) -> None:
        """An escape in double quotes for a character that cannot be seen."""
        if event.style == '"':
            found = FORBIDDEN.search(scalar.text) or re.search(
                "\r", scalar.text
            )
            if found:
                what = described(found[0])
                message = (
                    f"an escape stands for {what}, which cannot be seen"
                )
                self._report(
                    mistake("E002", message, scalar.span, "take it out")
                )

    def _is_prose(self, top: _Open | None) -> bool:
        """Whether what comes is the value of `name` or `about`, which are for people."""
        return (
            top is not None
            and top.key is not None
            and top.key.text in ("name", "about")
        )

    def _content(self, event: Any) -> tuple[int, int]:
        """Where a scalar's text stands: inside the quotes, below the `|`."""
        start = event.start_mark.index
        end = event.end_mark.index
        text = self.places.text
        if event.style in ("'", '"'):
            return text.find(event.style, start, end) + 1, end - 1
        if event.style in ("|", ">"):
            first = text.find("\n", start, end) + 1 or end
            body = text[first:end]
            blank = not body.strip()
            return (
                (start, start + 1)
                if blank
                else (end - len(body.lstrip()), first + len(body.rstrip()))
            )
        return (
            max(start, end - len(event.value))
            if event.anchor or event.tag
            else start
        ), end

    # -- values and keys ---------------------------------------------------------------------------

    def _add(self, tree: Tree, end: int) -> None:
        """Put a finished value where it belongs."""
        if not self.stack:
            self.root = tree
            return
        top = self.stack[-1]
        top.end = max(top.end, end)
        if isinstance(top.node, Sequence):
            top.node.items.append(tree)
        elif top.key:
            top.node.entries[top.key.text] = KeyValue(top.key, tree)
            top.key = None
        elif top.drop:
            top.drop = False
        else:
            top.drop = True
            if not top.split:
                what = "a list" if isinstance(tree, Sequence) else "a map"
                self._report(
                    mistake(
                        "E005",
                        f"a key is a name, and this is {what}",
                        tree.span,
                    )
                )

    def _key(self, top: _Open, key: Scalar) -> None:
        assert isinstance(top.node, Mapping)
        first = top.node.entries.get(key.text)
        if problem := mistakes.key_mistake(
            key, first.key if first else None, self.limits.digits
        ):
            top.drop = True
            self._report(problem)
        else:
            top.key = key

    def _is_decimal(self, top: _Open, key: Scalar) -> bool:
        """Whether a key is what stands behind the comma of a number, as in `{lr: 0,1}`; if so the
        number is mended."""
        assert isinstance(top.node, Mapping)
        last = next(reversed(top.node.entries.values()), None)
        found = mistakes.decimal_comma(last.value, key) if last else None
        if last is None or found is None:
            return False
        last.value, problem = found
        # YAML took the digits for a key; its value is no one's
        top.drop = True
        self._report(problem)
        return True

    def _resolve(
        self, top: _Open | None, scalar: Scalar, start: int
    ) -> None:
        """Give a plain text its value; what is refused stays text, and nothing becomes `none`."""
        if not scalar.text:
            scalar.value = scalar.text = "none"
            if top and top.key:
                scalar.span = top.key.span
                self._report(mistakes.no_value(top.key, top.node.flow))
            elif top:
                dash = self.places.text.rfind("-", 0, start)
                scalar.span = self.places.span(dash, dash + 1)
                self._report(mistakes.no_item(scalar.span))
            return
        value = read_plain(scalar.text, self.limits.digits)
        if not isinstance(value, Refusal):
            scalar.value = value
            return
        self._report(mistakes.refused_value(scalar, value))
        if value.code == "E008":
            scalar.value = scalar.text = "none"

    # -- pieces ------------------------------------------------------------------------------------

    def _is_piece(
        self, top: _Open | None, text: str, start: int, end: int
    ) -> bool:
        """Whether a plain text is a piece of a value that a comma in brackets has cut; if so it is
        taken."""
        if top is None or not top.node.flow:
            return False
        if top.split is None:
            if brackets(text, 0) == 0:
                return False
            top.split = Split(start, top.key, len(top.node.items))
        top.split.depth = brackets(text, top.split.depth)
        # YAML took this piece for a key; its value is no one's
        top.drop = top.expects_key
        top.key, top.end = None, max(top.end, end)
        if top.split.depth <= 0:
            self._mend(top, top.split)
        return True

    def _mend(self, top: _Open, split: Split) -> None:
        """Put the pieces together again."""
        top.split = None
        scalar, problem = split.whole(top.end, self.places)
        if isinstance(top.node, Sequence):
            top.node.items[split.first :] = [scalar]
        elif split.key:
            top.node.entries[split.key.text] = KeyValue(split.key, scalar)
        self._report(problem)

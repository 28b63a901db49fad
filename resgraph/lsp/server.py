"""The Language Server Protocol on stdin and stdout, over the functions of this package."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from .. import __version__
from ..errors import Diagnostic, Edit, Source, Span, SpecError
from ..language.format import reformat
from ..language.yaml.reader import open_source
from .analysis import Analyser, Analysis, analyse
from .completion import CompletionKind, complete
from .definition import definition
from .hover import hints, hover
from .protocol import Protocol

_PAUSE = 0.15  # seconds without a keystroke before a text is checked

_KINDS: dict[CompletionKind, lsp.CompletionItemKind] = {
    "key": lsp.CompletionItemKind.Property,
    "op": lsp.CompletionItemKind.Function,
    "block": lsp.CompletionItemKind.Class,
    "option": lsp.CompletionItemKind.Field,
    "mode": lsp.CompletionItemKind.Keyword,
    "value": lsp.CompletionItemKind.EnumMember,
    "name": lsp.CompletionItemKind.Variable,
    "function": lsp.CompletionItemKind.Function,
}


class Server(LanguageServer):
    """The server, and the latest analysis of every open text."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__("resgraph", __version__, protocol_cls=Protocol)
        self.analyses: dict[str, Analysis] = {}

    def report_server_error(self, error: Exception, source: Any) -> None:
        """What is no JSON is answered; anything else is told to the editor."""
        if (
            isinstance(error, ValueError | RecursionError)
            and source is JsonRpcException
        ):
            self.protocol.unparsed()
        else:
            super().report_server_error(error, source)

    def text(self, uri: str) -> str:
        """The text of a document, which need not be open. Raises `JsonRpcInvalidParams` where it
        cannot be read."""
        document = self.workspace.get_text_document(uri)
        if document.version is not None:  # it is open
            return document.source
        if urlparse(uri).scheme != "file":
            raise JsonRpcInvalidParams(f"{uri} is not open, and no file")
        try:
            return open_source(path_of(uri)).text
        except SpecError as problem:
            raise JsonRpcInvalidParams(
                problem.diagnostics[0].message
            ) from None

    def analysis(self, uri: str) -> Analysis:
        """The analysis of a document as it is now."""
        text = self.text(uri)
        known = self.analyses.get(uri)
        if known is None or known.source.text != text:
            known = self.analyses[uri] = analyse(text, path_of(uri), known)
        return known

    async def check(self, uri: str, version: int) -> None:
        """Check a document once its author pauses, and tell the editor what was found."""

        def stale() -> bool:
            # a closed document has no version
            return self.workspace.get_text_document(uri).version != version

        await asyncio.sleep(_PAUSE)
        if stale():
            return
        text = self.text(uri)
        known = self.analyses.get(uri)
        run = asyncio.get_running_loop().run_in_executor
        begun = await run(None, Analyser, text, path_of(uri), known)
        first = await run(None, begun.first)
        if first is not None and not stale():
            self.publish(uri, version, first)
        found = await run(None, begun.whole, stale)
        if found is None or stale():
            return
        self.analyses[uri] = found
        self.publish(uri, version, found.diagnostics)
        hint = (
            self.client_capabilities.workspace
            and self.client_capabilities.workspace.inlay_hint
        )
        if hint and hint.refresh_support:
            await self.workspace_inlay_hint_refresh_async(None)

    def publish(
        self, uri: str, version: int, found: Sequence[Diagnostic]
    ) -> None:
        """Tell the editor what is wrong in a document."""
        told = [self.diagnostic(uri, d) for d in found]
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, told, version)
        )

    # -- places
    # ----------------------------------------------------------------------------------

    def range(self, span: Span) -> lsp.Range:
        """A span as the editor counts: from 0, in its own units."""
        lines = span.source.text.split("\n")
        start = lsp.Position(span.line - 1, span.column - 1)
        end = lsp.Position(span.end_line - 1, span.end_column - 1)
        return self.workspace.position_codec.range_to_client_units(
            lines, lsp.Range(start, end)
        )

    def place(self, text: str, position: lsp.Position) -> tuple[int, int]:
        """An editor's position as line and column, counted from 1 in characters."""
        found = self.workspace.position_codec.position_from_client_units(
            text.split("\n"), position
        )
        return found.line + 1, found.character + 1

    def diagnostic(self, uri: str, found: Diagnostic) -> lsp.Diagnostic:
        """A diagnostic; one whose place is in another file stands where this file leads there."""
        here = str(path_of(uri))
        places = {found.span: ""}
        places |= {other.span: other.label for other in found.related}
        span = next(
            (span for span in places if span.source.name == here), None
        )
        origin = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 1))
        related = [
            lsp.DiagnosticRelatedInformation(
                lsp.Location(uri_of(other), self.range(other)), label
            )
            for other, label in places.items()
            if other != span and Path(other.source.name).is_file()
        ]
        severity = {"error": lsp.DiagnosticSeverity.Error}
        tags = {"E034": [lsp.DiagnosticTag.Unnecessary]}
        return lsp.Diagnostic(
            self.range(span) if span else origin,
            "\n".join(found.lines()),
            severity.get(found.severity, lsp.DiagnosticSeverity.Warning),
            code=found.code,
            source="resgraph",
            tags=tags.get(found.code),
            related_information=related or None,
        )


def path_of(uri: str) -> Path:
    """The file of a document; one that is not saved has a name in the directory at hand."""
    parts = urlparse(uri)
    # no file has that in its name
    path = Path(unquote(parts.path).replace("\0", "�"))
    return path if parts.scheme == "file" else Path(path.name or "untitled")


def uri_of(span: Span) -> str:
    """The document that a span is in."""
    return Path(span.source.name).resolve().as_uri()


def server() -> Server:
    """A server with its features."""
    out = Server()
    for name, handler in _FEATURES.items():
        out.feature(name, _OPTIONS.get(name))(handler)
    return out


async def on_text(
    ls: Server,
    params: lsp.DidOpenTextDocumentParams | lsp.DidChangeTextDocumentParams,
) -> None:
    await ls.check(params.text_document.uri, params.text_document.version)


def on_close(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.analyses.pop(params.text_document.uri, None)
    ls.text_document_publish_diagnostics(
        lsp.PublishDiagnosticsParams(params.text_document.uri, [])
    )


def on_hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    analysis = ls.analysis(params.text_document.uri)
    text = hover(analysis, *ls.place(analysis.source.text, params.position))
    said = lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
    return lsp.Hover(said) if text else None


def on_inlay_hint(
    ls: Server, params: lsp.InlayHintParams
) -> list[lsp.InlayHint]:
    shown = range(params.range.start.line, params.range.end.line + 1)
    return [
        lsp.InlayHint(
            ls.range(hint.place).end,
            hint.text,
            tooltip=hint.tooltip,
            padding_left=True,
        )
        for hint in hints(ls.analysis(params.text_document.uri))
        if hint.place.end_line - 1 in shown
    ]


def on_definition(
    ls: Server, params: lsp.DefinitionParams
) -> lsp.Location | None:
    analysis = ls.analysis(params.text_document.uri)
    found = definition(
        analysis, *ls.place(analysis.source.text, params.position)
    )
    if not found:
        return None
    path, span = found
    return lsp.Location(path.resolve().as_uri(), ls.range(span))


def on_completion(
    ls: Server, params: lsp.CompletionParams
) -> list[lsp.CompletionItem]:
    uri = params.text_document.uri
    text = ls.text(uri)
    found = complete(
        ls.analysis(uri), text, *ls.place(text, params.position)
    )
    return [
        lsp.CompletionItem(
            c.text,
            kind=_KINDS[c.kind],
            detail=c.about or None,
            sort_text=f"{place:04}",
        )
        for place, c in enumerate(found)
    ]


def on_formatting(
    ls: Server, params: lsp.DocumentFormattingParams
) -> list[lsp.TextEdit] | None:
    source = Source(
        params.text_document.uri, ls.text(params.text_document.uri)
    )
    try:
        text = reformat(source)
    except SpecError:
        return None
    lines = source.text.split("\n")
    whole = Span(source, 1, 1, len(lines), len(lines[-1]) + 1)
    return (
        [lsp.TextEdit(ls.range(whole), text)] if text != source.text else []
    )


def on_code_action(
    ls: Server, params: lsp.CodeActionParams
) -> Sequence[lsp.CodeAction]:
    uri = params.text_document.uri
    here = str(path_of(uri))
    return [
        _quick_fix(ls, uri, problem, edits)
        for problem in ls.analysis(uri).diagnostics
        if problem.span.source.name == here
        and _meet(ls.range(problem.span), params.range)
        and (edits := ls.analysis(uri).edits(problem))
    ]


_FEATURES: dict[str, Callable[..., Any]] = {
    lsp.TEXT_DOCUMENT_DID_OPEN: on_text,
    lsp.TEXT_DOCUMENT_DID_CHANGE: on_text,
    lsp.TEXT_DOCUMENT_DID_CLOSE: on_close,
    lsp.TEXT_DOCUMENT_HOVER: on_hover,
    lsp.TEXT_DOCUMENT_INLAY_HINT: on_inlay_hint,
    lsp.TEXT_DOCUMENT_DEFINITION: on_definition,
    lsp.TEXT_DOCUMENT_COMPLETION: on_completion,
    lsp.TEXT_DOCUMENT_FORMATTING: on_formatting,
    lsp.TEXT_DOCUMENT_CODE_ACTION: on_code_action,
}
_OPTIONS: dict[str, Any] = {
    lsp.TEXT_DOCUMENT_COMPLETION: lsp.CompletionOptions([" ", "[", "("]),
    lsp.TEXT_DOCUMENT_CODE_ACTION: lsp.CodeActionOptions(
        [lsp.CodeActionKind.QuickFix]
    ),
}


def _quick_fix(
    ls: Server, uri: str, problem: Diagnostic, edits: Sequence[Edit]
) -> lsp.CodeAction:
    changes = [
        lsp.TextEdit(ls.range(edit.span), edit.text) for edit in edits
    ]
    return lsp.CodeAction(
        f"write `{edits[0].text}`",
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[ls.diagnostic(uri, problem)],
        edit=lsp.WorkspaceEdit(changes={uri: changes}),
        is_preferred=True,
    )


def _meet(one: lsp.Range, other: lsp.Range) -> bool:
    return not (
        _before(one.end, other.start) or _before(other.end, one.start)
    )


def _before(one: lsp.Position, other: lsp.Position) -> bool:
    return (one.line, one.character) < (other.line, other.character)

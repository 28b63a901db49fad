"""A real client and a real process: `resgraph lsp` over stdio."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

TEXT = """\
name: test 𝄞
input: 3x32x32
let: {width: 16}
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv width
  conv2: 2 x pair 32 /2  # a comment
  conv3: [bottleneck 64 /2, se]
  head:
    - global avg pool
    - fc 10
"""


class Client(LanguageClient):
    """A client that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.told: dict[str, list[lsp.Diagnostic]] = {}
        self.news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

        @self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def keep(params: lsp.PublishDiagnosticsParams) -> None:
            self.told[params.uri] = list(params.diagnostics)
            self.news[params.uri].set()

    async def diagnostics(self, uri: str) -> list[lsp.Diagnostic]:
        await asyncio.wait_for(self.news[uri].wait(), 60)
        self.news[uri].clear()
        return self.told[uri]

    def open(self, uri: str, text: str) -> None:
        document = lsp.TextDocumentItem(uri, "yaml", 1, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(document))

    def change(self, uri: str, version: int, text: str) -> None:
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        document = lsp.VersionedTextDocumentIdentifier(version, uri)
        self.text_document_did_change(
            lsp.DidChangeTextDocumentParams(document, [whole])
        )


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def client(
    loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """One server for all conversations, each about a file of its own."""
    found = Client()
    folder = tmp_path_factory.mktemp("root").as_uri()

    async def start() -> None:
        await found.start_io(
            sys.executable, "-m", "resgraph", "lsp", "--stdio"
        )
        capabilities = lsp.ClientCapabilities()
        await found.initialize_async(
            lsp.InitializeParams(capabilities, root_uri=folder)
        )
        found.initialized(lsp.InitializedParams())

    async def end() -> None:
        await found.shutdown_async(None)
        found.exit(None)
        await found.stop()

    loop.run(start())
    yield found
    loop.run(end())


Talk = Callable[[Client, str], Coroutine[Any, Any, Any]]


@pytest.fixture
def talk(
    tmp_path: Path, client: Client, loop: asyncio.Runner
) -> Callable[..., Any]:
    """Runs a conversation about a text in a file."""

    def run(conversation: Talk, text: str = TEXT, **files: str) -> Any:
        for name, content in files.items():
            (tmp_path / f"{name}.yaml").write_text(
                content, encoding="utf-8"
            )
        path = tmp_path / "a b.yaml"
        path.write_text(text, encoding="utf-8")

        client.open(path.as_uri(), text)
        return loop.run(conversation(client, path.as_uri()))

    return run


def at(text: str, before: str, after: int = 0) -> lsp.Position:
    """The place behind the first occurrence of some text, in UTF-16 units."""
    index = text.index(before) + len(before) + after
    line = text.count("\n", 0, index)
    column = text[text.rfind("\n", 0, index) + 1 : index]
    return lsp.Position(line, len(column.encode("utf-16-le")) // 2)


def where(uri: str, text: str, before: str) -> dict[str, Any]:
    return {
        "text_document": lsp.TextDocumentIdentifier(uri),
        "position": at(text, before),
    }


def test_diagnostics_follow_the_text(talk: Callable[..., Any]) -> None:
    async def conversation(client: Client, uri: str) -> None:
        assert await client.diagnostics(uri) == []
        client.change(
            uri,
            2,
            TEXT.replace("test 𝄞", "𝄞").replace("2 x pair", "2 x pairr"),
        )
        found = await client.diagnostics(uri)
        assert [(d.code, d.severity) for d in found] == [
            ("E011", lsp.DiagnosticSeverity.Error)
        ]
        assert "did you mean `pair`?" in found[0].message
        assert found[0].range == lsp.Range(
            lsp.Position(9, 13), lsp.Position(9, 18)
        )
        client.change(
            uri, 3, TEXT.replace("{width: 16}", "{width: 16, wider: 32}")
        )
        (unused,) = await client.diagnostics(uri)
        assert (unused.code, list(unused.tags or ())) == (
            "E034",
            [lsp.DiagnosticTag.Unnecessary],
        )
        client.change(uri, 4, TEXT)
        assert await client.diagnostics(uri) == []

    talk(conversation)


def test_a_mistake_in_a_block_stands_in_the_block_and_names_the_call(
    talk: Callable[..., Any],
) -> None:
    text = TEXT.replace("3x3 conv out linear", "3x3 conv out /2 linear")

    async def conversation(client: Client, uri: str) -> None:
        (found,) = await client.diagnostics(uri)
        assert found.code == "E040"
        assert found.range.start.line == 6
        assert found.related_information is not None
        assert [
            r.location.range.start.line for r in found.related_information
        ] == [9]

    talk(conversation, text)


def test_columns_are_the_editors(talk: Callable[..., Any]) -> None:
    text = "name: a\ninput: 3x32x32\nnet:\n  conv1: {op: conv, kernel: 3x3, width: 8, '𝄞': 1}\n"

    async def conversation(client: Client, uri: str) -> None:
        (found,) = await client.diagnostics(uri)
        start = text.splitlines()[3].index("𝄞")
        assert found.range == lsp.Range(
            lsp.Position(3, start), lsp.Position(3, start + 2)
        )

    talk(conversation, text)


def test_hover_says_shape_and_cost(talk: Callable[..., Any]) -> None:
    async def conversation(client: Client, uri: str) -> None:
        on_label = await client.text_document_hover_async(
            lsp.HoverParams(**where(uri, TEXT, "conv2: 2 x pai"))
        )
        assert on_label is not None
        assert "**conv2.0** of test 𝄞" in on_label.contents.value
        assert "16 × 32 × 32 → 32 × 16 × 16" in on_label.contents.value
        assert "14,528 params" in on_label.contents.value
        assert "2 times in the net" in on_label.contents.value
        on_row = await client.text_document_hover_async(
            lsp.HoverParams(**where(uri, TEXT, "  conv"))
        )
        assert on_row is not None
        assert (
            "| test 𝄞 | 16 × 32 × 32 | 464 | 442 k |"
            in on_row.contents.value
        )
        inside = await client.text_document_hover_async(
            lsp.HoverParams(**where(uri, TEXT, "[3x3 con"))
        )
        assert inside is not None
        assert "**conv2.0.body.0**" in inside.contents.value
        assert "A convolution" in inside.contents.value
        let = await client.text_document_hover_async(
            lsp.HoverParams(**where(uri, TEXT, "conv1: 3x3 conv wid"))
        )
        assert let is not None
        assert "`width = 16`" in let.contents.value

    talk(conversation)


def test_hints_say_what_each_row_hands_on(talk: Callable[..., Any]) -> None:
    async def conversation(client: Client, uri: str) -> None:
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(20, 0))
        params = lsp.InlayHintParams(lsp.TextDocumentIdentifier(uri), whole)
        found = await client.text_document_inlay_hint_async(params)
        lines = TEXT.splitlines()
        assert found is not None
        assert [
            (lines[h.position.line][: h.position.character], h.label)
            for h in found
        ] == [
            ("  conv1: 3x3 conv width", "→ 16 × 32 × 32"),
            ("  conv2: 2 x pair 32 /2", "→ 32 × 16 × 16"),
            ("  conv3: [bottleneck 64 /2, se]", "→ 64 × 8 × 8"),
            ("    - fc 10", "→ 10"),
        ]

    talk(conversation)


COMPLETIONS = {
    "rows of the output": (
        "output: [head, ",
        ["conv1", "conv3"],
        ["conv", "pair"],
    ),
    "rows whose size a layer takes on": (
        "  conv4: upsample to ",
        ["conv1", "head"],
        ["conv"],
    ),
    "ops, blocks and lets where a label begins": (
        "  conv4: ",
        ["conv", "max pool", "pair", "bottleneck"],
        ["groups"],
    ),
    "after a count": ("  conv4: 3 x ", ["pair", "bottleneck"], ["groups"]),
    "in a list": (
        "  conv4: [3x3 conv 8, 3x3 ",
        ["conv", "max pool"],
        ["groups"],
    ),
    "the rest of an op of two words": (
        "  conv4: 3x3 max ",
        ["pool"],
        ["conv"],
    ),
    "options of an op": (
        "  conv4: 3x3 conv 8 ",
        ["groups", "dilation", "linear", "gelu", "width"],
        ["max pool"],
    ),
    "options of a pool": (
        "  conv4: 3x3 avg pool ",
        ["ceil", "pad", "inner"],
        ["groups", "linear"],
    ),
    "lets of a block": (
        "  conv4: se ",
        ["reduction"],
        ["groups", "linear"],
    ),
    "values of an option": ("  conv4: 3x3 conv 8 bias ", ["none"], []),
    "policies of a call": (
        "  conv4: pair 8 shortcut ",
        ["projection", "zero-pad"],
        ["groups"],
    ),
    "rows in an equation": (
        "  conv4: [concat(conv3 ",
        ["conv1", "conv2", "input"],
        ["max pool"],
    ),
    "keys of a file": ("al", ["allow", "variants", "train"], ["conv"]),
    "names of lints": ("allow: [", ["odd-width"], ["conv"]),
    "policies of the file": ("shortcut: ", ["zero-pad"], []),
    "nets of the zoo to extend": (
        "extends: ",
        ["resnet-50", "cifar-plain::plain-20"],
        ["conv", "a.yaml"],
    ),
    "parts to freeze": (
        "train: {freeze: [",
        ["conv1", "conv3"],
        ["conv", "cifar"],
    ),
    "recipes": ("train: ", ["cifar", "digits"], ["conv"]),
    "words of a unit": (
        "unit: conv ",
        ["bn", "relu", "width"],
        ["bottleneck", "act"],
    ),
    "the unit's activation in a label": (
        "  conv4: 3x3 conv 8 ",
        ["act"],
        [],
    ),
    "the unit's activation in a pool's": (
        "  conv4: 3x3 max pool ",
        ["ceil"],
        ["act"],
    ),
    "the unit's activation as a layer": (
        "  conv4: [3x3 conv 8, ",
        ["act", "relu"],
        [],
    ),
    "the unit's activation in an equation": (
        "  conv4: [concat(conv3 ",
        ["act", "relu"],
        [],
    ),
}


@pytest.mark.parametrize("typed", COMPLETIONS)
def test_completions_without_a_process(typed: str, tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    line, wanted, unwanted = COMPLETIONS[typed]
    text = f"{TEXT}{line}\n"
    before = analyse(TEXT, tmp_path / "a.yaml")
    number = text.count("\n")
    found = [
        c.text
        for c in complete(
            analyse(text, tmp_path / "a.yaml", before),
            text,
            number,
            len(line) + 1,
        )
    ]
    assert set(wanted) <= set(found)
    assert not set(unwanted) & set(found)


def test_a_row_that_is_put_out_is_hovered_and_found(tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.definition import definition
    from resgraph.lsp.hover import hover

    text = f"{TEXT}output: [head, conv2]\n"
    analysis = analyse(text, tmp_path / "a.yaml")
    place = at(text, "[head, con")
    line, column = place.line + 1, place.character + 1
    assert "| test 𝄞 | 32 × 16 × 16 |" in hover(analysis, line, column)
    found = definition(analysis, line, column)
    assert (
        found is not None and found[1].line == at(text, "  conv2").line + 1
    )


def test_completion_in_a_block(tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    analysis = analyse(TEXT, tmp_path / "a.yaml")
    in_label = at(TEXT, "3x3 conv out /stride, 3x3 conv ")
    found = {
        c.text
        for c in complete(
            analysis, TEXT, in_label.line + 1, in_label.character + 1
        )
    }
    assert {"in", "out", "stride", "groups"} <= found
    in_equation = at(TEXT, "relu(")
    found = {
        c.text
        for c in complete(
            analysis, TEXT, in_equation.line + 1, in_equation.character + 1
        )
    }
    assert {"body", "x", "shortcut", "concat", "act"} <= found


def test_completion_of_a_unit_that_reads_a_let(tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    text = TEXT.replace("{width: 16}", "{width: 16, act: gelu}").replace(
        "blocks:", "unit: conv bn act\nblocks:"
    )
    place = at(text, "unit: conv bn ")
    found = {
        c.text
        for c in complete(
            analyse(text, tmp_path / "a.yaml"),
            text,
            place.line + 1,
            place.character + 1,
        )
    }
    assert "act" in found


def test_completion_over_the_wire(talk: Callable[..., Any]) -> None:
    text = TEXT.replace("conv1: 3x3 conv width", "conv1: 3x3 conv width ")

    async def conversation(client: Client, uri: str) -> None:
        await client.diagnostics(uri)
        found = await client.text_document_completion_async(
            lsp.CompletionParams(**where(uri, text, "conv width "))
        )
        assert isinstance(found, list)
        kinds = {item.label: item.kind for item in found}
        assert kinds["groups"] == lsp.CompletionItemKind.Field
        assert kinds["gelu"] == lsp.CompletionItemKind.Keyword

    talk(conversation, text)


def test_definitions(talk: Callable[..., Any]) -> None:
    async def conversation(client: Client, uri: str) -> None:
        async def go(before: str) -> lsp.Location:
            found = await client.text_document_definition_async(
                lsp.DefinitionParams(**where(uri, TEXT, before))
            )
            assert isinstance(found, lsp.Location)
            return found

        block = await go("conv2: 2 x pa")
        assert (block.uri, block.range.start) == (uri, lsp.Position(4, 2))
        let = await go("conv1: 3x3 conv wid")
        assert let.range.start == lsp.Position(2, 6)
        path = await go("relu(bo")
        assert path.range.start == lsp.Position(5, 4)
        library = await go("conv3: [bott")
        assert library.uri.endswith("/resgraph/library/resnet.yaml")
        assert library.range.start.line > 0

    talk(conversation)


def test_a_definition_in_the_file_that_is_extended(
    talk: Callable[..., Any], tmp_path: Path
) -> None:
    text = "extends: base.yaml\nname: b\nnet:\n  conv2: pair 16\n"

    async def conversation(client: Client, uri: str) -> None:
        assert await client.diagnostics(uri) == []
        params = lsp.DefinitionParams(**where(uri, text, "conv2: pai"))
        found = await client.text_document_definition_async(params)
        assert isinstance(found, lsp.Location)
        assert found.uri == (tmp_path / "base.yaml").as_uri()
        assert found.range.start == lsp.Position(4, 2)

    talk(conversation, text, base=TEXT)


def test_a_base_of_the_zoo_can_be_opened(tmp_path: Path) -> None:
    from resgraph.language.references import zoo_folder
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.definition import definition

    analysis = analyse(
        "extends: plain-18\nname: mine\n", tmp_path / "a.yaml"
    )
    assert analysis.diagnostics == () and analysis.plan is not None
    found = definition(analysis, 1, 12)
    assert (
        found is not None
        and found[0] == zoo_folder() / "plain.yaml"
        and found[1].line == 1
    )


def test_formatting(talk: Callable[..., Any]) -> None:
    text = TEXT.replace("body:  [3x3", "body: [3x3   ")

    async def conversation(client: Client, uri: str) -> None:
        options = lsp.FormattingOptions(2, True)
        params = lsp.DocumentFormattingParams(
            lsp.TextDocumentIdentifier(uri), options
        )
        (edit,) = await client.text_document_formatting_async(params) or []
        from resgraph.errors import Source
        from resgraph.language.format import reformat

        assert edit.new_text == reformat(Source("a", text)) != text
        assert edit.range == lsp.Range(
            lsp.Position(0, 0), lsp.Position(text.count("\n"), 0)
        )

    talk(conversation, text)


def test_fixes(talk: Callable[..., Any]) -> None:
    text = TEXT.replace("2 x pair 32 /2", "7 x 7 conv 32")
    text = text[: text.index("blocks:")] + text[text.index("net:") :]

    async def conversation(client: Client, uri: str) -> None:
        (found,) = await client.diagnostics(uri)
        assert found.code == "E014"
        context = lsp.CodeActionContext([found])
        params = lsp.CodeActionParams(
            lsp.TextDocumentIdentifier(uri), found.range, context
        )
        (action,) = (
            await client.text_document_code_action_async(params) or []
        )
        assert isinstance(action, lsp.CodeAction)
        assert action.edit is not None
        assert action.edit.changes is not None
        (edit,) = action.edit.changes[uri]
        assert (edit.range, edit.new_text) == (found.range, "7x7")

    talk(conversation, text)


def test_a_key_that_holds_a_map_has_its_fix(tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse

    text = TEXT.replace("let:", "lets:", 1)
    known = analyse(text, tmp_path / "net.yaml")
    (found,) = (d for d in known.diagnostics if d.code == "E020")
    (edit,) = known.edits(found)
    assert edit.text == "let"


def test_what_is_not_certain_has_no_fix(talk: Callable[..., Any]) -> None:
    text = TEXT.replace("2 x pair 32 /2", "[3x3 conv 32, global pool]")
    text = text[: text.index("blocks:")] + text[text.index("net:") :]

    async def conversation(client: Client, uri: str) -> None:
        found = (await client.diagnostics(uri))[0]
        assert "did you mean" in found.message
        context = lsp.CodeActionContext([found])
        params = lsp.CodeActionParams(
            lsp.TextDocumentIdentifier(uri), found.range, context
        )
        assert not await client.text_document_code_action_async(params)

    talk(conversation, text)


def test_a_text_that_is_no_yaml_keeps_what_was_known(
    talk: Callable[..., Any],
) -> None:
    async def conversation(client: Client, uri: str) -> None:
        assert await client.diagnostics(uri) == []
        broken = TEXT.replace(
            "[bottleneck 64 /2, se]", "[bottleneck 64 /2, "
        )
        client.change(uri, 2, broken)
        found = await client.diagnostics(uri)
        assert [d.code for d in found] == ["E003"]
        items = await client.text_document_completion_async(
            lsp.CompletionParams(**where(uri, broken, "64 /2, "))
        )
        assert isinstance(items, list)
        assert {"pair", "bottleneck"} <= {item.label for item in items}

    talk(conversation)


def test_a_closed_text_has_no_diagnostics(talk: Callable[..., Any]) -> None:
    async def conversation(client: Client, uri: str) -> None:
        assert await client.diagnostics(uri) != []
        client.text_document_did_close(
            lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri))
        )
        assert await client.diagnostics(uri) == []

    talk(conversation, TEXT.replace("32 /2", "32 /0"))


def test_without_pygls_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from resgraph.cli import run

    monkeypatch.delitem(sys.modules, "resgraph.lsp.server", raising=False)
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    assert run(["lsp"]) == 4
    assert "pip install 'resgraph[lsp]'" in capsys.readouterr().err


@pytest.mark.parametrize("cut", range(0, len(TEXT), 7))
def test_a_text_that_is_being_typed_never_fails(
    cut: int, tmp_path: Path
) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete
    from resgraph.lsp.definition import definition
    from resgraph.lsp.hover import hints, hover

    text = TEXT[:cut]
    before = analyse(TEXT, tmp_path / "a.yaml")
    analysis = analyse(text, tmp_path / "a.yaml", before)
    line, column = text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1
    complete(analysis, text, line, column)
    hover(analysis, line, column)
    hints(analysis)
    definition(analysis, line, column)


STREAMS = """\
name: streams
input: 3x16x16
blocks:
  exchange:
    reads: [a, b]
    p: [a, 3x3 conv in.0 pad same]
    q: [b, 3x3 conv in.1 reflect]
    gives: [p, q]
net:
  stage: [{a: 3x3 conv 8, b: 3x3 conv 12 /2, gives: [a, b]}, exchange]
  head: [stage.q, global avg pool, fc 5]
output: [head, stage.p]
"""


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("    reads: [", set()),
        ("    gives: [", {"a", "b", "p", "q"}),
        ("b: 3x3 conv 12 /2, gives: [", {"a", "b"}),
        ("output: [", {"stage", "head", "stage.p", "stage.q"}),
    ],
)
def test_completion_of_streams(
    before: str, wanted: set[str], tmp_path: Path
) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    analysis = analyse(STREAMS, tmp_path / "a.yaml")
    place = at(STREAMS, before)
    found = complete(analysis, STREAMS, place.line + 1, place.character + 1)
    assert {candidate.text for candidate in found} == wanted


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            ", exchange",
            "a 8 × 16 × 16, b 12 × 8 × 8 → p 8 × 16 × 16, q 12 × 8 × 8",
        ),
        ("  stage", "p 8 × 16 × 16, q 12 × 8 × 8"),
        ("conv in.1", "12 × 8 × 8 → 12 × 8 × 8"),
        ("pad", "`pad`: "),
    ],
)
def test_hover_of_streams(word: str, said: str, tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.hover import hover

    analysis = analyse(STREAMS, tmp_path / "a.yaml")
    place = at(STREAMS, word)
    assert analysis.diagnostics == ()
    assert said in hover(analysis, place.line + 1, place.character)


@pytest.mark.parametrize("before", ["    - ", "    - 3x3 "])
def test_completion_behind_a_dash(before: str, tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    text = "name: a\ninput: 3x8x8\nnet:\n  a:\n    - 3x3 conv 8\n"
    found = complete(
        analyse(text, tmp_path / "a.yaml"), text, 5, len(before) + 1
    )
    assert {"conv", "max pool"} <= {candidate.text for candidate in found}


RECIPES = {
    "train: {": (["augment", "sampling", "recipe"], ["cifar"]),
    "train: {recipe: ": (["cifar", "imagenet-rsb-a2"], ["augment"]),
    "train: {recipe: cifar, sampling: ": (["balanced"], ["cifar"]),
    "train: {recipe: cifar, ": (["target", "sampling"], ["recipe"]),
    "train: {target: {kind: label, ": (["loss", "threshold"], ["ignore", "kind"]),
    "train: {target: {kind: label, loss: ": (["bce", "cross-entropy"], ["mse"]),
    "train: {target: {": (["kind", "ignore", "threshold"], ["sampling"]),
    "train: {augment: {crop: {kind: area, interpolation: ": (["bicubic", "random"], ["true"]),
    "train: {augment: {flip: ": (["true", "false"], ["label"]),
    "train: {augment: {flip: true, crop: {": (["kind", "cells", "side"], ["flip"]),
    "train: {data: {set: folder, ": (["split", "exif", "interpolation"], ["pad", "set"]),
    "train: {schedule: ": (["cosine", "one-cycle"], ["sgd"]),
    "train:\n  data: {set: ": (["parquet", "imagenet"], ["cosine"]),
    "train:\n  augment:\n    ": (["erasing", "repeats"], ["data"]),
    "train:\n  freeze: [": (["conv1"], ["augment"]),
}  # fmt: skip


@pytest.mark.parametrize("typed", RECIPES)
def test_completion_in_a_recipe(typed: str, tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete

    wanted, unwanted = RECIPES[typed]
    text = f"{TEXT}{typed}"
    lines = text.split("\n")
    analysis = analyse(
        text, tmp_path / "a.yaml", analyse(TEXT, tmp_path / "a.yaml")
    )
    found = {
        c.text
        for c in complete(analysis, text, len(lines), len(lines[-1]) + 1)
    }
    assert set(wanted) <= found
    assert not set(unwanted) & found


@pytest.mark.parametrize(
    ("train", "word", "said"),
    [
        ("{recipe: digits, sampling: balanced}", "sampling", "draws each class as often"),
        ("{recipe: digits, augment: {flip: true}}", "flip", "Mirror half of the images"),
        ("{recipe: digits, optimizer: {name: adamw, lr: 0.1}}", "lr", "Learning rate"),
    ],
)  # fmt: skip
def test_a_key_of_a_recipe_says_what_it_means(
    train: str, word: str, said: str, tmp_path: Path
) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.hover import hover

    line = f"train: {train}"
    text, column = f"{TEXT}{line}\n", line.index(f"{word}:") + 1
    found = hover(
        analyse(text, tmp_path / "a.yaml"), TEXT.count("\n") + 1, column
    )
    assert said in found


STUDY = """\
study: two nets
nets: [resnet-18, {net}]
set: {{train: digits, input: 1x8x8, net.head: [global avg pool, fc 10]}}
budget: {{epochs: 1}}
seeds: {seeds}
"""


def test_a_study_is_checked_as_check_does(
    talk: Callable[..., Any], tmp_path: Path
) -> None:
    from resgraph.lsp.analysis import analyse

    good = STUDY.format(net="resnet-34", seeds=2)
    wrong = STUDY.format(net="resnet-43", seeds=0)

    async def ask(client: Client, uri: str) -> None:
        assert await client.diagnostics(uri) == []
        client.change(uri, 2, wrong)
        (told,) = await client.diagnostics(uri)
        assert told.range.start == lsp.Position(4, 7)
        assert told.message.startswith("0 seeds: at least 1")
        client.change(uri, 3, wrong.replace("seeds: 0", "seeds: 1"))
        (told,) = await client.diagnostics(uri)
        assert told.range.start == lsp.Position(1, 18)
        assert "resnet-43" in told.message

    talk(ask, text=good)
    assert analyse(good, tmp_path / "study.yaml").plans == ()


def test_a_study_is_completed_and_explained(tmp_path: Path) -> None:
    from resgraph.lsp.analysis import analyse
    from resgraph.lsp.completion import complete
    from resgraph.lsp.definition import definition
    from resgraph.lsp.hover import hints, hover

    (tmp_path / "other.yaml").write_text("")
    text = STUDY.format(net="resnet-34", seeds=2)
    found = analyse(text, tmp_path / "study.yaml")
    assert hover(found, 2, 8).startswith("What is compared")
    assert hover(found, 3, 8) == ""
    keys = {c.text for c in complete(found, text + "\ns", 7, 2)}
    assert {"grid", "sample", "measure"} <= keys
    assert "net" not in keys
    nets = {c.text for c in complete(found, text, 2, 8)}
    assert {"other.yaml", "resnet-50"} <= nets
    assert complete(found, text, 3, 8) == []
    assert hints(found) == []
    assert definition(found, 2, 8) is None

"""What a writer waits for after a change: the language server's first diagnostics beside those of
all variants of a file, and the page of `serve` with its figure beside the other panes.

The text is the same each time, and what an earlier time has left in caches is there, as while
somebody writes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from measure import heading, interleaved, rows, table

from resgraph.lsp.analysis import Analyser
from resgraph.serve.answer import Pane, Question, answer

SPECS = Path(__file__).parents[1] / "specs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    heading("What a writer waits for")
    path = SPECS / "resnet.yaml"
    text = path.read_text(encoding="utf-8")
    found = interleaved(
        {
            "all variants of resnet.yaml": lambda: Analyser(
                text, path
            ).whole(),
            "all variants again": lambda: Analyser(text, path).whole(),
            "its first diagnostics": lambda: Analyser(text, path).first(),
        },
        rounds,
    )
    table(
        ["language server", "ms", "against all"],
        rows(found, "all variants of resnet.yaml"),
    )
    found = interleaved(
        {
            "ResNet-1202, its figure": shown("figure"),
            "its figure again": shown("figure"),
            "its table": shown("table"),
            "its source": shown("source"),
        },
        rounds,
    )
    table(
        ["serve", "ms", "against the figure"],
        rows(found, "ResNet-1202, its figure"),
    )


def shown(pane: Pane) -> Callable[[], object]:
    """An answer of `serve` for ResNet-1202, of which a pane shows."""
    path = SPECS / "cifar-resnet.yaml"
    question = Question(
        path.read_text(encoding="utf-8"), "resnet-1202", pane=pane
    )
    return lambda: answer(question, path)


if __name__ == "__main__":
    main()

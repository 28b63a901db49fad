"""The directory of a study → an HTTP server on the loopback address, for one page: how far each run
is, the table as far as it goes, and the pictures."""

from __future__ import annotations

from html import escape
from http.server import ThreadingHTTPServer
from pathlib import Path

from ..errors import ResgraphError, UsageError
from ..files import reason
from ..study.figures import pictures
from ..study.report import head, notes, progress, rows
from ..study.results import Results, RunScore, standing
from .handler import HOST, PageHandler, Refused

SECONDS = 5
"""Between looks at the runs, while some are missing."""
_STYLE = """
:root { --ink: #1f2933; --muted: #616e7c; --paper: #fff; --tint: #f6f8fa; --line: #e1e6eb;
  --accent: #c2410c; --blue: #3b6fb6; color-scheme: light; }
body { margin: 0 auto; max-width: 1100px; padding: 24px; background: var(--paper);
  color: var(--ink); font: 14px Inter, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 8px; }
p { color: var(--muted); margin: 4px 0; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--muted); }
th { font-weight: 600; } td.why { color: var(--muted); } td.failed { color: var(--accent); }
td.running { color: var(--blue); } svg { max-width: 100%; height: auto; }
"""


def study_page(results: Results) -> str:
    """The page of a study as it stands; it loads itself again while runs are missing."""
    file = results.study.file
    again = (
        f'<meta http-equiv="refresh" content="{SECONDS}">'
        if results.holes
        else ""
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{again}'
        f'<link rel="icon" href="data:,"><title>{escape(file.study)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(file.study)}</h1>"
        f"{study_body(results)}</main></body></html>"
    )


def study_body(results: Results) -> str:
    """What a study says below its name: how far it is, its table, its runs and its pictures."""
    drawn = "".join(
        picture(results) for picture in pictures(results.study).values()
    )
    below = "".join(f"<p>{escape(note)}</p>" for note in notes(results))
    file = results.study.file
    table = rows_table(
        [head(results), *rows(results)], f"{file.study}: table"
    )
    return (
        f"<p>{escape(file.about)}</p>"
        f'<p role="status">{escape(progress(results))}</p>'
        f"<h2>Table</h2>{table}{below}"
        f"<h2>Runs</h2>{_runs(results)}<h2>Pictures</h2>{drawn}"
    )


def rows_table(lines: list[tuple[str, ...]], name: str) -> str:
    """A table of texts, the first line its head; `name` is what a screen reader calls it."""
    top, *others = lines
    head_cells = "".join(
        f'<th scope="col">{escape(cell)}</th>' for cell in top
    )
    body = ""
    for first, *cells in others:
        values = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        body += f'<tr><th scope="row">{escape(first)}</th>{values}</tr>'
    return _scrolled(head_cells, body, name)


def _runs(results: Results) -> str:
    """A row for each net, a column for each seed."""
    seeds = results.study.seeds
    head_cells = '<th scope="col">net</th>'
    head_cells += "".join(
        f'<th scope="col">seed {seed}</th>' for seed in seeds
    )
    body = ""
    for net in results.nets:
        at = {run.seed: _cell(run) for run in net.runs}
        cells = "".join(at.get(seed, "<td>–</td>") for seed in seeds)
        body += (
            f'<tr><th scope="row">{escape(net.point.name)}</th>{cells}</tr>'
        )
    return _scrolled(head_cells, body, f"{results.study.file.study}: runs")


def _scrolled(head_cells: str, body: str, name: str) -> str:
    table = f"<table><thead><tr>{head_cells}</tr></thead><tbody>{body}</tbody></table>"
    role = f'role="region" aria-label="{escape(name)}"'
    return f'<div class="scroll" tabindex="0" {role}>{table}</div>'


def _cell(run: RunScore) -> str:
    """The score, or why there is none and the step that the run came to."""
    if run.score is not None:
        return f"<td>{run.score:.2f}</td>"
    step = f", step {run.steps:,}" if run.steps else ""
    return f'<td class="why {escape(run.why)}">{escape(run.why)}{step}</td>'


class StudyServer(ThreadingHTTPServer):
    """Serves the page of one study; `address` is what a browser opens."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        standing(folder)  # what cannot be read is told of now
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as problem:
            raise UsageError(
                f"cannot serve on port {port}: {reason(problem)}; --port 0, the default, takes a"
                " free one"
            ) from None

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.server_port}/"


class _Handler(PageHandler):
    server: StudyServer

    def do_GET(self) -> None:  # noqa: N802
        """The page."""
        try:
            self.need_own_host()
            if self.path != "/":
                raise Refused(404, "there is nothing here")
            page = study_page(standing(self.server.folder))
        except Refused as refused:
            self.send(refused.status, {"error": str(refused)})
        except ResgraphError as problem:
            self.send(410, {"error": str(problem)})
        else:
            self.send_text(200, page, "text/html")

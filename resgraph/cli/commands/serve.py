"""`resgraph serve`: a spec → a page in the browser, which shows what is typed as it is typed; or a
study → its page, which follows the runs."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...language.references import own_file
from ...serve.server import SpecServer

if TYPE_CHECKING:
    from ...serve.study import StudyServer


SAVED = "; the file is written only when the page is asked to save"


def _spec(file: Path, port: int) -> SpecServer:
    return SpecServer(own_file(file), port)


def _study(folder: Path, port: int) -> StudyServer:
    from ...serve.study import StudyServer
    from ...study.folder import is_study_folder
    from ...study.results import need_scipy

    if not is_study_folder(folder):
        raise UsageError(
            f"{folder} is no study; name a spec, or a directory that `resgraph sweep` wrote"
        )
    need_scipy()
    return StudyServer(folder, port)


@click.command()
@click.argument(
    "file", type=click.Path(path_type=Path), metavar="FILE.yaml|STUDY_DIR"
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="0 takes a free one",
)
@click.option(
    "--open/--no-open", "open_page", default=True, help="open the browser"
)
def serve(file: Path, port: int, open_page: bool) -> None:
    """Write a spec beside its figure, shapes, costs and mistakes, in the text or by clicks on the
    figure; on this machine alone, without a network.

    The directory of a study, while it is swept or after, gives its runs, table and pictures."""
    make, hint = (_study, "") if file.is_dir() else (_spec, SAVED)
    with make(file, port) as server:
        click.echo(server.address)
        click.echo(f"ctrl+c stops{hint}", err=True)
        if open_page:
            # there is none; the address is on the terminal
            with suppress(webbrowser.Error):
                webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)

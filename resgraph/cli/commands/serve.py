"""`resgraph serve`: a spec → a page in the browser, which shows what is typed as it is typed."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from pathlib import Path

import click

from ...language.references import own_file
from ...serve.server import SpecServer


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.yaml")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one"
)
@click.option("--open/--no-open", "open_page", default=True, help="open the browser")
def serve(file: Path, port: int, open_page: bool) -> None:
    """Write a spec beside its figure, shapes, costs and mistakes; on this machine alone, without a
    network."""
    with SpecServer(own_file(file), port) as server:
        click.echo(server.address)
        click.echo(
            "ctrl+c stops; the file is written only when the page is asked to save",
            err=True,
        )
        if open_page:
            # there is none; the address is on the terminal
            with suppress(webbrowser.Error):
                webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)

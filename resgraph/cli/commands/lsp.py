"""`resgraph lsp`: an editor on stdin and stdout → the language server."""

from __future__ import annotations

import click

from ...errors import needing


@click.command()
@click.option(
    "--stdio",
    is_flag=True,
    help="speak on stdin and stdout, which is the only way there is",
)
def lsp(stdio: bool) -> int:
    """Serve editors: mistakes, shapes and costs as specs are typed.

    It speaks the Language Server Protocol on stdin and stdout; editors start it by themselves.
    """
    needed = "the language server needs pygls"
    with needing(needed, "lsp", "pygls", "lsprotocol"):
        from ...lsp.server import server
    serving = server()
    serving.start_io()
    # as the protocol wants it: 1 for an end without a shutdown
    return int(not serving.protocol.ended)

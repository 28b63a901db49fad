"""`resgraph lsp`: an editor on stdin and stdout → the language server."""

from __future__ import annotations

import click

from ...errors import MissingError


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
    try:
        from ...lsp.server import server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in (
            "pygls",
            "lsprotocol",
        ):
            raise
        raise MissingError(
            "the language server needs pygls: pip install 'resgraph[lsp]'"
        ) from None
    serving = server()
    serving.start_io()
    # as the protocol wants it: 1 for an end without a shutdown
    return 0 if serving.protocol.ended else 1

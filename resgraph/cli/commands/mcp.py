"""`resgraph mcp`: an agent on stdin and stdout → the tools of resgraph."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import needing
from ..options import Finite


@click.command()
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="the directory that the agent works in; nothing outside it is read or written",
)
@click.option(
    "--minutes",
    type=Finite(0, min_open=True),
    default=10.0,
    show_default=True,
    help="the most that one build or sweep may take",
)
def mcp(root: Path, minutes: float) -> None:
    """Serve agents: check, show, diff, explain, blocks, build, sweep and runs as tools.

    It speaks the Model Context Protocol on stdin and stdout; agents start it by themselves.
    """
    needed = "serving agents needs the package mcp"
    with needing(needed, "mcp", "mcp", "mcp_types"):
        from ...mcp.server import server
    from ...mcp.workspace import Workspace

    server(Workspace(root, minutes)).run()

"""A workspace → a server of the Model Context Protocol: each tool is a command, and gives its exit
code, its result and its messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from mcp.server.mcpserver import MCPServer

from .. import __version__
from ..errors import ResgraphError, SpecError
from ..faults import translated
from .workspace import GRACE, Workspace, sets

Result = dict[str, Any]
_ABOUT = (
    "resgraph compiles a YAML spec of a residual network. Write a spec in the directory of this"
    " server, `check` it (each mistake has its place and, where one edit is sure, that edit),"
    " `show` its shapes and costs, `build` it, and compare nets over seeds with `sweep`."
)


def server(workspace: Workspace) -> MCPServer:
    """The server, not started yet."""
    serving = MCPServer(
        "resgraph", version=__version__, instructions=_ABOUT
    )
    for tool in Tools(workspace).all():
        serving.tool()(_telling(tool))
    return serving


class Tools:
    """The tools, whose docstrings an agent reads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self._run = workspace, workspace.run

    def all(self) -> tuple[Any, ...]:
        """Every tool."""
        return (
            self.check, self.show, self.diff, self.explain, self.blocks, self.build,
            self.sweep, self.runs,
        )  # fmt: skip

    def check(
        self, spec: str = "", text: str = "", set: list[str] | None = None
    ) -> Result:
        """Check a spec: a file (`net.yaml`, `net.yaml::variant`), a net of the zoo (`resnet-50`),
        or the text of one. Diagnostics have a code, a place, help and edits."""
        name = "-" if text else self.workspace.spec(spec)
        return self._run(
            "check", "--json", *sets(set or ()), names=[name], text=text
        )

    def show(self, spec: str, set: list[str] | None = None) -> Result:
        """Rows of a net with shapes, parameters and multiply-adds."""
        name = self.workspace.spec(spec)
        return self._run("show", "--json", *sets(set or ()), names=[name])

    def diff(self, before: str, after: str) -> Result:
        """What differs between two nets, by the names of their layers, and what it costs."""
        names = [self.workspace.spec(before), self.workspace.spec(after)]
        return self._run("diff", "--json", names=names)

    def explain(self, what: str, node: str = "") -> Result:
        """An error code (`E041`), or a node of a spec (`net.yaml`, `conv3.0`)."""
        # a word alone is a code or a lint; whatever could be a path is a spec
        is_spec = bool(node) or not what.replace("-", "").isalnum()
        names = [self.workspace.spec(what) if is_spec else what]
        return self._run("explain", names=[*names, node] if node else names)

    def blocks(self, name: str = "") -> Result:
        """The standard blocks and the ops; or one of them, with its definition or its options."""
        return self._run(
            "blocks",
            *([] if name else ["--json"]),
            names=[name] if name else [],
        )

    def build(
        self,
        spec: str,
        out: str,
        set: list[str] | None = None,
        minutes: float = 0.0,
    ) -> Result:
        """Train a spec in a new directory `out`, for so many minutes at most."""
        given = self._minutes(minutes)
        folder = str(self.workspace.inside(out))
        self.workspace.check_training(spec, set or ())
        return self._run(
            "build", "-o", folder, "--json", "--minutes", f"{given:g}", *sets(set or ()),
            names=[self.workspace.spec(spec)], seconds=60 * given + GRACE,
        )  # fmt: skip

    def sweep(self, study: str, out: str, minutes: float = 0.0) -> Result:
        """Run a study into the directory `out`, for so many minutes at most: mean and deviation
        over seeds, differences paired by seed. The same call goes on with what is left."""
        given = self._minutes(minutes)
        folder = str(self.workspace.inside(out))
        self.workspace.check_study(study)
        path = str(self.workspace.inside(study))
        return self._run(
            "sweep",
            "-o",
            folder,
            "--json",
            names=[path],
            seconds=60 * given,
        )

    def runs(self, folder: str) -> Result:
        """The runs in a directory, with their status and errors."""
        return self._run(
            "runs", "--json", names=[str(self.workspace.inside(folder))]
        )

    def _minutes(self, asked: float) -> float:
        most = self.workspace.minutes
        return min(asked, most) if asked > 0 else most


def _telling(tool: Callable[..., Result]) -> Callable[..., Result]:
    """A tool whose errors are told as its command would tell them: the SDK keeps the text of an
    exception from the agent."""

    @wraps(tool)
    def told(*args: Any, **kwargs: Any) -> Result:
        try:
            return tool(*args, **kwargs)
        except SpecError as problem:
            said = "\n\n".join(
                found.frame() for found in problem.diagnostics
            )
            return {
                "exit_code": problem.exit_code,
                "result": None,
                "messages": said,
            }
        except Exception as problem:
            known = (
                problem
                if isinstance(problem, ResgraphError)
                else translated(problem)
            )
            if known is None:
                raise
            said = str(known)
            return {
                "exit_code": known.exit_code,
                "result": None,
                "messages": said,
            }

    return told

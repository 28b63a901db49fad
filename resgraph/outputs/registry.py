"""Everything that a net can be written as, a line each: the commands' choices, the README's table,
`Plan.to` and the tests follow from here.

To add one, write its function in a file of its own, and name it in a line of `OUTPUTS`. Functions
are named and not imported, so that `check` needs none of them, and no torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

from ..collecting import by_name
from ..errors import UsageError
from ..structs import Frozen

if TYPE_CHECKING:
    from ..plan import Plan


class Format(Frozen):
    """One of them: what `--format` calls it (for a file, its suffix as well), the command that
    writes it, and its function, as `module:function` below `resgraph.outputs`.

    `takes` is the function's first argument, what follows are its options: a plan, several plans
    side by side, the scene or the SVG text of a figure, or a module with its weights."""

    name: str
    command: str
    function: str
    takes: Literal["plan", "plans", "scene", "svg", "module"]
    about: str

    def load(self) -> Callable[..., Any]:
        """The function, imported."""
        return _load(self.function)

    @property
    def options(self) -> list[str]:
        """The names of its function's options."""
        return list(signature(self.load()).parameters)[1:]


OUTPUTS = by_name((
    Format("svg", "render", "figure.formats.svg:write", "scene", "vectors"),
    Format("pdf", "render", "figure.formats.raster:pdf", "svg", "extra `figures`"),
    Format("png", "render", "figure.formats.raster:png", "svg", "extra `figures`"),
    Format("tex", "render", "figure.formats.tikz:write", "scene", "TikZ, for LaTeX"),
    Format("html", "render", "figure.formats.html:html", "plan", "an offline page to explore"),
    Format("dot", "render", "figure.formats.graphviz:dot", "plan", "Graphviz"),
    Format("mmd", "render", "figure.formats.mermaid:mermaid", "plan", "Mermaid"),
    Format("text", "show", "table.text:table", "plan", "for a terminal"),
    Format("markdown", "show", "table.markdown:markdown", "plans", "for a README"),
    Format("latex", "show", "table.latex:latex", "plans", "Table 1 of a paper"),
    Format("csv", "show", "table.data:csv_text", "plans", "exact numbers, a line a row"),
    Format("json", "show", "table.data:json_text", "plans", "the same as data"),
    Format("py", "export", "pytorch:source", "plan", "source that needs torch alone"),
    Format("pt2", "export", "pytorch.export:pt2", "module", "a torch.export program"),
    Format("onnx", "export", "pytorch.export:onnx", "module", "extra `onnx`"),
    Format("safetensors", "export", "pytorch.export:safetensors", "module", "the weights"),
    Format("yaml", "resolve", "resolved:resolved", "plan", "the spec, everything filled in"),
    Format("module", "build", "pytorch:module", "plan", "a `torch.nn.Module`"),
))  # fmt: skip
_FROM_PLAN = {
    "scene": "figure.render:render_one",
    "svg": "figure.render:render_one",
    "module": "pytorch.export:export",
}
"""What makes an output of a plan whose function takes something else: `(plan, name, **options)`."""


def named(command: str) -> dict[str, Format]:
    """The outputs of one command, by name."""
    return {
        name: each
        for name, each in OUTPUTS.items()
        if each.command == command
    }


def write(plan: Plan, name: str, **options: Any) -> Any:
    """A plan as one of `OUTPUTS`. Raises `UsageError` for a name that is none."""
    if name not in OUTPUTS:
        raise UsageError(
            f"no output `{name}`: there are {', '.join(OUTPUTS)}"
        )
    output = OUTPUTS[name]
    if output.takes in _FROM_PLAN:
        return _load(_FROM_PLAN[output.takes])(plan, name, **options)
    return output.load()(
        plan if output.takes == "plan" else [plan], **options
    )


def _load(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    loaded: Callable[..., Any] = getattr(
        import_module(f"{__package__}.{module}"), name
    )
    return loaded

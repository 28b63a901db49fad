"""A spec's text → Plan: the pipeline, and the narrow waist that every output is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from .errors import Diagnostic, Source, SpecError, in_order
from .graph import Graph, Output
from .language.spec import Spec, load_spec, text_spec
from .ops import Shape, shape_text
from .passes.expand import Expansion, expand
from .passes.expand.unit import OptionSource
from .passes.features import features
from .passes.unread import unread
from .passes.verify import unmet
from .structs import Frozen

if TYPE_CHECKING:
    from torch import nn


class Picture(Frozen):
    """A picture as SVG text, which notebooks show."""

    svg: str

    def __repr__(self) -> str:
        return "Picture()"

    def _repr_svg_(self) -> str:
        return self.svg


class Plan(Frozen, eq=False, dict=True):
    """A net that holds together: its spec, its graph with every shape and cost, and by node what
    the options of its op were worked out from."""

    spec: Spec
    graph: Graph
    sources: Mapping[str, OptionSource] = {}

    def __repr__(self) -> str:
        into, out = (
            ", ".join(map(shape_text, shapes.values()))
            for shapes in (self.inputs, self.outputs)
        )
        ends = f"{into} → {out}"
        return (
            f"<Plan {self.name}: {ends}, {self.params:,} params, {self.macs:,} MACs, depth"
            f" {self.depth}>"
        )

    @property
    def name(self) -> str:
        """The variant's name, else the file's."""
        return self.spec.name

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shape of each input, in the order in which the module takes them; one without a name
        is `input`."""
        return self.spec.inputs

    @property
    def input(self) -> Shape:
        """`(channels, height, width)`, or `(features,)`; of several inputs, the first's."""
        return self.spec.input

    @property
    def output(self) -> Shape:
        """The shape of the first output (the last row where `output` names none), which is what
        is scored."""
        return self.graph.shape(self.graph.output)

    @property
    def outputs(self) -> dict[str, Shape]:
        """The shapes of what the net gives in evaluation, by row, in the order of its tuple."""
        return self._shapes(self.graph.main)

    @property
    def aux(self) -> dict[str, Shape]:
        """The shapes of what training alone adds to the tuple, by row."""
        return self._shapes(self.graph.aux)

    def _shapes(self, outputs: Iterable[Output]) -> dict[str, Shape]:
        return {o.row: self.graph.shape(o.node) for o in outputs}

    @property
    def params(self) -> int:
        """Learned numbers in the whole net."""
        return self.graph.cost.params

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and linear layers for one image (the papers' "FLOPs")."""
        return self.graph.cost.macs

    @property
    def activations(self) -> int:
        """Numbers in all nodes' outputs for one image."""
        return self.graph.cost.activations

    @property
    def depth(self) -> int:
        """Convolutions and fully connected layers on the longest path, shortcuts apart."""
        return self.graph.depth

    @cached_property
    def unused(self) -> tuple[Diagnostic, ...]:
        """What the spec says and nothing uses, as far as one variant of a file can tell."""
        (unread_here,) = unread([(self.spec, self.graph)], alone=True)
        return (*self.spec.unused, *unread_here)

    def unmet(self) -> list[Diagnostic]:
        """The claims of `expect` that do not hold."""
        return unmet(self.spec, self.graph)

    def features(self, *rows: str) -> Plan:
        """The net up to some of its rows, which it gives as a tuple in this order: a backbone.

        Raises `UsageError` for a name that is no row."""
        return replace(self, graph=features(self.graph, rows))

    def to(self, name: str, **options: Any) -> Any:
        """The net as any of the outputs that `resgraph.outputs.registry` lists, such as `mmd` or
        `latex`: text, or bytes where a file of it is no text. Raises `UsageError` for a name that
        is none."""
        # Outputs stand above a plan, which needs none of them (and no torch) until one is asked
        # for.
        registry = import_module("resgraph.outputs.registry")
        return registry.write(self, name, **options)

    def table(self, **options: Any) -> str:
        """The net as a table in the style of the ResNet paper's Table 1 (text)."""
        return str(self.to("text", **options))

    def svg(self, **options: Any) -> str:
        """The net as a picture (SVG text)."""
        return str(self.to("svg", **options))

    def dot(self, **options: Any) -> str:
        """The net in Graphviz' language."""
        return str(self.to("dot", **options))

    def source(self, **options: Any) -> str:
        """The net as Python source that depends on torch alone: the module below, before it is
        executed; `inplace=False` as there."""
        return str(self.to("py", **options))

    def module(self, **options: Any) -> nn.Module:
        """The net as an initialised `torch.nn.Module`, which takes images as `(batch, *input)`.

        Options: `device`, `dtype`, and `inplace=False` for one in which nothing writes over what
        it reads, so that hooks see what they should."""
        module: nn.Module = self.to("module", **options)
        return module

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:
        """timm's protocol for `layer_decay`: a weight's key → its depth in blocks, or with `coarse`
        the place of its row. `net.group_matcher = plan.group_matcher` has timm's optimizers see
        it."""
        # Few ask, and it reads recipes.
        depths = import_module("resgraph.passes.fine_tune.depths")
        matcher: Callable[[str], int] = depths.group_matcher(
            self.graph, coarse
        )
        return matcher

    def resolved(self) -> str:
        """The spec with its variant and overrides applied, as YAML: loading it gives this plan
        again."""
        return str(self.to("yaml"))

    def render(self, **options: Any) -> Picture:
        """The net as a picture that a notebook shows; options as for `svg`: view, theme, width,
        expand, only."""
        return Picture(self.svg(**options))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """How a notebook shows a plan: its picture, and its table where pictures cannot be."""
        return {"image/svg+xml": self.svg(), "text/plain": self.table()}


Loader = Callable[[Path], Plan]
"""How a run reads its own spec again."""


def load(
    reference: str | os.PathLike[str],
    overrides: Iterable[str] = (),
    *,
    allow_outside: bool = False,
    strict: bool = True,
) -> Plan:
    """The plan of `file.yaml`, `file.yaml::variant` or a net of the zoo (`resnet-50`), with
    `path=value` overrides.

    Raises `SpecError` with every mistake that was found, `UsageError` for an unknown variant.
    `expect` is not verified: that is `plan.unmet()`. What nothing in the spec uses is a mistake
    unless `strict` is off."""
    spec = load_spec(reference, overrides, allow_outside=allow_outside)
    return plan_of_file(spec, strict=strict)


def plan_of_file(spec: Spec, *, strict: bool = True) -> Plan:
    """As `load`, of a spec that was read from a file."""
    try:
        plan = plan_of(spec, strict=False)
    except SpecError as problem:
        raise SpecError(
            map(spec.with_setters, problem.diagnostics)
        ) from None
    return _used(plan) if strict else plan


def loads(
    text: str,
    variant: str | None = None,
    overrides: Iterable[str] = (),
    *,
    name: str = "<text>",
) -> Plan:
    """As `load`, of a spec's text; `name` is what errors call it."""
    return plan_of(text_spec(Source(name, text), variant, overrides))


def plan_of(spec: Spec, *, strict: bool = True) -> Plan:
    """The rest of the pipeline, from a spec that was read."""
    return planned(expand(spec), strict=strict)


def planned(made: Expansion, *, strict: bool = True) -> Plan:
    """The plan of a net that was expanded. Raises `SpecError` with the mistakes in it."""
    plan = Plan(made.spec, made.whole(), made.sources)
    return _used(plan) if strict else plan


def _used(plan: Plan) -> Plan:
    """The plan, if its net uses all that its spec says. Raises `SpecError`."""
    if plan.unused:
        raise SpecError(in_order(plan.unused))
    return plan

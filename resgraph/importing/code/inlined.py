"""An exported graph → the same graph without what only says how its calls are run: the bodies of
`torch.autocast` and `torch.no_grad()`, and numbers that stand in tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.fx import GraphModule, Node

_DETACHED: Any = torch.ops.aten.detach.default
_WRAPPERS = frozenset(("wrap_with_autocast", "wrap_with_set_grad_enabled"))
_COPIES = frozenset(("lift_fresh_copy", "detach_", "detach", "clone", "to"))


def inline(module: GraphModule) -> None:
    """Put the calls of wrapped bodies in their place, in the graph itself. What is computed without
    gradients is detached; what autocast would round is not in float64, in which nets are proven."""
    for node in [*module.graph.nodes]:
        if getattr(node.target, "__name__", "") in _WRAPPERS:
            _put(module, node)


def _put(module: GraphModule, node: Node) -> None:
    """The calls of one body."""
    results = _copied(module, node)
    if node.args[0] is False:  # gradients
        results = [_detached(module, node, each) for each in results]
    for user in [*node.users]:
        user.replace_all_uses_with(results[user.args[1]])  # type: ignore[index]
        module.graph.erase_node(user)
    module.graph.erase_node(node)


def _copied(module: GraphModule, node: Node) -> list[Node]:
    """Those calls before a node, and what they give."""
    place = next(n for n, each in enumerate(node.args) if _is_body(each))
    target: Any = node.args[place]
    body: Any = getattr(module, target.target)
    inline(body)
    inner = [*body.graph.nodes]
    inputs = (each for each in inner if each.op == "placeholder")
    known: dict[Node, Any] = dict(
        zip(inputs, node.args[place + 1 :], strict=False)
    )
    with module.graph.inserting_before(node):
        for each in inner:
            if each.op == "call_function":
                known[each] = module.graph.node_copy(
                    each, known.__getitem__
                )
    return [*map(known.__getitem__, body.graph.output_node().args[0])]


def _is_body(value: Any) -> bool:
    return isinstance(value, Node) and value.op == "get_attr"


def _detached(module: GraphModule, node: Node, result: Node) -> Node:
    with module.graph.inserting_before(node):
        made = module.graph.call_function(_DETACHED, (result,))
    made.meta.update(result.meta)
    return made


def numbers_of(
    nodes: Iterable[Node], constants: Mapping[str, Any]
) -> Mapping[str, float]:
    """The nodes that are one number each, as `torch.tensor(0.5)` in the model's code: `constants`
    by the nodes that they come in by, and their copies."""
    known = {
        name: _shortest(tensor)
        for name, tensor in constants.items()
        if _is_number(tensor)
    }
    for node in nodes:
        source = _copied_from(node)
        if source in known:
            known[node.name] = known[source]
    return known


def _copied_from(node: Node) -> str:
    """The node of which one is a copy, "" of others."""
    word = str(node.target).removeprefix("aten.").partition(".")[0]
    return str(node.args[0]) if word in _COPIES else ""


def _is_number(tensor: Any) -> bool:
    return (
        type(tensor) is torch.Tensor
        and tensor.device.type != "meta"
        and tensor.ndim == 0
        and tensor.dtype != torch.bool
    )


def _shortest(tensor: torch.Tensor) -> float:
    """As it was written: 0.1, and not the float32 that is nearest to that."""
    value: float = tensor.item()
    short = float(f"{value:.7g}")
    same = torch.equal(torch.tensor(short).to(tensor), tensor)
    return short if same else value

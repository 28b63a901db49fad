"""Keys in the order of the alphabet → the order in which the net was written, by the names of
torchvision and timm.

A safetensors file does not keep the order of its tensors. The order of the modules within one
another is known for the nets of the residual family; what is not in the table is refused, since
alignment goes by order."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import RunError

ORDERS = (
    ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "se", "downsample"),
    ("conv1", "bn1", "maxpool", "layer1", "layer2", "layer3", "layer4", "fc"),
    ("conv1", "maxpool", "stage2", "stage3", "stage4", "conv5", "fc"),
    ("features", "classifier"),
    ("stem", "trunk_output", "fc"),
    ("proj", "f"),
    ("a", "b", "se", "c"),
    ("fc1", "fc2"),
    ("norm1", "conv1", "norm2", "conv2"),
    ("norm", "conv"),
    (
        "conv0", "norm0", "denseblock1", "transition1", "denseblock2", "transition2",
        "denseblock3", "transition3", "denseblock4", "norm5",
    ),
)  # fmt: skip
"""How torchvision 0.28 and timm 1.0 name what stands side by side in a module, in the order of
registration."""


def written_order(keys: Iterable[str]) -> list[str]:
    """The keys in the order of their modules; a module's own tensors come before its children's.

    Raises `RunError` where names stand side by side whose order is not known.
    """
    keys = list(keys)
    tree = _tree(keys)
    return sorted(keys, key=lambda key: (_place(key, tree), key))


def diverge(one: str, other: str) -> tuple[str, str] | None:
    """The first parts in which two dotted names differ; None where one lies within the other."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next(((a, b) for a, b in pairs if a != b), None)


def names_tell_order(one: str, other: str) -> bool:
    """Whether the first of two modules is known to come before the second by their names: by
    number, or by `ORDERS`."""
    parts = diverge(one, other)
    if parts is None:
        return False
    (stem, number), (other_stem, other_number) = map(_numbered, parts)
    if stem == other_stem:
        return number < other_number
    return any(
        set(parts) <= set(order) and order.index(parts[0]) < order.index(parts[1])
        for order in ORDERS
    )


def _numbered(name: str) -> tuple[str, int]:
    """`layer3` → `layer`, 3; a name without a number at its end counts as 0."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _tree(keys: Iterable[str]) -> dict[str, dict[str, int]]:
    """Scope → place of each child within it."""
    children: dict[str, dict[str, None]] = {}
    for key in keys:
        for scope, part in _scopes(key):
            children.setdefault(scope, {})[part] = None
    return {scope: _places(scope, list(names)) for scope, names in children.items()}


def _scopes(key: str) -> list[tuple[str, str]]:
    """`a.b.weight` → ("", "a") and ("a", "b")."""
    parts = key.split(".")[:-1]
    return [(".".join(parts[:depth]), part) for depth, part in enumerate(parts)]


def _places(scope: str, names: list[str]) -> dict[str, int]:
    # 0, 1, 2 or layer1, layer2 or block1-0, block1-1
    if len({_numbered(name)[0] for name in names}) == 1:
        ordered = sorted(names, key=_numbered)
        return {name: place for place, name in enumerate(ordered)}
    for order in ORDERS:
        if set(names) <= set(order):
            return {name: order.index(name) for name in names}
    where = f"in `{scope}`" if scope else "at its top"
    raise RunError(
        f"a safetensors file keeps no order, and {where} stand"
        f" {', '.join(f'`{n}`' for n in sorted(names))}, whose order is not known; save the state"
        " dict with torch.save, which keeps it"
    )


def _place(key: str, tree: dict[str, dict[str, int]]) -> tuple[int, ...]:
    """A module's own tensors stand at -1, before its children."""
    return (*(tree[scope][part] for scope, part in _scopes(key)), -1)

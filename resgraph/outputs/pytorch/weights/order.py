"""The names of a state dict → the orders in which its net may run, by how torchvision and timm name
their modules.

A safetensors file does not keep the order of its tensors, and neither does a .pth that was saved
from one. The order of modules within one another is known for the nets of the residual family; what
is not in the table is refused, since alignment goes by order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice, pairwise, product

from ....collecting import among
from ....dotted import last_word, scope_of
from ....errors import RunError, ticked

ORDERS = (
    ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "se", "downsample"),
    ("conv1", "bn1", "convs", "bns", "conv3", "bn3", "se", "downsample"),
    ("downsample", "norm1", "conv1", "norm2", "conv2", "norm3", "conv3"),
    ("conv1", "norm1", "conv2", "norm2", "conv3", "norm3", "downsample"),
    ("downsample", "conv1", "conv2", "conv2b", "attn", "conv3", "attn_last"),
    ("shortcut", "conv1_1x1", "conv2_kxk", "conv2b_kxk", "attn", "conv3_1x1", "attn_last"),
    ("conv1", "conv2", "se", "conv3", "downsample"),
    ("conv1", "bn1", "maxpool", "layer1", "layer2", "layer3", "layer4", "fc"),
    ("conv1", "maxpool", "stage2", "stage3", "stage4", "conv5", "fc"),
    ("features", "classifier"),
    ("stem", "trunk_output", "fc"),
    ("stem", "features", "head", "fc"),
    ("conv_stem", "bn1", "blocks", "conv_head", "bn2", "classifier"),
    ("conv_pw", "bn1", "conv_dw", "bn2", "se", "conv_pwl", "bn3"),
    ("conv_dw", "bn1", "se", "conv_pw", "bn2"),
    ("conv_exp", "bn1", "se", "conv_pwl", "bn2"),
    ("conv_reduce", "conv_expand"),
    ("stem1", "stem2a", "stem2b", "stem3", "stem4"),
    ("layers", "aggregation"),
    ("last_conv", "fc"),
    ("conv", "bn", "lab"),
    ("shortcut", "conv1_1x1", "conv2_kxk", "self_attn", "post_attn", "conv3_1x1"),
    ("qkv", "pos_embed"),
    ("q", "k", "v", "proj"),
    ("c1x1_w_s1", "c1x1_w_s2", "c1x1_a", "c3x3_b", "c1x1_c"),
    ("conv#_#", "conv5_bn_ac"),
    ("conv1", "bn1", "conv2", "bn2", "block#", "conv3", "bn3", "conv4", "bn4", "fc"),
    ("skip", "skipbn", "rep"),
    ("conv1", "pointwise"),
    (
        "conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a", "mixed_5b", "repeat",
        "mixed_6a", "repeat_1", "mixed_7a", "repeat_2", "block8", "conv2d_7b", "classif",
    ),
    ("branch#", "conv2d"),
    (
        "conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2", "transition2", "stage3",
        "transition3", "stage4", "incre_modules", "downsamp_modules", "final_layer", "classifier",
    ),
    ("branches", "fuse_layers"),
    ("stem", "stages", "final_conv", "norm_pre", "norm", "head"),
    ("stem", "s1", "s2", "s3", "s4", "final_conv", "head"),
    ("downsample", "blocks"),
    ("conv_dw", "norm", "mlp"),
    ("conv_attn", "mlp_add"),
    ("conv", "bn0", "fc1", "bn1", "fc2"),
    ("proj", "f"),
    ("a", "b", "se", "c"),
    ("fc1", "grn", "norm", "fc2"),
    ("norm1", "attn", "norm2", "mlp"),
    ("qkv", "proj"),
    ("patch_embed", "blocks", "norm", "head"),
    ("norm", "fc"),
    ("norm", "conv"),
    ("conv", "bn"),
    (
        "conv0", "norm0", "denseblock1", "transition1", "denseblock2", "transition2",
        "denseblock3", "transition3", "denseblock4", "norm5",
    ),
)  # fmt: skip
"""How torchvision 0.28 and timm 1.0 name what stands side by side in a module, in the order in
which it runs; `#` is any number. Two rows may disagree: norms stand before convolutions in
pre-activation, else behind them."""
WITHIN = dict.fromkeys(
    ["c1x1_w_s1", "c1x1_w_s2", "c1x1_a", "c3x3_b", "c1x1_c", "conv5_bn_ac"],
    ("bn", "conv"),
)
"""The order in modules of these names (timm's DPN), whatever it is elsewhere."""
APART = frozenset(["q", "k", "v"])
"""Names that run side by side, so that a place tells nothing of which is which."""
ROLES = frozenset(
    [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "gain",
        "num_batches_tracked",
    ]
)
"""What the tensors of a module are called everywhere."""
ZIPPED = (("convs", "bns"),)
"""Lists whose members run by turns: `convs.0`, `bns.0`, `convs.1`, … (timm's Res2Net)."""
SHORTCUTS = frozenset(
    [
        "shortcut",
        "downsample",
        "skip",
        "skipbn",
        "proj",
        "identity",
        "residual",
    ]
)
"""What a residual block's shortcut is called, here and elsewhere (torchvision 0.28, timm 1.0)."""
SETTLED = "say which is which with --map FILE, or `map:` in a recipe"
_COMBINED = 64  # orders of one net that are tried
_NUMBER = re.compile(r"\d+")

Order = tuple[str, ...]
"""Names that stand side by side, in the order in which they run."""
_Kind = tuple[frozenset[str], Order | None]


def written_orders(keys: Iterable[str]) -> list[list[str]]:
    """The keys in each order that their names allow; a module's own tensors come before its
    children's.

    Mostly there is one. Modules that hold the same names, whatever their shortcut, are read alike.
    Raises `RunError` where names stand side by side whose order is not known."""
    keys = list(keys)
    scopes = _siblings(keys)
    kinds = {
        scope: (frozenset(names - SHORTCUTS), WITHIN.get(last_word(scope)))
        for scope, names in scopes.items()
        if not _are_numbered(names)
    }
    choices: dict[_Kind, list[Order]] = {}
    for scope, kind in kinds.items():
        known = _known_orders(scope, scopes[scope], *kind)
        kept = among(choices.get(kind, known), known)
        choices[kind] = kept or known
    found: dict[tuple[str, ...], None] = {}
    for chosen in islice(product(*choices.values()), _COMBINED):
        picked = dict(zip(choices, chosen, strict=True))
        places = {
            scope: _places(
                names, picked[kinds[scope]] if scope in kinds else ()
            )
            for scope, names in scopes.items()
        }
        found[_placed(keys, places)] = None
    return [*map(list, found)]


def _placed(
    keys: Iterable[str], places: Mapping[str, Mapping[str, int]]
) -> tuple[str, ...]:
    return tuple(sorted(keys, key=lambda key: (_place(key, places), key)))


def modules_of(keys: Iterable[str]) -> dict[str, str]:
    """The module of each key; a tensor beside modules (`cls_token`, `skipinit_gain`) is one of its
    own."""
    keys = list(keys)
    around = {scope for key in keys for scope, _ in _scopes(key)}
    found = {}
    for key in keys:
        module, _, leaf = key.rpartition(".")
        found[key] = (
            key if module in around and leaf not in ROLES else module
        )
    return found


def keeps_order(keys: Iterable[str]) -> bool:
    """Whether a state dict's keys may stand in the order of its modules: each scope in one piece,
    and not by the alphabet."""
    keys = list(keys)
    if keys == sorted(keys):
        return False
    modules = list(dict.fromkeys(map(scope_of, keys)))
    return modules != sorted(modules) and _in_one_piece(keys)


def _in_one_piece(keys: Iterable[str]) -> bool:
    """Whether no scope is left and entered again."""
    chains = [
        [*(scope for scope, _ in _scopes(key)[1:]), scope_of(key)]
        for key in keys
    ]
    entered = [
        scope
        for before, chain in pairwise([[], *chains])
        for scope in chain
        if scope not in before
    ]
    return len(entered) == len(set(entered))


def diverge(one: str, other: str) -> tuple[str, str] | None:
    """The first parts in which two dotted names differ; None where one lies within the other."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next(((a, b) for a, b in pairs if a != b), None)


def names_tell_order(one: str, other: str) -> bool:
    """Whether the first of two modules is known to come before the second by their names: by
    number, or by `ORDERS`, where no row says the contrary."""
    parts = diverge(one, other)
    if parts is None or APART.issuperset(parts):
        return False
    if (numbers := _counted(parts)) is not None:
        return numbers[0] < numbers[1]
    ranks = [[_rank(part, order) for part in parts] for order in ORDERS]
    return {one < other for one, other in ranks if one and other} == {True}


def numbers_are_turned(one: str, other: str) -> bool:
    """Whether two modules are numbered, and the first has the greater number."""
    parts = diverge(one, other)
    numbers = _counted(parts) if parts else None
    return numbers is not None and numbers[0] > numbers[1]


def _counted(parts: tuple[str, str]) -> tuple[int, int] | None:
    """The numbers of `layer3` and `layer4`; None of `conv1` and `bn1`."""
    (stem, number), (other_stem, other) = map(_numbered, parts)
    return (number, other) if stem == other_stem else None


def _numbered(name: str) -> tuple[str, int]:
    """`layer3` → `layer`, 3; a name without a number at its end counts as 0."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _siblings(keys: Iterable[str]) -> dict[str, set[str]]:
    """Scope → the names within it."""
    children: dict[str, set[str]] = {}
    for key in keys:
        for scope, part in _scopes(key):
            children.setdefault(scope, set()).add(part)
    return children


def _scopes(key: str) -> list[tuple[str, str]]:
    """`a.b.weight` → ("", "a") and ("a", "b")."""
    parts = key.split(".")[:-1]
    return [
        (".".join(parts[:depth]), part) for depth, part in enumerate(parts)
    ]


def _are_numbered(names: set[str]) -> bool:
    """0, 1, 2 or layer1, layer2 or block1-0, block1-1."""
    return len({_numbered(name)[0] for name in names}) == 1


def _rank(name: str, order: Order) -> tuple[int, ...]:
    """Where a name stands in an order: its place there, and its numbers where it is one of many;
    () where it has none."""
    if name in order:
        return (order.index(name),)
    pattern = _NUMBER.sub("#", name)
    numbers = map(int, _NUMBER.findall(name))
    return (order.index(pattern), *numbers) if pattern in order else ()


def _ranks(
    names: Iterable[str], order: Order
) -> dict[str, tuple[int, ...]]:
    """The places of these names in an order; nothing where it lacks one."""
    found = {name: _rank(name, order) for name in names}
    return found if all(found.values()) else {}


def _known_orders(
    scope: str, names: set[str], kind: frozenset[str], within: Order | None
) -> list[Order]:
    """Each known order of the names in `kind`, in a scope that has these names."""
    ranks = (
        _ranks(names, order) for order in ([within] if within else ORDERS)
    )
    if found := [
        tuple(sorted(kind, key=found.__getitem__))
        for found in ranks
        if found
    ]:
        return list(dict.fromkeys(found))
    where = f"in `{scope}`" if scope else "at its top"
    raise RunError(
        f"the file keeps no order of its tensors, and {where} stand"
        f" {ticked(sorted(names))}, whose order is not known; {SETTLED}"
    )


def _places(names: set[str], chosen: Order) -> dict[str, int]:
    """By the first known order that has these names, and the chosen ones as chosen."""
    ranks = (_ranks(names, order) for order in (*ORDERS, chosen))
    fitting = (
        rank
        for rank in ranks
        if rank and tuple(sorted(chosen, key=rank.__getitem__)) == chosen
    )
    rank = next(fitting, {}) if chosen else {}
    ordered = sorted(
        names, key=lambda name: rank.get(name) or _numbered(name)
    )
    return {name: place for place, name in enumerate(ordered)}


def _place(
    key: str, tree: Mapping[str, Mapping[str, int]]
) -> tuple[int, ...]:
    """A module's own tensors stand at -1, before its children; those of zipped lists by turns."""
    places: list[int] = []
    turn: int | None = None
    for scope, part in _scopes(key):
        among = tree[scope]
        places.append(among[part])
        if turn is not None:
            places.append(turn)
        turn = None
        for lists in ZIPPED:
            if part in lists and set(lists) <= among.keys():
                places[-1] = among[lists[0]]
                turn = lists.index(part)
    return (*places, -1)

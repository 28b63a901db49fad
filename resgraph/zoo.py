"""The specs that come with resgraph → what each net says of itself; nothing is expanded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from .collecting import each_text
from .language.extends import read_file
from .language.references import locate, zoo_folder, zoo_names
from .language.variants import apply_variant
from .language.yaml.tree import plain_value, scalars_in
from .structs import Frozen


class ZooNet(Frozen):
    """A net by the name that a SPEC takes, and what its file says of it."""

    name: str
    file: str
    variant: str | None
    params: int
    input: str
    title: str
    about: str


def zoo_nets() -> Iterator[ZooNet]:
    """All of them, file by file."""
    read = cache(read_file)
    for name in zoo_names():
        found = locate(name, zoo_folder())
        tree, _ = read(found.path)
        net = apply_variant(tree, found.variant) if found.variant else tree
        said = {
            key: plain_value(net.entries[key].value)
            for key in ("about", "name", "expect")
        }
        claims = said["expect"]
        if found.variant:
            claims = claims[found.variant]
        sizes = scalars_in(net.entries["input"].value)
        size = ", ".join(each_text(sizes))
        yield ZooNet(
            name,
            found.zoo,
            found.variant,
            int(claims["params"]),
            size,
            said["name"],
            said["about"],
        )

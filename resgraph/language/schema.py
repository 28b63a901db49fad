"""The keys of a spec and what each may hold, as records; a mistake becomes a diagnostic at
its place."""

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict, replace

from ..collecting import all_of_type
from ..errors import Diagnostic, write
from ..ops import VOCABULARY
from .diagnose.keys import EXAMPLES, Mistake, key_meant, mistakes, refused
from .diagnose.nearest import op_meant
from .init import Init
from .reading import read
from .record import (
    Forms,
    Info,
    Record,
    Validator,
    WrongRecord,
    belongs,
    path_of,
)
from .yaml.scalars import number_in
from .yaml.tree import KeyValue, Mapping, bare, entries_of, plain_value


def _one_line(text: str, _: Info) -> str:
    if not text.strip():
        raise refused("`name` is empty")
    if "\n" in text.strip() or "\t" in text.strip():
        raise refused("`name` is one line, without tabs")
    return text


Title = Annotated[
    str, Meta(min_length=1, max_length=200), Validator(_one_line)
]


def _no_list(shape: Any, _: Info) -> Any:
    """Refuses `[3, 224, 224]`; with a batch axis, or channels last, what it means is a guess."""
    if not isinstance(shape, list):
        return shape
    axes = [*map(str, shape[-3:])]
    hint = write("x".join(axes))
    ints = len(shape) == 3 and all_of_type(int, shape)
    hint = replace(hint, certain=ints and shape[0] <= shape[2])
    said = "`input` must be text or a whole number"
    raise refused(
        said, hint if "".join(axes).isalnum() else EXAMPLES["input"]
    )


Map = dict[str, Any]
WrittenSize = Annotated[str | int, Validator(_no_list, before=True)]
WrittenInputs = Annotated[
    WrittenSize | Annotated[dict[str, WrittenSize], Meta(min_length=1)],
    Forms(lambda given: isinstance(given, dict)),
]


def _rows(value: Any, _: Info) -> Any:
    """Refuses what is no list of names; a shape belongs to `expect`."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all_of_type(str, names):
        said = "this must be a list of rows"
        raise refused(
            said,
            f"{belongs('expect', 'output')}"
            if isinstance(value, int)
            else "`[c4, head]` names two",
        )
    if names is not value:
        raise refused("the rows are a list", write(f"[{value}]"))
    if not names:
        raise refused(
            "a net gives at least one row",
            "leave the key out: then it is the last row",
        )
    return names


RowNames = Annotated[list[str], Validator(_rows, before=True)]


def _counted(value: Any, _: Info) -> Any:
    number = number_in(value)
    return number if isinstance(number, int) else value


WrittenCount = Annotated[int | None, Validator(_counted, before=True)]


class Expect(Record):
    """Claims that `resgraph check` verifies."""

    params: WrittenCount = None
    macs: WrittenCount = None
    depth: WrittenCount = None
    output: str | int | list[str | int] | None = None

    def claims(self) -> dict[str, int | str]:
        """What is claimed, by name; several outputs as one text."""
        found = {
            key: value
            for key, value in asdict(self).items()
            if value is not None
        }
        if isinstance(found.get("output"), list):
            found["output"] = ", ".join(map(str, found["output"]))
        return found


def _by_variant(expect: Any) -> bool:
    by_variant = isinstance(expect, dict) and all_of_type(
        dict, expect.values()
    )
    return by_variant and bool(expect)


Expectations = Annotated[Expect | dict[str, Expect], Forms(_by_variant)]


class File(Record):
    """The keys of a spec. Labels, equations and paths are text here; the parser reads them."""

    name: Title
    about: str = ""
    input: WrittenInputs
    """`3x224x224`, `784` for a feature vector, or several by name"""
    let: Map = {}
    unit: str | list[Any] = "conv bn relu"
    shortcut: Any = "projection"
    ops: dict[str, Map] = {}
    init: Init | None = None
    blocks: Map = {}
    net: Annotated[Map, Meta(min_length=1)]
    output: RowNames = []
    """the rows that the net gives, as a tuple"""
    aux: RowNames = []
    """rows that it gives in training alone"""
    variants: dict[str, Map] = {}
    extends: str | None = None
    allow: list[str] = []
    """lints that this spec silences, by name"""
    expect: Expectations | None = None
    train: str | Map | None = None

    @classmethod
    def home_of(cls, key: str) -> str:
        """Where to write a key of a recipe or of `expect`, or what the command says."""
        from .recipe import Train  # as few look for one

        path = ("recipe",) if key == "recipe" else path_of(key, Train)
        if path and (len(path) == 1 or path[0] == "optimizer"):
            return belongs("train", *path)
        of_net = key in Expect.__struct_fields__
        return super().home_of(key) or (
            belongs("expect", key) if of_net else ""
        )


_ASIDE = frozenset(["name", "about", "init", "allow", "expect", "train"])
"""Keys that no shape depends on."""


def validate(
    tree: Mapping,
) -> tuple[Mapping, File | None, list[Diagnostic]]:
    """The tree, its keys, and what is wrong with them, each at its place.

    Where no shape depends on what is wrong, that is left out (or stands under the key that was
    meant) and the rest is there to go on with; else there is no `File`."""
    value = plain_value(tree)
    try:
        return tree, read(File, value), []
    except WrongRecord as problems:
        wrong = mistakes(problems, value, File)
    found = [_told(mistake, tree) for mistake in wrong]
    mended = _mended(tree, wrong)
    if mended is None:
        return tree, None, found
    rest, file, more = validate(mended)
    return rest, file, found + more


def no_variant(name: str) -> Mistake:
    """What stands under a variant is no map."""
    said = "a variant is a map of `let` values and keys of the file"
    return Mistake(("variants", name), said, f"`{name}: {{}}` changes none")


def _told(mistake: Mistake, tree: Mapping) -> Diagnostic:
    """A mistake as a diagnostic, of an op and a variant in words of their own."""
    match mistake.loc:
        case ("ops", str(op)) if op not in VOCABULARY:
            hint = op_meant(op, VOCABULARY)
            mistake = Mistake(mistake.loc, f"no op `{op}`", hint, "E011")
        case ("ops", op):
            said = f"`ops.{op}` must be a map of options"
            mistake = Mistake(mistake.loc, said, EXAMPLES["ops"])
        case ("expect", str(name)) if name in entries_of(tree, "variants"):
            said = "`expect` has numbers, or a map of them for each variant"
            example = f"write `expect: {{{name}: {{params: 25_557_032}}}}`"
            mistake = Mistake(mistake.loc, said, example, "E020")
        case ("variants", str(name)):
            mistake = no_variant(name)
    found = mistake.at(tree)
    if mistake.code != "E020":
        return found
    # what stands below an unknown key is unknown too
    below = entries_of(tree, str(mistake.loc[0]))
    return replace(found, names=found.names.union(below))


def _mended(tree: Mapping, wrong: list[Mistake]) -> Mapping | None:
    """The tree without the keys that no shape depends on and that are wrong; None where others
    are."""
    keys = [str((*mistake.loc, mistake.missing)[0]) for mistake in wrong]
    for key, mistake in zip(keys, wrong, strict=True):
        if mistake.loc == (key,) and mistake.code == "E020":
            tree = _respelled(tree, key)
    for key, mistake in zip(keys, wrong, strict=True):
        if key not in tree.entries and key in ("input", "net"):
            return None
        if key in _ASIDE:
            tree = tree.without(key)
        elif key in tree.entries and mistake.code != "E021":
            return None
    title = bare("net", tree.span)
    # a name that is written stands over it
    return tree.holding({"name": KeyValue(title, title), **tree.entries})


def _respelled(tree: Mapping, key: str) -> Mapping:
    """The tree with what stands under an unknown key under the one that was meant, or nowhere."""
    meant = key_meant(key, list(File.__struct_fields__)).write
    if not meant or meant in tree.entries:
        return tree.without(key)
    entries = {
        meant if name == key else name: entry
        for name, entry in tree.entries.items()
    }
    return tree.holding(entries)

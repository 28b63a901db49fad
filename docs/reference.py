"""The pages of the manual that follow the program: `python docs/reference.py` writes them again.

Ops, `train:` keys and commands are read from the records and from click, so that each fact
is written once. The pages are committed, to be read without a build; a test compares them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from sys import float_info
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
import msgspec
import torch
import yaml
from msgspec.structs import FieldInfo

from resgraph.cli import cli
from resgraph.language.foreign import foreign, squeezed
from resgraph.language.models import model_of
from resgraph.language.recipe import Train, recipe_names, recipe_text
from resgraph.language.record import (
    TAGS,
    Record,
    default,
    described,
    kinds,
    records,
)
from resgraph.ops import (
    VOCABULARY,
    Op,
    Pad,
    Pool,
    Shape,
    ShapeError,
    shape_text,
)
from resgraph.ops.base import sized_fields
from resgraph.ops.extension import package_of
from resgraph.structs import fields

FOLDER = Path(__file__).parent
MADE = "<!-- Made by `python docs/reference.py`, from {}. -->\n"
MAP, VECTOR, SEQUENCE, PARTS = (64, 56, 56), (64,), (64, 196), (192, 14, 14)
INPUTS = (MAP, VECTOR, SEQUENCE, PARTS)
"""What the examples read: the first that the op takes."""
SAMPLE = {"width": 64, "kernel": 3, "groups": 8, "rate": 0.1,
          "factor": 2, "cells": 1, "start": 0.5, "heads": 4, "size": (14, 14)}  # fmt: skip
"""Values of required options, for the example of each op."""
ADAPTIVE = (
    Pool(op="avg pool", to=7),
    Pool(op="max pool", to=7),
    *(
        Pad(cells=(3,) * axes, **{kind: True})
        for axes in (1, 2, 3)
        for kind in ("reflect", "replicate")
    ),
    *(Pad(cells=(1,) * axes) for axes in (1, 2, 3)),
)
"""Examples of what options make another layer of torch."""
EXAMPLES: dict[str, Any] = {
    "about": "a short run", "normalize": "imagenet",
    "weights": "resnet50.safetensors", "weights.file": "checkpoint.pth", "weights.key": "model_ema",
    "weights.map": "names.yaml", "freeze": ["conv1", "conv2"],
    "rates": {"decay": 0.75, "by": {"head": 10}}, "rates.decay": 0.75, "rates.by": {"head": 10},
    "normalize.mean": [0.29], "normalize.std": [0.35], "iterations": 64_000, "accumulate": 4,
    "patience": 5, "keep": "best", "clip": 1.0, "loss": {"head": 1, "aux1": 0.3}, "sync_bn": True,
    "evaluate_every": 5, "seed": 1,
    "progressive": {"sides": [128, 192]},
    "augment.cutout": 16, "augment.trivialaugment": True, "augment.repeats": 3,
    "augment.erasing": 0.1, "augment.lighting": 0.1,
    "augment.crop.area.aspect": [0.75, 1.33], "augment.crop.side.side": [256, 480],
    "data.digits.test": 0.3, "data.digits.split_seed": 1, "data.digits.size": 32,
    "data.digits.channels": 3, "data.cifar10.path": "/data/cifar", "data.cifar10.held_out": 5000,
    "data.cifar10.split_seed": 1,
    "data.idx.path": "/data/fashion-mnist", "data.idx.held_out": 0.1, "data.idx.split_seed": 1,
    "data.idx.pad": 2, "data.idx.channels": 3,
    "data.arrays.path": "pathmnist.npz", "data.arrays.train": "training",
    "data.arrays.validation": "test", "data.arrays.images": "x", "data.arrays.labels": "y",
    "data.arrays.split": 0.2, "data.arrays.split_seed": 1,
    "data.list.train": "all.csv", "data.list.validation": "test.csv", "data.list.split": 0.2,
    "data.list.split_seed": 1, "data.list.image": "file", "data.list.label": ["age", "weight"],
    "data.list.inputs": {"record": ["age", "weight"]}, "data.list.resize": 256,
    "data.list.exif": True, "data.list.unreadable": 0.01, "data.list.path": "pictures",
    "data.imagenet.train": "training", "data.imagenet.validation": "validation",
    "data.imagenet.truth": "val.txt", "data.imagenet.resize": 256, "data.imagenet.exif": True,
    "data.imagenet.unreadable": 0.01, "data.imagenet.path": "/data/imagenet",
    "data.folder.split": 0.2, "data.folder.split_seed": 1, "data.folder.exif": True,
    "data.folder.train": "training", "data.folder.validation": "validation",
    "data.folder.resize": 256, "data.folder.unreadable": 0.01,
    "data.parquet.path": "/data/beans", "data.parquet.train": "train-*.parquet",
    "data.parquet.validation": "test-*.parquet", "data.parquet.split": 0.1,
    "data.parquet.split_seed": 1, "data.parquet.image": "img", "data.parquet.label": "fine_label",
    "data.parquet.resize": 256, "data.parquet.exif": True, "data.parquet.unreadable": 0.01,
    "data.shards.path": "/data/shards", "data.shards.train": "train-{000..127}.tar",
    "data.shards.validation": "val-{000..007}.tar", "data.shards.resize": 256,
    "data.shards.label": "json.label",
    "data.shards.unreadable": 0.01,
    "interpolation": "bicubic", "sampling": "balanced",
    "data.synthetic.samples": 4096, "data.synthetic.validation": 512,
    "data.synthetic.classes": 10, "data.synthetic.noise": 1.0, "data.synthetic.seed": 1,
    "target": {"kind": "map", "ignore": 0}, "target.label.loss": "bce",
    "target.label.weights": "balanced",
    "target.labels.weights": "balanced", "target.number.loss": "huber",
    "target.number.standardize": False, "target.map.ignore": 0,
    "target.map.weights": [1.0, 5.0], "target.itself.loss": "l1",
    "adamw.lr": 0.001, "adamw.betas": [0.9, 0.99],
    "adamw.eps": 1e-6, "adamw.weight_decay": 0.05,
    "adamw.no_decay": ["norm", "bias"],
    "sgd.by": {"head": {"lr": 0.67}}, "adamw.by": {"head": {"lr": 0.01}},
    "optimizer.muon.weight_decay": 0.01, "optimizer.muon.no_decay": ["norm"],
    "sgd.lr": 0.1, "sgd.momentum": 0.9, "sgd.nesterov": True, "sgd.weight_decay": 1e-4,
    "sgd.no_decay": ["norm", "bias"], "by.lr": 0.67, "by.weight_decay": 0.006, "by.until": 3,
    "muon.lr": 0.02, "muon.momentum": 0.9, "muon.nesterov": False, "muon.iterations": 3,
    "muon.adjust": "adamw", "muon.unit": True, "muon.others": {"name": "sgd", "lr": 0.1},
    "optimizer.lamb.betas": [0.9, 0.99], "optimizer.lamb.eps": 1e-6,
    "schedule.cosine.end": 0.01, "schedule.linear.end": 0.01, "schedule.one-cycle.end": 0.001,
    "schedule.plateau.factor": 0.5, "schedule.plateau.patience": 3,
    "warmup.linear.start": 0.1, "warmup.until.window": 200,
}  # fmt: skip
"""An example of each `train:` key that no recipe of the library writes."""

WORDS = {
    bool: "`true`, `false`",
    int: "integer",
    float: "number",
    str: "text",
}
"""The plain types of options."""

SIGNS = (
    ("minimum", "≥"),
    ("exclusiveMinimum", ">"),
    ("maximum", "≤"),
    ("exclusiveMaximum", "<"),
)


def pages() -> dict[str, str]:
    """The name and the text of every page."""
    return {
        "ops.md": "\n".join(_ops()),
        "training-keys.md": "\n".join(_training()),
        "commands.md": "\n".join(_commands()),
    }


def table(head: str, rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table; `head` has its titles, parted by `|`."""
    yield from (f"| {head} |", "|" + "---|" * (head.count("|") + 1))
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def written(item: Any) -> str:
    """A value as a spec would have it."""
    if isinstance(item, dict):
        return f"{{{', '.join(f'{key}: {written(inner)}' for key, inner in item.items())}}}"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(written, item))}]"
    if isinstance(item, bool | None):
        return str(item).lower()
    return f"{item:.6g}" if isinstance(item, float) else str(item)


def code(text: str) -> str:
    return f"`{text}`"


def kind(schema: dict[str, Any]) -> str:
    """The type of a key and its range, in words, from its JSON Schema."""
    if "anyOf" in schema:
        kinds = (
            kind(item)
            for item in schema["anyOf"]
            if item != {"type": "null"}
        )
        return " or ".join(dict.fromkeys(kinds))
    if "oneOf" in schema and "discriminator" not in schema:
        return " or ".join(kind(item) for item in schema["oneOf"])
    if "oneOf" in schema or "$ref" in schema:
        return "mapping"
    if schema.get("additionalProperties"):
        return (
            f"mapping of names to: {kind(schema['additionalProperties'])}"
        )
    if "enum" in schema:
        return ", ".join(code(written(item)) for item in schema["enum"])
    if "prefixItems" in schema:  # of one kind each
        return f"two of: {kind(schema['prefixItems'][0])}"
    if "const" in schema:
        return code(written(schema["const"]))
    if schema.get("type") == "array":
        return f"list of: {kind(schema['items'])}"
    name = {"string": "text", "boolean": "`true`, `false`"}.get(
        schema["type"], schema["type"]
    )
    limits = [
        f"{sign} {bound(schema[key])}"
        for key, sign in SIGNS
        if key in schema
    ]
    return ", ".join([name, *limits])


def bound(number: float) -> str:
    """`2**63 - 1` is no number to read; thousands have commas."""
    return "2⁶³ - 1" if number == 2**63 - 1 else f"{number:,}"


def _ops() -> Iterator[str]:
    yield MADE.format("the records in resgraph/ops")
    yield "# Ops\n"
    yield (
        "Every op of the language, its number and its options, from the records that"
        " define them. `resgraph blocks conv` prints the same in a terminal. The"
        " numbers are those of the example on an input of `64x56x56`, or of `64` where"
        " the op reads vectors, of `64x196` where it reads sequences, and of `192x14x14`"
        " for attention.\n"
    )
    yield (
        "A label is `[KxK] op [number] [/stride] [option value ...]`; in the long form"
        " every option is a key. The `stride` is 1 where none is written. The `pad` of a"
        " convolution or pool is by default `dilation * (kernel - 1) / 2` where the kernel"
        " is odd, and 0 where it is even. A size is `3`, or has a number for each axis of"
        " the map, `1x7` (down, across) or `3x7x7`. Whether a"
        " `conv`, `depthwise conv` or `up conv` has a `bias` follows from the unit ([rule"
        " 5](language.md#six-rules)), unless the label says `bias none` or a start value.\n"
    )
    ours = {
        word: op for word, op in VOCABULARY.items() if not package_of(op)
    }
    rows = [_cost(word, op) for word, op in ours.items()]
    yield from table("example | output | params | MACs | in PyTorch", rows)
    for op in dict.fromkeys(ours.values()):
        yield from _op(op)
    yield from _from_torch(ours)


def _from_torch(ours: dict[str, type[Op]]) -> Iterator[str]:
    """What each layer of torch.nn is here, or what is said of it."""
    labels: dict[str, str] = {}
    examples = [_example(word, op) for word, op in ours.items()]
    for example in [*examples, *ADAPTIVE]:
        for x, _ in _taken(example):
            name = example.torch(x).target.removeprefix("nn.")
            if squeezed(example.op) == squeezed(name) or name not in labels:
                labels[name] = f"`{example.label()}`"
    yield "## From PyTorch\n"
    yield (
        "What each layer of `torch.nn` is in a label, with an example's numbers. What"
        " `torch.cat` and `+` join is an [equation](language.md#six-rules).\n"
    )
    rows = [
        (
            f"`nn.{name}`",
            labels.get(name) or foreign(name).partition(": ")[2],
        )
        for name, layer in sorted(vars(torch.nn).items())
        if isinstance(layer, type)
        and (name in labels or ": " in foreign(name))
    ]
    yield from table("in PyTorch | label", rows)


def _example(word: str, op: type[Op]) -> Op:
    needed = {
        key: SAMPLE[key]
        for key, field in op.fields().items()
        if (field.required and key != "op")
        or (key == op.number and field.default is None and key in SAMPLE)
        or (key == "kernel" and "pool" in word)
    }
    if word == "part":
        needed = {"which": 0, "of": 2}
    strided = (
        {"stride": 2} if "stride" in op.fields() and "pool" in word else {}
    )
    return op(op=word, **needed, **strided)


def _cost(word: str, op: type[Op]) -> tuple[str, ...]:
    """The row of an op in the first table."""
    example = _example(word, op)
    x, out = next(_taken(example))
    cost, call = example.cost(x), example.torch(x)
    arguments = [
        *map(repr, call.args),
        *(f"{key}={setting!r}" for key, setting in call.kwargs),
    ]
    code = f"`{call.target}({', '.join(arguments)})`"
    label = f"`{example.label()}`"
    return (
        label,
        shape_text(out),
        f"{cost.params:,}",
        f"{cost.macs:,}",
        code,
    )


def _taken(example: Op) -> Iterator[tuple[Shape, Shape]]:
    """Of the inputs those that an op takes, and what comes out."""
    for x in INPUTS:
        with suppress(ShapeError):
            yield x, example.infer(x)


def _op(op: type[Op]) -> Iterator[str]:
    words = [word for word, other in VOCABULARY.items() if other is op]
    yield f"## {', '.join(words)}\n"
    yield f"{one_line(op.__doc__)}\n"
    rows = []
    for key, field in op.fields().items():
        about = "the number of the label" if key == op.number else ""
        if key != "op":
            said = values(field.type)
            if key in sized_fields(op):
                said = said.replace("integer", "size")
            rows.append((code(key), said, _default(op, key, field), about))
    if rows:
        yield from table("option | type | default | ", rows)


def values(type_: Any) -> str:
    """What an option can be, and its range, in words."""
    kind_of, args = get_origin(type_) or type_, get_args(type_)
    if kind_of is Annotated:
        return ", ".join([values(args[0]), *limits(args[1])])
    if kind_of is tuple:  # which a label writes as `3` or `1x7`
        return values(args[0])
    if type_ == Literal[0]:  # False
        return code(written(False))
    if kind_of is Literal:
        return ", ".join(code(written(word)) for word in args)
    if kind_of in (Union, UnionType):
        each = (values(one) for one in args if one is not NoneType)
        return " or ".join(dict.fromkeys(each))
    return WORDS[kind_of]


def limits(meta: msgspec.Meta) -> Iterator[str]:
    """The range of a number."""
    if meta.le == float_info.max:
        return
    for key, sign in {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}.items():
        if (number := getattr(meta, key)) is not None:
            yield f"{sign} {bound(number)}"


def _default(op: type[Op], key: str, field: FieldInfo) -> str:
    usual = getattr(op, "usual", None)
    if key == "kernel" and usual:
        return ", ".join(f"{usual(n)} at stride {n}" for n in (1, 2, 3))
    if field.required:
        return "required"
    default = field.default
    if isinstance(default, tuple):
        default = default[0] if len(set(default)) == 1 else default
    return "–" if default is None else code(written(default))


def _training() -> Iterator[str]:
    yield MADE.format("the records in resgraph/language/recipe")
    yield "# Training keys\n"
    yield (
        "Every key of `train:`. [Training](training.md) explains how they are used. A"
        " recipe's *unit* is epochs where it has `epochs`, and optimizer steps where it"
        " has `iterations`. The word `none` turns an optional key off. Where a mapping has"
        " several kinds, one key says which (`set`, `name`, `kind`); a kind alone may stand"
        " for the mapping, as in `schedule: cosine`.\n"
    )
    yield from _record(Train, "")
    shown: set[type[Record]] = set()
    for key, field in fields(Train).items():
        for record in records(field.type):
            yield from _nested(record, key, shown)


def _nested(
    record: type[Record], place: str, seen: set[type[Record]]
) -> Iterator[str]:
    """A record below `place`, and those below it, each where it is met first."""
    if record in seen:
        return
    seen.add(record)
    tag = TAGS.get(place.rpartition(".")[2])
    words = kinds(record) if tag else [""]
    shown = " or ".join(code(f"{tag}: {one}") for one in words)
    yield f"## {place}{f' with {shown}' if tag else ''}\n"
    yield f"{one_line(record.__doc__)}\n"
    yield from _record(record, ".".join(filter(None, (place, words[0]))))
    for key, field in fields(record).items():
        for inner in records(field.type):
            yield from _nested(inner, f"{place}.{key}", seen)


def _record(record: type[Record], place: str) -> Iterator[str]:
    about = described(record)
    properties = model_of(record).model_json_schema()["properties"]
    rows = [
        (code(key), about[key], kind(field), _preset(record, key),
         code(f"{key}: {written(example(place, key))}"))
        for key, field in properties.items() if key in about
    ]  # fmt: skip
    if rows:
        yield from table("key | | type | default | example", rows)


def _preset(record: type[Record], key: str) -> str:
    usual = default(fields(record)[key])
    if usual is ...:
        return "required"
    if usual is None or isinstance(usual, Record):
        tag = TAGS.get(key)
        return code(getattr(usual, tag)) if usual and tag else "–"
    return code(written(usual)) if usual != "" else "–"


def example(place: str, key: str) -> Any:
    """A value for a key: as a recipe of the library has it, else one of `EXAMPLES`."""
    whole = ".".join(filter(None, (place, key)))
    ends = [
        ".".join(whole.split(".")[at:])
        for at in range(whole.count(".") + 1)
    ]
    for end in ends:
        if end in EXAMPLES:
            return EXAMPLES[end]
    for name in recipe_names():
        found: Any = yaml.safe_load(recipe_text(name))
        for part in place.split(".") if place else ():
            if isinstance(found, dict):
                found = found if part in found.values() else found.get(part)
        if (
            isinstance(found, dict)
            and key in found
            and _is_of(place, found)
        ):
            return found[key]
    raise KeyError(
        f"no recipe has `{whole}`: give an example of it in {__file__}"
    )


def _is_of(place: str, mapping: dict[str, Any]) -> bool:
    """Whether a mapping is of the kind that the place names last, where it names one."""
    tagged = [mapping[tag] for tag in set(TAGS.values()) if tag in mapping]
    return not tagged or not place or place.rpartition(".")[2] in tagged


def _commands() -> Iterator[str]:
    yield MADE.format("the commands in resgraph/cli")
    yield "# Commands\n"
    yield (
        "`resgraph COMMAND --help` prints the same in a terminal. A SPEC is a file, a"
        " variant in it (`net.yaml::large`), or a net of the zoo (`resnet-50`).\n"
    )
    context = click.Context(cli, info_name="resgraph")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from _command(
            command, click.Context(command, context, info_name=name)
        )


def _command(
    command: click.Command, context: click.Context
) -> Iterator[str]:
    yield f"## {context.info_name}\n"
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    # one that begins with \b keeps its lines, as in a terminal
    for text in paragraphs:
        kept = text.removeprefix("\b\n")
        yield (
            f"{one_line(text)}\n"
            if kept == text
            else f"```text\n{kept}\n```\n"
        )
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```\n"
    records = (
        parameter.get_help_record(context)
        for parameter in command.params
        if isinstance(parameter, click.Option)
    )
    rows = [
        (
            f"`{names}`".replace("|", "\\|"),
            one_line(about).replace("|", "\\|"),
        )
        for names, about in filter(None, records)
    ]
    if rows:
        yield from table("option | ", rows)


def main() -> None:
    """Write what has changed."""
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()

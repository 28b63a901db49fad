"""The models of the language → one JSON Schema (draft 7) by which editors complete and check a spec
as it is typed.

Layers in the long form are a closed union on `op`, calls of blocks are open, labels and equations
are text: those `resgraph check` reads. Numbers may be text wherever the language takes an
expression."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import FieldInfo

from ..collecting import each_value, without, without_keys
from ..language.grammar.targets import literals
from ..language.grammar.words import (
    ABOUT_STREAMS,
    MODES,
    NO_VARIANT,
    POLICIES,
)
from ..language.lints import ALLOWABLE
from ..language.models import model_of
from ..language.recipe import Train, recipe_names
from ..language.schema import File
from ..ops import ACTIVATIONS, VOCABULARY, Op

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": ["number", "string"]}


def _ref(name: str) -> Schema:
    """What is defined by that name."""
    return {"$ref": f"#/definitions/{name}"}


def _or_none(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"const": "none"}]}


_NAME = "^[A-Za-z][A-Za-z0-9_]*$"
_TARGET = r"^[A-Za-z]\w*(\.\w+)*(\.\.[A-Za-z]\w*)?$"
# a row, or a stream of one
_END = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$"
_BLOCK_NAME = "^[A-Za-z][A-Za-z0-9_-]*$"
# `25_557_032`, which is text to an editor that reads YAML 1.2
_DIGITS = "^[-+]?[0-9][0-9_]*$"

KEYS: dict[str, str] = {
    "name": "the title of tables and figures",
    "about": "one line on where the net comes from",
    "input": (
        "`3x224x224` is channels x height x width, `12x4096` a sequence, `3x16x112x112` a volume,"
        " `784` a feature vector, `{image: 3x224x224, age: 10}` several; the batch axis is never"
        " written"
    ),
    "let": "named values: numbers, words, lists",
    "unit": (
        "what `conv` means: `conv bn relu` (the default), `bn relu conv`, `[conv, gn 16, leaky relu"
        " 0.1]`"
    ),
    "shortcut": (
        "what `shortcut` is where a block changes width or size: `projection` (the default),"
        " `zero-pad`, `zero-pad centered`, `projection always`, `identity`, `none`, or a path"
        " written out"
    ),
    "ops": "default options of ops, off the labels: `{bn: {eps: 1.0e-5}}`",
    "init": "how weights start",
    "blocks": "this file's blocks; those of the library are known without being named",
    "net": (
        "the rows, one after another, as in Table 1: a row is a label, an equation, or a list of"
        " them"
    ),
    "output": "the rows that the net gives, as a tuple in this order; else it is the last row",
    "aux": "rows that the net gives in training alone, behind the others",
    "variants": "named sets of `let` values, and of keys of the file",
    "extends": (
        "the spec over which this one is laid key by key: `base.yaml::variant`, or a net of the zoo"
    ),
    "allow": "lints that are silenced, by name",
    "expect": "claims that `resgraph check` verifies, by variant where there are variants",
    "train": "a recipe by name, or a map of its keys",
}
"""The keys of a spec, and what each says."""


def json_schema() -> Schema:
    """The schema of a spec."""
    file = model_of(File).model_json_schema(
        ref_template="#/definitions/{model}"
    )
    known = each_value(relaxed, file.get("$defs", {}))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "resgraph spec",
        "description": "A residual network, as its paper would write it.",
        "type": "object",
        "additionalProperties": False,
        "anyOf": [
            {"required": ["name", "input", "net"]},
            {"required": ["extends"]},
        ],
        "properties": _keys(File.__struct_fields__),
        "definitions": known | _definitions(),
    }


def _keys(keys: Iterable[str]) -> Schema:
    """Keys of a spec, each with what it says."""
    return {
        key: {"description": KEYS[key], **_PROPERTIES[key]} for key in keys
    }


def relaxed(schema: Any) -> Any:
    """A model's schema as a spec's author may write it: what is required may come from below,
    numbers as `64_000`."""
    if isinstance(schema, list):
        return [*map(relaxed, schema)]
    if not isinstance(schema, dict):
        return schema
    out = {
        {"prefixItems": "items", "oneOf": "anyOf"}.get(key, key): relaxed(
            value
        )
        for key, value in schema.items()
        if key not in ("required", "discriminator", "title", "default")
    }
    if out.get("type") in ("integer", "number"):
        out = {**out, "type": [out["type"], "string"], "pattern": _DIGITS}
    if "description" in out:
        out["description"] = " ".join(str(out["description"]).split())
    return out


def _definitions() -> Schema:
    return {
        **_layers(),
        **_values(),
        **_blocks(),
        **_paths(),
        "variant": _variant(),
        "train": _train(),
    }


def _layers() -> Schema:
    """A layer in the long form: one schema for each op, and the one that `op` chooses."""
    return {
        **{
            f"layer {word}": _layer(word, op)
            for word, op in VOCABULARY.items()
        },
        "layer": {
            "type": "object",
            "required": ["op"],
            "properties": {"op": {"enum": list(VOCABULARY)}},
            "allOf": [
                {
                    "if": {
                        "properties": {"op": {"const": word}},
                        "required": ["op"],
                    },
                    "then": _ref(f"layer {word}"),
                }
                for word in VOCABULARY
            ],
        },
    }


def _values() -> Schema:
    return {
        "value": {
            "anyOf": [
                {"type": ["number", "string", "boolean"]},
                {"type": "array", "items": _ref("value")},
            ]
        },
        "number": {
            "type": ["number", "string"],
            "description": "a number, or an expression such as `out/4`",
        },
        "size": {
            "type": ["number", "string"],
            "description": "`2`, or one for each axis, `2x1`; or an expression",
        },
    }


def _blocks() -> Schema:
    """What calls a block, and what is one."""
    return {
        "again": _AGAIN,
        "call": {
            "type": "object",
            "description": "a call of a block; its other keys are the block's `let`s",
            "required": ["block"],
            "properties": {
                "block": _TEXT,
                "repeat": _ref("number"),
                "out": _ref("number"),
                "stride": _ref("size"),
                "shortcut": _ref("shortcut"),
            },
            "additionalProperties": _ref("value"),
        },
        "body": _body(),
    }


def _body() -> Schema:
    return {
        "type": "object",
        "description": (
            "a block: paths by name, and `merge`, the path that it hands back, or `gives`, the"
            " paths"
        ),
        "not": {"anyOf": [{"required": ["op"]}, {"required": ["block"]}]},
        "properties": {
            "about": _TEXT,
            "let": _PROPERTIES["let"],
            "unit": _PROPERTIES["unit"],
            "shortcut": _ref("shortcut"),
            "merge": {
                "$ref": "#/definitions/path",
                "description": "`relu(body + shortcut)`",
            },
            # or a path of that name, as in files older than streams
            **{
                key: {"$ref": "#/definitions/path", "description": about}
                for key, about in ABOUT_STREAMS.items()
            },
            "repeat": _ref("number"),
            "out": _ref("number"),
            "stride": _ref("size"),
        },
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": _ref("path"),
    }


def _paths() -> Schema:
    return {
        "item": {
            "description": (
                "a label (`3x3 conv 64 /2`), an equation (`body + shortcut`), or either in the long"
                " form"
            ),
            "if": {"type": "object"},
            "then": {
                "if": {"required": ["op"]},
                "then": _ref("layer"),
                "else": {
                    "if": {"required": ["block"]},
                    "then": _ref("call"),
                    "else": _AGAIN_OR_BODY,
                },
            },
            "else": _TEXT,
        },
        "path": {
            "if": {"type": "array"},
            "then": {
                "type": "array",
                "minItems": 1,
                "items": _ref("item"),
            },
            "else": _ref("item"),
        },
        "shortcut": {
            "anyOf": [
                {"enum": sorted(POLICIES)},
                _ref("path"),
            ]
        },
    }


def _layer(word: str, op: type[Op]) -> Schema:
    """A layer in the long form. Options may be expressions, so their ranges are left to the
    check."""
    properties: Schema = {
        "op": {"const": word},
        "repeat": _ref("number"),
        **_options(op, "op"),
    }
    if op.word == "conv":
        properties["mode"] = _mode(
            MODES | ACTIVATIONS, "what of the unit to use"
        )
    elif word == "fc":
        properties["mode"] = _mode(ACTIVATIONS, "the activation behind it")
    return {
        "type": "object",
        "description": op.about(),
        "required": [
            "op",
            *(
                key
                for key, field in op.fields().items()
                if field.required and key == op.number
            ),
        ],
        "properties": properties,
        "additionalProperties": False,
    }


def _options(op: type[Op], *but: str) -> Schema:
    """The options of an op but for some of its fields."""
    return {
        key: _option(op, key, field)
        for key, field in without_keys(op.fields(), but).items()
    }


def _mode(words: frozenset[str], about: str) -> Schema:
    """One of the words, or a `let` that stands for one."""
    return {
        "description": about,
        "anyOf": [
            {"enum": sorted(words)},
            {"type": "string", "pattern": _NAME},
        ],
    }


def _option(op: type[Op], key: str, field: FieldInfo) -> Schema:
    if field.type is bool:
        return {"type": "boolean", "default": field.default}
    schema = _NUMBER
    # `[17]` is along one axis, where `17` would be along all
    if key == "kernel":
        alone = {
            "type": "array",
            "items": schema,
            "minItems": 1,
            "maxItems": 1,
        }
        schema = {"anyOf": [schema, alone]}
    if words := [*literals(field.type)]:
        schema = {"anyOf": [{"enum": words}, _NUMBER]}
    return (
        schema
        if field.required or field.default is None
        else {**schema, "default": _shown(field.default)}
    )


def _shown(default: Any) -> Any:
    return (
        default[0]
        if isinstance(default, tuple) and len(set(default)) == 1
        else default
    )


def _train() -> Schema:
    """A recipe's name, or its keys, of which any may come from the recipe that it names."""
    schema = relaxed(
        model_of(Train).model_json_schema(
            ref_template="#/definitions/train/definitions/{model}"
        )
    )
    definitions = schema.pop("$defs", {})
    whole = {
        **schema,
        "properties": {
            "recipe": {"enum": list(recipe_names())},
            **schema["properties"],
        },
    }
    # `schedule: cosine` is short for `{kind: cosine}`
    for key in (
        "schedule",
        "warmup",
        "optimizer",
        "data",
    ):
        whole["properties"][key] = {
            "anyOf": [_TEXT, whole["properties"][key]]
        }
    return {
        "anyOf": [{"enum": [*recipe_names(), "none"]}, whole],
        "definitions": definitions,
    }


def _variant() -> Schema:
    """What a variant sets: keys of the file, and values of its `let`s."""
    keys = _keys(without(KEYS, NO_VARIANT))
    return {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "properties": keys | dict.fromkeys(sorted(NO_VARIANT), False),
        "additionalProperties": _VALUE,
    }


def _by_name(value: Schema, pattern: str = _NAME) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": pattern},
        "additionalProperties": value,
    }


_SHAPE: Schema = {
    "type": ["integer", "string"],
    "pattern": "^[0-9_]+(x[0-9_]+){0,3}$|[A-Za-wyz]",
}
_CLAIMS = _ref("Expect")
_AGAIN: Schema = {
    "type": "object",
    "description": "a row, a path, or rows `conv1..conv3` once more, with their weights",
    "required": ["again"],
    "properties": {
        "again": {"type": "string", "pattern": _TARGET},
        "repeat": _ref("number"),
    },
    "additionalProperties": False,
}
_AGAIN_OR_BODY: Schema = {
    "if": {
        "required": ["again"],
        "properties": {"again": _TEXT},
        "maxProperties": 2,
    },
    "then": {
        "anyOf": [
            _ref("again"),
            _ref("body"),
        ]
    },
    "else": _ref("body"),
}
_LABELS: Schema = {"type": "array", "items": _ref("item")}
_VALUE = _ref("value")
_ROWS = _or_none(
    {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "pattern": _END},
    }
)

_PROPERTIES: dict[str, Schema] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 200},
    "about": _TEXT,
    "input": {"anyOf": [_SHAPE, {"minProperties": 1, **_by_name(_SHAPE)}]},
    "let": _by_name(_VALUE),
    "unit": {"anyOf": [_TEXT, _LABELS]},
    "shortcut": _ref("shortcut"),
    "ops": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            word: _or_none(
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": _options(op, "op", "width"),
                }
            )
            for word, op in VOCABULARY.items()
        },
    },
    "init": _or_none(_ref("Init")),
    "blocks": _by_name(_ref("path"), _BLOCK_NAME),
    "net": {"minProperties": 1, **_by_name(_ref("path"))},
    "output": _ROWS,
    "aux": _ROWS,
    "variants": _by_name(
        _or_none(_ref("variant")),
        _BLOCK_NAME,
    ),
    "extends": _TEXT,
    "allow": {"type": "array", "items": {"enum": list(ALLOWABLE)}},
    "expect": {
        "type": "object",
        "if": {
            "properties": {
                claim: {"not": {"type": "object"}}
                for claim in ("params", "macs", "depth", "output")
            }
        },
        "then": {
            "anyOf": [
                _CLAIMS,
                {"type": "object", "additionalProperties": _CLAIMS},
            ]
        },
        "else": {"type": "object", "additionalProperties": _CLAIMS},
    },
    "train": _ref("train"),
}

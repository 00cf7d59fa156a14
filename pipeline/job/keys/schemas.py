"""The JSON Schema of the job file, for editors: completion, descriptions, errors as one types.

Editors read YAML 1.2, where some texts are numbers or booleans; the schema accepts those too.
"""

import inspect
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.api import providers
from pipeline.api.provider import Parameter
from pipeline.job.keys.document import Document, PromptKeys
from pipeline.job.keys.fields import NAME
from pipeline.job.keys.mappings import Key, Kind, Schema, Strict, mapping
from pipeline.job.keys.sources import ClipsKeys
from pipeline.job.yaml.scalars import NO, YES

_RULES = {
    name: model.parameters
    for name, model in providers.get().models.items()
    if model.parameters is not None
}
"""By model of the default provider, the parameters it takes."""

_SOURCES: list[Schema] = [
    {"required": ["prompts"], "properties": {"prompts": {"minItems": 1}}},
    {"required": ["prompts_from"]},
]
_BARE: Schema = {
    "type": ["string", "number", "boolean"],
    "pattern": r"\S",
    "description": "A bare prompt.",
}
_PROMPT = mapping(PromptKeys)
_TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%"}


def schema() -> Schema:
    """Make the JSON Schema of the job file."""
    made = _mapping(Document)
    properties = made["properties"]
    properties["account"] = _or_off(properties["account"])
    properties["prompts_from"] |= _files(properties["prompts_from"])
    del properties["prompts"]["anyOf"]
    properties["prompts"] |= {"items": {"anyOf": [_BARE, _kind(_PROMPT)]}, "type": "array"}
    properties["matrix"] |= _matrix()
    defined = {*_defined(Document), *_defined(ClipsKeys), (_named(ClipsKeys), ClipsKeys)}
    definitions = {name: _definition(of) for name, of in sorted(defined, key=lambda one: one[0])}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **made,
        "title": "pipeline job",
        "anyOf": _SOURCES,
        "allOf": [_rules_of(model) for model in _RULES],
        "$defs": definitions | {f"params.{model}": _params(model) for model in _RULES},
    }


def _defined(mapping: type[Strict]) -> Iterator[tuple[str, type]]:
    """Yield what the keys of a mapping refer to, and what that refers to, by name."""
    for key in mapping.keys.values():
        of = (key.kind.items or key.kind).refers
        if of is not None:
            yield _named(of), of
            if issubclass(of, Strict):
                yield from _defined(of)


def _named(of: type) -> str:
    return of.__name__.removesuffix("Keys")


def _definition(of: type) -> Schema:
    if issubclass(of, Strict):
        return {**_mapping(of), "title": _named(of)}
    assert issubclass(of, StrEnum)
    return _ordered(
        {"description": _doc(of), "enum": list(of), "title": _named(of), "type": "string"}
    )


def _doc(of: type) -> str:
    return inspect.cleandoc(of.__doc__ or "")


def _mapping(of: type[Strict]) -> Schema:
    required = [name for name, key in of.keys.items() if key.required]
    return {
        "additionalProperties": False,
        "description": _doc(of),
        "properties": {name: _property(key) for name, key in of.keys.items()},
        **({"required": required} if required else {}),
        "type": "object",
    }


def _property(key: Key) -> Schema:
    """Describe a key; what says nothing, or what its definition says, is left out."""
    of = key.kind.refers
    about: Schema = {"description": key.about, "examples": list(key.examples)}
    if of is not None and _doc(of) == key.about:
        del about["description"]
    if not key.examples:
        del about["examples"]
    if not isinstance(key.default, Strict | dict) and key.default not in {..., None, ()}:
        about["default"] = _json(key.default)
    return _ordered({**_kind(key.kind), **_bounds(key), **about, **key.schema})


def _kind(kind: Kind) -> Schema:
    """Describe a kind; a list of one may be written without its brackets."""
    if kind.items is not None:
        item = _kind(kind.items)
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
    return kind.schema if kind.refers is None else {"$ref": f"#/$defs/{_named(kind.refers)}"}


def _bounds(key: Key) -> Schema:
    """Return the bounds of a key, but for those that its kind has anyway."""
    usual: Schema = key.kind.schema.get("anyOf", [{}])[0]
    bounds = {name: _whole(number) for name, number in key.bounds.items()}
    return {name: number for name, number in bounds.items() if usual.get(name) != number}


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return _whole(value) if isinstance(value, Decimal) else value


def _whole(number: Any) -> Any:
    return int(number) if number == int(number) else float(number)


def _ordered(made: Schema) -> Schema:
    """Sort the keys of a description, and of all that is in it."""
    return {name: _in_order(made[name]) for name in sorted(made)}


def _in_order(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return _ordered(value) if isinstance(value, dict) else value


def _or_off(made: Schema) -> Schema:
    """Let a mapping be switched off; YAML 1.2 reads `off` as a text and `false` as a boolean."""
    about: Schema = {k: made[k] for k in ("description", "examples") if k in made}
    return {**about, "anyOf": [{"$ref": made["$ref"]}, {"enum": ["off", False]}]}


def _files(made: Schema) -> Schema:
    """Let a file of prompts be named by its path alone, and another job stand for one."""
    one, several = made["anyOf"]
    each = [NAME.schema, one, _kind(mapping(ClipsKeys))]
    return {"anyOf": [*each, {**several, "items": {"anyOf": each}}]}


def _matrix() -> Schema:
    value = {"type": ["string", "number", "boolean", "null"]}
    combination = {"type": "object", "minProperties": 1, "additionalProperties": value}
    return {
        "properties": {
            "exclude": {
                "description": "Combinations, or parts of them, to leave out.",
                "examples": [[{"aspect_ratio": "9:16", "loop": True}]],
                "type": "array",
                "items": combination,
            }
        },
        "additionalProperties": {"type": "array", "minItems": 1, "items": value},
    }


def _rules_of(model: str) -> Schema:
    """Describe what a model takes: of the job, of each prompt, of the matrix.

    It is said of the providers where the model takes the same; a job that names none has the
    default.
    """
    takers = [
        name
        for name in providers.names()
        if name not in providers.SHIPPED
        and providers.get(name).model(model).parameters == _RULES[model]
    ]
    params = {"$ref": f"#/$defs/params.{model}"}
    axes = {
        name: {"type": "array", "items": {k: v for k, v in about.items() if k != "examples"}}
        for name, about in _properties(model).items()
    }
    prompt = {"properties": {"params": params}}
    then = {
        "params": params,
        "prompts": {"items": prompt},
        "matrix": {"properties": axes, "propertyNames": {"enum": [*axes, "exclude"]}},
    }
    return {
        "if": {
            "properties": {"model": {"const": model}, "provider": {"enum": takers}},
            "required": ["model"],
        },
        "then": {"properties": then},
    }


def _params(model: str) -> Schema:
    return {"type": "object", "properties": _properties(model), "additionalProperties": False}


def _properties(model: str) -> Schema:
    return {name: _about(parameter) for name, parameter in _RULES[model].items()}


def _about(parameter: Parameter) -> Schema:
    """Describe a parameter. A template passes as its value, and yes and no as a boolean."""
    about: Schema = {"description": parameter.about, "examples": [parameter.example]}
    if parameter.schema == {"type": "string"}:  # which a template is as well
        return {**about, **parameter.schema}
    words = [{"enum": sorted(YES | NO)}] if parameter.schema == {"type": "boolean"} else []
    return {**about, "anyOf": [dict(parameter.schema), *words, _TEMPLATE]}

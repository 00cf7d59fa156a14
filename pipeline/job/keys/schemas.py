"""The JSON Schema of the job file, for editors: completion, descriptions, errors as one types.

Editors read YAML 1.2, where some texts are numbers or booleans; the schema accepts those too.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pipeline.api import providers
from pipeline.api.provider import Parameter
from pipeline.job.keys.document import Document
from pipeline.job.yaml.scalars import NO, YES

Schema = dict[str, Any]

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
_TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%"}


class _Generator(GenerateJsonSchema):
    """Leaves out what says nothing to a person: titles, suffixes, null for what may be absent."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix("Keys")

    def nullable_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        if made.get("default", ...) in (None, (), []):
            made.pop("default", None)
        return made


def schema() -> Schema:
    """Make the JSON Schema of the job file."""
    made = Document.model_json_schema(schema_generator=_Generator)
    definitions = made.pop("$defs")
    for name, definition in definitions.items():
        definition["title"] = name
    # pydantic writes the default of a Decimal as text.
    definitions["Credits"]["properties"]["reserve"]["default"] = 0
    notify = definitions["Notify"]["properties"]
    notify |= {key: _one_or_more(notify[key]) for key in ("to", "on")}
    properties = made["properties"]
    properties["account"] = _or_off(properties["account"])
    bare = {
        "type": ["string", "number", "boolean"],
        "pattern": r"\S",
        "description": "A bare prompt.",
    }
    properties["prompts"]["items"] = {"anyOf": [bare, {"$ref": "#/$defs/Prompt"}]}
    properties["prompts_from"] = _one_or_more(properties["prompts_from"])
    properties["matrix"] |= _matrix()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **made,
        "title": "pipeline job",
        "anyOf": _SOURCES,
        "allOf": [_rules_of(model) for model in _RULES],
        "$defs": definitions | {f"params.{model}": _params(model) for model in _RULES},
    }


def _one_or_more(made: Schema) -> Schema:
    """Let a list of one be written without its brackets."""
    about: Schema = {k: made[k] for k in ("description", "examples", "default") if k in made}
    listed = {"type": "array", "items": made["items"], "minItems": 1}
    return {**about, "anyOf": [made["items"], listed]}


def _or_off(made: Schema) -> Schema:
    """Let a mapping be switched off; YAML 1.2 reads `off` as a text and `false` as a boolean."""
    about: Schema = {k: made[k] for k in ("description", "examples") if k in made}
    return {**about, "anyOf": [{"$ref": made["$ref"]}, {"enum": ["off", False]}]}


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
        if providers.get(name).model(model).parameters == _RULES[model]
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

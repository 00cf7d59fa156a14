"""The types of the job file's fields: how a value is read, and what editors learn of it.

Each reads the text as it was written, so that a field's meaning comes from the schema alone.
"""

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from pipeline.api import providers
from pipeline.job.nodes import Cut, Mapping, Sequence
from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.yaml import scalars
from pipeline.models import Gate, InDoubt, Rate

T = TypeVar("T")

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# For editors: an id or a name, in so far as a pattern can tell.
NAME_PATTERN = r"^\s*[^\s./\\][^/\\]*$"
_COUNT = r"\d+(\.\d+)?"
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d"
_TAG = re.compile(r"\{([{%#]).*?[}%#]\}", re.DOTALL)
# What names a file: a path, or an ending.
_DESCRIPTION = re.compile(r"[/\\]|\.(?:ya?ml|json|toml)$", re.ASCII | re.IGNORECASE)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# A pasted key is hardly ever written so: upper case, with the word KEY or TOKEN in it.
_KEY_NAME = r"(?=.*(^|_)(KEY|TOKEN)(_|$))[A-Z][A-Z0-9_]{0,99}"
_LONGEST_NAME = 100


def kind(value: object) -> str:
    """Name what was found where something else was expected."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list"
    return "nothing" if value is None else "a text"


def text(value: object, expected: str = "a text") -> str:
    """Take any scalar as the text that was written."""
    if not isinstance(value, str):
        raise InvalidError(f"{expected} is expected, not {kind(value)}")
    return str(value)


def whole(value: object) -> str:
    """Take a text that no comment has cut short."""
    if isinstance(value, Cut):
        raise InvalidError(
            f"the rest of the line, {shown(value.comment)}, is a comment and would be lost",
            "quote the text; a comment has a blank after its #",
        )
    return text(value)


def reading(parse: Callable[[str], T], expected: str = "a text") -> Callable[[object], T]:
    """Make a validator that reads a text; `expected` names what it should be."""
    return lambda value: parse(text(value, expected))


def one_of(choices: type[StrEnum]) -> Callable[[object], str]:
    """Make a validator that takes one of a few words."""

    def read(value: object) -> str:
        word = text(value)
        if word not in list(choices):
            raise InvalidError(f"{shown(word)} is not a valid value", did_you_mean(word, choices))
        return word

    return read


def model_name(value: object) -> str:
    """Take the last segment of the API's path."""
    name = text(value)
    if not _MODEL.fullmatch(name):
        raise InvalidError(
            f"{shown(name)} is not a model's name",
            f"the last part of its URL: {providers.EXAMPLE_MODEL}",
        )
    return name


def provider_name(value: object) -> str:
    """Take the name of a provider that is known."""
    name = text(value)
    known = providers.names()
    if name in known:
        return name
    if _DESCRIPTION.search(name):
        raise InvalidError(
            f"{shown(name)}: a file that describes a provider is not supported yet",
            f"known: {', '.join(known)}",
        )
    raise InvalidError(f"no provider is called {shown(name)}", did_you_mean(name, known))


def env_name(value: object) -> str:
    """Take the name of an environment variable; what else is there may be secret: never echoed."""
    if not isinstance(value, str) or not _ENV_NAME.fullmatch(value):
        raise InvalidError(
            "the name of an environment variable is expected, and nothing else",
            "put the address into the environment, and its variable's name here: NOTIFY_URL",
        )
    return str(value)


def key_name(value: object) -> str:
    """Take the name of an environment variable that holds a key; a key itself is never echoed."""
    if not isinstance(value, str) or not re.fullmatch(_KEY_NAME, value, re.ASCII):
        usual = providers.get().key_variable
        raise InvalidError(
            "the name of an environment variable is expected: upper case, with the word KEY or"
            " TOKEN; what is written here is not shown, in case it is a key",
            f"put the key into the environment, and its variable's name here: {usual}_ACME",
        )
    return str(value)


def account_name(value: object) -> str:
    """Take a name for records and tables: one short line that can be printed."""
    written = plain_name(value).strip()
    if len(written) > _LONGEST_NAME or not written.isprintable():
        raise InvalidError(
            f"{shown(written)} is not a valid name of an account",
            f"one line of at most {_LONGEST_NAME} characters that can be printed, such as acme",
        )
    return written


def one_or_more(value: object) -> object:
    """Take a single text as a list of one; an empty list is refused."""
    if isinstance(value, Sequence) and not value:
        raise InvalidError("the list is empty", "write at least one")
    return [value] if isinstance(value, str) else value


def timezone(value: object) -> str:
    """Take the name of a time zone of the IANA database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # noqa: PLC0415

    name = text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = sorted(available_timezones())
        raise InvalidError(
            f"{shown(name)} is not a time zone", did_you_mean(name, zones) or "Europe/London"
        ) from None
    return name


def prose(value: object) -> str:
    """Take a whole text; one of nothing but space is refused."""
    written = whole(value)
    if not written.strip():
        raise InvalidError("this is empty", "write a text, or leave the key out")
    return written


def plain_name(value: object) -> str:
    """Take a text that names something: one line, and nothing in it that steers a terminal."""
    written = prose(value)
    if match := scalars.STEERING.search(_TAG.sub("", written).strip()):
        code = f"U+{ord(match.group()):04X}"
        raise InvalidError(f"this contains a control character ({code})", "take it out")
    return written


def _scalar_schema(**more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "number", "boolean"], **more})


# Editors read YAML 1.2, where an unquoted 007 or true is not a string. Here it is text.
Text = Annotated[str, BeforeValidator(whole), _scalar_schema(pattern=NAME_PATTERN)]
Prose = Annotated[str, BeforeValidator(prose), _scalar_schema(minLength=1, pattern=r"\S")]
Name = Annotated[str, BeforeValidator(plain_name), _scalar_schema(minLength=1, pattern=r"\S")]
ModelName = Annotated[
    str,
    BeforeValidator(model_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_MODEL.pattern}$"}),
]
ProviderName = Annotated[
    str,
    BeforeValidator(provider_name),
    WithJsonSchema({"type": "string", "enum": list(providers.names())}),
]
EnvName = Annotated[
    str,
    BeforeValidator(env_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_ENV_NAME.pattern}$"}),
]
KeyName = Annotated[
    str,
    BeforeValidator(key_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_KEY_NAME}$"}),
]
AccountName = Annotated[
    str,
    BeforeValidator(account_name),
    _scalar_schema(minLength=1, maxLength=_LONGEST_NAME, pattern=r"\S"),
]
Timezone = Annotated[str, BeforeValidator(timezone), WithJsonSchema({"type": "string"})]
Whole = Annotated[int, BeforeValidator(reading(scalars.number, "a number"))]
Seconds = Annotated[
    float,
    BeforeValidator(reading(scalars.duration, "a duration")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$"},
            ]
        }
    ),
]
Size = Annotated[
    int,
    BeforeValidator(reading(scalars.size, "a size")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": r"^\d+(\.\d+)? ?([kKMGT]i?)?B?$"},
            ]
        }
    ),
]
Money = Annotated[
    Decimal,
    BeforeValidator(reading(scalars.money, "an amount of US dollars")),
    Field(ge=0),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
RateField = Annotated[
    Rate,
    PlainValidator(reading(scalars.rate, "a rate")),
    WithJsonSchema({"type": "string", "pattern": rf"^{_COUNT} ?/ ?({_COUNT})? ?[A-Za-z]+$"}),
]
Window = Annotated[
    tuple[time, time],
    PlainValidator(reading(scalars.window, "a window")),
    WithJsonSchema({"type": "string", "pattern": rf"^{_CLOCK} ?[-\u2013] ?{_CLOCK}$"}),
]
GateWord = Annotated[Gate, BeforeValidator(one_of(Gate))]
InDoubtWord = Annotated[InDoubt, BeforeValidator(one_of(InDoubt))]

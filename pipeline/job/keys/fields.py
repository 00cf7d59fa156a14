"""The types of the job file's fields: how a value is read, and what editors learn of it.

Each reads the text as it was written, so that a field's meaning comes from the schema alone.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from pipeline.api import providers
from pipeline.common import bucket_address
from pipeline.errors import UsageError
from pipeline.job.keys.mappings import Kind, Schema, listed
from pipeline.job.nodes import Cut, Sequence, kind_of
from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.yaml import scalars
from pipeline.models import Gate, InDoubt, Presence

T = TypeVar("T")

# Some providers' models have an owner, parts, and a version: acme/brush, acme:5@3.
_MODEL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}){0,7}", re.ASCII
)
# For editors: an id or a name, in so far as a pattern can tell.
NAME_PATTERN = r"^\s*[^\s./\\][^/\\]*$"
_COUNT = r"\d+(\.\d+)?"
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d"
_TAG = re.compile(r"\{([{%#]).*?[}%#]\}", re.DOTALL)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# A pasted key is hardly ever written so: upper case, with the word KEY or TOKEN in it.
_KEY_NAME = r"(?=.*(^|_)(KEY|TOKEN)(_|$))[A-Z][A-Z0-9_]{0,99}"
_SIDE = r"\d{1,5}(?:\.\d{1,4})?"
_RATIO = re.compile(f"({_SIDE}):({_SIDE})", re.ASCII)
_LONGEST_NAME = 100
_TOO_LARGE = 2.0**63


def text(value: object, expected: str = "a text") -> str:
    """Take any scalar as the text that was written."""
    if not isinstance(value, str):
        raise InvalidError(f"{expected} is expected, not {kind_of(value)}")
    return str(value)


def whole(value: object) -> str:
    """Take a text that no comment has cut short."""
    if isinstance(value, Cut):
        raise InvalidError(
            f"the rest of the line, {shown(value.comment)}, is a comment and would be lost",
            "quote the text; a comment has a blank after its #",
        )
    return text(value)


def reading(parse: Callable[[str], T], expected: str) -> Callable[[object], T]:
    """Make what reads a text; `expected` names what it should be."""
    return lambda value: parse(text(value, expected))


def whole_number(written: str) -> int:
    """Read a number that has no fraction, and fits into 64 bits."""
    value = scalars.number(written)
    if isinstance(value, float):
        if value % 1:
            raise InvalidError("a whole number is expected")
        if abs(value) >= _TOO_LARGE:
            raise InvalidError("the number does not fit into 64 bits")
    return int(value)


def amount(written: str) -> Decimal:
    """Read an amount of US dollars that is not negative."""
    value = scalars.money(written)
    if value < 0:
        raise InvalidError("must be at least 0")
    return value


def price(value: object) -> Decimal | str:
    """Take an amount of US dollars, or a template of the parameters that makes one."""
    if isinstance(value, str) and _TAG.search(value):
        return whole(value)
    return amount(text(value, "an amount of US dollars"))


def free(value: object) -> dict[str, Any]:
    """Take any mapping."""
    if not isinstance(value, dict):
        raise InvalidError(f"a mapping is expected, not {kind_of(value)}")
    return {str(name): item for name, item in value.items()}


def word(choices: type[StrEnum]) -> Kind:
    """Make the kind of one of a few words."""

    def read(value: object) -> StrEnum:
        name = text(value)
        if name not in list(choices):
            raise InvalidError(f"{shown(name)} is not a valid value", did_you_mean(name, choices))
        return choices(name)

    return Kind(read, refers=choices)


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
    """Take the name of a provider that is known, or the file of a description."""
    name = text(value)
    known = providers.names()
    if name in known:
        return name
    if providers.is_file(name):
        return name
    raise InvalidError(f"no provider is called {shown(name)}", did_you_mean(name, known))


def output_dir(value: object) -> str:
    """Take a directory, or the address of a bucket; one that may hold a secret is never echoed."""
    written = text(value)
    if not bucket_address.is_url(written):
        return plain_name(value)
    try:
        return str(bucket_address.parse(plain_name(value)))
    except UsageError as error:
        raise InvalidError(error.message, error.hint) from None


def public_template(value: object) -> str:
    """Take where people find an object of a bucket."""
    try:
        return bucket_address.public_template(text(value))
    except UsageError as error:
        raise InvalidError(error.message, error.hint) from None


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


def one_or_more(kind: Kind) -> Kind:
    """Make the kind of a list that takes a single text as a list of one, and is not empty."""

    def prepare(value: object) -> object:
        if isinstance(value, Sequence) and not value:
            raise InvalidError("the list is empty", "write at least one")
        return [value] if isinstance(value, str) else value

    return listed(kind, prepare)


def aspect_ratio(value: object) -> str | bool:
    """Take a ratio, or a word for yes or no: yes is the parameter of the task."""
    written = text(value).strip()
    if (said := scalars.boolean(written)) is not None:
        return said
    sides = _RATIO.fullmatch(written)
    if sides is None or not float(sides[1]) or not float(sides[2]):
        raise InvalidError(
            f"{shown(written)} is not a valid aspect ratio",
            "true: that of each task's own parameter; or a ratio, such as 16:9",
        )
    return written


def presence(value: object) -> Presence:
    """Take any, or a word for yes or no."""
    written = text(value).strip()
    if written == Presence.ANY:
        return Presence.ANY
    if (said := scalars.boolean(written)) is None:
        raise InvalidError(f"{shown(written)} is not a valid value", "use any, yes or no")
    return Presence.YES if said else Presence.NO


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


def _scalar(**more: Any) -> Schema:
    return {"type": ["string", "number", "boolean"], **more}


# Editors read YAML 1.2, where an unquoted 007 or true is not a string. Here it is text.
TEXT = Kind(whole, _scalar(pattern=NAME_PATTERN))
PROSE = Kind(prose, _scalar(minLength=1, pattern=r"\S"))
NAME = Kind(plain_name, _scalar(minLength=1, pattern=r"\S"))
OUTPUT_DIR = Kind(output_dir, _scalar(minLength=1, pattern=r"\S"))
PUBLIC = Kind(public_template, {"type": "string", "pattern": r"^https?://[^{]*\{path\}[^{]*$"})
MODEL = Kind(model_name, {"type": "string", "pattern": f"^{_MODEL.pattern}$"})
PROVIDER = Kind(
    provider_name,
    {"anyOf": [{"enum": list(providers.names())}, {"type": "string", "pattern": r"\.ya?ml$"}]},
)
ENV_NAME = Kind(env_name, {"type": "string", "pattern": f"^{_ENV_NAME.pattern}$"})
KEY_NAME = Kind(key_name, {"type": "string", "pattern": f"^{_KEY_NAME}$"})
ACCOUNT_NAME = Kind(account_name, _scalar(minLength=1, maxLength=_LONGEST_NAME, pattern=r"\S"))
TIMEZONE = Kind(timezone, {"type": "string"})
WHOLE = Kind(reading(whole_number, "a number"), {"type": "integer"})
FREE = Kind(free, {"type": "object", "additionalProperties": True})
_TIME = r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$"
SECONDS = Kind(
    reading(scalars.duration, "a duration"),
    {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME}]},
)
_BYTES = r"^\d+(\.\d+)? ?([kKMGT]i?)?B?$"
SIZE = Kind(
    reading(scalars.size, "a size"),
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _BYTES}]},
)
MONEY = Kind(reading(amount, "an amount of US dollars"), {"type": "number", "minimum": 0})
COST = Kind(price, {"anyOf": [MONEY.schema, {"type": "string", "pattern": r"\{\{[\s\S]*\}\}"}]})
RATE = Kind(
    reading(scalars.rate, "a rate"),
    {"type": "string", "pattern": rf"^{_COUNT} ?/ ?({_COUNT})? ?[A-Za-z]+$"},
)
WINDOW = Kind(
    reading(scalars.window, "a window"),
    {"type": "string", "pattern": rf"^{_CLOCK} ?[-\u2013] ?{_CLOCK}$"},
)
ASPECT_RATIO = Kind(
    aspect_ratio,
    {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": f"^{_SIDE}:{_SIDE}$"}]},
)
# Editors read YAML 1.2, where an unquoted yes is a text, and true a boolean.
PRESENCE = Kind(presence, {"enum": [*Presence, True, False]})
GATE, IN_DOUBT = word(Gate), word(InDoubt)

"""How the values of a description are read."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pipeline.job.keys import fields
from pipeline.job.keys.mappings import (
    FaultsError,
    Kind,
    Strict,
    declare,
    faults_at,
    listed,
    mapping,
)
from pipeline.job.nodes import Plain, Sequence, kind_of
from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.yaml import scalars

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)


def choice(*words: StrEnum) -> Kind:
    """Make the kind of one of a few words."""

    def read(value: object) -> StrEnum:
        name = fields.text(value)
        found = next((word for word in words if word == name), None)
        if found is None:
            raise InvalidError(f"{shown(name)} is not a valid value", did_you_mean(name, words))
        return found

    return Kind(read)


def plain(value: Any) -> Any:
    """Resolve what was written without quotes: numbers, booleans, texts."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return scalars.resolve(value) if isinstance(value, Plain) else value


def _any(value: object) -> Any:
    return value


def _matching(pattern: re.Pattern[str], what: str, hint: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        written = fields.text(value, what)
        if not pattern.fullmatch(written):
            raise InvalidError(f"{shown(written)} is not {what}", hint)
        return written

    return read


def _line(value: object) -> str:
    written = fields.text(value)
    if not written or not written.isprintable():
        raise InvalidError("one line of text is expected")
    return str(written)


def _header_name(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise InvalidError(f"{shown(name)} is not the name of a header", "such as prefer")
    return name


def _one_or_more(value: object) -> object:
    return value if isinstance(value, Sequence) else [value]


def mappings(of: type[Strict]) -> Kind:
    """Make the kind of a list of mappings of known keys."""

    def read(value: Any) -> tuple[Strict, ...]:
        if not isinstance(value, list):
            raise InvalidError(f"a list is expected, not {kind_of(value)}")
        return tuple(listed(mapping(of), _any).read(value))

    return Kind(read)


def _texts(value: object) -> dict[str, str]:
    """Read a mapping of headers."""
    found = dict[str, str]()
    for name, item in fields.free(value).items():
        try:
            found[_header_name(name)] = _line(item)
        except InvalidError as error:
            raise FaultsError(faults_at(name, error)) from None
    return found


def _flag(value: object) -> bool:
    written = fields.text(value)
    if written not in {"true", "false"}:
        raise InvalidError(f"{shown(written)} is not a valid value", "true or false")
    return written == "true"


LINE = Kind(_line)
FLAG = Kind(_flag)
ANY = Kind(plain)
CODES = listed(fields.WHOLE, _one_or_more)
VALUES = listed(ANY, _one_or_more)
LINES = listed(LINE, _one_or_more)
HEADERS = Kind(_texts)
PROVIDER = Kind(
    _matching(_NAME, "the name of a provider", "lower case, digits and hyphens: my-api")
)
VARIABLE = Kind(
    _matching(
        re.compile(r"[A-Z][A-Z0-9_]*"),
        "the name of a variable",
        "upper case, digits and _, such as MY_API_TOKEN",
    )
)


def optional(kind: Kind, about: str, default: Any = None) -> Any:
    """Declare a key that may be left out."""
    return declare(kind, about, default=default)

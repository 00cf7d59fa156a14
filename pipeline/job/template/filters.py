"""The filters of templates, and the bounds that keep any of them from growing without end."""

import functools
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from pipeline.job.problems import InvalidError, shown
from pipeline.job.template.slugs import slug

LONGEST_TEXT = 100_000
LONGEST_LIST = 10_000
MOST_BITS = 512

_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(?:[0-9]{3}|\*)")


def as_text(value: Any) -> str:
    """Turn a value into the text that a template prints: numbers, texts and booleans only.

    Raises:
        InvalidError: for nothing, a list or a mapping, which no prompt means to contain.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if value is None:
        raise InvalidError("a template prints an empty (null) value", "use | default('…', true)")
    if hasattr(type(value), "_fail_with_undefined_error"):
        str(value)  # Jinja's undefined names raise here, and say which name it is
    raise InvalidError(f"a template prints a {type(value).__name__}, not a text")


def bounded(length: int, most: int = LONGEST_TEXT) -> None:
    """Refuse to make anything longer than `most`.

    Raises:
        InvalidError: when it would be.
    """
    if length > most:
        raise InvalidError(f"a template makes more than {most} characters or items")


def format_date(value: Any, pattern: Any = "%Y-%m-%d") -> str:
    """Write an ISO date, or date and time, by a pattern of strftime.

    Raises:
        InvalidError: when the value is neither.
    """
    return _dated(as_text(value).strip(), as_text(pattern)[:200])


@functools.lru_cache(maxsize=4096)
def _dated(text: str, pattern: str) -> str:
    try:
        moment = datetime.fromisoformat(text) if len(text) > len("2026-12-01") else None
        day = moment or date.fromisoformat(text)
        return day.strftime(pattern)
    except ValueError:
        raise InvalidError(f"{shown(text)} is no date", "such as 2026-12-01") from None


def make_slug(value: Any, longest: Any = 0) -> str:
    """Make a slug, at most `longest` characters of it."""
    return slug(as_text(value), max(0, int(longest)))


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace every `old` by `new`, within bounds."""
    text, old, new = as_text(value), as_text(old), as_text(new)
    bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def join(values: Any, separator: Any = "") -> str:
    """Join the items of a list, within bounds."""
    parts, between, length = [], as_text(separator), 0
    for value in values:
        parts.append(as_text(value))
        length += len(parts[-1]) + len(between)
        bounded(length)
    return between.join(parts)


def printf(pattern: Any, *values: Any) -> str:
    """Fill a printf pattern, such as `'%03d' | format(index)`, of narrow fields only."""
    pattern = as_text(pattern)
    if _WIDE_FORMAT.search(pattern):
        raise InvalidError("a format wider than 99 is refused")
    plain = tuple(v if isinstance(v, int | float) else as_text(v) for v in values)
    bounded(len(pattern) + sum(len(str(v)) for v in plain) + 100 * len(plain))
    return str(pattern % plain)


def rounded(value: Any, digits: Any = 0) -> float:
    """Round to some digits after the point."""
    return round(float(value), min(15, max(0, int(digits))))


def flat(value: Any) -> Any:
    """Keep a variable from making folders: a date such as 12/1/2026 is one part of a name."""
    return value.replace("/", "-").replace("\\", "-") if isinstance(value, str) else value


def _textual(function: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: function(as_text(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "date": format_date,
    "slug": make_slug,
    "lower": _textual(str.lower),
    "upper": _textual(str.upper),
    "title": _textual(str.title),
    "capitalize": _textual(str.capitalize),
    "trim": _textual(str.strip),
    "string": as_text,
    "replace": replace,
    "join": join,
    "format": printf,
    "round": rounded,
    "_flat": flat,
}


def add(left: Any, right: Any) -> Any:
    """Add, within bounds."""
    if isinstance(left, str | list) and isinstance(right, str | list):
        bounded(len(left) + len(right), LONGEST_TEXT if isinstance(left, str) else LONGEST_LIST)
    return left + right


def multiply(left: Any, right: Any) -> Any:
    """Multiply, within bounds."""
    for one, times in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(times, int):
            bounded(len(one) * max(0, times), LONGEST_LIST)
    if isinstance(left, int) and isinstance(right, int):
        bounded(left.bit_length() + right.bit_length(), MOST_BITS)
    return left * right


def power(left: Any, right: Any) -> Any:
    """Raise to a power, within bounds."""
    if isinstance(left, int) and isinstance(right, int):
        bounded(left.bit_length() * abs(right), MOST_BITS)
    return left**right


def modulo(left: Any, right: Any) -> Any:
    """Take the rest, or fill a printf pattern."""
    if isinstance(left, str):
        return printf(left, *(right if isinstance(right, tuple) else (right,)))
    return left % right


def concat(parts: Iterable[Any]) -> str:
    """Do what `~` does."""
    return join(parts)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "*": multiply,
    "**": power,
    "%": modulo,
}

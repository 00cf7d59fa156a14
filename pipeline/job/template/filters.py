"""The filters of templates. None of them makes a text or a list without a bound.

Jinja's own filters turn null into `None` and true into `True`, which would then be sent and paid
for; these refuse the one and write the other as JSON does.
"""

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
        InvalidError: for null, a list or a mapping, which no prompt means to contain.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if value is None:
        raise InvalidError("the template prints an empty (null) value", "use | default('…', true)")
    if hasattr(type(value), "_fail_with_undefined_error"):
        str(value)  # Jinja's undefined names raise here, and say which name it is
    raise InvalidError(f"the template prints a {type(value).__name__}, not a text")


def bounded(length: int, most: int = LONGEST_TEXT) -> None:
    """Refuse to make anything longer than `most`.

    Raises:
        InvalidError: when it would be.
    """
    if length > most:
        raise InvalidError(f"the template makes more than {most} characters or items")


def bounded_operands(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation before it makes something too large.

    Raises:
        InvalidError: when it would.
    """
    if isinstance(left, int) and isinstance(right, int):
        if operator == "*":
            bounded(left.bit_length() + right.bit_length(), MOST_BITS)
        elif operator == "**":
            bounded(left.bit_length() * abs(right), MOST_BITS)
    elif operator == "+" and isinstance(left, str | list) and isinstance(right, str | list):
        bounded(len(left) + len(right))
    elif operator == "*":
        for one, times in ((left, right), (right, left)):
            if isinstance(one, str | list | tuple) and isinstance(times, int):
                bounded(len(one) * times, LONGEST_LIST)


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
        raise InvalidError(f"{shown(text)} is not a valid date", "such as 2026-12-01") from None


def make_slug(value: Any, longest: Any = 0) -> str:
    """Make a slug, at most `longest` characters of it."""
    return slug(as_text(value), max(0, int(longest)))


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace every `old` by `new`."""
    text, old, new = as_text(value), as_text(old), as_text(new)
    bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def join(values: Iterable[Any], separator: Any = "") -> str:
    """Join the items of a list; `~` does so too."""
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
        raise InvalidError("a format may be at most 99 characters wide")
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

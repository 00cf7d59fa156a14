"""What a scalar means, once the schema has said what is expected there.

Free values (params, meta, vars) follow YAML 1.2's core rules, without its octal and hexadecimal
numbers: what is not clearly null, a boolean or a number stays the text that was written.
"""

import math
import re
from datetime import time
from decimal import Decimal, InvalidOperation

from pipeline.amounts import rounded
from pipeline.job.problems import InvalidError, shown
from pipeline.models import Rate

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""What no text for people holds. Tabs and ends of lines are fine."""

STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What no name and no path holds: control characters, ends of lines, and marks of direction."""

MOST_PRIORITY = 2**53
"""What every reader of JSON and every queue holds exactly."""

Scalar = str | int | float | bool | None

YES = frozenset({"true", "yes", "on", "y"})
NO = frozenset({"false", "no", "off", "n"})
LOOSE_BOOLEANS = frozenset({"yes", "no", "on", "off"})

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEAST, _MOST = -(2**63), 2**64 - 1

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
_DURATION_UNITS = (86_400, 3_600, 60, 1)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?))?B?", re.ASCII | re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)", re.ASCII)
_RATE_UNITS = {
    name: seconds
    for names, seconds in (
        ("s sec second seconds", 1),
        ("m min minute minutes", 60),
        ("h hour hours", 3_600),
        ("d day days", 86_400),
    )
    for name in names.split()
}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_MOST_DIGITS = 40


def resolve(text: str) -> Scalar:
    """Resolve a plain scalar of a free value.

    Raises:
        InvalidError: for a number that JSON, or 64 bits, cannot hold.
    """
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return checked_int(text)
    if _FLOAT.fullmatch(text):
        return checked_float(float(text), text)
    if _NOT_FINITE.fullmatch(text):
        return checked_float(math.inf, text)
    return str(text)


def checked_int(text: str) -> int:
    """Make a whole number of at most 64 bits.

    Raises:
        InvalidError: when it does not fit.
    """
    value = int(text) if len(text) <= _MOST_DIGITS else _MOST + 1
    if not _LEAST <= value <= _MOST:
        raise InvalidError(
            f"the number {shown(text)} does not fit into 64 bits", "quote it to send it as text"
        )
    return value


def checked_float(value: float, text: str) -> float:
    """Pass a finite number.

    Raises:
        InvalidError: for an infinite one, or none at all.
    """
    if not math.isfinite(value):
        raise InvalidError(f"{shown(text)} is not a finite number", "quote it to send it as text")
    return value


def boolean(text: str) -> bool | None:
    """Read YAML's words for yes and no, in any case; None for any other text."""
    word = text.casefold()
    return True if word in YES else False if word in NO else None


def number(text: str) -> int | float:
    """Read a number where the schema has one.

    Raises:
        InvalidError: when it is none.
    """
    if _INT.fullmatch(text):
        return checked_int(text)
    if _FLOAT.fullmatch(text):
        return checked_float(float(text), text)
    raise InvalidError(f"a number is expected, not {shown(text)}")


def duration(text: str) -> float:
    """Read seconds, or a text such as `90s`, `10m`, `2h`, `1h30m`.

    Raises:
        InvalidError: when it is neither.
    """
    text = text.strip()
    if _FLOAT.fullmatch(text):
        return float(checked_float(float(text), text))
    match = _DURATION.fullmatch(text.replace(" ", ""))
    if not text or match is None or len(text) > _MOST_DIGITS:
        raise InvalidError(
            f"a duration is expected, not {shown(text)}", "seconds, or 90s, 10m, 2h, 1h30m"
        )
    parts = zip(match.groups(), _DURATION_UNITS, strict=True)
    return sum(float(part) * unit for part, unit in parts if part)


def size(text: str) -> int:
    """Read bytes, or a text such as `500MB` (powers of 1000) or `2GiB` (of 1024).

    Raises:
        InvalidError: when it is neither.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(text) > _MOST_DIGITS:
        raise InvalidError(f"a size is expected, not {shown(text)}", "bytes, or 500MB, 2GiB")
    power = _SIZE_POWERS[(match[2] or "").lower()]
    return int(Decimal(match[1]) * (1024 if match[3] else 1000) ** power)


def money(text: str) -> Decimal:
    """Read an amount of US dollars, to a millionth.

    Raises:
        InvalidError: when it is not a finite amount.
    """
    try:
        value = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or len(text) > _MOST_DIGITS or abs(value) > _MOST:
        raise InvalidError(
            f"an amount of US dollars is expected, not {shown(text)}", "such as 0.95"
        )
    return rounded(value)


def rate(text: str) -> Rate:
    """Read requests over time: `60/minute`, `1/s`, `5/10s`, `100/h`.

    Raises:
        InvalidError: when it is not a rate, or zero.
    """
    match = _RATE.fullmatch(text.strip().lower())
    unit = _RATE_UNITS.get(match[3]) if match else None
    if match is None or unit is None or len(text) > _MOST_DIGITS:
        raise InvalidError(f"a rate is expected, not {shown(text)}", "60/minute, 1/s, 5/10s, 100/h")
    count, period = float(match[1]), float(match[2] or 1) * unit
    if not count or not period:
        raise InvalidError("a rate must be above zero", "leave the key out for no limit")
    return Rate(count, period)


def clock(text: str) -> time:
    """Read a time of day, `HH:MM`.

    Raises:
        InvalidError: when it is none.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:  # noqa: PLR2004
        raise InvalidError(f"a time of day is expected, not {shown(text)}", "HH:MM, such as 22:00")
    return time(int(match[1]), int(match[2]))


def window(text: str) -> tuple[time, time]:
    """Read a daily window, `22:00-07:00`, that may span midnight.

    Raises:
        InvalidError: when it is none, or has no length.
    """
    start, dash, end = text.replace("\N{EN DASH}", "-").partition("-")
    if not dash:
        raise InvalidError(
            f"a window is expected, not {shown(text)}", "HH:MM-HH:MM, such as 22:00-07:00"
        )
    opens, closes = clock(start), clock(end)
    if opens == closes:
        raise InvalidError("the window opens and closes at the same time", "leave schedule out")
    return opens, closes

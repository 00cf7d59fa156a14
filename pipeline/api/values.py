"""What stands in an answer's JSON, each read so that no value can do harm. Pure."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from pipeline.api import headers
from pipeline.api.queries import without_queries

# Letters of an id: a UUID has 36.
_LONGEST_ID = 200
# Letters of an error that are kept: what it means is found in its begin.
_LONGEST_TEXT = 2000
# Letters of what was sent, as the list repeats it; more is a picture within it.
_LONGEST_BODY = 1024**2
# How deep a value may lie in another.
DEEPEST = 20


def read_json(text: bytes | str) -> Any:
    """Read JSON, also with NaN as Python writes it; None where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def identifier(value: Any) -> str | None:
    """Read an id: printable, not long, and no step in a path; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        return None
    is_word = value.isprintable() and " " not in value and value.strip(".")
    return value if is_word else None


def word(value: Any) -> str:
    """Read a short text; empty where it is none."""
    return headers.words(value) or "" if isinstance(value, str) else ""


def said(value: Any) -> str:
    """Read the text of an error, however it is wrapped; without the queries of addresses."""
    for _ in range(DEEPEST):
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict):
            inner = (value.get(name) for name in ("message", "error", "detail", "msg", "reason"))
            value = next((one for one in inner if one), json.dumps(value, default=str))
        else:
            break
    if value is None or isinstance(value, dict | list):
        return ""
    text = without_queries(str(value)[: 2 * _LONGEST_TEXT])
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST_TEXT]).strip()


def amount(value: Any) -> Decimal | None:
    """Read an amount in US dollars; None where it is missing, negative or absurd."""
    return headers.cost(_figure(value))


def balance(value: Any) -> Decimal | None:
    """Read a balance, which may be below nothing."""
    return headers.decimal(_figure(value))


def number(value: Any, most: float = 1e9) -> float | None:
    """Read a number that is not negative; None where it is none."""
    figure = headers.decimal(_figure(value))
    return float(figure) if figure is not None and 0 <= figure < most else None


def seed(value: Any) -> int | str | None:
    """Read a seed; None where there is none."""
    return headers.seed(_figure(value))


def _figure(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and abs(value) >= 2**63:  # its digits may be too many to write
        return None
    return str(value).strip().removeprefix("$")


# -- times ----------------------------------------------------------------------------------------

# What lies outside is no time of a request: 2001 and 2100.
_FIRST, _LAST = 978_307_200.0, 4_102_444_800.0
_DATE_ALONE = 10


def moment(value: Any) -> float | None:
    """Read a time as Unix seconds: ISO 8601 (without zone UTC), HTTP's form, or Unix time."""
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 64:  # noqa: PLR2004 - no time has so many letters
            return None
        seconds = _written(text)
        if seconds is None:
            seconds = _unix(text)
    else:
        seconds = _unix(value)
    while seconds is not None and seconds > _LAST:  # milliseconds, or smaller
        seconds /= 1000
    return seconds if seconds is not None and seconds >= _FIRST else None


def day(seconds: float) -> str:
    """Write the day of a Unix time in UTC; of one that no clock shows, one that it does."""
    known = min(max(seconds, _FIRST), _LAST) if seconds == seconds else _LAST  # noqa: PLR0124 - NaN
    return datetime.fromtimestamp(known, UTC).date().isoformat()


def instant(seconds: float) -> str:
    """Write a Unix time as RFC 3339 in UTC, to the second; of one that no clock shows, the last."""
    known = min(max(seconds, _FIRST), _LAST) if seconds == seconds else _LAST  # noqa: PLR0124 - NaN
    return datetime.fromtimestamp(known, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unix(value: Any) -> float | None:
    try:
        seconds = float(_figure(value) or "nan")
    except ValueError:
        return None
    # Nanoseconds are the finest that anybody counts in.
    return seconds if 0 <= seconds < _LAST * 1e9 else None


def _written(text: str) -> float | None:
    if len(text) <= _DATE_ALONE:  # a day is no moment
        return None
    plain = re.sub(r" ?(UTC|GMT)$", "+00:00", text)
    for read, form in ((datetime.fromisoformat, plain), (parsedate_to_datetime, text)):
        try:
            time = read(form)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


# -- addresses ------------------------------------------------------------------------------------

# In the order in which an output is looked for; what comes late may repeat an input.
_ADDRESSES = (
    "video", "videos", "video_url", "images", "image_url", "image_urls", "audio", "audios",
    "audio_url", "output", "outputs", "media", "url", "urls", "image", "result",
)  # fmt: skip
# How deep an address may lie, and from where on what a text holds is counted.
_DEEPEST_ADDRESS, _WITHIN_TEXT = 6, 3


def address(value: Any, depth: int = 0) -> str | None:
    """Find the first http(s) address in a value: a text, a list, a mapping by its usual names."""
    if depth > _DEEPEST_ADDRESS:
        return None
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in {"[", "{"} and depth < _WITHIN_TEXT:
            return address(written(text), _WITHIN_TEXT)
        return text if _is_address(text) else None
    inner: Iterator[Any] = iter(())
    if isinstance(value, list):
        inner = iter(value[:10])
    elif isinstance(value, dict):
        inner = (value[name] for name in _ADDRESSES if name in value)
    found = (address(one, depth + 1) for one in inner)
    return next((one for one in found if one), None)


def _is_address(text: str) -> bool:
    # A row of a file is read without it.
    from pipeline.api.origin import parse  # noqa: PLC0415 - it imports HTTP

    return text.lower().startswith(("http://", "https://")) and parse(text) is not None


# -- what was sent --------------------------------------------------------------------------------

# Nothing in it is looked at twice: a text of any kind is judged in one pass.
_TEXT = r"'(?:[^'\\\n]|\\.)*+'|\"(?:[^\"\\\n]|\\.)*+\""
_TEXTS = re.compile(_TEXT, re.DOTALL)
_PLAIN = re.compile(
    rf"(?:{_TEXT}|[\[\]{{}}(),:]|\s|None|True|False|-?+[0-9.]++(?:[eE][-+]?+[0-9]++)?+)*+",
    re.DOTALL,
)

# A difference is parsed as deep as it is long.
_SUM = re.compile(r"[0-9.\"')\]}]\s*+-")


def sent(value: Any) -> Mapping[str, Any] | None:
    """Read what was sent, as the list repeats it: an object, JSON, or Python's repr of a dict."""
    for _ in range(2):  # JSON within JSON
        if isinstance(value, str):
            value = written(value)
    return value if isinstance(value, dict) and all(isinstance(key, str) for key in value) else None


def written(text: str) -> Any:
    """Read a value from JSON or Python's repr; None where it is neither, or too long or deep."""
    if len(text) > _LONGEST_BODY:
        return read_json(text)
    value = read_json(text)
    return value if value is not None else _literal(text)


def _literal(text: str) -> Any:
    """Read Python's repr of plain data. What could be costly to parse is not even tried."""
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        return None
    bare = _TEXTS.sub('""', text)
    if _SUM.search(bare) or _depth(bare) > DEEPEST:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _depth(bare: str) -> int:
    depth = deepest = 0
    for found in _BRACKET.finditer(bare):
        depth += 1 if found.group() in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest


_BRACKET = re.compile(r"[\[\]{}()]")


def unkept(media: Any) -> int:
    """Count the outputs of an answer beside the one that is kept, the first."""
    due, count = [media], 0
    while due:
        one = due.pop()
        if isinstance(one, list):
            due += one
        elif one:
            count += 1
    return max(count - 1, 0)

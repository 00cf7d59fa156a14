"""What makes a task the same task tomorrow: its id (else its parameters), its matrix, its take."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pipeline.job.problems import InvalidError
from pipeline.models import canonical_json

LONGEST_ID = 100
LONGEST_VALUE = 60

_BARE = re.compile(r"[A-Za-z_/.][^\[\],=#\"\s]*|[0-9]+[:x][0-9]+|[0-9]+[a-z][A-Za-z0-9]*", re.ASCII)
# What most ids are, and none of them is wrong.
_USUAL = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,{LONGEST_ID - 1}}}")
_SUFFIX = re.compile(r"#[0-9]+$|\]$|^~[0-9a-f]{16}$", re.ASCII)
_WORDS = frozenset({"true", "false", "null"})


def checked_id(text: str, what: str = "id") -> str:
    """Bring an id into its one form: normal form C, without space around it.

    Raises:
        InvalidError: for an id that could not name a file, or reads like another task's.
    """
    if _USUAL.fullmatch(text):
        return str(text)
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidError(f"the {what} is empty", "write one, or leave the key out")
    if len(name) > LONGEST_ID:
        raise InvalidError(f"the {what} has {len(name)} characters", f"at most {LONGEST_ID}")
    if "/" in name or "\\" in name:
        raise InvalidError(f"the {what} must have no slash", f"such as {name.replace('/', '-')}")
    if name.startswith("."):
        raise InvalidError(f"the {what} must not begin with a dot")
    # Cc, Cs and the like, and marks of direction: names must be distinguishable by eye.
    if not name.isprintable():
        raise InvalidError(f"the {what} must have no control characters or invisible ones")
    if _SUFFIX.search(name):
        raise InvalidError(
            f"the {what} must end neither in ] nor in # and a number, nor be a ~hash",
            "those endings mark matrix values and takes",
        )
    return name


def hashed_id(params: dict[str, Any]) -> str:
    """Make the identity of a prompt without an id: a digest of the parameters as sent."""
    return "~" + hashlib.sha256(canonical_json(params)).hexdigest()[:16]


def matrix_suffix(values: Mapping[str, Any]) -> str:
    """Write matrix values as they follow an id: `[aspect_ratio=16:9,loop=true]`."""
    if not values:
        return ""
    return "[" + ",".join(f"{name}={_value(value)}" for name, value in values.items()) + "]"


def _value(value: Any) -> str:
    """Write a value so that no other one is written alike."""
    text = value if isinstance(value, str) and _is_bare(value) else _json(value)
    if len(text) > LONGEST_VALUE:
        return "~" + hashlib.sha256(text.encode()).hexdigest()[:16]
    return text


def _is_bare(text: str) -> bool:
    return _BARE.fullmatch(text) is not None and text not in _WORDS


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def take_suffix(take: int) -> str:
    """Write a take as it follows an identity; the first has no suffix, so that takes can grow."""
    return f"#{take}" if take > 1 else ""

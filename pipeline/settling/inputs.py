"""Whether a row in the provider's list can be of a request with inputs. Pure.

A list shows an input as it was sent, or as an address that the provider has made of it. So what can
be compared is: the bytes in base64, and an address that was sent as it stood. What cannot be
compared does no harm where all that is known with the same parameters had the same inputs; where
they differ, another request's clip could be taken for this one's, and such a row explains nothing.
"""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping
from typing import Any

# Letters; what is shorter is a word.
_SHORTEST = 24
Signs = frozenset[tuple[str, str]]
"""Names of inputs, and the SHA-256 of what each contained."""


def signs(inputs: Mapping[str, Any] | None) -> Signs:
    """List what inputs contained, as a record or a claim has them; of a list, each."""
    found = set[tuple[str, str]]()
    for name, value in (inputs or {}).items():
        for place, one in enumerate(value if isinstance(value, list) else [value]):
            digest = one.get("sha256") if isinstance(one, dict) else None
            found.add((f"{name}[{place}]", str(digest)))
    return frozenset(found)


def of_row(sent: Mapping[str, Any], candidates: Collection[Signs]) -> list[Signs]:
    """Return which of several inputs can be those that a row shows, each once."""
    possible = [one for one in dict.fromkeys(candidates) if not contradicts(sent, one)]
    if len(possible) < 2:  # noqa: PLR2004 - the one that it can be
        return possible
    return [one for one in possible if _shows(sent, one)]


def contradicts(sent: Mapping[str, Any], expected: Signs) -> bool:
    """Whether a row lacks one of these inputs, or shows that it contained something else."""
    for name, digest in expected:
        value = _value(sent, name)
        read = _of_bytes(value)
        if value is None or (read is not None and read != digest):
            return True
    return False


def _shows(sent: Mapping[str, Any], expected: Signs) -> bool:
    """Whether a row shows that each of these inputs was sent."""
    return all(
        digest in {_of_bytes(value), _of_text(value)}
        for name, digest in expected
        for value in [_value(sent, name)]
    )


def _value(sent: Mapping[str, Any], name: str) -> Any:
    """Find an input in what was sent; of a list, by its place."""
    key, _, place = name.rpartition("[")
    value, index = sent.get(key), int(place.removesuffix("]"))
    if isinstance(value, list):
        return value[index] if index < len(value) else None
    return value if index == 0 else None


def _of_text(value: Any) -> str | None:
    return hashlib.sha256(value.encode()).hexdigest() if isinstance(value, str) else None


def _of_bytes(value: Any) -> str | None:
    """Digest the bytes that a text holds in base64; None where it holds none."""
    if not isinstance(value, str):
        return None
    if value.startswith("data:"):
        value = value.partition(",")[2]
    elif len(value) < _SHORTEST or "://" in value:
        return None
    try:
        return hashlib.sha256(base64.b64decode(value, validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        return None

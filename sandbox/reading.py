"""How the sandbox reads what is sent to it."""

import hashlib
from typing import Any

import msgspec

_LONGEST = 64 * 1024


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def shortened(value: Any) -> Any:
    """Put in the place of each very long text, such as a picture, what it was: books stay small."""
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner) for inner in value]
    if isinstance(value, str) and len(value) > _LONGEST:
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"{len(value)} characters, sha256 {digest}"
    return value

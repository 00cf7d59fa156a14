"""How the sandbox reads what is sent to it."""

from typing import Any

import msgspec


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

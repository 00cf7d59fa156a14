"""What a job says of the post that a clip is for."""

from collections.abc import Mapping
from typing import Any


def text_of(meta: Mapping[str, Any], name: str) -> str:
    """Return what `meta` says by a name, such as `publish` or `caption`, as a text."""
    value = meta.get(name)
    return "" if value is None else str(value).strip()

"""Long values, as the page shows them."""

from collections.abc import Mapping
from typing import Any

# Image-to-video models take whole pictures as base64; the page says how long they are.
LONGEST_VALUE = 1_000
LONGEST_PROMPT = 20_000


def shortened(value: Any, longest: int = LONGEST_VALUE) -> Any:
    """Shorten long strings inside any JSON value, and say how long they were."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:80]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [shortened(each, longest) for each in value]
    if isinstance(value, dict):
        return {name: shortened(each, longest) for name, each in value.items()}
    return value


def shortened_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten parameters; a prompt may be longer than other texts."""
    return {
        name: shortened(value, LONGEST_PROMPT if name == "prompt" else LONGEST_VALUE)
        for name, value in params.items()
    }

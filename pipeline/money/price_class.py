"""Names what the price of a task depends on: its model, and its parameters but the prompt. Pure."""

from typing import Any

from pipeline.models import Task, canonical_json

# What a price does not depend on.
FREE_PARAMS = frozenset({"prompt", "negative_prompt", "seed"})

# A longer text, in characters, is not a choice among a few.
_LONGEST_CHOICE = 256


def price_class(task: Task) -> str:
    """Name the price class of a task."""
    return class_of(task.model, task.params)


def class_of(model: str, params: dict[str, Any]) -> str:
    """Name the price class of a request."""
    priced = {
        key: value
        for key, value in params.items()
        if key not in FREE_PARAMS and not _is_content(value)
    }
    return canonical_json([model, priced]).decode()


def _is_content(value: Any) -> bool:
    """Say whether a parameter is a text, an address or a file: what costs the same whatever it is.

    Records have the digest of a long one.
    """
    if isinstance(value, str):
        return len(value) > _LONGEST_CHOICE or "://" in value
    return isinstance(value, dict) and value.keys() == {"sha256", "bytes"}

"""Expressions that read an answer, read backwards; and what a body has where. Pure."""

import re
from collections.abc import Iterator
from typing import Any

_STEP = re.compile(r"\.?(?:\"([^\"]+)\"|([A-Za-z_]\w*)|\[(\d+|\*)?\])")


def path_of(expression: str) -> list[str | int]:
    """Read the first alternative of an expression as a path: `a.b[0] || c` is a, b, 0.

    Raises:
        ValueError: it is more than a path.
    """
    text = str(expression).partition("||")[0].strip()
    path: list[str | int] = []
    place_in = 0
    while place_in < len(text) and text != "@":
        match = _STEP.match(text, place_in)
        if match is None:
            raise ValueError(f"'{expression}' is more than a path")
        name = match[1] or match[2]
        path.append(name or (int(match[3]) if (match[3] or "*") != "*" else 0))
        place_in = match.end()
    return path


def place(tree: dict[str, Any], path: list[str | int], value: Any) -> None:
    """Put a value into a tree of objects and lists, which grows as it must."""
    here: Any = tree
    for step, after in zip(path, [*path[1:], None], strict=True):
        if isinstance(step, int):
            here += [None] * (step + 1 - len(here))
        found = here[step] if isinstance(step, int) else here.get(step)
        if after is None:
            found = value
        elif found is None:
            found = [] if isinstance(after, int) else {}
        here[step] = found
        here = found


def keys_for(body: Any, name: str) -> str | None:
    """Find under which key the body of a submit has `model` or `once`."""
    if isinstance(body, dict):
        found = (key for key, value in body.items() if value == f"${name}")
        deeper = (keys_for(value, name) for value in body.values())
        return next(found, None) or next(filter(None, deeper), None)
    match = re.search(rf"(\w+)\"?: *{name}\b", body) if isinstance(body, str) else None
    return None if match is None else match[1]


def prompts(tree: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Find the objects that have a prompt, or another text that may be it."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, str) and ("prompt" in name.lower() or name == "text"):
                yield tree, value
            yield from prompts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from prompts(value)


def find(tree: Any, key: str | None) -> Any:
    """Find the first value of a key, at any depth."""
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        return next((found for value in tree if (found := find(value, key)) is not None), None)
    return None

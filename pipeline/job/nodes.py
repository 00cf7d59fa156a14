"""What the reader builds: plain containers that remember their lines.

Scalars written without quotes are `Plain`, so that whoever knows the schema decides what they
mean; quoted ones are ordinary text and stay text.
"""

from typing import Any


class Plain(str):
    """A scalar as it was written, without quotes."""

    __slots__ = ()


class Cut(Plain):
    """A scalar without quotes that a comment ends: blank, `#`, and no blank, as in `a car #7`.

    `comment` is what is lost if it was meant as text.
    """

    __slots__ = ("comment",)
    comment: str


class Mapping(dict[str, Any]):
    """A mapping; `line` is its first line, `lines` the line of each key, from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list; `line` is its first line, `lines` the line of each item, from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def kind_of(value: object) -> str:
    """Name what was found where something else was expected."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list"
    return "nothing" if value is None else "a text"


Step = str | int
Way = tuple[Step, ...]


def line_of(root: Any, way: Way) -> int:
    """Find the line of the deepest node on `way` that exists."""
    node, line = root, getattr(root, "line", 1)
    for step in way:
        if isinstance(node, Mapping) and isinstance(step, str):
            line = node.lines.get(step, line)
            node = node.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node):
            line = node.lines[step]
            node = node[step]
        else:
            break
    return int(line)


def dotted(way: Way) -> str:
    """Write a way as people do: `prompts[3].params.loop`."""
    text = ""
    for step in way:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def pure(value: Any) -> Any:
    """Strip lines and marks: plain dicts, lists and texts."""
    if isinstance(value, dict):
        return {str(key): pure(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pure(item) for item in value]
    return str(value) if isinstance(value, str) else value

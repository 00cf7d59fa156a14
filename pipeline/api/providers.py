"""The providers by name: the one place where they are listed and the default is chosen."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.provider import Provider
from pipeline.api.segmind import Segmind, SegmindV2
from pipeline.errors import UsageError

if TYPE_CHECKING:  # it takes long to import
    from pipeline.api.described.description import Description

DEFAULT = "segmind"

_KNOWN: dict[str, Provider] = {one.name: one for one in (Segmind(), SegmindV2())}
SHIPPED = (
    "bfl", "comfyui", "dashscope", "elevenlabs", "fal", "kling", "luma", "minimax", "openai-images",
    "replicate", "runware", "runway",
)  # fmt: skip
"""Descriptions that come with the program."""

# What names a file: a path, or an ending.
_FILE = re.compile(r"[/\\]|\.(?:ya?ml|json|toml)$", re.ASCII | re.IGNORECASE)


def is_file(name: str) -> bool:
    """Whether what a job calls its provider is the file of a description."""
    return _FILE.search(name) is not None


def get(name: str | None = None) -> Provider:
    """Find a provider; None is the default. A description may be named by its path.

    Raises:
        UsageError: there is none of that name.
        JobFileError: the description is not valid.
    """
    name = name or DEFAULT
    if name in _KNOWN:
        return _KNOWN[name]
    if not is_file(name) and name not in SHIPPED:
        raise UsageError(f"no provider is called {name!r}", hint=f"known: {', '.join(names())}")
    from pipeline.api.described.provider import Described  # noqa: PLC0415 - see the package

    return Described(description(name), is_from_file=name not in SHIPPED)


def description(name: str) -> "Description":
    """Load a description, one that comes with the program or one of one's own.

    Raises:
        JobFileError: it is not valid, with each problem's line and column.
    """
    from pipeline.api.described import loading  # noqa: PLC0415 - see the package

    return loading.shipped(name) if name in SHIPPED else loading.load(Path(name))


def page(name: str) -> Iterator[str]:
    """Print what is known of a provider, or of a description in a file, on one page.

    Raises:
        UsageError: there is none of that name.
        JobFileError: the description is not valid.
    """
    if name in SHIPPED or is_file(name):
        from pipeline.api.described import telling  # noqa: PLC0415 - see the package

        yield from telling.page(description(name))
        return
    one = get(name)
    from pipeline.api.segmind.table import table_markdown  # noqa: PLC0415 - few ask for it

    yield f"# {one.name}\n\n{one.about}.\n"
    yield f"- hosts that get the key: {', '.join(one.hosts)}"
    yield "- money: answers report the cost, a call and answers the balance\n"
    yield table_markdown()


def names() -> tuple[str, ...]:
    """List the names of the providers that are known, the default first."""
    return (*_KNOWN, *SHIPPED)


EXAMPLE_MODEL = next(iter(get().models))
"""The model that messages name as an example."""

"""The providers by name: the one place where they are listed and the default is chosen."""

from pipeline.api.provider import Provider
from pipeline.api.segmind import Segmind, SegmindV2
from pipeline.errors import UsageError

DEFAULT = "segmind"

_KNOWN: dict[str, Provider] = {one.name: one for one in (Segmind(), SegmindV2())}


def get(name: str | None = None) -> Provider:
    """Find a provider; None is the default.

    Raises:
        UsageError: there is none of that name.
    """
    name = name or DEFAULT
    if name not in _KNOWN:
        raise UsageError(f"no provider is called {name!r}", hint=f"known: {', '.join(_KNOWN)}")
    return _KNOWN[name]


def names() -> tuple[str, ...]:
    """List the names of the providers that are known, the default first."""
    return tuple(_KNOWN)


EXAMPLE_MODEL = next(iter(get().models))
"""The model that messages name as an example."""

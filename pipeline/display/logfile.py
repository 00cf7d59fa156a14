"""`--log-file`: every event as one JSON line."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec

from pipeline import events as ev
from pipeline.errors import UsageError
from pipeline.models import rfc3339

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class LogFile:
    """Appends events to a file. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise UsageError(f"cannot write the log file {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the disk may be full
            self._file.close()

    def __call__(self, event: ev.Event) -> None:
        """Append an event."""
        fields: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(Decimal,))
        fields["at"] = rfc3339(event.at)
        named = {"event": type(event).__name__.lower(), **fields}
        self._file.write(_ENCODER.encode(named).decode() + "\n")

"""Books that survive their server: one event a line, in a file.

Each line is handed to the kernel before the answer it belongs to leaves, so that a killed server
has charged exactly what its clients saw. Power loss is not simulated: nothing is synced.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from sandbox.books import Books
from sandbox.errors import SandboxError
from sandbox.events import Event, Opened
from sandbox.settings import Settings


def open_books(settings: Settings, now: float) -> Books:
    """Open the books: those of an earlier life if there is a file of them, else new ones."""
    if settings.books is None:
        books = Books()
    else:
        past = list(_replay(settings.books))
        books = Books(_appender(settings.books))
        for event in past:
            books.apply(event)
        if past:
            books.abandon(now)
            return books
    books.record(Opened(settings.credits, settings.free_credits, now))
    return books


def _replay(path: Path) -> Iterator[Event]:
    """Read the events of a file, cutting off a last line that a kill tore."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    decoder = msgspec.json.Decoder(Event)
    try:
        for line in data[:whole].splitlines():
            yield decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise SandboxError(f"{path} is not a books file of the sandbox: {error}") from error


def _appender(path: Path) -> Callable[[Event], None]:
    """Open a file to append events to; it stays open as long as the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab", buffering=0)
    encode = msgspec.json.Encoder().encode

    def append(event: Event) -> None:
        file.write(encode(event) + b"\n")

    return append

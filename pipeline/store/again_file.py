"""`.again.json`: what a run was asked to render again, until that has ended.

The same command continues after a kill or a stop, and pays for nothing twice: what has a record
since the first of them began was rendered for it already.
"""

from dataclasses import replace

import msgspec

from pipeline.common.files import read_file, sync_directory, write_atomically
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.selection import Selection
from pipeline.store.layout import Layout

# Bytes: a file of names may have been given.
_LONGEST = 64 * 1024**2


class _Request(msgspec.Struct):
    """What the file holds: `since` is the size of the manifest when it was asked for first."""

    again: list[str]
    since: int
    format: int = 1


def as_asked_before(select: Selection, layout: Layout) -> Selection:
    """Return a selection with what was rendered for it already, where the last one was the same.

    Raises:
        DirectoryError: a newer version has written what is there.
    """
    request = _read(layout) if select.again else None
    if request is None or request.again != _key(select):
        return select
    return replace(select, since=request.since)


def note(select: Selection, layout: Layout, size: int, *, fsync: bool = True) -> Selection:
    """Make durable what is asked for, before anything of it is sent; `size` is the manifest's.

    Raises:
        OSError: it cannot be written.
    """
    if select.since is not None or not select.again:
        return select
    data = msgspec.json.encode(_Request(_key(select), size, FORMAT))
    write_atomically(layout.again, data, durable=fsync)
    if fsync:
        sync_directory(layout.root)
    return replace(select, since=size)


def forget(layout: Layout) -> None:
    """Forget what was asked for: it has ended.

    Raises:
        OSError: it cannot be removed.
    """
    layout.again.unlink(missing_ok=True)


def _key(select: Selection) -> list[str]:
    return sorted(set(select.again))


def _read(layout: Layout) -> _Request | None:
    try:
        data = read_file(layout.again, _LONGEST)
    except (OSError, DirectoryError):
        return None
    refuse_newer(layout.again, data)
    try:
        return msgspec.json.decode(data, type=_Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

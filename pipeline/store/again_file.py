"""`.again.json`: what a run was asked to render again, until that has ended.

The same command continues after a kill or a stop, and pays for nothing twice: what has a record
since the first of them began was rendered for it already. A request has ended when the command that
asked for it is about to exit: until then nobody has seen its end, and the same command may follow.
"""

import secrets

import msgspec
from msgspec.structs import replace

from pipeline.common.files import read_file, sync_directory, write_atomically
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.selection import Selection
from pipeline.store.layout import Layout, locked

# Bytes: a file of names may have been given.
_LONGEST = 64 * 1024**2


class _Request(msgspec.Struct):
    """What the file holds: `since` is the size of the manifest when it was asked for first.

    `run` names the last run that took it up.
    """

    again: list[str]
    since: int
    format: int = 1
    run: str = ""


def as_asked_before(select: Selection, layout: Layout) -> Selection:
    """Return a selection with what was rendered for it already, where the last one was the same.

    Raises:
        DirectoryError: a newer version has written what is there.
    """
    request = _read(layout) if select.again else None
    if request is None or request.again != _key(select):
        return select
    return replace(select, since=request.since, run=request.run)


def note(select: Selection, layout: Layout, size: int, *, fsync: bool = True) -> Selection:
    """Make durable what is asked for, before anything of it is sent; `size` is the manifest's.

    Raises:
        OSError: it cannot be written.
    """
    if not select.again:
        return select
    since = size if select.since is None else select.since
    noted = replace(select, since=since, run=secrets.token_hex(8))
    data = msgspec.json.encode(_Request(_key(select), since, FORMAT, noted.run))
    write_atomically(layout.again, data, durable=fsync)
    if fsync:
        sync_directory(layout.root)
    return noted


def forget(select: Selection, layout: Layout) -> str | None:
    """Forget what was asked for, as it has ended; no run of this process has the directory.

    What another run has taken up since then is left to that one.

    Returns:
        Why it cannot be removed.
    """
    try:
        with locked(layout):
            request = _read(layout)
            if request is not None and request.run == select.run:
                layout.again.unlink()
    except DirectoryError as error:
        if layout.is_running():  # that run ends what it continues
            return None
        return f"{layout.again} cannot be removed: {error.message}"
    except OSError as error:
        return f"{layout.again} cannot be removed: {error.strerror}"
    return None


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

"""Where the socket of a run lies, and how it gets there: no other user may ever open it."""

import hashlib
import os
import socket
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from pipeline.errors import DirectoryError

NAME = "control.sock"
# Bytes of a socket's path: Linux allows 107, others fewer.
_LONGEST = 100


def socket_place(root: Path) -> Path:
    """Say where the socket of a run into `root` lies, however that is spelled."""
    real = Path(os.path.realpath(root))
    path = real / NAME
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:20]
    with warnings.catch_warnings():
        # Where the user has no such folder, it falls back to a temporary one, and warns.
        warnings.simplefilter("ignore")
        folder = platformdirs.user_runtime_path("pipeline")
    return folder / f"{digest}.sock"


@contextmanager
def bound_socket(root: Path) -> Iterator[socket.socket]:
    """Bind the socket of a run into `root`, and take it away at the end.

    The caller holds the lock of the directory: a socket to which nobody listens is of a run that
    was killed, and is replaced.

    Raises:
        DirectoryError: something else has its name, or the folder is not safe.
        OSError: there can be no socket.
    """
    path = socket_place(root)
    if path.name != NAME:
        _make_private(path.parent)
    _refuse_foreign(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        _bind(listening, path)
        own = path.lstat()
        try:
            yield listening
        finally:
            with suppress(OSError):
                now = path.lstat()
                if (now.st_dev, now.st_ino) == (own.st_dev, own.st_ino):
                    path.unlink()


def _bind(listening: socket.socket, path: Path) -> None:
    """Bind in a folder that only we can enter, set the mode, listen, and only then name it."""
    folder = Path(tempfile.mkdtemp(prefix=".c", dir=path.parent))
    draft = folder / "s"
    try:
        listening.bind(os.fspath(draft))
        draft.chmod(0o600)
        listening.listen(16)
        listening.setblocking(False)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink()
        with suppress(OSError):
            folder.rmdir()


def _refuse_foreign(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DirectoryError(f"{path} is not a socket of a run, and is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        with suppress(ConnectionRefusedError):
            asking.connect(os.fspath(path))
            raise DirectoryError(f"another program listens at {path}, which is left alone")


def _make_private(folder: Path) -> None:
    """Make the folder of long paths' sockets, which only its user may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(folder):
        raise DirectoryError(f"{folder} is open to other users: only you may be able to enter it")


def is_private(folder: Path) -> bool:
    """Whether a folder is its user's own, and so are the links on the way to it."""
    try:
        own, above = folder.lstat(), folder.parent.stat()
    except OSError:
        return False
    trusted = {os.geteuid(), 0}
    closed = stat.S_ISDIR(own.st_mode) and not stat.S_IMODE(own.st_mode) & 0o077
    sticky = above.st_mode & stat.S_ISVTX or not above.st_mode & 0o022
    return closed and own.st_uid == os.geteuid() and above.st_uid in trusted and bool(sticky)

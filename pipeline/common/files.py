"""Files of ours, opened without believing what lies there.

An output directory may come from elsewhere. Nothing here follows a link at a name of ours, waits
for a pipe, takes a device for a file, or reads more than was asked for.
"""

import errno
import fcntl
import os
import stat
import time
from pathlib import Path

from pipeline.errors import DirectoryError

# What a file system says that has no such call for a directory.
_NO_SUCH_CALL = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file of ours; returns its descriptor.

    Raises:
        DirectoryError: a link, a folder, a pipe or a device is in its place.
        OSError: it cannot be opened.
    """
    try:
        file = os.open(path, flags | _SAFE, 0o666)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}:
            raise _no_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _no_file(path)
    return file


def read_file(path: Path, most: int) -> bytes:
    """Read a small file of ours, at most `most` bytes.

    Raises:
        DirectoryError: it is longer, or no regular file.
        OSError: it cannot be read.
    """
    with os.fdopen(open_file(path), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise DirectoryError(
            f"{path} is larger than {most:,} bytes, which nothing of ours is there",
            hint="move it away",
        )
    return data


def create(path: Path | str, flags: int = 0) -> int:
    """Make a new file, in place of whatever lies at its name; returns its descriptor.

    Raises:
        OSError: it cannot be made.
    """
    flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE
    try:
        return os.open(path, flags, 0o666)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, 0o666)


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace a small file: readers see the old one or the new one, also after a power loss."""
    draft = path.with_name(path.name + ".new")
    file = create(draft)
    try:
        write_all(file, data)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    os.replace(draft, path)


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to a descriptor: one call may take only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def lock(file: int, *, patience: float = 1.0) -> bool:
    """Lock an open file for this process alone; False where another has it.

    `patience` is in seconds: a command that looks whether a run goes on holds it for a moment.
    """
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        else:
            return True


def is_locked(path: str) -> bool:
    """Whether a process has locked a file or folder of ours; False where there is none.

    The path of a folder that may be a link, as the output directory itself, ends in a slash.
    """
    try:
        file = os.open(path, os.O_RDONLY | _SAFE)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a share that locks nothing there
        return False
    finally:
        os.close(file)
    return False


def refuse_alien_folder(folder: Path) -> None:
    """See that a folder of ours is one, or not there.

    Raises:
        DirectoryError: a link or a file is in its place.
    """
    try:
        mode = os.lstat(folder).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        what = "a link" if stat.S_ISLNK(mode) else "no folder"
        raise DirectoryError(f"{folder} is {what}: it must be a folder", hint="move it away")


def refuse_linked_folders(root: Path, folder: str) -> None:
    """See that no part of `folder`, a relative path inside `root`, leads elsewhere.

    Raises:
        DirectoryError: a link or a file is on the way.
    """
    path = root
    for part in folder.split("/") if folder else ():
        path /= part
        refuse_alien_folder(path)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_directory(path: Path) -> bool:
    """Make the names in a directory durable; False where its file system has no such call.

    Raises:
        OSError: the disk failed.
    """
    try:
        sync_file(path)
    except OSError as error:
        if error.errno in _NO_SUCH_CALL:
            return False
        raise
    return True


def _no_file(path: Path) -> DirectoryError:
    return DirectoryError(
        f"{path} is a link, a folder or a device: it must be a regular file", hint="move it away"
    )

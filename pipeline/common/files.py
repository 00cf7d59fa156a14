"""Open the files of an output directory without trusting its contents.

An output directory may come from elsewhere. Nothing here follows a link in place of one of the
program's files, waits for a pipe, reads a device, or reads more than was asked for.
"""

import errno
import fcntl
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from pipeline.errors import DirectoryError

# The errors of file systems that do not support fsync of a directory.
_NO_SUCH_CALL = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_file(path: Path | str, flags: int = os.O_RDONLY) -> int:
    """Open a regular file and return its descriptor.

    Raises:
        DirectoryError: it is a link, a folder, a pipe or a device.
        OSError: it cannot be opened.
    """
    try:
        file = os.open(path, flags | _SAFE, 0o666)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR}:
            raise _not_regular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _not_regular(path)
    return file


def open_below(root: Path, relative: str) -> int:
    """Open a regular file inside the folder `root`, whose own path may be a link.

    No part of `relative` is followed where it is a link, also if it becomes one meanwhile.

    Raises:
        DirectoryError: it is, or a part of its path is, a link, or it is not a regular file.
        OSError: it cannot be opened.
    """
    *folders, name = relative.split("/")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = _opened_in(here, folder, os.O_DIRECTORY, root / relative)
            os.close(here)
            here = inner
        file = _opened_in(here, name, 0, root / relative)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _not_regular(root / relative)
    return file


def _opened_in(folder: int, name: str, flags: int, path: Path) -> int:
    if name in {"", ".", ".."}:
        raise _not_regular(path)
    try:
        return os.open(name, os.O_RDONLY | _SAFE | flags, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENOTDIR}:
            raise _not_regular(path) from error
        raise


def read_file(path: Path, most: int) -> bytes:
    """Read a small file of at most `most` bytes.

    Raises:
        DirectoryError: it is longer, or not a regular file.
        OSError: it cannot be read.
    """
    with os.fdopen(open_file(path), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise DirectoryError(
            f"{path} is larger than {most:,} bytes, so pipeline did not write it",
            hint="move it away, then run again",
        )
    return data


def create(path: Path | str, flags: int = 0) -> int:
    """Create a file and return its descriptor; an existing file of that name is removed first.

    Raises:
        OSError: it cannot be created.
    """
    flags |= os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE
    try:
        return os.open(path, flags, 0o666)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, 0o666)


def renew(path: Path | str) -> int:
    """Empty a file that has this name alone, and return its descriptor.

    What else is found there, as a link or a pipe that somebody put in its place, is removed.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        file = open_file(path, os.O_RDWR | os.O_CREAT)
    except DirectoryError:
        return create(path)
    if os.fstat(file).st_nlink > 1:
        os.close(file)
        return create(path)
    os.ftruncate(file, 0)
    return file


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace a small file: readers see the old or the new version, also after a power loss."""
    draft = path.with_name(path.name + ".new")
    file = create(draft)
    try:
        write_all(file, data)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    os.replace(draft, path)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Replace a file that is not of an output directory: a reader sees the old or the new one.

    Its draft has a name of its own, as two may write at a time.

    Raises:
        OSError: it cannot be written; the old one is as it was.
    """
    file, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fchmod(file, mode)
            os.fsync(file)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to a descriptor: one system call may write only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def lock(file: int, *, patience: float = 1.0) -> bool:
    """Lock an open file for this process; return False if another process has locked it.

    Wait up to `patience` seconds: a command that checks for a running process takes a shared lock
    for a moment.
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


def join_folder(folder: Path) -> int | None:
    """Lock a folder together with others that do so; return the descriptor that holds it.

    None where there is no such folder, or it cannot be locked at once. What is deleted in it, by
    whomever, leaves the lock.
    """
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    except OSError:
        return None
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return file
    os.close(file)
    return None


def is_at(file: int | None, path: Path) -> bool:
    """Return whether an open file or folder is still what has that path."""
    if file is None:
        return False
    with suppress(OSError):
        return os.path.samestat(os.fstat(file), path.lstat())
    return False


def is_joined(folder: Path) -> bool:
    """Return whether any process has the lock of `join_folder`. One at a time may ask."""
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system that has no locks for folders
        return False
    else:
        # At once: a process that is just being started may have this descriptor for a moment.
        fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)
    return False


def is_locked(path: str) -> bool:
    """Return whether a process has locked a file or folder; False if it does not exist.

    For a folder that may be a link, such as the output directory itself, end the path with a slash.
    """
    try:
        file = os.open(path, os.O_RDONLY | _SAFE)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a network share without locks
        return False
    finally:
        os.close(file)
    return False


def refuse_alien_folder(folder: Path) -> None:
    """Check that `folder` is a folder or does not exist.

    Raises:
        DirectoryError: it is a link or a file.
    """
    try:
        mode = os.lstat(folder).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        what = "a link" if stat.S_ISLNK(mode) else "not a folder"
        raise DirectoryError(
            f"{folder} is {what}: it must be a folder", hint="move it away, then run again"
        )


def refuse_linked_folders(root: Path, folder: str) -> None:
    """Check that no part of `folder`, a relative path inside `root`, is a link.

    Raises:
        DirectoryError: a part is a link or a file.
    """
    path = root
    for part in folder.split("/") if folder else ():
        path /= part
        refuse_alien_folder(path)


def sync_file(path: Path) -> None:
    """Make the contents of a file durable."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_directory(path: Path) -> bool:
    """Make the names in a directory durable; return False if its file system does not support it.

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


def _not_regular(path: Path | str) -> DirectoryError:
    return DirectoryError(
        f"{path} is a link, a folder or a device: it must be a regular file",
        hint="move it away, then run again",
    )

"""Temporary files of what was fetched: on the disk while they are needed, and a few after that.

Their folder is locked while its run lives. A folder that nobody has locked is of a run that was
killed, and is deleted by the next.
"""

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pipeline.api.content import FileToSend
from pipeline.common.files import lock

_PREFIX = "pipeline-inputs-"
_LOCK = "lock"
# What is not needed just now is kept up to so many bytes: the next tasks may need it.
MOST_KEPT = 256 * 1024**2
_MOST_FILES = 1000
# A folder without its lock has just been made, unless it is so many seconds old.
_YOUNG = 3600


@dataclass(slots=True)
class Spooled:
    """A file that was fetched, its type, and how many tasks need it."""

    file: FileToSend
    type: str
    users: int = 1


class Spool:
    """The temporary files of one session, by the address that they are from."""

    def __init__(self, root: Path | None = None, most_kept: int = MOST_KEPT) -> None:
        self._root = root
        self._most_kept = most_kept
        self._folder: Path | None = None
        self._lock = -1
        self._files: dict[str, Spooled] = {}  # the one used last is the last
        self._numbers = count()

    # -- files --------------------------------------------------------------------------------

    def new_file(self) -> Path:
        """Return a path to fetch to. Blocks.

        Raises:
            OSError: there is no folder for it.
        """
        if self._folder is None:
            self._folder = self._new_folder()
        return self._folder / str(next(self._numbers))

    def add(self, url: str, found: Spooled) -> Spooled:
        """Keep a file while it is needed, by one task so far."""
        self._files[url] = found
        return found

    def take(self, url: str) -> Spooled | None:
        """Need a file once more; None where it is not there."""
        found = self._files.pop(url, None)
        if found is not None:
            found.users += 1
            self._files[url] = found
        return found

    def give_back(self, url: str) -> None:
        """Need a file no more, and delete what is too much of those that nobody needs."""
        self._files[url].users -= 1
        idle = [url for url, one in self._files.items() if not one.users]
        kept = sum(self._files[url].file.size for url in idle)
        for place, one in enumerate(idle):
            if kept <= self._most_kept and len(idle) - place <= _MOST_FILES:
                return
            file = self._files.pop(one).file
            kept -= file.size
            self.discard(file.file)

    @staticmethod
    def discard(path: Path) -> None:
        """Delete a file that may be there."""
        with suppress(OSError):
            path.unlink()

    def close(self) -> None:
        """Delete all of them."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._folder = None
        self._files.clear()

    # -- folders ------------------------------------------------------------------------------

    def _new_folder(self) -> Path:
        """Make a folder and lock it; a sweep may have had the lock for a moment."""
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root)).resolve()
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if lock(self._lock, patience=0):
                return folder
            os.close(self._lock)

    def sweep(self) -> None:
        """Delete the folders that runs of this user have left which were killed. Blocks."""
        root = self._root or Path(tempfile.gettempdir())
        with suppress(OSError), os.scandir(root) as entries:
            for entry in entries:
                if entry.name.startswith(_PREFIX):
                    with suppress(OSError):
                        _sweep(Path(entry.path))


def _sweep(folder: Path) -> None:
    """Delete a folder if it is one of this user's that nobody has locked.

    Raises:
        OSError: it cannot be looked at.
    """
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return
    try:
        file = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - about.st_mtime > _YOUNG:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        if lock(file, patience=0):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(file)

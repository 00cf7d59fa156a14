"""The clips of an output directory as they lie on the disk, held against its manifest."""

import os
import tempfile
from pathlib import Path

from pipeline.common.files import refuse_linked_folders
from pipeline.errors import DirectoryError
from pipeline.ledger.history import History
from pipeline.ledger.manifest import summaries
from pipeline.models import Status
from pipeline.printable import printable

_MEDIA = (
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".jpg", ".jpeg", ".png", ".webp", ".gif",
    ".avif", ".heic", ".mp3", ".wav", ".ogg", ".m4a", ".flac", ".aac", ".opus",
)  # fmt: skip


class Disk:
    """Looks into the folders that outputs lie in, and into no others.

    `unowned` has the clips there that no record knows: after `hold_against`, and after it has
    looked into the folders of what is to be made.

    Raises:
        DirectoryError: a folder of outputs is a link.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()
        self._writable: set[str] = set()
        self.unowned: set[str] = set()

    def look_into(self, folder: str) -> None:
        """List the clips of a folder, a relative path, once."""
        if folder in self._folders:
            return
        self._folders.add(folder)
        refuse_linked_folders(self._root, folder)
        try:
            with os.scandir(self._root / folder) as found:
                names = (entry.name for entry in found)
                # What cannot be printed is no output of ours, and is told in letters that can be.
                clips = [printable(name) for name in names if name.lower().endswith(_MEDIA)]
        except OSError:  # it is not there yet
            return
        self.unowned.update(f"{folder}/{clip}" if folder else clip for clip in clips)

    def refuse_unwritable(self, folder: str) -> None:
        """See that clips can be placed in a folder, a relative path, or that it can be made.

        Raises:
            DirectoryError: they cannot.
        """
        if folder in self._writable:
            return
        self._writable.add(folder)
        path = self._root / folder
        while not path.exists() and path != self._root:
            path = path.parent
        if os.access(path, os.W_OK | os.X_OK):
            return
        try:  # some shares say no, and mean yes
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise DirectoryError(
                f"{path} cannot be written, and clips of this job go there: {error.strerror}",
                hint="mend its permissions; nothing was sent",
            ) from error

    def hold_against(self, history: History, manifest: Path) -> set[str]:
        """Take out what records own; returns the tasks whose clip somebody moved away."""
        missing: set[str] = set()
        if not history.counts[Status.SUCCEEDED]:
            return missing
        for offset, record in summaries(manifest):
            if record.output is None or record.status is not Status.SUCCEEDED:
                continue
            if not self._has(record.output) and history.is_last(record.task, offset):
                missing.add(record.task)
        return missing

    def _has(self, output: str) -> bool:
        self.look_into(output.rpartition("/")[0])
        if output in self.unowned:
            self.unowned.remove(output)
            return True
        # Another record's too, or no clip by its name.
        return os.path.exists(self._root / output)

"""The clips of an output directory as they are, compared with its manifest."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from pipeline.ledger.history import History
from pipeline.ledger.manifest import summaries
from pipeline.models import Status


class Clips(Protocol):
    """What a plan asks of wherever outputs lie; see `store/shelf.py`."""

    @property
    def far(self) -> bool:
        """Whether asking takes requests."""

    def clips(self, folder: str) -> Iterable[str]:
        """List the clips in a folder, whoever made them."""

    def missing(self, outputs: Iterable[str]) -> set[str]:
        """Return which of these outputs are not there."""

    def refuse_unwritable(self, folder: str) -> None:
        """Check that outputs can be placed in a folder."""


class Disk:
    """Looks into the folders that outputs lie in, and into no others.

    `unowned` has the clips there that no record knows: after `compare`, and after it has looked
    into the folders of what is to be made.

    Raises:
        DirectoryError: a folder of outputs is a link.
    """

    def __init__(self, clips: Clips) -> None:
        self._clips = clips
        self._folders: set[str] = set()
        self._writable: set[str] = set()
        self.unowned: set[str] = set()

    def look_into(self, folder: str) -> None:
        """List the clips of a folder, a relative path, once."""
        if folder not in self._folders:
            self._folders.add(folder)
            self.unowned.update(self._clips.clips(folder))

    def refuse_unwritable(self, folder: str) -> None:
        """Check once that clips can be placed in a folder, a relative path."""
        if folder not in self._writable:
            self._writable.add(folder)
            self._clips.refuse_unwritable(folder)

    def compare(self, history: History, manifest: Path) -> set[str]:
        """Take out what records own; return the tasks whose clip somebody moved away."""
        absent: dict[str, str] = {}
        if not history.counts[Status.SUCCEEDED]:
            return set()
        if self._is_as_recorded(history):
            self._folders |= history.folders
            return set()
        for offset, record in summaries(manifest):
            if record.output is None or record.status is not Status.SUCCEEDED:
                continue
            if not self._takes_out(record.output) and history.is_last(record.task, offset):
                # Another record's too, or not a clip by its name.
                absent[record.task] = record.output
        gone = self._clips.missing(absent.values())
        return {task for task, output in absent.items() if output in gone}

    def _is_as_recorded(self, history: History) -> bool:
        """Return whether the clips are those that records name, no more and no fewer.

        So it is nearly always, and then the manifest need not be read for their names. Only hashes
        are kept of a million names; where they differ at all, the names themselves are compared.
        """
        found = {hash(clip) for folder in history.folders for clip in self._clips.clips(folder)}
        if not all(map(found.__contains__, history.outputs)):
            return False
        found.difference_update(history.outputs)
        return not found

    def _takes_out(self, output: str) -> bool:
        self.look_into(output.rpartition("/")[0])
        found = output in self.unowned
        self.unowned.discard(output)
        return found

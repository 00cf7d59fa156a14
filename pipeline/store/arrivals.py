"""How workers on other machines bring home what came of their attempts.

A worker makes its part durable, and then leaves the outcome beside it. So an answer comes home
also where nobody hears the worker: its connection is gone, or the run was killed.
"""

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from pipeline.amounts import ZERO, is_money
from pipeline.api.outcome import Fault, Outcome
from pipeline.common.files import open_file, read_file, sync_directory, write_atomically
from pipeline.errors import DirectoryError
from pipeline.store.claims import UNREADABLE, handle_fault

ENDING = ".done"
_PROBE = "workers.new"  # this ending: what a killed run leaves of it, the next one removes
# Bytes. The text of an answer is up to 64 KB, of which JSON may make six times as many.
_LARGEST = 1024**2
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DECODER = msgspec.json.Decoder(Outcome)


class Arrivals(Protocol):
    """The way home. It crosses to a worker; all of it blocks."""

    def announce(self) -> str:
        """Leave something for the workers to see; returns what they must find.

        Raises:
            OSError: it cannot be written.
        """

    def withdraw(self) -> None:
        """Remove what `announce` left."""

    def fault(self, announced: str) -> str | None:
        """Say, on a worker, why it cannot bring anything home; None where it can."""

    def spool(self, part: str) -> Path:
        """Return the local file of a part, on the worker."""

    def bring(self, part: str, outcome: Outcome) -> Outcome:
        """Make a part and its outcome durable; returns the outcome, as it is then."""

    def found(self, part: str) -> Outcome | None:
        """Return the outcome that was brought with a part; None where there is none."""

    def forget(self, parts: Iterable[str]) -> None:
        """Remove the outcomes of parts that have their records."""


class SharedFolder(msgspec.Struct, frozen=True):
    """A folder that the run and all of its workers see."""

    folder: str

    def announce(self) -> str:
        """Write a text that nobody can guess."""
        text = secrets.token_hex(16)
        write_atomically(Path(self.folder, _PROBE), text.encode(), durable=False)
        return text

    def withdraw(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self.folder}{os.sep}{_PROBE}")

    def fault(self, announced: str) -> str | None:
        """Try the folder: read what the run wrote there, and write."""
        try:
            if read_file(Path(self.folder, _PROBE), 100).decode() != announced:
                return "it has another folder under that name"
            with tempfile.TemporaryFile(dir=self.folder):
                return None
        except (OSError, UnicodeDecodeError, DirectoryError) as error:
            return str(error)

    def spool(self, part: str) -> Path:
        """Return the file of a part."""
        return Path(self.folder, part)

    def bring(self, part: str, outcome: Outcome) -> Outcome:
        """Make the part durable, then write the outcome beside it.

        Where the outcome cannot be written, the run may still hear it.
        """
        if outcome.body is not None:
            try:
                _sync(self.spool(part))
            except (OSError, DirectoryError) as error:
                outcome = replace(outcome, body=None, fault=Fault.UNSAVED, detail=str(error))
        with contextlib.suppress(OSError):
            write_atomically(self._beside(part), msgspec.json.encode(outcome))
            sync_directory(Path(self.folder))
        return outcome

    def found(self, part: str) -> Outcome | None:
        """Read the outcome beside a part; one that no worker wrote is none."""
        try:
            outcome = _DECODER.decode(read_file(self._beside(part), _LARGEST))
        except (OSError, DirectoryError, *UNREADABLE):
            return None
        return outcome if _is_sound(outcome) else None

    def forget(self, parts: Iterable[str]) -> None:
        """Remove the outcomes beside these parts."""
        for part in parts:
            with contextlib.suppress(OSError):
                self._beside(part).unlink()

    def _beside(self, part: str) -> Path:
        return Path(self.folder, part.removesuffix(".part") + ENDING)


def _sync(part: Path) -> None:
    file = open_file(part)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _is_sound(outcome: Outcome) -> bool:
    """Whether an outcome is one that a worker may have written: the folder may be hostile."""
    body, accepted = outcome.body, outcome.accepted
    amounts = (outcome.cost, outcome.remaining)
    if not all(map(is_money, amounts)) or (outcome.cost or ZERO) < 0:
        return False
    if accepted is not None and handle_fault(accepted) is not None:
        return False
    return body is None or bool(
        body.size > 0 and _EXTENSION.fullmatch(body.extension) and _SHA256.fullmatch(body.sha256)
    )

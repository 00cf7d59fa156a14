"""What can be wrong with the file of an account, for people."""

import errno
import sqlite3
from pathlib import Path
from types import TracebackType

import msgspec

from pipeline.errors import DirectoryError, PipelineError

_ERRNOS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "it is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
}
# By the first two words of SQLite's name for the error.
_SQLITE = {
    "SQLITE_BUSY": "another program has locked it for too long",
    "SQLITE_LOCKED": "another program has locked it for too long",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_PERM": "permission is denied",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_NOTADB": "it is not a database",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_IOERR": "the disk reports an error",
}
_TO_MOVE = {"SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR"}
UNREADABLE = (sqlite3.Error, OSError, DirectoryError, msgspec.MsgspecError, ArithmeticError)


class LedgerError(PipelineError):
    """The ledger of an account cannot be used. `why` is the reason alone, for a short message."""

    def __init__(self, place: Path | str, why: str, *, hint: str | None = None) -> None:
        super().__init__(f"the account ledger {place} cannot be used: {why}", hint=hint)
        self.why = why


class Translated:
    """A context that turns what databases and files raise into a `LedgerError`."""

    def __init__(self, place: Path | str) -> None:
        self._place = place

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, UNREADABLE):
            raise translated(self._place, error) from error


def translated(place: Path | str, error: Exception) -> LedgerError:
    """Say for people what an error means, and what to do about it."""
    if isinstance(error, DirectoryError):
        return LedgerError(place, error.message, hint=error.hint)
    if isinstance(error, OSError):
        return LedgerError(place, _ERRNOS.get(error.errno or 0, error.strerror or str(error)))
    name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    why = _SQLITE.get(name, f"it has unexpected contents ({error})")
    move = name in _TO_MOVE or not name
    hint = "move it away; what it knew comes back as the jobs of the account run" if move else None
    return LedgerError(place, why, hint=hint)

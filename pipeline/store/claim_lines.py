"""The lines of `.inflight/claims.json`, the log of claims: how they are read.

A log is read while a run appends to it, and after a kill or a power loss. What these leave at its
end is distinguished from damage: only what nothing was sent because of may be missing.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from pipeline.common.boot import boot_id
from pipeline.common.files import open_file, refuse_alien_folder
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import refuse_newer
from pipeline.printable import printable
from pipeline.store import claim_files, claims
from pipeline.store.claims import Head, Leftover

NAME = "claims.json"  # this ending, as older versions look at such names, and refuse its format

_BEGINS = b'{"format":'
# Bytes. A claim may hold pictures in its parameters; no run writes so much.
_LONGEST, _MOST = 64 * 1024**2, 4 * 1024**3
_LONGEST_TEXT = 64  # characters
_PUT_BACK = (
    "nothing was sent; put the file itself in its place, as the requests that it names may be paid"
    " for; if pipeline did not write it, move it away, then run again"
)


class Line(msgspec.Struct, omit_defaults=True):
    """A line of the log: its header, a claim, what happened to one, or what was synced before."""

    format: int | None = None
    program: str | None = None
    boot_id: str | None = None
    attempt: str = ""
    claim: msgspec.Raw = msgspec.Raw()
    sent: str | None = None
    worker: str | None = None
    answered: bool = False
    head: Head | None = None
    closed: bool = False
    synced: int | None = None


_LINES = msgspec.json.Decoder(Line)


class OpenClaim(msgspec.Struct):
    """A claim that is not closed: where it stands, and its lines."""

    number: int
    lines: list[bytes]
    claim: msgspec.Raw
    sent: str | None = None
    worker: str | None = None
    answered: bool = False
    head: Head | None = None


class _Reading(msgspec.Struct):
    """What was read of a log up to a line."""

    path: Path
    open: dict[str, OpenClaim] = msgspec.field(default_factory=dict)
    synced: int = 0
    boot: str | None = None
    damaged: tuple[int, int] | None = None  # the first line with a block that was not written
    follows: bool = False  # whether a whole line comes after it
    orphan: int = 0  # a line about an attempt of which there is no claim

    def take(self, number: int, offset: int, text: bytes) -> None:
        """Read a line."""
        try:
            line = _LINES.decode(text)
        except claims.UNREADABLE:
            self._take_damaged(number, offset, text)
            return
        self.follows |= self.damaged is not None
        if line.format is not None:
            self.boot = line.boot_id
        elif line.synced is not None:
            self.synced = max(self.synced, line.synced)
        elif not line.attempt:
            raise self._damage(number)
        else:
            self._take_attempt(number, text.removesuffix(b"\n") + b"\n", line)

    def _take_attempt(self, number: int, text: bytes, line: Line) -> None:
        if bytes(line.claim):
            self.open[line.attempt] = OpenClaim(number, [text], line.claim)
        elif line.closed:
            self.open.pop(line.attempt, None)
        elif (found := self.open.get(line.attempt)) is not None:
            found.lines.append(text)
            found.sent = line.sent or found.sent
            found.worker = line.worker or found.worker
            found.answered |= line.answered
            found.head = line.head or found.head
        elif self.damaged is None:
            self.orphan = self.orphan or number

    def _take_damaged(self, number: int, offset: int, text: bytes) -> None:
        """Note a line that is not whole: what a kill or a power loss leaves may be so."""
        if text.endswith(b"\n") and b"\0" not in text:
            raise self._damage(number)
        self.damaged = self.damaged or (number, offset)

    def check(self) -> None:
        """See that what is not whole was never synced; then nothing was sent because of it."""
        if self.damaged is not None:
            number, offset = self.damaged
            # Of what was not synced, a power loss may leave later blocks without earlier ones.
            same_boot = self.boot == boot_id() is not None
            if offset < self.synced or (self.follows and same_boot):
                raise self._damage(number)
        if self.orphan:
            raise self._damage(self.orphan)

    def _damage(self, number: int) -> DirectoryError:
        return DirectoryError(
            f"{self.path}:{number} is damaged, so what it said of a request is unknown",
            hint="nothing was sent; put the file back from a copy, or see on the account's page"
            " what was charged, and delete the line: then its request may be sent again",
        )


def read_log(path: Path) -> dict[str, OpenClaim]:
    """Read the claims of a log that are not closed; none where there is no log.

    Raises:
        DirectoryError: it is not a log of pipeline, of a newer version, or damaged.
    """
    try:
        opened = open_file(path)
    except FileNotFoundError:
        return {}
    except DirectoryError as error:
        # Moved away, what was paid for would be forgotten, and paid for again.
        raise DirectoryError(error.message, hint=_PUT_BACK) from error
    with os.fdopen(opened, "rb") as file:
        if os.fstat(opened).st_size > _MOST:
            raise _foreign(path)
        reading = _Reading(path)
        for number, offset, text in _lines(path, file):
            if number == 1:
                _refuse_foreign(path, text)
            reading.take(number, offset, text)
    reading.check()
    return reading.open


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and text of each line."""
    number = offset = 0
    while text := file.readline(_LONGEST + 1):
        number += 1
        if len(text) > _LONGEST:
            raise DirectoryError(
                f"{path}:{number} is longer than {_LONGEST:,} bytes, so pipeline did not write it",
                hint="move it away, then run again",
            )
        yield number, offset, text
        offset += len(text)
        if not text.endswith(b"\n"):
            return  # a run that is going on may append more just now


def _refuse_foreign(path: Path, first: bytes) -> None:
    """See that a first line is a header, whole or torn."""
    refuse_newer(path, first)
    try:
        ours = _LINES.decode(first).format is not None
    except claims.UNREADABLE:
        ours = _BEGINS.startswith(first[: len(_BEGINS)].partition(b"\0")[0])
    if not ours:
        raise _foreign(path)


def _foreign(path: Path) -> DirectoryError:
    return DirectoryError(
        f"{path} was not written by pipeline",
        hint="nothing was sent; if it is another program's, move it away, then run again",
    )


def _leftover(path: Path, attempt: str, found: OpenClaim) -> Leftover:
    where = f"{path}:{found.number}"
    claim = claims.decode(where, attempt, bytes(found.claim))
    if found.sent is not None:
        for text in (found.sent, found.worker or ""):
            if len(text) > _LONGEST_TEXT or printable(text) != text:
                raise claims.forged(where, "a time or a worker in it is not a text of one line")
        claim = msgspec.structs.replace(
            claim, started_at=found.sent, sent=True, worker=found.worker
        )
    return Leftover(attempt, claim, found.head, ended=found.answered)


def leftovers(folder: Path) -> list[Leftover]:
    """Read the claims in a folder: those of its log, and of files that older versions left.

    Raises:
        DirectoryError: one that pipeline did not write, or a damaged one.
    """
    refuse_alien_folder(folder)
    return merged(folder, read_log(folder / NAME))


def merged(folder: Path, found: Mapping[str, OpenClaim]) -> list[Leftover]:
    """Return the claims of a log that was read, and of the files beside it, by their names."""
    logged = [_leftover(folder / NAME, attempt, each) for attempt, each in found.items()]
    # What was accepted since is in the log.
    files = claim_files.leftovers(folder, besides=NAME)
    return sorted(
        [*logged, *(left for left in files if left.attempt not in found)],
        key=lambda left: left.attempt,
    )

"""Claims: what was sent, for whoever comes after a kill. One small file an attempt.

The first line is the claim, and ends in its time and `"sent":false}`. Just before the first byte of
the request leaves, both are overwritten, by the time of then and `true`; when an answer has begun,
the line is ended in place, and the head of the answer appended as a second one. None of it is
synced: what a process has written outlives the process, and after a power loss the machine's boot
id is another, so that nothing is concluded from it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pipeline.amounts import ZERO, is_money
from pipeline.api.outcome import Outcome
from pipeline.common import output_names as places
from pipeline.common.boot import boot_id
from pipeline.common.depth import DEEPEST, is_too_deep
from pipeline.common.files import read_file, refuse_alien_folder
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.models import Claim, Handle, part_of, task_key
from pipeline.printable import printable

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Claim)
_BEGINS = b'{"task":'
_ENDS, _SENT, _ANSWERED = b"false}", b"true }", b"true}\n"
_AT = '"started_at":"%s","sent":'
# Bytes; a claim of 0.1 may hold pictures in its parameters.
_LONGEST = 64 * 1024**2
# Characters.
LONGEST_ID, LONGEST_ADDRESS = 500, 4000
_OURS = os.O_NOFOLLOW | os.O_CLOEXEC
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a response: enough to recover a whole body later."""

    length: int
    status: int
    content_type: str | None = None
    cost: Decimal | None = None
    remaining_credits: Decimal | None = None
    request_id: str | None = None
    simulated: bool = False


class _Gist(msgspec.Struct):
    """What every claim has."""

    task: str
    started_at: str


_HEADS = msgspec.json.Decoder(Head)
_GISTS = msgspec.json.Decoder(_Gist)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A claim that an earlier run left; `claim` is None where it was torn while written.

    `why` says for people why what had arrived of it could not be taken in; else it is empty.
    """

    attempt: str
    claim: Claim | None = None
    head: Head | None = None
    ended: bool = False
    why: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the provider has given its request an id: then nothing of it is in doubt."""
        return self.claim is not None and self.claim.handle is not None

    @property
    def answered(self) -> bool:
        """Whether a response had begun: then the API has finished with it."""
        return self.ended or (self.claim is not None and self.claim.completion is not None)

    @property
    def never_sent(self) -> bool:
        """Whether not a byte of its request has left: then nothing can have been paid."""
        claim = self.claim
        if claim is None:
            return True
        said = claim.sent or claim.completion is not None or claim.handle is not None
        return not said and self._this_boot

    @property
    def _this_boot(self) -> bool:
        return self.claim is not None and self.claim.boot_id == boot_id() is not None

    @property
    def expected(self) -> Head | None:
        """The head of the answer, where it can be relied on."""
        return self.head if self._this_boot else None


def encode(claim: Claim, attempt: str) -> bytes:
    """Write the claim of an attempt as the first line of its file."""
    return _ENCODER.encode(replace(claim, part=part_of(attempt), format=FORMAT))


def leftovers(folder: Path) -> Iterator[Leftover]:
    """Yield the claims in a folder.

    Raises:
        DirectoryError: one that pipeline did not write: a link, or one that names a file elsewhere.
    """
    refuse_alien_folder(folder)
    for path in sorted(folder.glob("*.json")):
        try:
            text = read_file(path, _LONGEST)
        except FileNotFoundError:
            continue  # a run that is going on has just ended that attempt
        if (left := _parse(path, text)) is not None:
            yield left


def _parse(path: Path, text: bytes) -> Leftover | None:
    """Read a claim; None if the file is not a claim, not even a torn one."""
    first, ended, second = text.partition(b"\n")
    try:
        claim = _DECODER.decode(first)
    except UNREADABLE as error:
        _refuse_unknown(path, first, error)
        is_torn = _BEGINS.startswith(first[: len(_BEGINS)].partition(b"\0")[0])
        return Leftover(path.stem) if is_torn else None
    refuse_newer(path, first)
    _refuse_forged(path, first, claim)
    head = None
    with contextlib.suppress(*UNREADABLE):  # it was torn, or there is none
        head = _HEADS.decode(second)
    return Leftover(path.stem, claim, head, ended=bool(ended))


def _refuse_unknown(path: Path, text: bytes, error: Exception) -> None:
    """See that a claim that cannot be read is a torn one, and not one of another version."""
    refuse_newer(path, text)
    with contextlib.suppress(*UNREADABLE):
        _GISTS.decode(text)
        raise DirectoryError(
            f"{path} is a claim that this version cannot read ({error}), so what it paid for is"
            " unknown",
            hint="use the version that wrote it",
        )


def _refuse_forged(path: Path, text: bytes, claim: Claim) -> None:
    """See that a claim is about this directory alone."""
    # A claim knows no extension yet: `errors` becomes errors.mp4, which is nobody's folder.
    names = [f"{claim.output}.mp4"] + ([claim.completion.output] if claim.completion else [])
    faults = [f"its output {name!r} {fault}" for name in names if (fault := places.fault(name))]
    if path.stem.partition(".")[0] != task_key(claim.task):
        faults.append("it has the name of another task")
    if claim.part not in {"", part_of(path.stem)}:
        faults.append("its part is another attempt's")
    done = claim.completion
    faults += _strange_texts(claim)
    paid = (claim.price, claim.at_risk, done.cost if done else None)
    left = done.remaining_credits if done else None
    if not all(map(is_money, (*paid, left))) or min(amount or ZERO for amount in paid) < 0:
        faults.append("an amount in it is not a valid amount of money")
    if is_too_deep(text, [claim.params, claim.meta], DEEPEST * 2):
        faults.append("it nests too deeply")
    if faults:
        raise DirectoryError(
            f"{path} was not written by pipeline: {faults[0]}",
            hint="nothing was sent or moved; if the directory is not from elsewhere, delete it",
        )


def handle_fault(handle: Handle) -> str | None:
    """Say what is wrong with a handle, all of which came from outside; None if nothing is.

    They are only data here: where a request may go, whoever sends it decides.
    """
    if not handle.id or len(handle.id) > LONGEST_ID or printable(handle.id) != handle.id:
        return "the id of its request is not a text of one line"
    texts = (handle.status or "", handle.result or "", handle.media or "", handle.at)
    if any(len(text) > LONGEST_ADDRESS or printable(text) != text for text in texts):
        return "an address of its request is not a text of one line"
    if not is_money(handle.cost) or (handle.cost or ZERO) < 0:
        return "the cost of its request is not a valid amount of money"
    return None


def _strange_texts(claim: Claim) -> list[str]:
    """Find texts in a claim that no provider has given."""
    texts = (claim.provider or "", claim.base_url or "", claim.account or "")
    if any(len(text) > LONGEST_ADDRESS or printable(text) != text for text in texts):
        return ["its provider or its account is not a text of one line"]
    fault = handle_fault(claim.handle) if claim.handle else None
    return [fault] if fault else []


class Noting:
    """Notes in a claim how far its attempt has come. `failed` is called if it cannot."""

    def __init__(self, path: str, failed: Callable[[OSError], None], started_at: str) -> None:
        self._path, self._failed, self._at = path, failed, started_at
        self.sent = False

    def sending(self) -> None:
        """Note that the first byte leaves now.

        Raises:
            OSError: it could not be noted; then nothing may leave.
        """
        try:
            self._write((_AT % self._at).encode() + _SENT)
        except OSError as error:
            self._failed(error)
            raise
        self.sent = True

    def answered(self, outcome: Outcome, length: int | None) -> None:
        """Note that an answer has begun; and its head, if it gives the length of the body.

        Without the head a whole body is kept, and not taken in.
        """
        with contextlib.suppress(OSError):
            self._write(_ANSWERED, b"" if length is None else self._head(outcome, length))

    def _write(self, ending: bytes, more: bytes = b"") -> None:
        """Overwrite the end of the claim in place, and write more behind it."""
        file = os.open(self._path, os.O_WRONLY | _OURS)
        try:
            end = os.fstat(file).st_size
            os.pwrite(file, ending, end - len(ending))
            if more:
                os.pwrite(file, more, end)
        finally:
            os.close(file)

    def _head(self, outcome: Outcome, length: int) -> bytes:
        head = Head(
            length=length,
            status=outcome.status or 0,
            content_type=outcome.content_type,
            cost=outcome.cost,
            remaining_credits=outcome.remaining,
            request_id=outcome.request_id,
            simulated=outcome.simulated,
        )
        return _ENCODER.encode(head)

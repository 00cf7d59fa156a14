"""Claims: what was sent, for whoever comes after a kill, and what can be concluded from them."""

import re
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from pipeline.amounts import ZERO, is_money
from pipeline.api.outcome import Outcome
from pipeline.common import output_names as places
from pipeline.common.boot import boot_id
from pipeline.common.depth import DEEPEST, is_too_deep
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT
from pipeline.models import Claim, Handle, part_of, task_key
from pipeline.printable import printable

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Claim)
_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)  # of an attempt
# Characters.
LONGEST_ID, LONGEST_ADDRESS = 500, 4000
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a response: enough to recover a whole body later."""

    length: int
    status: int
    content_type: str | None = None
    cost: Decimal | None = None
    remaining_credits: Decimal | None = None
    request_id: str | None = None
    simulated: bool | None = None


class Leftover(msgspec.Struct, frozen=True):
    """A claim that an earlier run left; `claim` is None where it was torn while written.

    `why` says for people why what had arrived of it could not be taken in; else it is empty.
    `sha256` is that of the body, which was made durable before its head was written. `outcome` is
    what a worker on another machine has brought home of it. `whole` says that the claim is
    completed and its body lies here, as long as it was; see `outstanding`.
    """

    attempt: str
    claim: Claim | None = None
    head: Head | None = None
    ended: bool = False
    why: str = ""
    sha256: str | None = None
    outcome: Outcome | None = None
    whole: bool = False

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
        head = self.head
        if head is None or not (is_money(head.cost) and is_money(head.remaining_credits)):
            return None
        return head if self._this_boot or self.sha256 else None


def encode(claim: Claim, attempt: str) -> bytes:
    """Write the claim of an attempt."""
    return _ENCODER.encode(replace(claim, part=part_of(attempt), format=FORMAT))


def decode(where: str, attempt: str, text: bytes) -> Claim:
    """Read a whole claim, which is about this directory alone.

    Raises:
        DirectoryError: this version cannot read it, or pipeline did not write it.
    """
    try:
        claim = _DECODER.decode(text)
    except UNREADABLE as error:
        raise DirectoryError(
            f"{where} is a claim that this version cannot read ({error}), so what it paid for is"
            " unknown",
            hint="use the version that wrote it",
        ) from error
    _refuse_forged(where, attempt, text, claim)
    return claim


def forged(where: str, fault: str) -> DirectoryError:
    """Say that pipeline has not written a claim."""
    return DirectoryError(
        f"{where} was not written by pipeline: {fault}",
        hint="nothing was sent or moved; if the directory is not from elsewhere, delete it",
    )


def _refuse_forged(where: str, attempt: str, text: bytes, claim: Claim) -> None:
    """See that a claim is about this directory alone."""
    # A claim knows no extension yet: `errors` becomes errors.mp4, which is nobody's folder.
    names = [f"{claim.output}.mp4"] + ([claim.completion.output] if claim.completion else [])
    faults = [f"its output {name!r} {fault}" for name in names if (fault := places.fault(name))]
    if attempt.partition(".")[0] != task_key(claim.task) or not _NAME.fullmatch(attempt):
        faults.append("it has the name of another task")
    if claim.part not in {"", part_of(attempt)}:
        faults.append("its part is another attempt's")
    done = claim.completion
    faults += _strange_texts(claim)
    paid = (claim.price, claim.at_risk, done.cost if done else None)
    left = done.remaining_credits if done else None
    if not all(map(is_money, (*paid, left))) or min(amount or ZERO for amount in paid) < 0:
        faults.append("an amount in it is not a valid amount of money")
    if is_too_deep(text, [claim.params, claim.meta, claim.inputs], DEEPEST * 2):
        faults.append("it nests too deeply")
    if faults:
        raise forged(where, faults[0])


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
    texts = (claim.provider or "", claim.base_url or "", claim.account or "", claim.worker or "")
    if any(len(text) > LONGEST_ADDRESS or printable(text) != text for text in texts):
        return ["its provider, account or worker is not a text of one line"]
    fault = handle_fault(claim.handle) if claim.handle else None
    return [fault] if fault else []

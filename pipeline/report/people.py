"""What the page says of a task without a clip: what happened, what to do, and with which command.

For people who have never heard of an HTTP status. What a provider or the program has said of it is
there as well, for those who have.
"""

import msgspec

from pipeline.models import Cause, Record, Settled, Status
from pipeline.report.data import ReportData


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, what is to do, and the command that does it, as it must be typed."""

    what: str
    todo: str = ""
    command: str | None = None


HAPPENED = {
    Cause.MODERATION: "The provider's safety check refused the prompt, or what was made of it.",
    Cause.REJECTED: "The provider did not take the request as it was written.",
    Cause.SERVER_ERROR: "The provider failed, each time that it was asked.",
    Cause.NOT_MEDIA: "What came back was not a clip.",
    Cause.BROKEN_MEDIA: "The clip arrived damaged.",
    Cause.TOO_LARGE: "The clip was larger than the job allows.",
    Cause.CUT: "The answer broke off.",
    Cause.TIMEOUT: "No answer came in time.",
    Cause.NO_ANSWER: "The connection was lost before the answer came.",
    Cause.ELSEWHERE: "The provider pointed to another address instead of sending a clip.",
    Cause.UNSAVED: "The clip arrived, and could not be saved.",
    Cause.KILLED: "The run was ended while this was being made.",
    Cause.GONE: "The provider does not have this clip any more.",
    Cause.INPUT_CHANGED: "A file that is sent with the prompt was changed during the run.",
    Cause.INPUT_UNAVAILABLE: "A file that is sent with the prompt could not be fetched or sent.",
    Cause.UNKNOWN: "The provider gave an answer that nobody here understands.",
}
"""What happened, by the cause: whether it failed or is in doubt."""

REMEDIES = {
    Cause.MODERATION: "Change the wording, then try it again.",
    Cause.REJECTED: "Read the reason, correct the prompt or its settings, then try it again.",
    Cause.SERVER_ERROR: "Try it again.",
    Cause.NOT_MEDIA: "Read the reason, then try it again, at the usual price.",
    Cause.BROKEN_MEDIA: "Try it again, at the usual price.",
    Cause.TOO_LARGE: "Allow larger files (output.max_size), then try it again, at the usual price.",
    Cause.CUT: "Try it again, at the usual price.",
    Cause.TIMEOUT: "Try it again.",
    Cause.NO_ANSWER: "Try it again.",
    Cause.ELSEWHERE: "Check the address of the provider, then try it again.",
    Cause.UNSAVED: "Make room on the disk, then try it again, at the usual price.",
    Cause.KILLED: "Try it again.",
    Cause.GONE: "Try it again, at the usual price.",
    Cause.INPUT_CHANGED: "Try it again: the file is sent as it is then.",
    Cause.INPUT_UNAVAILABLE: "See that the file or its address is there, then try it again.",
    Cause.UNKNOWN: "Read the reason, then try it again.",
}
"""What to do where it failed."""

_SETTLE = "Settle it: the provider is asked what became of it, and that is free."
_COMPARE = "Look at your account's page. If it was not charged, send it again."
_NOT_CHARGED = Words("It was not charged: it is as if nothing had been sent.")
_CHARGED = "It was charged, by a person's word, and there is no clip of it."
_RUN = "Run the job: it is rendered."
_BRING = "Run the job to bring it: nothing is sent again."
_CHANGED = "The job says something else by now. " + _RUN


def words(record: Record, data: ReportData) -> Words | None:
    """Say what is to be said of a task by its last record; None where its clip is there."""
    task, commands = record.task, data.commands
    if task in data.saved:
        return Words("It is rendered, and not in its place yet.", _BRING, commands.run)
    if task in data.accepted:
        return accepted(data)
    said = _missing(task, data) if record.status is Status.SUCCEEDED else _ended(record, data)
    if said is None or task in data.former:  # nothing of the job would take it up
        return said and Words(said.what)
    return Words(said.what, _CHANGED, commands.run) if task in data.changed else said


def accepted(data: ReportData) -> Words:
    """Say that a task waits at the provider."""
    what = "The provider has taken it on, and makes it or has made it."
    return Words(what, _BRING, data.commands.run)


def pending(data: ReportData) -> Words:
    """Say that nothing of a task was sent."""
    return Words("Nothing has been rendered for it yet.", _RUN, data.commands.run)


def _missing(task: str, data: ReportData) -> Words | None:
    if task not in data.missing:
        return None
    what = "It was rendered and paid for, and its file is not here any more."
    todo = "Put the file back, or render it again at the usual price."
    return Words(what, todo, data.commands.missing)


def _ended(record: Record, data: ReportData) -> Words:
    commands = data.commands
    if record.settled is Settled.NOT_BILLED:
        return Words(_NOT_CHARGED.what, _RUN, commands.run)
    cause = _cause(record)
    if record.settled is Settled.BILLED:
        return Words(_CHARGED, REMEDIES[Cause.GONE], commands.failed)
    if record.status is Status.FAILED:
        return Words(HAPPENED[cause], REMEDIES[cause], commands.failed)
    what = f"{HAPPENED[cause].removesuffix('.')}; you may have paid for it."
    if commands.settle:
        return Words(what, _SETTLE, commands.settle)
    return Words(what, _COMPARE, commands.in_doubt)


def _cause(record: Record) -> Cause:
    """Return why; records of other versions may have a word of their own, or none."""
    return Cause(record.reason) if record.reason in _CAUSES else Cause.UNKNOWN


_CAUSES = frozenset(Cause)

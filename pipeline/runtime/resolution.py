"""What an outcome means for its attempt, the run and the money. Pure: it decides, and does nothing.

`resolve` is given the attempt, its outcome, what the provider says that it
means, and what else it may depend on; `settle.py` carries out what it returns, in one order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from pipeline.api.inputs import UNSENT
from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.backoff import Retries
from pipeline.errors import ExitCode
from pipeline.models import Cause, Status
from pipeline.runtime.lifecycle import Attempt
from pipeline.runtime.state import Stop

# So many 406s in a row that give no reason mean the account, and not each its own request.
UNCLEAR = 3
MEANT_FOR_MONEY = frozenset({402, 406})


class Ending(Enum):
    """How the reservation of an attempt ends."""

    CHARGED = auto()
    RELEASED = auto()  # not charged
    RETAINED = auto()  # not charged, and set aside for sending it again
    DOUBTFUL = auto()  # it may have been charged


class Next(Enum):
    """What becomes of the task."""

    FINISH = auto()  # place its output and record it
    RECORD = auto()  # record that it has no output
    AGAIN = auto()  # send it again after a wait
    PARK = auto()  # keep it until it is known whether there is an outage
    REQUEUE = auto()  # put it back, as if it had not been sent


class Lesson(Enum):
    """What the circuit breaker learns."""

    FAILURE = auto()
    THROTTLED = auto()
    WORKING = auto()  # the API is at work, where the answer is recent enough to prove that
    OPEN = auto()  # it answers; whatever failed before failed by itself


@dataclass(frozen=True, slots=True)
class View:
    """What a resolution depends on beside the attempt and its outcome.

    `fell` says whether the balance fell by this request (None: unknown). `unclear` counts the 406s
    in a row, this one included, that give no reason. `outage` is from before this outcome,
    `outage_then` from when it is counted. `beyond_patience` says that the server asks for a longer
    wait than the run would make.
    """

    retries: Retries
    resend: bool
    wall_time: float
    outage: bool = False
    outage_then: bool = False
    beyond_patience: bool = False
    others_can_tell: bool = False
    credible_cost: bool = False
    fell: bool | None = None
    unclear: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What is to be done. `error` is one line for people, and goes into the record.

    `wait` is in seconds, for AGAIN. `again_after` sends the task again, so many seconds after it
    was recorded in doubt. `tries` is added to the failures that count. `clear` says that this
    ends a row of 406s without a reason. `useless` names the cause of an answer that may
    have cost and brings no clip. `learns` says whether the cost teaches a price. `announce` says
    that people should hear of the retry.
    """

    ending: Ending
    next: Next
    error: str = ""
    status: Status = Status.FAILED
    wait: float = 0.0
    again_after: float | None = None
    announce: bool = False
    tries: int = 0
    unsent: bool = False
    lesson: Lesson | None = None
    learns: bool = True
    with_cost: bool = True
    useless: str | None = None
    clear: bool = False
    out_of_credits: bool = False
    stop: Stop | None = None


def resolve(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:
    """Decide what an outcome leads to that is not a success."""
    return _RESOLVERS[meaning.decision](attempt, outcome, meaning, view)


# What a whole output leads to, whatever else there is to see.
SUCCESS = Resolution(ending=Ending.CHARGED, next=Next.FINISH, lesson=Lesson.WORKING, clear=True)


def _retry(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:
    error, tries = meaning.error, attempt.tries + 1
    unreachable = outcome.fault is Fault.NOT_SENT
    again = Resolution(
        ending=Ending.RETAINED,
        next=Next.AGAIN,
        error=error,
        unsent=unreachable,
        lesson=Lesson.FAILURE if meaning.outage else None,
        stop=_left_alone(error, outcome, view) if view.outage_then else None,
    )
    if meaning.outage and (view.outage or unreachable):  # an outage costs no attempt
        return again
    if not view.beyond_patience and not view.retries.exhausted(tries):
        wait = view.retries.wait(tries, outcome.retry_after)
        return replace(again, tries=1, wait=wait, announce=True)
    if meaning.outage and (view.others_can_tell or view.outage_then):
        return replace(again, tries=1, next=Next.PARK)
    error = exhausted(error, tries)
    return replace(again, tries=1, ending=Ending.RELEASED, next=Next.RECORD, error=error)


def exhausted(error: str, tries: int) -> str:
    """Say of a task that it is out of attempts."""
    return f"{error} (tried {'once' if tries == 1 else f'{tries} times'})"


def _throttle(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:  # noqa: ARG001
    error = meaning.error
    return Resolution(
        ending=Ending.RETAINED,
        next=Next.AGAIN,
        error=error,
        lesson=Lesson.THROTTLED,
        stop=_left_alone(error, outcome, view),
    )


def _left_alone(error: str, outcome: Outcome, view: View) -> Stop | None:
    """Stop where the server asks for a longer wait than the run would make."""
    if not view.beyond_patience:
        return None
    end = datetime.fromtimestamp(view.wall_time + (outcome.retry_after or 0.0)).astimezone()
    request = f"the server asks to be left alone until {end:%Y-%m-%d %H:%M}"
    return Stop(ExitCode.OUTAGE, f"{error}: {request}")


def _fail(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:
    ending = Ending.RELEASED
    if meaning.charged:
        ending = Ending.CHARGED if view.credible_cost else Ending.DOUBTFUL
    useless = meaning.charged and outcome.ok
    unsent = outcome.fault in UNSENT  # nobody was asked: that teaches nothing of the API
    return Resolution(
        ending=ending,
        next=Next.RECORD,
        error=meaning.error,
        tries=1,
        learns=False,
        with_cost=ending is Ending.CHARGED,
        useless=_useless(attempt, meaning) if useless else None,
        unsent=unsent,
        # An answer without a clip proves nothing either.
        lesson=None if useless or unsent else Lesson.WORKING,
        clear=not unsent and outcome.status not in MEANT_FOR_MONEY,
    )


def _useless(attempt: Attempt, meaning: Judgement) -> str:
    # One prompt is refused in each take and format of it: that is one cause.
    moderated = meaning.reason is Cause.MODERATION
    return attempt.task.prompt if moderated else attempt.task.id


def _doubt(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:
    tries = attempt.tries + 1  # counted in an outage too: each may have been paid for
    again = view.resend and not view.retries.exhausted(tries)
    return Resolution(
        ending=Ending.DOUBTFUL,
        next=Next.RECORD,
        status=Status.IN_DOUBT,
        error=in_doubt(meaning.error),
        tries=1,
        lesson=Lesson.FAILURE if meaning.outage else None,
        useless=_useless(attempt, meaning) if outcome.ok else None,
        again_after=view.retries.wait(tries, None) if again else None,
    )


def in_doubt(error: str) -> str:
    """Say of an attempt that it may have been paid for."""
    return f"{error}: it may have been paid for"


def _credits(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:  # noqa: ARG001
    """Put the task back: the account cannot pay for it."""
    stop = None
    if view.unclear >= UNCLEAR:
        # No top-up would help: there seems to be enough.
        detail = f"{UNCLEAR} in a row were refused with 406 and no reason"
        stop = Stop(ExitCode.CREDITS, detail)
    return Resolution(
        ending=Ending.RELEASED,
        next=Next.REQUEUE,
        error=meaning.error,
        lesson=Lesson.OPEN,
        out_of_credits=stop is None,
        stop=stop,
    )


def _stop(attempt: Attempt, outcome: Outcome, meaning: Judgement, view: View) -> Resolution:
    """Stop the run: the API refuses it, or what it sends cannot be saved or lies elsewhere."""
    error = meaning.error
    if outcome.fault is Fault.UNSAVED:
        error = f"{error}: {attempt.task.id} was paid for and could not be saved"
    is_known = meaning.advice and outcome.fault is not Fault.UNSAVED
    hint = f". Hint: {meaning.advice}" if is_known else ""
    stop = Stop(meaning.exit_code, error + hint)
    if meaning.charged or (meaning.charged_if_fell and view.fell):
        return Resolution(
            ending=Ending.DOUBTFUL,
            next=Next.RECORD,
            status=Status.IN_DOUBT,
            error=in_doubt(error),
            tries=1,
            with_cost=bool(outcome.cost),
            stop=stop,
        )
    return Resolution(ending=Ending.RELEASED, next=Next.REQUEUE, error=error, stop=stop)


_RESOLVERS: dict[Decision, Callable[[Attempt, Outcome, Judgement, View], Resolution]] = {
    Decision.RETRY: _retry,
    Decision.THROTTLE: _throttle,
    Decision.FAIL: _fail,
    Decision.CREDITS: _credits,
    Decision.STOP: _stop,
    Decision.IN_DOUBT: _doubt,
}

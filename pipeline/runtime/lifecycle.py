"""The life of a task in one run: its stages, and which may follow which.

`TRANSITIONS` is the whole of it; `Attempt.to` raises on anything else. The diagram in
`docs/explanation/lifecycle.md` is printed from it by `diagram`, and `make test` reports how many of
the transitions its runs have gone through.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from pipeline.api.outcome import Outcome
from pipeline.ledger.history import TaskState
from pipeline.models import Cause, Claim, Task
from pipeline.money.reservation import Reservation, Retained
from pipeline.store.claim_log import Noting


class Stage(StrEnum):
    """Where a task is on its way."""

    QUEUED = "queued"  # may go out when its turn comes
    RESERVED = "reserved"  # its price is set aside
    CLAIMED = "claimed"  # its claim is durable; nothing has left
    SENT = "sent"  # a worker has it, and its request may be on the wire
    ACCEPTED = "accepted"  # the provider has given it an id, which its claim holds
    ANSWERED = "answered"  # the outcome is here
    SAVED = "saved"  # output and completed claim are durable, its cost is still being found out
    RECORDED = "recorded"  # its record is durable
    WAITING = "waiting"  # goes out again at a known time
    PARKED = "parked"  # out of attempts, until it is known whether that was an outage
    LEFT = "left"  # its claim stays on the disk, for the next run to ask for or to settle

    # An enum's own hash is a function in Python, and each transition takes two.
    __hash__ = str.__hash__


TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.RESERVED}),
    Stage.RESERVED: frozenset({Stage.CLAIMED, Stage.QUEUED}),
    Stage.CLAIMED: frozenset({Stage.SENT, Stage.QUEUED}),
    Stage.SENT: frozenset({Stage.ANSWERED, Stage.ACCEPTED, Stage.LEFT}),
    Stage.ACCEPTED: frozenset({Stage.ANSWERED, Stage.LEFT}),
    Stage.ANSWERED: frozenset(
        {Stage.SAVED, Stage.RECORDED, Stage.WAITING, Stage.PARKED, Stage.QUEUED, Stage.LEFT}
    ),
    Stage.SAVED: frozenset({Stage.RECORDED, Stage.LEFT}),
    Stage.RECORDED: frozenset({Stage.WAITING}),  # in doubt, and sent again as the job asks
    Stage.WAITING: frozenset({Stage.QUEUED}),
    Stage.PARKED: frozenset({Stage.WAITING, Stage.RECORDED}),
    Stage.LEFT: frozenset(),
}


class IllegalTransitionError(RuntimeError):
    """A task went from one stage to another that may not follow it: a bug, which stops the run."""


# Called with each transition, from and to. Tests measure by it which of them were covered.
observers: list[Callable[[Stage, Stage], None]] = []


def transitions() -> Iterator[tuple[Stage, Stage]]:
    """Yield every allowed transition, in the order of the table."""
    for before, following in TRANSITIONS.items():
        yield from ((before, after) for after in Stage if after in following)


def diagram() -> str:
    """Draw the table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {Stage.QUEUED}", f"    [*] --> {Stage.ACCEPTED}"]
    lines += [f"    {before} --> {after}" for before, after in transitions()]
    ends = (Stage.RECORDED, Stage.LEFT)
    return "\n".join([*lines, *(f"    {stage} --> [*]" for stage in ends)])


@dataclass(slots=True, eq=False)
class Attempt:
    """A task on its way through a run, from the queue to its record; one object all the way.

    `number` counts how often its request went out, `tries` the failures that count against
    `retry.attempts`. `rank` is its place in the order of importance, from 1. `origin` is the state
    of the task before the run, by the manifest, None once the run has counted it elsewhere; tasks
    that are not in the job are not `counted`. `id` names what is or was last in flight, its claim
    and its part: no other attempt in the directory has it. Times are monotonic seconds, None for
    never; but `received`, when its last answer came, is in Unix seconds.

    While it is in flight it has a `reservation`, and a `claim` once that is written. `retained` is
    the money set aside for it while it waits to be sent again. `outcome`, `reason` and
    `error` are those of its last request, the outcome without its text.
    """

    task: Task
    price_class: str
    origin: TaskState | None = TaskState.NEW
    counted: bool = True
    rank: int = 0
    id: str = ""
    stage: Stage = Stage.QUEUED
    number: int = 0
    tries: int = 0
    reservation: Reservation | None = None
    retained: Retained | None = None
    claim: Claim | None = None
    witness: Noting | None = None
    sent_at: float | None = None
    answered_at: float | None = None
    received: float = 0.0
    failed_at: float | None = None
    error: str = ""
    reason: Cause | None = None
    outcome: Outcome | None = None

    @property
    def money(self) -> Reservation:
        """The reservation of its present or last request."""
        assert self.reservation is not None
        return self.reservation

    @property
    def stays_accepted(self) -> bool:
        """Whether it is left to the next run, and at work at the provider."""
        return self.stage is Stage.LEFT and self.claim is not None and self.claim.handle is not None

    def to(self, stage: Stage) -> None:
        """Go on to another stage.

        Raises:
            IllegalTransitionError: it may not follow the present one.
        """
        if stage not in TRANSITIONS[self.stage]:
            raise IllegalTransitionError(f"{self.task.id}: {self.stage} → {stage}")
        for observe in observers:
            observe(self.stage, stage)
        self.stage = stage

    def failed(self, outcome: Outcome, error: str, now: float) -> None:
        """Note how its last request failed."""
        self.outcome = replace(outcome, text="")
        self.error, self.failed_at = error, now

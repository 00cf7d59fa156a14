"""What the records of a manifest add up to: how each task stands, money, the balance."""

from array import array
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from enum import IntEnum

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.ledger.doubts import Doubts, attempt_digest
from pipeline.ledger.doubts import digest as _digest
from pipeline.ledger.quarters import Quarters
from pipeline.models import CORRECTION, Cause, CostSource, Record, Settled, Status, Task

# Seconds that no request takes: a clock has jumped, or a hand has written it.
_NO_DURATION = 86400.0
_USELESS = frozenset({Cause.NOT_MEDIA, Cause.BROKEN_MEDIA, Cause.TOO_LARGE, Cause.CUT})


class TaskState(IntEnum):
    """How a task of the job stands, by the manifest.

    No record says ACCEPTED or SAVED: an open claim does, with the id that the provider has given,
    or completed and with its output on this machine, on its way to its place. Nor does one say
    KEPT: a person does, of a clip whose task has changed.
    """

    NEW = 0
    DONE = 1
    CHANGED = 2
    FAILED = 3
    IN_DOUBT = 4
    RELEASED = 5  # a person says that it was not charged: as good as new
    ACCEPTED = 6
    SAVED = 7
    KEPT = 8  # changed, and done: its clip was kept


TASK_STATES = {
    Status.SUCCEEDED: TaskState.DONE,
    Status.FAILED: TaskState.FAILED,
    Status.IN_DOUBT: TaskState.IN_DOUBT,
}


# Read for each of a million records: a member of an enumeration takes longer to look up.
_SUCCEEDED, _FAILED, _IN_DOUBT = Status.SUCCEEDED, Status.FAILED, Status.IN_DOUBT
_KILLED, _REPORTED, _NOT_BILLED = Cause.KILLED, CostSource.REPORTED, Settled.NOT_BILLED
# What a person has said: it teaches no price.
_WORDS = frozenset({Settled.BILLED, Settled.NOT_BILLED})
_OPEN = frozenset({TaskState.NEW, TaskState.CHANGED})

Recognise = Callable[[Task], Task]


class Summary(msgspec.Struct):
    """The part of a record that a replay needs: decoding less is twice as fast."""

    task: str
    status: Status
    fingerprint: str
    bytes: int | None = None
    cost: Decimal | None = None
    at_risk: Decimal | None = None
    remaining_credits: Decimal | None = None
    duration_s: float | None = None
    simulated: bool | None = None
    started_at: str = ""
    finished_at: str = ""
    output: str | None = None
    reason: str | None = None
    cost_source: CostSource | None = None
    settled: Settled | None = None
    account: str | None = None
    format: int | None = None


class Clip(Summary):
    """The part of a record that says which clip a task has."""

    sha256: str | None = None


class History(msgspec.Struct):
    """What the manifest says, in a few machine words a task: a million tasks stay affordable.

    `_last` maps a digest of the task to status, 60 bits of the fingerprint and the line's offset.
    """

    records: int = 0
    spent: Decimal = ZERO
    at_risk: Decimal = ZERO
    last_cost: Decimal | None = None  # of the last one that has cost something
    corrections: Decimal = ZERO  # the part of `spent` and `at_risk` that corrects other records
    unpriced: int = 0  # records of what was or may have been charged, nobody knows how much
    remaining: Decimal | None = None  # the balance, by the records
    format: int = 1  # of the last records
    last_attempt: tuple[str, str] = ("", "")  # of the last record: its task, and when it began
    largest: int = 0
    simulated: bool | None = None
    durations: deque[float] = msgspec.field(default_factory=lambda: deque(maxlen=1000))
    without_clip: int = 0  # answers in a row, up to the last, that cost and brought no clip
    # When they were sent that a kill has interrupted, and that were not answered.
    killed: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=2000))
    lost: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=2000))
    attempts: set[bytes] = msgspec.field(default_factory=set)
    # Hashes of the names of outputs.
    outputs: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    folders: set[str] = msgspec.field(default_factory=set)  # that outputs were placed in
    counts: dict[Status, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Status, 0))
    doubts: Doubts = msgspec.field(default_factory=Doubts)
    quarters: Quarters = msgspec.field(default_factory=Quarters)  # the money of the last weeks
    _observed_at: str = ""  # when the balance came, in records of format 1
    _last: dict[bytes, int] = msgspec.field(default_factory=dict)
    _reported: Counter[Decimal] = msgspec.field(default_factory=Counter)
    _less: tuple[Decimal | None, Decimal] | None = None  # the last answer of `understated`
    _corrected: set[bytes] = msgspec.field(default_factory=set)

    def __len__(self) -> int:
        return len(self._last)

    @property
    def open_doubts(self) -> dict[bytes, Decimal | None]:
        """What each doubt that no record has ended puts at risk, by `attempt_digest`.

        In US dollars; None where nobody knows how much.
        """
        return self.doubts.open

    def is_superseded(self, doubt: Record) -> bool:
        """Return whether another attempt at the task was recorded after this open doubt."""
        counted = self.doubts.counted(attempt_digest(doubt.task, doubt.started_at))
        return counted is not None and not self.is_last(doubt.task, counted.offset)

    def has_clip(self, task: str) -> bool:
        """Return whether the last record of `task` has an output."""
        packed = self._last.get(_digest(task), TaskState.NEW)
        return _STATES[packed & 0xF] is TaskState.DONE

    def is_done(self, task: Task) -> bool:
        """Return whether the last record of a task succeeded, with what the job has now."""
        packed = self._last.get(_digest(task.id), 0)
        return packed & _STANDING == print_bits(task.fingerprint) << 4 | _DONE

    def state_of(self, task: Task) -> TaskState:
        """Return the state of a task of the job."""
        return self.state_by(task.id, print_bits(task.fingerprint))

    def state_by(self, task: str, bits: int) -> TaskState:
        """Return the state of a task by its id and its `print_bits`."""
        packed = self._last.get(_digest(task))
        if packed is None:
            return TaskState.NEW
        if (packed >> 4) & _PRINT_MASK != bits:
            return TaskState.CHANGED
        return _STATES[packed & 0xF]

    def recognising(self, waits: Callable[[Task], bool] = lambda _: False) -> Recognise:
        """Make what returns each task of a job, in their order, as the manifest knows it.

        `waits` says whether a request for a task is at the provider.

        Where an earlier version read its row otherwise, and what it made of it stands here, that
        one continues: what was paid for is not paid for again because of a blank. Of several rows
        that it fits, such as a post that recurs, it is the first one's that has nothing of its own.
        """
        taken: dict[int, int] = {}

        def known(task: Task) -> Task:
            former = task.former
            if former is None:
                return task
            stands = self.state_of(task) in _OPEN and self.state_of(former) not in _OPEN
            if stands or waits(former):
                own = hash(task.id)
                if taken.setdefault(hash(former.id), own) == own:
                    return former
            return msgspec.structs.replace(task, former=None)

        return known

    def has(self, task: str) -> bool:
        """Return whether `task` has any record."""
        return _digest(task) in self._last

    def place(self, task: str) -> int | None:
        """Return where the last record of `task` begins."""
        packed = self._last.get(_digest(task))
        return None if packed is None else packed >> 64

    def is_last(self, task: str, offset: int) -> bool:
        """Return whether the line at `offset` is the last record of `task`."""
        return self._last.get(_digest(task), -1) >> 64 == offset

    def is_corrected(self, task: str) -> bool:
        """Return whether what an attempt at `task` has cost was corrected."""
        return _digest(task) in self._corrected

    def understated(self, written: Decimal | None) -> Decimal:
        """Add up by how much answers have reported less than the written price."""
        if self._less is None or self._less[0] != written:
            least = written or ZERO
            less = sum(((least - c) * n for c, n in self._reported.items() if c < least), ZERO)
            self._less = written, less
        return self._less[1]

    def add(self, summary: Summary | Record, offset: int) -> None:
        """Count one record."""
        status, reason, output = summary.status, summary.reason, summary.output
        ended = self.doubts.take(summary, offset)
        is_correction = reason == CORRECTION
        if ended is None or not is_correction:
            self._stand(summary, offset)
        self.records += 1
        if output is not None and status is _SUCCEEDED:
            self.outputs.append(hash(output))
            self.folders.add(output.rpartition("/")[0])
        self.last_attempt = summary.task, summary.started_at
        cost = rounded(summary.cost) if summary.cost else ZERO
        at_risk = rounded(summary.at_risk) if summary.at_risk else ZERO
        self.spent += cost
        self.at_risk += at_risk
        self.quarters.add(summary, cost, at_risk)
        self.unpriced += summary.cost is None and at_risk <= 0
        if ended is not None:
            self.corrections += ended.corrections
            self.unpriced -= ended.unpriced
            self._forget_place(summary.started_at)
            if ended.cost:
                self._corrected.add(_digest(summary.task))
        elif is_correction:
            self._corrected.add(_digest(summary.task))
            self.corrections += cost
        if is_correction and ended is None:
            return
        if summary.remaining_credits is not None:
            self._observe(summary, rounded(summary.remaining_credits))
        if is_correction:
            return
        if summary.settled not in _WORDS:
            self._price(summary, cost + ended.cost if ended else cost)
        self._learn(summary)

    def _stand(self, summary: Summary | Record, offset: int) -> None:
        """Take how the task stands from its last record."""
        digest, status, last = _digest(summary.task), summary.status, self._last
        if (before := last.get(digest)) is not None:
            self.counts[_STATUS[_STATES[before & 0xF]]] -= 1
        self.counts[status] += 1
        state = TASK_STATES[status]
        if summary.settled is _NOT_BILLED and status is _FAILED:
            state = TaskState.RELEASED
        last[digest] = offset << 64 | print_bits(summary.fingerprint) << 4 | state

    def _price(self, summary: Summary | Record, cost: Decimal) -> None:
        """Take what an attempt has cost, which is not a difference."""
        if cost:
            self.last_cost = cost
        if summary.cost_source is _REPORTED:
            self._reported[cost] += 1
            if self._less is not None:
                written, less = self._less
                self._less = written, less + max((written or ZERO) - cost, ZERO)

    def _forget_place(self, started_at: str) -> None:
        """What is settled is not at work at the provider any more."""
        for places in (self.killed, self.lost):
            with suppress(ValueError):
                places.remove(started_at)

    def _observe(self, summary: Summary | Record, balance: Decimal) -> None:
        """Take the balance of a record.

        Since format 2 it is the balance as the run knew it. Before, it is what the answer said, in
        the order in which answers came: one to what was sent before the present one came may only
        lower it.
        """
        if (
            self.format > 1
            or self.remaining is None
            or balance < self.remaining
            or summary.started_at >= self._observed_at
        ):
            self.remaining, self._observed_at = balance, summary.finished_at

    def _learn(self, summary: Summary | Record) -> None:
        """Take what a record teaches the next run."""
        status, reason = summary.status, summary.reason
        if summary.bytes is not None and summary.bytes > self.largest:
            self.largest = summary.bytes
        if summary.simulated is not None:
            self.simulated = summary.simulated
        if status is _SUCCEEDED:
            self.without_clip = 0
            taken = summary.duration_s
            if taken is not None and 0 <= taken < _NO_DURATION:
                self.durations.append(taken)
        if reason is None and status is not _IN_DOUBT:
            return
        if reason == _KILLED:
            # It was sent before its record was written, whatever a clock that was set back says.
            sent, recorded = summary.started_at, summary.finished_at
            self.killed.append(min(sent, recorded or sent))
        elif status is _IN_DOUBT and reason not in _OVER:
            self.lost.append(summary.started_at)
        self.without_clip += reason in _USELESS


# In doubt, and not at work any more.
_OVER = frozenset({Cause.UNSAVED, Cause.GONE})
_STATES = tuple(TaskState)  # looking a state up by its number takes a fifth of calling its class
_PRINT_MASK = (1 << 60) - 1
_STANDING, _DONE = (1 << 64) - 1, int(TaskState.DONE)  # the part of a packed word that is no place
_STATUS = {state: status for status, state in TASK_STATES.items()}
_STATUS[TaskState.RELEASED] = Status.FAILED


def print_bits(fingerprint: str) -> int:
    """Return the part of a fingerprint that is compared: 60 bits."""
    try:
        return int(fingerprint[:15], 16)
    except ValueError:
        return 0

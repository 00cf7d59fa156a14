"""Looks doubts up in the provider's list of requests: before a run, in it, and at its end.

What the list has, in whatever state, is in doubt no more: it becomes an accepted claim, which the
engine follows, or, where the request has failed, a record. What it does not have stays in doubt.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from pipeline import events as ev
from pipeline.api.outcome import Decision, Failure, Outcome, RequestState, Row
from pipeline.api.provider import Provider, Session
from pipeline.errors import PipelineError
from pipeline.ledger import records
from pipeline.ledger.manifest import tail
from pipeline.models import Handle, Job, Record, Status, part_of, rfc3339
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.reach import Reach
from pipeline.runtime.replaying import Replays
from pipeline.runtime.state import RunState
from pipeline.settling.attempts import Doubt, Key, Known, KnownAttempt
from pipeline.settling.doubts import collect
from pipeline.settling.ending import (
    accept,
    comes_too_late,
    end_absent,
    end_failed,
    end_late,
    failure,
    forget,
    take_out,
    task_of,
)
from pipeline.settling.inquiry import Inquiry
from pipeline.settling.words import doubts_of
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store
from pipeline.store.recovery import record_doubts

# A row may appear late: so long, in seconds, the end of a run waits before each question.
_LAGS = (0.0, 3.0, 6.0)
# For what was sent longer ago, in seconds beyond the job's timeout, the list has had its time.
_YOUNG = 120.0
# Stages in which it is not known yet which row of the list is an attempt's own.
_UNRECORDED = frozenset({Stage.SENT, Stage.ANSWERED, Stage.SAVED})
# Seconds after which those with the same parameters are looked at again.
_TWIN = 2.0
# Not processed, where nothing was charged.
_FREE = frozenset(
    {Decision.FAIL, Decision.RETRY, Decision.THROTTLE, Decision.STOP, Decision.CREDITS}
)
# Records that are remembered, to tell their rows from those of doubts.
_RECENT = 5000


@dataclass(frozen=True, slots=True)
class Found:
    """What the list has shown: claims to follow, and records of what has failed."""

    claims: list[Leftover]
    records: list[Record]


@dataclass(slots=True)
class Lookups:
    """The doubts of one job, and the list of one session. `watch` hears what was found.

    `recorded` are the records that were written before the run. `state` is there once it begins.
    """

    job: Job
    provider: Provider
    store: Store
    session: Session
    watch: ev.Watcher
    recorded: list[Record] = field(default_factory=list)
    _inquiry: Inquiry = field(init=False)
    _reach: Reach = field(init=False)
    _replays: Replays = field(init=False)
    _may_send: bool = False
    _looking: set[str] = field(default_factory=set)  # attempts that are looked up now
    _recent: deque[Record] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _lags: list[float] = field(default_factory=lambda: list(_LAGS))
    _young_until: float = 0.0  # in Unix seconds
    _said: str | None = None

    def __post_init__(self) -> None:
        self._inquiry = Inquiry(self.session)
        self._reach = Reach(self.job, self.provider, self.session.endpoint)
        self._replays = Replays(self.job, self.provider, self.session, self.store)

    def see(self, event: ev.Event) -> None:
        """Take what this run records: a row of it explains nothing else."""
        if isinstance(event, ev.Finished):
            self._recent.append(event.record)
            if event.record.status is Status.IN_DOUBT:
                self._young_until = event.at + _YOUNG

    # -- before the run -----------------------------------------------------------------------

    async def before(self, *, record: bool = True) -> list[Leftover]:
        """Look up what earlier runs have left in doubt; return the claims to follow.

        With `record`, leftover claims that are not listed become records in doubt.

        Raises:
            PipelineError: the directory cannot be read or written.
        """
        self._may_send = record
        followed = [left for left in self.store.accepted if self._may_follow(left)]
        if self.store.history.open_doubts or self.store.doubtful:
            for said in self._reach.unreached(await doubts_of(self.store)):
                self._warn(said)
        if self._can_settle:
            self._recent.extend(tail(self.store.layout.manifest))
            followed += await self._settle(followed=len(followed))
        if record:
            for left in list(self.store.doubtful):
                await self._judge(left)
            self.recorded += record_doubts(self.store)
        return followed

    def _may_follow(self, left: Leftover) -> bool:
        """Whether this run follows an accepted claim; else a person is told why not."""
        assert left.claim is not None
        if (said := self._reach.may_follow(left.claim)) is not None:
            self._warn(said)
        return said is None

    @property
    def _can_settle(self) -> bool:
        """Whether something of this provider may settle a doubt."""
        return self.provider.lists_requests or self._replays.are_free

    def _warn(self, message: str) -> None:
        self.watch(ev.Warned(message, time.time()))

    # -- doubts and rows ----------------------------------------------------------------------

    async def _settle(self, lost: Collection[Key] = (), followed: int = 0) -> list[Leftover]:
        """Ask about everything in doubt but what is `lost`; return the claims accepted now.

        So many claims are `followed` already, which bounds what may be sent again.
        """
        leftovers = [*self.store.accepted, *self.store.doubtful]
        manifest, history = self.store.layout.manifest, self.store.history
        name = self.provider.name
        doubts, known = collect(manifest, leftovers, provider=name, history=history)
        doubts = [d for d in doubts if d.key not in lost and self._reach.has(d)]
        if not doubts:
            return []
        if self._replays.are_free:
            return await self._replay(doubts, self.job.concurrency - followed)
        rows = await self._inquiry.explain(doubts, known)
        self._say()
        # Whoever wrote it down: a run that was killed itself may have had no time to ask again.
        began = [doubt.began or 0.0 for doubt in doubts if doubt.key not in rows]
        young = max(began, default=0.0) + self.job.timeout + _YOUNG
        self._young_until = max(self._young_until, young)
        found = [(doubt, rows[doubt.key]) for doubt in doubts if doubt.key in rows]
        names = self._names(doubt for doubt, _ in found)
        ended = [await self._end(doubt, row, names) for doubt, row in found]
        return [left for left in ended if left is not None]

    def _names(self, doubts: Iterable[Doubt]) -> dict[str, str]:
        """Find what the outputs of doubts that have a record are called."""
        recorded = {doubt.task for doubt in doubts if isinstance(doubt.origin, Record)}
        return names_of(self.job, recorded)

    async def _replay(self, doubts: list[Doubt], most: int) -> list[Leftover]:
        """Send doubts again under their ids, where that is charged once."""
        able = [doubt for doubt in doubts if self._replays.may(doubt)]
        if able and not self._may_send:
            self._warn(
                f"{len(able)} in doubt can be sent again under their ids, which charges each once:"
                " `pipeline run` does that"
            )
            return []
        accepted = await self._replays.replay(able, most)
        names = self._names(doubt for doubt, _ in accepted)
        base_url = self.session.endpoint.base_url
        return [
            await accept(self.store, doubt, outcome.accepted, names=names, base_url=base_url)
            for doubt, outcome in accepted
            if outcome.accepted is not None
        ]

    def _say(self) -> None:
        """Say once why the list gives no answer."""
        said = self._inquiry.said
        if said is not None and said != self._said:
            self._warn(said)
            self._said = said

    async def _end(self, doubt: Doubt, row: Row, names: dict[str, str]) -> Leftover | None:
        """End a doubt by its row; return its claim where there is an output to wait for."""
        store, state = self.store, row.progress.state
        if row.progress.absent:
            record = await end_absent(store, doubt, row)
            self.recorded += [record] if record else []
            return None
        if state is RequestState.FAILED:
            self.recorded.append(await end_failed(store, doubt, row, self.provider))
            return None
        if comes_too_late(store, doubt):
            if state is RequestState.DONE:
                self.recorded.append(await end_late(store, doubt, row))
            return None
        base_url = self.session.endpoint.base_url
        return await accept(store, doubt, _handle(row), names=names, base_url=base_url)

    async def _judge(self, left: Leftover) -> None:
        """Judge an answer that came home after its run was killed, as one that a run hears.

        What may have been charged, and brought no output, stays in doubt.
        """
        claim, outcome = left.claim, left.outcome
        if claim is None or outcome is None or outcome.status is None or claim.doubted:
            return
        task = task_of(claim)
        meaning = self.provider.judge(task, outcome)
        if meaning.charged or meaning.charged_if_fell or meaning.decision not in _FREE:
            return
        if meaning.decision is Decision.FAIL:
            record = records.without_output(
                task, Status.FAILED, meaning.error, outcome, records.FREE,
                reason=meaning.reason, attempts=claim.attempt, claim=claim,
                simulated=outcome.simulated, received=time.time(),
            )  # fmt: skip
            self.recorded.append(await self.store.note(left.attempt, record))
            self.store.shelf.arrivals().forget([part_of(left.attempt)])
            take_out(self.store, left)
        else:
            forget(self.store, left)  # it was not processed: it is to do again

    # -- in the run ---------------------------------------------------------------------------

    async def look_up(self, state: RunState, attempt: Attempt, outcome: Outcome) -> Outcome:
        """Look an attempt up whose answer leaves open what came of it.

        Returns what came of it by the list: accepted, or failed; else the outcome as it was.
        """
        if self._replays.are_free:
            return await self._replays.in_run(state, attempt, outcome)
        if outcome.accepted is not None or not self._is_open(attempt, outcome):
            return outcome
        if not await self._twins_are_over(state, attempt):
            return outcome
        assert attempt.claim is not None
        doubt = Doubt.of_claim(attempt.claim, outcome.request_id)
        known = self._others(state, attempt)
        row = (await self._inquiry.explain([doubt], known)).get(doubt.key)
        self._say()
        if row is None:
            return outcome
        if row.progress.state is not RequestState.FAILED:
            return replace(outcome, accepted=_handle(row), cost=None)
        # It was not charged, whatever the answer was: it is tried again like a server's error.
        return replace(
            outcome,
            status=500,
            fault=None,
            text=row.progress.error,
            detail=failure(row),
            cost=None,
            failure=Failure(again=True),
        )

    async def _twins_are_over(self, state: RunState, attempt: Attempt) -> bool:
        """Wait for the answers to what was sent with the same parameters; False if stopped.

        A row of such a request may be COMPLETED before its answer is here: it would be taken for
        the row of this one, and its output would be there twice.
        """
        fingerprint = attempt.task.fingerprint
        twins = [
            (other, other.id)
            for other in state.flying.values()
            if other is not attempt and other.task.fingerprint == fingerprint
        ]
        self._looking.add(attempt.id)
        state.notify()
        try:
            while any(
                twin.id == name and twin.stage in _UNRECORDED and name not in self._looking
                for twin, name in twins
            ):
                if state.poller.ended:
                    return False
                await state.wait(_TWIN)
        finally:
            self._looking.discard(attempt.id)
        return True

    def _is_open(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether it is open what came of an attempt, and the list can be asked."""
        if outcome.body is not None and outcome.fault is None:
            return False  # the output is here, whole
        if not (self.provider.lists_requests and self._inquiry.is_open):
            return False
        decision = self.provider.judge(attempt.task, outcome).decision
        if decision is Decision.IN_DOUBT:
            return True
        # What is retried as free may go on behind a gateway that has given up.
        return decision is Decision.RETRY and outcome.status is not None and outcome.status >= 500  # noqa: PLR2004

    def _others(self, state: RunState, attempt: Attempt) -> Known:
        """What else of this run can have a row like that of an attempt."""
        wanted = attempt.task.fingerprint
        flying = [
            KnownAttempt.of_claim(other.claim)
            for other in state.flying.values()
            if other is not attempt and other.claim and other.task.fingerprint == wanted
        ]
        recent = [record for record in self._recent if record.fingerprint == wanted]
        ended = [KnownAttempt.of_record(record) for record in recent]
        ids = frozenset(record.request_id for record in recent if record.request_id)
        return Known(attempts=(*flying, *ended), ids=ids)

    # -- at its end ---------------------------------------------------------------------------

    async def again(self, state: RunState) -> Found | None:
        """Ask once more about what is still in doubt; None where there is no more to be found.

        It waits where the list may not show a request yet. An output that could not be had in this
        run is left to the next.
        """
        while self._lags and not state.poller.ended and self._may_show_more:
            if not await state.wait_to_ask(self._lags.pop(0)):
                return None
            before = len(self.recorded)
            claims = await self._settle(state.lost)
            if claims or len(self.recorded) > before:
                return Found(claims, self.recorded[before:])
        return None

    @property
    def _may_show_more(self) -> bool:
        doubts = self.store.history.open_doubts or self.store.doubtful
        young = time.time() < self._young_until
        return bool(doubts) and young and self._can_settle and self._inquiry.is_open


def names_of(job: Job, wanted: Collection[str]) -> dict[str, str]:
    """Find the names of the outputs of some tasks, without extension, as the job has them now."""
    if not wanted:
        return {}
    try:
        return {task.id: task.output for task in job.tasks() if task.id in wanted}
    except PipelineError:  # the plan says it, with all that is wrong
        return {}


def _handle(row: Row) -> Handle:
    now = rfc3339(time.time())
    return Handle(id=row.id, status=row.status, result=row.result, listed=True, at=now)

"""Sends again, under the id that it had, what may have been accepted: it is charged once.

Only at a provider that promises it, and only while it does: an id is known for a time. What was
accepted is then answered as it was before, and what never arrived is processed now. The request
has to be the same one to the letter, at the same address.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from pipeline.api.outcome import Decision, Outcome
from pipeline.api.provider import Provider, Session
from pipeline.errors import PipelineError
from pipeline.models import Claim, Job, Record, Task, fingerprint, once_of, part_of
from pipeline.runtime.lifecycle import Attempt
from pipeline.runtime.schedule import hours
from pipeline.runtime.state import RunState
from pipeline.settling.attempts import Doubt
from pipeline.settling.ending import task_of
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store

# Seconds before each time that a request of this run is sent again.
_WAITS = (1.0, 5.0, 15.0)
# Of the time for which an id is known: nobody says by whose clock, and the way there takes some.
_SAFE = 0.9
# Seconds by which a time may seem to be of the future: it was rounded.
_ROUNDED = 1.0
# Whatever is at fault, the next one would fare no better.
_FOR_ALL = frozenset({401, 402, 403, 407, 429})


@dataclass(slots=True)
class Replays:
    """Sends the doubts of one job again, each under its own id."""

    job: Job
    provider: Provider
    session: Session
    store: Store

    @property
    def are_free(self) -> bool:
        """Whether the provider charges what is sent twice under one id once."""
        return self.provider.traits.resends is not None

    def may(self, doubt: Doubt) -> bool:
        """Whether a doubt may be sent again: its id is known for certain, here and there."""
        window, began = self.provider.traits.resends, doubt.began
        if window is None or began is None or not doubt.named:
            return False
        here = self.session.endpoint.base_url.rstrip("/")
        if (doubt.base_url or "").rstrip("/") != here:
            return False
        if isinstance(doubt.origin, Record) and self.store.history.is_superseded(doubt.origin):
            return False  # if it never arrived, it would be paid for now, and nobody wants it
        return -_ROUNDED <= time.time() - began < window * _SAFE

    async def replay(self, doubts: Iterable[Doubt], most: int) -> list[tuple[Doubt, Outcome]]:
        """Send doubts again, one after the other, until `most` of them are accepted.

        Not outside the hours of the job: what never arrived is processed now.
        """
        if hours(self.job.schedule, None, datetime.now(UTC)).opens is not None:
            return []
        wanted = [doubt for doubt in doubts if self.may(doubt)]
        tasks = self._tasks([doubt.task for doubt in wanted])
        found = list[tuple[Doubt, Outcome]]()
        for doubt in sorted(wanted, key=lambda one: one.started_at):
            task = _same(doubt, tasks.get(doubt.task))
            if len(found) >= most or task is None or not self.may(doubt):
                continue
            outcome = await self._send(task, doubt.started_at, self.store.new_attempt(task))
            if outcome.accepted is not None:
                found.append((doubt, outcome))
            elif outcome.status is None or outcome.status in _FOR_ALL or outcome.status >= 500:  # noqa: PLR2004
                break
        return found

    async def in_run(self, state: RunState, attempt: Attempt, outcome: Outcome) -> Outcome:
        """Send an attempt of this run again whose answer was lost; it keeps its place meanwhile."""
        claim = attempt.claim
        meaning = self.provider.judge(attempt.task, outcome)
        if claim is None or outcome.accepted or meaning.decision is not Decision.IN_DOUBT:
            return outcome
        for wait in _WAITS:
            if not await state.wait_to_ask(wait) or not self.may(Doubt.of_claim(claim)):
                break
            again = await self._send(attempt.task, claim.started_at, attempt.id)
            if again.accepted is not None:
                return again
        return outcome

    async def _send(self, task: Task, started_at: str, attempt: str) -> Outcome:
        same = msgspec.structs.replace(task, once=once_of(task.id, started_at))
        return await self.session.attempt(same, self.store.shelf.spool(part_of(attempt)))

    def _tasks(self, wanted: Collection[str]) -> dict[str, Task]:
        if not wanted:
            return {}
        try:
            return {task.id: task for task in self.job.tasks() if task.id in wanted}
        except PipelineError:  # the plan says it, with all that is wrong
            return {}


def _same(doubt: Doubt, task: Task | None) -> Task | None:
    """Find the task as it was sent, by what the claim has or the job still has; else None."""
    sent: Claim | Record | None = (
        doubt.origin.claim if isinstance(doubt.origin, Leftover) else doubt.origin
    )
    if sent is None:
        return None
    if not sent.inputs and fingerprint(sent.model, sent.params) == sent.fingerprint:
        return task_of(sent)
    return task if task is not None and task.fingerprint == sent.fingerprint else None

"""Follows accepted requests to their end: asks, fetches the output, and makes an outcome of it."""

import time

import anyio
import msgspec
from msgspec.structs import replace

from pipeline import events as ev
from pipeline.api.outcome import Fault, Outcome, Progress, RequestState
from pipeline.errors import ExitCode
from pipeline.models import Claim, Handle, once_of, part_of
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.state import RunState, clock

# So many addresses of an output may be dead before it counts as lost.
_ADDRESSES = 3
# So many times an output is fetched that is cut each time: some minutes. It may be a film.
_CUTS = 10
# Outputs that are fetched at once: the provider is done with them.
_FETCHES = 4
# Seconds before a fetch that failed is tried again: at first, and at most.
_AGAIN, _LONGEST_AGAIN = 2.0, 60.0
# Seconds that a stop gives to an output on its way: the next run can fetch it again.
_LAST_SECONDS = 3.0
# States in which the provider does not tell where a request is, however often it is asked.
_NOT_TOLD = frozenset({RequestState.REFUSED, RequestState.ELSEWHERE})
# What a file server may answer that says nothing of the file.
_BUSY = frozenset({408, 425, 429, *range(500, 600)})


class Following:
    """Follows the accepted requests of a run."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._fetches = anyio.CapacityLimiter(_FETCHES)

    async def follow(self, attempt: Attempt, *, at_once: bool = False) -> Outcome | None:
        """Wait for the end of a request; None where the run stops waiting: it stays accepted.

        `at_once` asks now, as for a request that was accepted long ago.
        """
        state, end = self._state, clock() + self._state.job.patience
        dead, cuts, wait = 0, 0, _AGAIN
        assert attempt.claim is not None
        assert attempt.claim.handle is not None
        handle = _of_its_claim(attempt.claim)
        exported = _exported(handle)
        while True:
            progress = exported or await state.poller.final(
                handle, patience=end - clock(), at_once=at_once
            )
            exported, at_once = None, False
            if progress is None:
                return None
            if progress.state in _NOT_TOLD:
                self._report_not_told(attempt, handle, progress)
                return None
            if progress.state is not RequestState.DONE:
                return self._without_output(attempt, progress)
            fetched = await self._fetch(attempt, progress)
            if fetched is None or _is_whole(fetched):
                return fetched
            if _is_dead(fetched):
                dead += 1
                if dead >= _ADDRESSES:
                    return self._lost(attempt, progress, fetched)
            cuts += fetched.fault is Fault.CUT
            if self._is_always_cut(attempt, cuts) or not await state.wait_to_ask(wait, end):
                return None
            wait = min(wait * 2, _LONGEST_AGAIN)
            at_once = True

    def _report_not_told(self, attempt: Attempt, handle: Handle, progress: Progress) -> None:
        """Say why the provider does not tell where a request is: it stays accepted."""
        state, name = self._state, attempt.task.output
        if progress.state is RequestState.ELSEWHERE:
            state.warn(
                f"{name} waits at the provider, and cannot be asked for: {progress.detail}; it is"
                " not sent again: run again with the description that it was sent by to fetch it"
            )
        elif handle.listed:  # the list is optional: that it refuses is no error of the run
            state.warn(f"{name}: {progress.detail}; it is asked for again by the next run")
        else:
            state.stop(ExitCode.API_REFUSES, f"{name}: {progress.detail}")

    def _is_always_cut(self, attempt: Attempt, cuts: int) -> bool:
        """Say so of an output that was cut too often: it is there, and left to the next run."""
        if cuts < _CUTS:
            return False
        name = attempt.task.output
        self._state.warn(f"{name} was cut {cuts} times on its way: the next run fetches it")
        return True

    async def _fetch(self, attempt: Attempt, progress: Progress) -> Outcome | None:
        """Bring the output home; None where that has to be left to the next run.

        It is stopped, or the output cannot be written, which stops it.
        """
        state, shelf = self._state, self._state.store.shelf
        if progress.media is None:
            return _gone("the answer names no address of an output")
        outcome = None
        async with self._fetches:
            if not state.poller.ended:
                part = shelf.spool(part_of(attempt.id))
                with state.poller.bounding(_LAST_SECONDS):
                    outcome = await state.session.fetch(progress.media, part)
        if outcome is None:
            return None
        if outcome.fault is Fault.UNSAVED:
            state.stop(ExitCode.STORAGE, f"{state.store.layout.root}: {outcome.detail}")
            return None
        return self._of(attempt, progress, outcome)

    def _of(self, attempt: Attempt, progress: Progress, outcome: Outcome) -> Outcome:
        """Add to an outcome what the provider, and not the file server, says of the request."""
        assert attempt.claim is not None
        assert attempt.claim.handle is not None
        # Files may be at another host than the API, whose word it is.
        said = self._state.simulated
        known = progress.simulated if said is None else said
        return replace(
            outcome,
            took=self._seconds(attempt, progress),
            cost=progress.cost,
            remaining=progress.remaining,
            seed=progress.seed,
            request_id=attempt.claim.handle.id,
            unkept=progress.unkept,
            retry_after=None,
            # Where nothing has said it yet, the file server's word is all there is.
            simulated=outcome.simulated if known is None else known,
        )

    def _seconds(self, attempt: Attempt, progress: Progress) -> float:
        """Return how long it took, by the provider, else since it was sent; 0 if unknown."""
        if progress.seconds is not None:
            return progress.seconds
        return 0.0 if attempt.sent_at is None else clock() - attempt.sent_at

    def _without_output(self, attempt: Attempt, progress: Progress) -> Outcome:
        if progress.state is RequestState.FAILED:
            failed = Outcome(
                took=0.0,
                status=422,
                text=progress.error or progress.detail,
                failure=progress.failure,
            )
            return self._of(attempt, replace(progress, cost=None), failed)
        gone = "the provider does not know the request any more"
        return self._of(attempt, progress, _gone(gone))

    def _lost(self, attempt: Attempt, progress: Progress, fetched: Outcome) -> Outcome:
        """Make the outcome of an output that cannot be had any more."""
        if fetched.fault in {Fault.BROKEN_MEDIA, Fault.TOO_LARGE}:  # it came, and is what it is
            return fetched
        said = fetched.detail or f"HTTP {fetched.status}"
        return self._of(attempt, progress, _gone(f"its output cannot be fetched: {said}"))

    # -- what is left as it is ----------------------------------------------------------------

    def leave(self, attempt: Attempt) -> None:
        """Leave an accepted request to the next run, which asks for it."""
        state = self._state
        attempt.money.release()
        state.leave(attempt)
        state.watch(ev.Landed(attempt.task.id, time.time()))
        state.land(attempt)

    def stays_in_doubt(self, attempt: Attempt, outcome: Outcome) -> None:
        """Let a doubt that has its record stand: what the list shows could not be had."""
        state = self._state
        assert attempt.claim is not None
        state.store.drop(attempt.id)
        said = f"{attempt.task.output} stays in doubt: {outcome.detail}"
        if self._may_send(attempt):
            state.warn(f"{said}; it is rendered again, as --retry in-doubt says")
            attempt.to(Stage.ANSWERED)
            attempt.money.release()
            attempt.claim = None
            state.queue.put_back(attempt)
            state.land(attempt)
            return
        state.warn(said)
        attempt.claim = msgspec.structs.replace(attempt.claim, handle=None)
        self.leave(attempt)

    def _may_send(self, attempt: Attempt) -> bool:
        """Whether the user has said that what stays in doubt is sent again, as it is."""
        state, task = self._state, attempt.task.id
        changed = task in state.outdated or task in state.edited or task in state.unmoved
        return state.sends_doubts and attempt.counted and not changed and state.stopped is None


def _of_its_claim(claim: Claim) -> Handle:
    """Add to a handle what its addresses may be built of, where those it has are of no use."""
    assert claim.handle is not None
    once = once_of(claim.task, claim.started_at)
    return msgspec.structs.replace(claim.handle, model=claim.model, once=once)


def _exported(handle: Handle) -> Progress | None:
    """Return what an exported list has said of a request, if it has named an output."""
    if handle.media is None:
        return None
    return Progress(state=RequestState.DONE, media=handle.media, cost=handle.cost)


def _gone(why: str) -> Outcome:
    return Outcome(took=0.0, fault=Fault.GONE, detail=why)


def _is_whole(outcome: Outcome) -> bool:
    return outcome.body is not None or outcome.fault is Fault.TOO_LARGE


def _is_dead(outcome: Outcome) -> bool:
    """Whether an address does not lead to the output, and asking it again would not help."""
    if outcome.fault in {Fault.NOT_MEDIA, Fault.BROKEN_MEDIA, Fault.GONE}:
        return True
    return outcome.status is not None and not outcome.ok and outcome.status not in _BUSY

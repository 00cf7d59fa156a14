"""The store of a run: what tasks want to be durable is gathered, and committed together.

One owner, one thread, many tasks a commit; `steps.py` has the order of its steps.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

import anyio
import anyio.to_thread
import msgspec

from pipeline.errors import BucketError, PipelineError, StorageError
from pipeline.ledger.manifest import last_records, open_doubts
from pipeline.ledger.writing import Manifest
from pipeline.models import Claim, Handle, Record, Task, part_of, task_key
from pipeline.store.batch import CommitRequest, Recorded
from pipeline.store.claim_log import ClaimLog, Noting
from pipeline.store.claims import Leftover, handle_fault
from pipeline.store.layout import Layout
from pipeline.store.outstanding import attempt_of, attempts_of, counted, reclaimed
from pipeline.store.shelf import LocalShelf, Shelf, sync_names
from pipeline.store.state_file import balance, read_note
from pipeline.store.steps import Steps

# Seconds in which requests gather for one commit. Where one is as `_SLOW` as that, the next one
# waits for more while some come in each such time, for as long as the last one has taken, but not
# longer than `_LONGEST`.
_WINDOW, _SLOW, _LONGEST = 0.005, 0.05, 0.25
# Not a name of an attempt: what is recorded under it has no claim and no part.
_NO_CLAIM = "none"


Hop = Callable[[Callable[[], None]], Awaitable[None]]
"""Calls a function that blocks, and waits for its end."""


async def in_thread(blocking: Callable[[], None]) -> None:
    """Call it in a worker thread, so that the event loop is not blocked."""
    await anyio.to_thread.run_sync(blocking)


async def inline(blocking: Callable[[], None]) -> None:
    """Call it at once, for runs on virtual time: no thread knows their clock."""
    blocking()


class Store:
    """The files of one run.

    `serve` must run beside the many tasks of a run, whose commits it gathers. Before it runs, each
    commit is carried out by itself.

    `on_record` is called with each record that counts from now on.

    `leftovers` are the claims of earlier runs. `recover` sorts what it cannot take in: `accepted`
    are those that the provider has given an id, `doubtful` those that were sent and have none.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        fsync: bool = True,
        warn: Callable[[str], None] = lambda _: None,
        hop: Hop = in_thread,
        shelf: Callable[..., Shelf] = LocalShelf,
    ) -> None:
        self.layout = layout
        self._hop = hop
        self._warn = warn
        self._warnings: dict[str, None] = {}  # noted, in this order
        self._reported: set[str] = set()
        self.on_record: Callable[[Record], None] = lambda _: None
        sync = partial(sync_names, layout=layout, warn=self.warn)
        self._log = ClaimLog(layout.inflight, fsync=fsync, sync_names=sync)
        self.leftovers = self._log.leftovers
        self.accepted: list[Leftover] = []
        self.doubtful: list[Leftover] = []
        self._reclaimed: list[Leftover] = []
        attempts = attempts_of(self.leftovers)
        self._manifest = Manifest(layout.manifest, fsync=fsync, attempts=attempts)
        self.history = self._manifest.history
        self.history.remaining = balance(read_note(layout), self.history)
        self._run, self._attempts = secrets.token_hex(3), itertools.count(1)
        try:
            self.shelf = shelf(layout, fsync=fsync, warn=self.warn)
            self._steps = Steps(
                layout,
                self._manifest,
                self.shelf,
                self._log,
                fsync=fsync,
                threads=hop is not inline,
                warn=self.warn,
            )
            self._steps.sync_names(layout.root)
        except BaseException:
            self._manifest.close()
            raise
        self._waiting: list[CommitRequest] = []
        self._arrived = anyio.Event()
        self._serving = self._stopped = False
        # Seconds that the last commit took: at first as on a slow disk, as all begin together.
        self._took = _SLOW
        self._turn = asyncio.Lock()

    def warn(self, warning: str) -> None:
        """Note what a person should know; `report_warnings` reports it once."""
        self._warnings.setdefault(warning)

    def report_warnings(self) -> None:
        """Report what was noted, on the event loop."""
        warnings, self._warnings = self._warnings, {}
        for warning in warnings:
            if warning not in self._reported:
                self._reported.add(warning)
                self._warn(warning)

    @property
    def manifest_size(self) -> int:
        """Where the next record will begin."""
        return self._manifest.size

    def new_attempt(self, task: Task | Record) -> str:
        """Name an attempt, as no other one in this directory: its claim and its part go by it.

        So what a worker of an earlier attempt writes, however late, is never placed as the answer
        to this one.
        """
        key = task.key if isinstance(task, Task) else task_key(task.task)
        return f"{key}.{self._run}.{next(self._attempts)}"

    # -- requests -----------------------------------------------------------------------------

    async def claim(self, attempt: str, claim: Claim) -> None:
        """Make a claim durable. Nothing may be sent before this returns."""
        await self._commit(CommitRequest(attempt, claim=claim))

    async def accept(self, attempt: str, claim: Claim) -> None:
        """Make the id that a provider has given a request durable, before it is asked for.

        Raises:
            StorageError: it cannot be written, or the next run could not read it.
        """
        assert claim.handle is not None
        if fault := handle_fault(claim.handle):
            raise StorageError(f"{claim.task}: {fault}")
        await self._commit(CommitRequest(attempt, accepted=claim))

    async def reclaim(
        self, doubt: Record, handle: Handle, *, output: str, base_url: str | None = None
    ) -> Leftover:
        """Make a durable claim for an open doubt that the provider lists; see `doubts`.

        `output` is the name of its output without extension. Its record ends the doubt.
        """
        claim = reclaimed(doubt, handle, output, base_url)
        attempt = self.new_attempt(doubt)
        await self.accept(attempt, claim)
        self._reclaimed.append(left := Leftover(attempt, claim))
        return left

    def takes_in(self, doubt: Record) -> bool:
        """Return whether the output of an open doubt is of use, now that the provider lists it.

        It is not where the task has been rendered since, or another request of it is followed.
        """
        for left in (*self.accepted, *self._reclaimed):
            if left.claim and left.claim.task == doubt.task and self.has_claim(left.attempt):
                return False
        return not (self.history.is_superseded(doubt) and self.history.has_clip(doubt.task))

    async def doubts(self) -> list[Record]:
        """Read the record of each open doubt for which there is no claim with an id.

        Raises:
            DirectoryError: the manifest cannot be read.
            StorageError: the disk failed.
        """
        found: list[Record] = []
        followed = set(attempts_of([*self.accepted, *self._reclaimed]))

        def read() -> None:
            every = open_doubts(self.layout.manifest, self.history)
            found.extend(record for record in every if attempt_of(record) not in followed)

        await self._read(read)
        return found

    async def complete(self, attempt: str, completed: Claim) -> Claim:
        """Make a whole body and its completed claim durable, before it is placed.

        Returns the claim as it was written, with the name that was chosen for the output.
        """
        request = CommitRequest(attempt, completed=completed, place=False)
        await self._commit(request)
        assert request.completed is not None
        return request.completed

    async def finish(
        self, attempt: str, completed: Claim, recorded: Recorded | None = None
    ) -> Record:
        """Place an output and make it and its record durable; returns the record.

        `recorded` is called in the step in which the history counts the record, also where
        whoever waits here is cancelled.
        """
        return await self._record(CommitRequest(attempt, completed=completed, recorded=recorded))

    async def note(
        self,
        attempt: str,
        record: Record,
        recorded: Recorded | None = None,
        *,
        keep: str | None = None,
        leave_part: bool = False,
    ) -> Record:
        """Make the record of a task without output durable, and close its claim.

        With `keep`, what has come of its body is kept in `errors/` under that name, and the
        record that is returned says where. With `leave_part` it stays where it is, as somebody may
        yet write it: the next run finds it. `recorded` as in `finish`.
        """
        record = self._with_balance(record)
        return await self._record(
            CommitRequest(
                attempt, record=record, keep=keep, leave_part=leave_part, recorded=recorded
            )
        )

    async def correct(self, record: Record, recorded: Recorded | None = None) -> Record:
        """Make a record durable that corrects another; whatever is in flight stays as it is."""
        record = self._with_balance(record)
        return await self._record(CommitRequest(_NO_CLAIM, record=record, recorded=recorded))

    def _with_balance(self, record: Record) -> Record:
        """Add the balance as known to what ends a doubt: no answer came with it that says one.

        What a run has noted of it counts for its own last record only; see `state_file.balance`.
        """
        known = self.history.remaining
        if record.settled is None or record.remaining_credits is not None or known is None:
            return record
        return msgspec.structs.replace(record, remaining_credits=known)

    async def find(self, wanted: Callable[[Record], bool]) -> list[Record]:
        """Read the last records of tasks, and return those that are wanted.

        A long manifest takes seconds to read: it is read where commits are carried out.

        Raises:
            DirectoryError: the manifest cannot be read.
            StorageError: the disk failed.
        """
        found: list[Record] = []

        def read() -> None:
            found.extend(filter(wanted, last_records(self.layout.manifest, self.history)))

        await self._read(read)
        return found

    async def _read(self, read: Callable[[], None]) -> None:
        try:
            await self._hop(read)
        except OSError as error:
            raise StorageError(f"{self.layout.manifest}: {error}") from error

    def noting(self, attempt: str, started_at: str, failed: Callable[[OSError], None]) -> Noting:
        """Note in a claim how far its attempt has come; `failed` is called if it cannot.

        `started_at` is noted as the time at which the request has left.
        """
        return Noting(self._log, attempt, failed, started_at)

    def has_claim(self, attempt: str) -> bool:
        """Return whether the next run would find the claim of this attempt."""
        return attempt in self._log

    def verify(self) -> None:
        """See that all records are found under the manifest's name.

        Raises:
            StorageError: they are not, and cannot be put there.
        """
        try:
            self._manifest.verify()
        except OSError as error:
            raise StorageError(f"{self.layout.manifest}: {error}") from error
        finally:
            self._steps.warn_put_back()
            self.report_warnings()

    def counted(self, claim: Claim) -> Decimal:
        """Return what the record of a claim's doubt has counted as cost already, in US dollars."""
        return counted(claim, self.history)

    def remove_claim(self, attempt: str) -> None:
        """Close a claim whose record is written: one that stays is known by its record."""
        self._log.close_claims(attempt)

    def drop(self, attempt: str) -> None:
        """Close the claim and remove the part of an attempt that left nothing to record.

        A claim that cannot be closed makes the next run call its task in doubt: the safe side.
        """
        self.remove_claim(attempt)
        self.shelf.drop(part_of(attempt))

    async def _record(self, request: CommitRequest) -> Record:
        await self._commit(request)
        assert request.record is not None
        return request.record

    async def _commit(self, request: CommitRequest) -> None:
        if self._stopped:
            raise StorageError(f"{self.layout.root}: the store was closed")
        request.done = asyncio.get_running_loop().create_future()
        # What is being made durable is made durable, also while the run is being stopped.
        with anyio.CancelScope(shield=True):
            if self._serving:
                self._waiting.append(request)
                self._arrived.set()
                await request.done
            else:
                await self._commit_batch([request])
        self._raise(request)

    def _raise(self, request: CommitRequest) -> None:
        """Raise what a request failed for: what the disk or a file is at fault for, or a bug."""
        if isinstance(request.error, BucketError):
            raise request.error
        if isinstance(request.error, OSError | PipelineError):
            raise StorageError(f"{self.layout.root}: {request.error}") from request.error
        if request.error is not None:
            raise request.error

    async def serve(self) -> None:
        """Carry out requests in batches, each in a thread, until `stop`.

        A run that is cancelled from outside still has answers to save: this outlives its workers.
        """
        self._serving = True
        with anyio.CancelScope(shield=True):
            while self._waiting or not self._stopped:
                await self._arrived.wait()
                await self._gather()
                self._arrived = anyio.Event()
                batch, self._waiting = self._waiting, []
                if batch:
                    await self._commit_batch(batch)

    async def _gather(self) -> None:
        """Let requests come together: a hop into the thread costs more than most of them."""
        if self._hop is inline:
            return
        end, known = time.perf_counter() + min(self._took, _LONGEST), 0
        while not self._stopped and known < len(self._waiting):
            known = len(self._waiting)
            await anyio.sleep(_WINDOW)
            if self._took < _SLOW or time.perf_counter() >= end:
                return

    def stop(self) -> None:
        """End `serve` once all requests are carried out; there must be none after this."""
        self._stopped = True
        self._arrived.set()

    async def _commit_batch(self, batch: list[CommitRequest]) -> None:
        async with self._turn:  # a commit of before `serve` may not have ended
            await self._carry_out(batch)

    async def _carry_out(self, batch: list[CommitRequest]) -> None:
        began = time.perf_counter()
        try:
            await self._hop(partial(self._steps.carry_out, batch))
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            for request in batch:
                request.error = request.error or error
        finally:
            self._took = time.perf_counter() - began
            self.report_warnings()
            for request in batch:
                self._count(request)
                request.end()

    def _count(self, request: CommitRequest) -> None:
        """Let the history count a durable record, and tell whoever wants to know in that step."""
        if request.offset is None:
            return
        assert request.record is not None
        self.history.add(request.record, request.offset)
        self.on_record(request.record)
        if request.recorded is not None:
            try:
                request.recorded(request.record)
            except Exception as bug:  # noqa: BLE001 - whoever waits must hear of it
                request.error = bug

    def carry_out_now(self, request: CommitRequest) -> Record:
        """Carry out a request before a run begins; returns the record.

        Raises:
            StorageError: it could not be carried out.
        """
        self._carry_out_now(request)
        assert request.record is not None
        return request.record

    def accept_now(self, attempt: str, claim: Claim) -> None:
        """Make the id that a provider has given a request durable, before a run begins.

        Raises:
            StorageError: it cannot be written.
        """
        self._carry_out_now(CommitRequest(attempt, accepted=claim))

    def _carry_out_now(self, request: CommitRequest) -> None:
        self._steps.carry_out([request])
        self._count(request)
        self._raise(request)

    def complete_now(self, attempt: str, completed: Claim) -> Claim:
        """Do as `complete` does, before a run begins.

        Raises:
            StorageError: it could not be carried out.
        """
        request = CommitRequest(attempt, completed=completed, place=False)
        self._steps.carry_out([request])
        self._raise(request)
        assert request.completed is not None
        return request.completed

    def close(self) -> None:
        """Close the log of claims and the manifest."""
        self._steps.close()
        self._log.close()
        self._manifest.close()

"""The order of commits: claims, outputs, records. One owner, one thread, many tasks a commit.

For one task, in this order, each step durable before the next:

    claim written             before its request leaves
    part whole                the body, with its hash
    claim completed           with hash and headers
    part renamed to output    an older clip of the task moves to superseded/
    record appended
    claim removed
    record counted            on the event loop: the history has it, and `recorded` is called
"""

import asyncio
import contextlib
import itertools
import os
import secrets
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from pipeline.amounts import ZERO
from pipeline.errors import PipelineError, StorageError
from pipeline.ledger import records
from pipeline.ledger.manifest import last_records, open_doubts
from pipeline.ledger.writing import Manifest
from pipeline.models import Claim, Handle, Record, Task, part_of, task_key
from pipeline.store import claims
from pipeline.store.batch import CommitRequest, Recorded, Syncing
from pipeline.store.claims import Leftover
from pipeline.store.layout import Layout
from pipeline.store.outstanding import attempt_of, attempts_of, reclaimed
from pipeline.store.shelf import LocalShelf, Shelf, sync_names
from pipeline.store.state_file import balance, read_note

# Seconds in which requests gather for one commit.
_WINDOW = 0.005
# Not a name of an attempt: what is recorded under it has no claim and no part.
_NO_CLAIM = "none"


class DoubtError(PipelineError):
    """A doubt has ended already, or not as this record says."""


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
        # As text: objects of paths would be a tenth of what a task costs.
        self._inflight = f"{layout.inflight}{os.sep}"
        self._fsync, self._warn = fsync, warn
        self._warnings: dict[str, None] = {}  # noted, in this order
        self._reported: set[str] = set()
        self.leftovers = list(claims.leftovers(layout.inflight))
        self.accepted: list[Leftover] = []
        self.doubtful: list[Leftover] = []
        self._reclaimed: set[bytes] = set()
        attempts = attempts_of(self.leftovers)
        self._manifest = Manifest(layout.manifest, fsync=fsync, attempts=attempts)
        self.history = self._manifest.history
        self.history.remaining = balance(read_note(layout), self.history)
        self._run, self._attempts = secrets.token_hex(3), itertools.count(1)
        try:
            self.shelf = shelf(layout, fsync=fsync, warn=self.warn)
            self._sync_names(layout.root)
        except BaseException:
            self._manifest.close()
            raise
        self._waiting: list[CommitRequest] = []
        self._arrived = anyio.Event()
        self._serving = self._stopped = False
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

    def _claim(self, attempt: str) -> str:
        return f"{self._inflight}{attempt}.json"

    def _draft(self, attempt: str) -> str:
        return f"{self._inflight}{attempt}.new"

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
        if fault := claims.handle_fault(claim.handle):
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
        self._reclaimed.add(attempt_of(claim))
        return Leftover(attempt, claim)

    async def doubts(self) -> list[Record]:
        """Read the record of each open doubt for which there is no claim with an id.

        Raises:
            DirectoryError: the manifest cannot be read.
            StorageError: the disk failed.
        """
        found: list[Record] = []
        followed = self._reclaimed.union(attempts_of(self.accepted))

        def read() -> None:
            every = open_doubts(self.layout.manifest, self.history)
            found.extend(record for record in every if attempt_of(record) not in followed)

        await self._read(read)
        return found

    async def complete(self, attempt: str, completed: Claim) -> None:
        """Make a whole body and its completed claim durable, before it is placed."""
        await self._commit(CommitRequest(attempt, completed=completed, place=False))

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
    ) -> Record:
        """Make the record of a task without output durable, and remove its claim.

        With `keep`, what has come of its body is kept in `errors/` under that name, and the
        record that is returned says where. `recorded` as in `finish`.
        """
        return await self._record(
            CommitRequest(attempt, record=record, keep=keep, recorded=recorded)
        )

    async def correct(self, record: Record, recorded: Recorded | None = None) -> Record:
        """Make a record durable that corrects another; whatever is in flight stays as it is."""
        return await self._record(CommitRequest(_NO_CLAIM, record=record, recorded=recorded))

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

    def noting(self, attempt: str, failed: Callable[[OSError], None]) -> claims.Noting:
        """Note in a claim how far its attempt has come; `failed` is called if it cannot."""
        return claims.Noting(self._claim(attempt), failed)

    def has_claim(self, attempt: str) -> bool:
        """Return whether the next run would find the claim of this attempt."""
        return os.path.lexists(self._claim(attempt))

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
            self._warn_put_back()
            self.report_warnings()

    def drop(self, attempt: str) -> None:
        """Remove the claim and part of an attempt that left nothing to record.

        A claim that cannot be removed makes the next run call its task in doubt: the safe side.
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
        if not self._stopped and self._hop is not inline:
            await anyio.sleep(_WINDOW)

    def stop(self) -> None:
        """End `serve` once all requests are carried out; there must be none after this."""
        self._stopped = True
        self._arrived.set()

    async def _commit_batch(self, batch: list[CommitRequest]) -> None:
        async with self._turn:  # a commit of before `serve` may not have ended
            await self._carry_out(batch)

    async def _carry_out(self, batch: list[CommitRequest]) -> None:
        try:
            await self._hop(partial(self.carry_out, batch))
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            for request in batch:
                request.error = request.error or error
        finally:
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
        self.carry_out([request])
        self._count(request)
        self._raise(request)
        assert request.record is not None
        return request.record

    # -- one commit, in the thread ------------------------------------------------------------

    def carry_out(self, batch: list[CommitRequest]) -> None:
        """Carry out requests, one step for all before the next; each has its own error."""
        self._write_claims(batch)
        self._sync_claims([r for r in batch if r.claim or r.accepted or r.completed])
        placing = [r for r in batch if r.completed and r.place and r.error is None]
        self._each(placing, self._place)
        self._flush(placing)
        for request in batch:
            if request.keep is not None and request.error is None:
                self._keep(request, request.keep)
        self._append([r for r in batch if r.record is not None and r.error is None])

    def _each(self, batch: list[CommitRequest], do: Callable[[CommitRequest], None]) -> None:
        for request in batch:
            try:
                do(request)
            except (OSError, PipelineError) as error:
                request.error = request.error or error

    def _sync_claims(self, batch: list[CommitRequest]) -> None:
        """Make the names of claims durable."""
        if batch:
            self._all(batch, partial(self._sync_names, self.layout.inflight))

    def _flush(self, placed: list[CommitRequest]) -> None:
        if placed:
            self._all(placed, self.shelf.flush)

    def _all(self, batch: list[CommitRequest], do: Callable[[], None]) -> None:
        """Do what counts for a whole batch, and fails for all of it."""
        try:
            do()
        except OSError as error:
            for request in batch:
                request.error = request.error or error

    def _sync_names(self, folder: Path) -> None:
        if self._fsync:
            sync_names(folder, self.layout, self.warn)

    def _write_claims(self, batch: list[CommitRequest]) -> None:
        """Write the claims of a batch, or complete them, and make them and the parts durable."""
        with Syncing(active=self._fsync) as files:
            self._each([r for r in batch if r.claim], partial(self._write_claim, files))
            self._each([r for r in batch if r.accepted], partial(self._write_accepted, files))
            self._each([r for r in batch if r.completed], partial(self._write_completed, files))
        written = [r for r in batch if (r.accepted or r.completed) and not r.error]
        self._each(written, self._replace_claim)

    def _write_claim(self, files: Syncing, request: CommitRequest) -> None:
        assert request.claim is not None
        # In place: a torn claim means that its request has not left.
        files.write(request, self._claim(request.attempt), request.claim)

    def _write_accepted(self, files: Syncing, request: CommitRequest) -> None:
        assert request.accepted is not None
        # Not in place, as with a completed one.
        claim = msgspec.structs.replace(request.accepted, sent=True)
        files.write(request, self._draft(request.attempt), claim)

    def _write_completed(self, files: Syncing, request: CommitRequest) -> None:
        files.sync(request, str(self.shelf.spool(part_of(request.attempt))))
        assert request.completed is not None
        self._choose_name(request)
        # Not in place: should this be torn, the claim still says what was sent.
        files.write(request, self._draft(request.attempt), request.completed)

    def _choose_name(self, request: CommitRequest) -> None:
        assert request.completed is not None
        done = request.completed.completion
        assert done is not None
        output = self.shelf.choose(request.completed.task, done.output, done.sha256)
        done = msgspec.structs.replace(done, output=output)
        request.completed = msgspec.structs.replace(request.completed, completion=done, sent=True)

    def _replace_claim(self, request: CommitRequest) -> None:
        os.replace(self._draft(request.attempt), self._claim(request.attempt))

    def _place(self, request: CommitRequest) -> None:
        assert request.completed is not None
        if self.history.has(request.completed.task):
            self._supersede(request)
        done = request.completed.completion
        assert done is not None
        self.shelf.place(part_of(request.attempt), request.completed.task, done.output)
        counted = self.counted(request.completed)
        request.record = records.succeeded(request.completed, done, counted)

    def counted(self, claim: Claim) -> Decimal:
        """Return what the record of a claim's doubt has counted as cost already."""
        found = self.history.doubts.counted(attempt_of(claim))
        return (found.cost if found else None) or ZERO

    def _supersede(self, request: CommitRequest) -> None:
        """Move the older clips away; one that cannot be moved never costs the new one."""
        assert request.completed is not None
        try:
            self.shelf.supersede(request.completed.task)
        except OSError as error:
            self.warn(
                f"an older clip of {request.completed.task} stays in place, because it cannot be"
                f" moved to {self.layout.superseded}: {error.strerror or error}"
            )
            self._choose_name(request)
            with Syncing(active=self._fsync) as files:
                files.write(request, self._draft(request.attempt), request.completed)
            if request.error is None:
                self._replace_claim(request)

    def _keep(self, request: CommitRequest, name: str) -> None:
        """Keep what has come of a body, and say in the record where."""
        assert request.record is not None
        try:
            kept = self.shelf.keep(part_of(request.attempt), name)
        except OSError as error:
            said = f"its body could not be kept: {error.strerror or error}"
        else:
            request.keep = None
            said = f"body kept in {kept}" if kept else ""
        if said:
            said = f"{request.record.error} ({said})"
            request.record = msgspec.structs.replace(request.record, error=said)

    def _append(self, recorded: list[CommitRequest]) -> None:
        """Append the records of some requests, and remove their claims."""
        self._each(recorded, self._refuse_second_end)
        recorded = [request for request in recorded if request.error is None]
        if not recorded:
            return
        try:
            offsets = self._manifest.append([r.record for r in recorded if r.record is not None])
        except OSError as error:
            for request in recorded:
                request.error = error
            return
        finally:
            self._warn_put_back()
        for request, request.offset in zip(recorded, offsets, strict=True):
            self.remove_claim(request.attempt)
            if request.drops_part:
                self.shelf.drop(part_of(request.attempt))

    def _refuse_second_end(self, request: CommitRequest) -> None:
        """See that a record ends no doubt that has ended: no run could read it."""
        assert request.record is not None
        if request.record.settled and (why := self.history.doubts.fault(request.record)):
            raise DoubtError(f"the record of {request.record.task} was not written: {why}")

    def remove_claim(self, attempt: str) -> None:
        """Remove a claim whose record is written: one that stays is known by its record."""
        with contextlib.suppress(OSError):
            os.unlink(self._claim(attempt))

    def _warn_put_back(self) -> None:
        if count := self._manifest.put_back:
            records = "1 record was" if count == 1 else f"{count} records were"
            self.warn(
                f"{self.layout.manifest} was replaced or cut while the run went on:"
                f" {records} put back"
            )

    def close(self) -> None:
        """Close the manifest."""
        self._manifest.close()

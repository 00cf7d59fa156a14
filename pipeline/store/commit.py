"""What is durable: claims, outputs, records. One owner, one thread, many tasks a commit.

For one task, in this order, each step durable before the next:

    claim written             before its request leaves
    part whole                the body, with its hash
    claim completed           with hash and headers
    part renamed to output    an older clip of the task moves to superseded/
    record appended           then anything may count it
    claim removed
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import anyio
import anyio.to_thread
import msgspec

from pipeline.common.files import create, write_all
from pipeline.errors import PipelineError, StorageError
from pipeline.ledger import records
from pipeline.ledger.manifest import attempt_digest
from pipeline.ledger.writing import Manifest
from pipeline.models import Claim, Record
from pipeline.store import claims
from pipeline.store.layout import Layout
from pipeline.store.outputs import Outputs

# Seconds in which wishes gather for one commit.
_WINDOW = 0.005
# No task has this key: what is recorded under it has no claim and no part.
_NO_CLAIM = "none"


@dataclass(slots=True, eq=False)
class Wish:
    """One wish of a task, waiting for the next commit."""

    key: str
    claim: Claim | None = None  # write it
    completed: Claim | None = None  # complete it, and place its part
    record: Record | None = None  # append it, and remove the claim
    keep: str | None = None  # keep its part in errors/, under this name
    done: asyncio.Future[None] = field(init=False)
    error: Exception | None = None
    place: bool = True

    def end(self) -> None:
        """Wake whoever waits for it."""
        if not self.done.done():  # else the event loop itself is being taken down
            self.done.set_result(None)


class _Syncing:
    """Files that are made durable together, when the block ends.

    The disk is set to work on all of them before any is waited for: the file system then commits
    its journal about once, and not once a file. A task has two files open here at most, and none
    elsewhere at that time.
    """

    def __init__(self, *, active: bool) -> None:
        self._active = active
        self._open: list[tuple[Wish, int]] = []

    def __enter__(self) -> Self:
        return self

    def write(self, work: Wish, path: str, claim: Claim) -> None:
        """Write a claim, to be synced."""
        file = create(path)
        self._open.append((work, file))
        write_all(file, claims.encode(claim))
        self._begin(file)

    def sync(self, work: Wish, path: str) -> None:
        """Have a file that is already written synced."""
        if self._active:
            file = os.open(path, os.O_RDONLY)
            self._open.append((work, file))
            self._begin(file)

    def _begin(self, file: int) -> None:
        if self._active and hasattr(os, "posix_fadvise"):  # not on macOS
            with contextlib.suppress(OSError):  # a hint: the fsync is what counts
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)

    def __exit__(self, *_: object) -> None:
        for work, file in self._open:
            try:
                self._finish(file)
            except OSError as error:
                work.error = work.error or error

    def _finish(self, file: int) -> None:
        try:
            if self._active:
                os.fsync(file)
        finally:
            os.close(file)  # which tells of a quota or of a server that is gone


class Store:
    """The files of one run. `serve` must run beside whatever awaits the other methods."""

    def __init__(
        self, layout: Layout, *, fsync: bool = True, warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self.layout = layout
        # As text: objects of paths would be a tenth of what a task costs.
        self._inflight = f"{layout.inflight}{os.sep}"
        self._fsync, self._warn = fsync, warn
        self._told: dict[str, None] = {}  # what there is to say, in its order
        self._said: set[str] = set()
        self.leftovers = list(claims.leftovers(layout.inflight))
        found = (left.claim for left in self.leftovers if left.claim is not None)
        attempts = [attempt_digest(claim.task, claim.started_at) for claim in found]
        self._manifest = Manifest(layout.manifest, fsync=fsync, attempts=attempts)
        self.history = self._manifest.history
        self.outputs = Outputs(layout, durable=fsync, warn=self.tell)
        try:
            self.outputs.sync(layout.root)
        except BaseException:
            self._manifest.close()
            raise
        self._waiting: list[Wish] = []
        self._arrived = anyio.Event()
        self._stopped = False

    def tell(self, warning: str) -> None:
        """Note what a person should know; it is said once, by `speak`."""
        self._told.setdefault(warning)

    def speak(self) -> None:
        """Say what was noted, on the event loop."""
        told, self._told = self._told, {}
        for warning in told:
            if warning not in self._said:
                self._said.add(warning)
                self._warn(warning)

    def _claim(self, key: str) -> str:
        return f"{self._inflight}{key}.json"

    def _part(self, key: str) -> str:
        return f"{self._inflight}{key}.part"

    def _draft(self, key: str) -> str:
        return f"{self._inflight}{key}.new"

    # -- wishes -------------------------------------------------------------------------------

    async def claim(self, key: str, claim: Claim) -> None:
        """Make a claim durable. Nothing may be sent before this returns."""
        await self._commit(Wish(key, claim=claim))

    async def finish(self, key: str, completed: Claim) -> Record:
        """Place an output and make it and its record durable; returns the record."""
        work = Wish(key, completed=completed)
        await self._commit(work)
        assert work.record is not None
        return work.record

    async def note(self, key: str, record: Record, *, keep: str | None = None) -> Record:
        """Make the record of a task without output durable, and remove its claim.

        With `keep`, what has come of its body is kept in `errors/` under that name, and the
        record that is returned says where.
        """
        wish = Wish(key, record=record, keep=keep)
        await self._commit(wish)
        assert wish.record is not None
        return wish.record

    async def correct(self, record: Record) -> None:
        """Make a record durable that corrects another; whatever is in flight stays as it is."""
        await self._commit(Wish(_NO_CLAIM, record=record))

    async def complete(self, key: str, completed: Claim) -> None:
        """Make a whole body and its completed claim durable, before it is placed."""
        await self._commit(Wish(key, completed=completed, place=False))

    def noting(self, key: str, failed: Callable[[OSError], None]) -> claims.Noting:
        """Note in a claim how far its attempt has come; `failed` is told where it cannot."""
        return claims.Noting(self._claim(key), failed)

    def has_claim(self, key: str) -> bool:
        """Whether the next run would find the claim of this attempt."""
        return os.path.lexists(self._claim(key))

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
            self._tell_put_back()
            self.speak()

    def drop(self, key: str) -> None:
        """Remove the claim and part of an attempt that left nothing to record.

        A claim that cannot be removed makes the next run call its task in doubt: the safe side.
        """
        for path in (self._claim(key), self._part(key)):
            with contextlib.suppress(OSError):  # not there, or not removable
                os.unlink(path)

    async def _commit(self, work: Wish) -> None:
        if self._stopped:
            raise StorageError(f"{self.layout.root}: the store was closed")
        work.done = asyncio.get_running_loop().create_future()
        self._waiting.append(work)
        self._arrived.set()
        # What is being made durable is made durable, also while the run is being stopped.
        with anyio.CancelScope(shield=True):
            await work.done
        if work.error is not None:
            raise StorageError(f"{self.layout.root}: {work.error}") from work.error

    async def serve(self) -> None:
        """Carry out wishes in batches, each in a thread, until `stop`.

        A run that is cancelled from outside still has answers to save: this outlives its workers.
        """
        with anyio.CancelScope(shield=True):
            while self._waiting or not self._stopped:
                await self._arrived.wait()
                await self._gather()
                self._arrived = anyio.Event()
                batch, self._waiting = self._waiting, []
                await self._commit_batch(batch)

    async def _gather(self) -> None:
        """Let wishes come together: a hop into the thread costs more than most of them."""
        if not self._stopped:
            await anyio.sleep(_WINDOW)

    def stop(self) -> None:
        """End `serve` once all wishes are carried out; there must be none after this."""
        self._stopped = True
        self._arrived.set()

    async def _commit_batch(self, batch: list[Wish]) -> None:
        try:
            await anyio.to_thread.run_sync(self.carry_out, batch)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            for work in batch:
                work.error = work.error or error
        finally:
            self.speak()
            for work in batch:
                work.end()

    # -- one commit, in the thread ------------------------------------------------------------

    def carry_out(self, batch: list[Wish]) -> None:
        """Carry out wishes, one step for all before the next; each is told of its own error."""
        self._write_claims(batch)
        self._sync_directories(batch, {self.layout.inflight})
        placing = [w for w in batch if w.completed and w.place and w.error is None]
        self._each(placing, self._place)
        folders = {
            w.record.output.rpartition("/")[0]
            for w in placing
            if w.record and w.record.output and w.error is None
        }
        self._sync_directories(placing, [self.layout.root / folder for folder in folders])
        for work in batch:
            if work.keep is not None and work.error is None:
                self._keep(work, work.keep)
        self.append([w for w in batch if w.record is not None and w.error is None])

    def _each(self, batch: list[Wish], do: Callable[[Wish], None]) -> None:
        for work in batch:
            try:
                do(work)
            except (OSError, PipelineError) as error:
                work.error = work.error or error

    def _sync_directories(self, batch: list[Wish], folders: Iterable[Path]) -> None:
        if not batch or not self._fsync or not any(w.claim or w.completed for w in batch):
            return
        try:
            for folder in folders:
                self.outputs.sync(folder)
        except OSError as error:
            for work in batch:
                work.error = work.error or error

    def _write_claims(self, batch: list[Wish]) -> None:
        """Write the claims of a batch, or complete them, and make them and the parts durable."""
        with _Syncing(active=self._fsync) as files:
            self._each([w for w in batch if w.claim], partial(self._write_claim, files))
            self._each([w for w in batch if w.completed], partial(self._write_completed, files))
        self._each([w for w in batch if w.completed and not w.error], self._complete)

    def _write_claim(self, files: "_Syncing", work: Wish) -> None:
        assert work.claim is not None
        # In place: a torn claim means that its request has not left.
        files.write(work, self._claim(work.key), work.claim)

    def _write_completed(self, files: "_Syncing", work: Wish) -> None:
        files.sync(work, self._part(work.key))
        assert work.completed is not None
        self._choose_name(work)
        # Not in place: should this be torn, the claim still says what was sent.
        files.write(work, self._draft(work.key), work.completed)

    def _choose_name(self, work: Wish) -> None:
        assert work.completed is not None
        done = work.completed.completion
        assert done is not None
        output = self.outputs.choose(work.completed.task, done.output, done.sha256)
        done = msgspec.structs.replace(done, output=output)
        work.completed = msgspec.structs.replace(work.completed, completion=done, sent=True)

    def _complete(self, work: Wish) -> None:
        os.replace(self._draft(work.key), self._claim(work.key))

    def _place(self, work: Wish) -> None:
        assert work.completed is not None
        if self.history.has(work.completed.task):
            self._supersede(work)
        done = work.completed.completion
        assert done is not None
        self.outputs.place(self._part(work.key), work.completed.task, done.output)
        work.record = records.succeeded(work.completed, done)

    def _supersede(self, work: Wish) -> None:
        """Move the older clips away; one that cannot be moved never costs the new one."""
        assert work.completed is not None
        try:
            self.outputs.supersede(work.completed.task)
        except OSError as error:
            self.tell(
                f"an older clip of {work.completed.task} stays in place, for it cannot be moved to"
                f" {self.layout.superseded}: {error.strerror or error}"
            )
            self._choose_name(work)
            with _Syncing(active=self._fsync) as files:
                files.write(work, self._draft(work.key), work.completed)
            if work.error is None:
                self._complete(work)

    def _keep(self, work: Wish, name: str) -> None:
        """Keep what has come of a body, and say in the record where."""
        assert work.record is not None
        try:
            kept = self.outputs.keep_body(self._part(work.key), name)
        except OSError as error:
            said = f"its body could not be kept: {error.strerror or error}"
        else:
            work.keep = None
            said = f"body kept in {kept}" if kept else ""
        if said:
            told = f"{work.record.error} ({said})"
            work.record = msgspec.structs.replace(work.record, error=told)

    def append(self, recorded: list[Wish]) -> None:
        """Append the records of some works, and remove their claims."""
        if not recorded:
            return
        records = [work.record for work in recorded if work.record is not None]
        try:
            offsets = self._manifest.append(records)
        except OSError as error:
            for work in recorded:
                work.error = error
            return
        finally:
            self._tell_put_back()
        for work, record, offset in zip(recorded, records, offsets, strict=True):
            self.history.add(record, offset)
            self.remove_claim(work.key)
            if work.completed is None and work.keep is None:
                with contextlib.suppress(OSError):
                    os.unlink(self._part(work.key))

    def remove_claim(self, key: str) -> None:
        """Remove a claim whose record is written: one that stays is known by its record."""
        with contextlib.suppress(OSError):
            os.unlink(self._claim(key))

    def _tell_put_back(self) -> None:
        if count := self._manifest.put_back:
            records = "1 record was" if count == 1 else f"{count} records were"
            self.tell(
                f"{self.layout.manifest} was replaced or cut while the run went on:"
                f" {records} put back"
            )

    def close(self) -> None:
        """Close the manifest."""
        self._manifest.close()

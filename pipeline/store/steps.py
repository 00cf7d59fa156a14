"""The order of commits: claims, outputs, records. In one thread, many tasks a commit.

For one task, in this order, each step durable before the next:

    claim written             before its request leaves, once an empty part is made
    claim accepted            with the id that the provider has given, where it gives one
    part whole, and with it   the body
    claim completed           with its hash and the headers, and the facts of the clip: the next
                              run believes it where it finds that body
    part renamed to output    an older clip of the task moves to superseded/
    record appended
    claim closed              not synced: a claim that stays open is known by its record
    record counted            on the event loop: the history has it, and `recorded` is called
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from pipeline.common.files import create, open_file
from pipeline.errors import PipelineError
from pipeline.facts.reading import facts_of
from pipeline.ledger import records
from pipeline.ledger.writing import Manifest
from pipeline.models import Facts, part_of
from pipeline.store.batch import CommitRequest, Syncing
from pipeline.store.claim_log import ClaimLog
from pipeline.store.layout import Layout
from pipeline.store.outstanding import counted
from pipeline.store.shelf import Shelf, sync_names

# Files that a slow disk is waited for at once.
_THREADS = 64


class DoubtError(PipelineError):
    """A doubt has ended already, or not as this record says."""


class Steps:
    """Carries out commits. It is called from one thread at a time.

    With `threads`, it waits for a slow disk in several more of its own.
    """

    def __init__(  # noqa: PLR0913 - what a commit reaches
        self,
        layout: Layout,
        manifest: Manifest,
        shelf: Shelf,
        log: ClaimLog,
        *,
        fsync: bool,
        threads: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._layout, self._manifest, self._shelf, self._log = layout, manifest, shelf, log
        self._history = manifest.history
        self._fsync, self._warn = fsync, warn
        # None is started before it is needed.
        self._threads = ThreadPoolExecutor(_THREADS, "fsync") if threads else None
        self._syncing = Syncing(self._threads, active=fsync)

    def close(self) -> None:
        """Let the threads end that have waited for the disk."""
        if self._threads is not None:
            self._threads.shutdown()

    def carry_out(self, batch: list[CommitRequest]) -> None:
        """Carry out requests, one step for all before the next; each has its own error."""
        self._write_claims(batch)
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

    def _flush(self, placed: list[CommitRequest]) -> None:
        if placed:
            self._all(placed, self._shelf.flush)

    def _all(self, batch: list[CommitRequest], do: Callable[[], None]) -> None:
        """Do what counts for a whole batch, and fails for all of it."""
        try:
            do()
        except OSError as error:
            for request in batch:
                request.error = request.error or error

    def sync_names(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        if self._fsync:
            sync_names(folder, self._layout, self._warn)

    def _write_claims(self, batch: list[CommitRequest]) -> None:
        """Write the claims of a batch, or complete them together with whole parts."""
        self._each([r for r in batch if r.claim], self._make_part)
        completed = [r for r in batch if r.completed]
        with self._syncing as files:
            self._each(completed, partial(self._sync_part, files))
            if completed:
                names = partial(self.sync_names, self._layout.inflight)
                files.beside(lambda: self._all(completed, names))
            self._each([r for r in completed if r.error is None], self._choose_name)
            written = [r for r in batch if r.written is not None and r.error is None]
            if written:
                files.beside(lambda: self._log_claims(written))
        self._each([r for r in completed if r.logged and r.error], self._reopen)
        for request in written:
            if request.claim and request.error:
                self._shelf.drop(part_of(request.attempt))

    def _log_claims(self, written: list[CommitRequest]) -> None:
        """Make claims durable; each that cannot be has its error."""
        written = [request for request in written if request.error is None]
        try:
            self._commit_claims(written)
        except OSError:
            # A disk that is full may have room for some of them.
            self._each(written, lambda request: self._commit_claims([request]))

    def _reopen(self, request: CommitRequest) -> None:
        """Take a completion back whose body could not be made durable: it would be believed."""
        assert request.completed is not None
        claim = msgspec.structs.replace(request.completed, completion=None, sent=True)
        self._log.commit({request.attempt: claim})

    def _make_part(self, request: CommitRequest) -> None:
        """Make the part of a claim, as that takes long; one that cannot be made costs nothing."""
        os.close(create(self._part(request)))

    def _part(self, request: CommitRequest) -> str:
        return self._shelf.local(part_of(request.attempt))

    def _sync_part(self, files: Syncing, request: CommitRequest) -> None:
        """Read the facts of a whole part while it is open, and have it made durable."""
        assert request.completed is not None
        done = request.completed.completion
        file = open_file(self._part(request))
        try:
            if done is not None and done.media is None:
                request.facts = self._facts(file)
        finally:
            files.sync(request, file)

    def _commit_claims(self, batch: list[CommitRequest]) -> None:
        written = {r.attempt: claim for r in batch if (claim := r.written) is not None}
        if written:
            self._log.commit(written)
        for request in batch:
            request.logged = True

    def _choose_name(self, request: CommitRequest) -> None:
        assert request.completed is not None
        done = request.completed.completion
        assert done is not None
        output = self._shelf.choose(request.completed.task, done.output, done.sha256)
        media = done.media or request.facts
        done = msgspec.structs.replace(done, output=output, media=media)
        request.completed = msgspec.structs.replace(request.completed, completion=done, sent=True)

    def _facts(self, part: int) -> Facts | None:
        """Read the facts of a whole part; what is paid for is saved whatever they are."""
        try:
            return facts_of(part)
        except Exception as bug:  # noqa: BLE001 - hostile bytes may find one, and it costs no clip
            self._warn(f"the facts of a clip cannot be read, which is a bug: {bug!r}")
            return None

    def _place(self, request: CommitRequest) -> None:
        assert request.completed is not None
        if self._history.has(request.completed.task):
            self._supersede(request)
        done = request.completed.completion
        assert done is not None
        self._shelf.place(part_of(request.attempt), request.completed.task, done.output)
        before = counted(request.completed, self._history)
        request.record = records.succeeded(request.completed, done, before)

    def _supersede(self, request: CommitRequest) -> None:
        """Move the older clips away; one that cannot be moved never costs the new one."""
        assert request.completed is not None
        try:
            self._shelf.supersede(request.completed.task)
        except OSError as error:
            self._warn(
                f"an older clip of {request.completed.task} stays in place, because it cannot be"
                f" moved to {self._layout.superseded}: {error.strerror or error}"
            )
            self._choose_name(request)
            self._commit_claims([request])

    def _keep(self, request: CommitRequest, name: str) -> None:
        """Keep what has come of a body, and say in the record where."""
        assert request.record is not None
        try:
            kept = self._shelf.keep(part_of(request.attempt), name)
        except OSError as error:
            said = f"its body could not be kept: {error.strerror or error}"
        else:
            request.keep = None
            said = f"body kept in {kept}" if kept else ""
        if said:
            said = f"{request.record.error} ({said})"
            request.record = msgspec.structs.replace(request.record, error=said)

    def _append(self, recorded: list[CommitRequest]) -> None:
        """Append the records of some requests, and close their claims."""
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
            self.warn_put_back()
        if self._shelf.far:  # what was copied is dropped while its claim still names it
            for request in recorded:
                if request.completed:
                    self._shelf.drop(part_of(request.attempt))
        self._log.close_claims(*(request.attempt for request in recorded))
        for request, request.offset in zip(recorded, offsets, strict=True):
            if request.drops_part:
                self._shelf.drop(part_of(request.attempt))

    def _refuse_second_end(self, request: CommitRequest) -> None:
        """See that a record ends no doubt that has ended: no run could read it."""
        assert request.record is not None
        if request.record.settled and (why := self._history.doubts.fault(request.record)):
            raise DoubtError(f"the record of {request.record.task} was not written: {why}")

    def warn_put_back(self) -> None:
        """Warn where records had to be put back."""
        if count := self._manifest.put_back:
            records = "1 record was" if count == 1 else f"{count} records were"
            self._warn(
                f"{self._layout.manifest} was replaced or cut while the run went on:"
                f" {records} put back"
            )

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
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Self

import anyio
import anyio.to_thread
import msgspec

from pipeline import records
from pipeline.directory import Layout, sync_directory
from pipeline.errors import StorageError
from pipeline.manifest import Manifest, attempt_digest, read, replay, write_all
from pipeline.models import Claim, Completion, Record, Status

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Claim)
# Seconds in which wishes gather for one commit.
_WINDOW = 0.005


@dataclass(slots=True, eq=False)
class _Work:
    """One wish of a task, waiting for the next commit."""

    key: str
    claim: Claim | None = None  # write it
    completed: Claim | None = None  # complete it, and place its part
    record: Record | None = None  # append it, and remove the claim
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
        self._open: list[tuple[_Work, int]] = []

    def __enter__(self) -> Self:
        return self

    def write(self, work: _Work, path: str, claim: Claim) -> None:
        """Write a claim, to be synced."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        self._open.append((work, file))
        write_all(file, _ENCODER.encode(claim))
        self._begin(file)

    def sync(self, work: _Work, path: str) -> None:
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


class _Owners:
    """Which task each output belongs to, found from either side: a scan a task is quadratic."""

    def __init__(self) -> None:
        self._task: dict[str, str] = {}
        self._outputs: dict[str, list[str]] = {}

    def add(self, output: str, task: str) -> None:
        """Note that `output` is `task`'s now."""
        before = self._task.get(output)
        if before is not None:
            self._outputs[before].remove(output)
        self._task[output] = task
        self._outputs.setdefault(task, []).append(output)

    def owns(self, task: str, output: str) -> bool:
        """Whether `output` is `task`'s."""
        return self._task.get(output) == task

    def pop(self, task: str) -> list[str]:
        """Take all outputs of a task out."""
        outputs = self._outputs.pop(task, [])
        for output in outputs:
            del self._task[output]
        return outputs


class Store:
    """The files of one run. `serve` must run beside whatever awaits the other methods."""

    def __init__(self, layout: Layout, *, fsync: bool = True) -> None:
        self.layout = layout
        # As text: objects of paths would be a tenth of what a task costs.
        self._root, self._inflight = f"{layout.root}{os.sep}", f"{layout.inflight}{os.sep}"
        self._fsync = fsync
        self._manifest = Manifest(layout.manifest, fsync=fsync)
        try:
            if fsync:
                sync_directory(layout.root)
            self.history = replay(layout.manifest, attempts=_attempts(leftover_claims(layout)))
        except BaseException:
            self._manifest.close()
            raise
        self._waiting: list[_Work] = []
        self._arrived = anyio.Event()
        self._stopped = False
        self._owners: _Owners | None = None

    def _claim(self, key: str) -> str:
        return f"{self._inflight}{key}.json"

    def _part(self, key: str) -> str:
        return f"{self._inflight}{key}.part"

    def _draft(self, key: str) -> str:
        return f"{self._inflight}{key}.new"

    # -- wishes -------------------------------------------------------------------------------

    async def claim(self, key: str, claim: Claim) -> None:
        """Make a claim durable. Nothing may be sent before this returns."""
        await self._commit(_Work(key, claim=claim))

    async def finish(self, key: str, completed: Claim) -> Record:
        """Place an output and make it and its record durable; returns the record."""
        work = _Work(key, completed=completed)
        await self._commit(work)
        assert work.record is not None
        return work.record

    async def note(self, key: str, record: Record) -> None:
        """Make the record of a task without output durable, and remove its claim."""
        await self._commit(_Work(key, record=record))

    async def complete(self, key: str, completed: Claim) -> None:
        """Make a whole body and its completed claim durable, before it is placed."""
        await self._commit(_Work(key, completed=completed, place=False))

    def drop(self, key: str) -> None:
        """Remove the claim and part of an attempt that left nothing to record.

        A claim that cannot be removed makes the next run call its task in doubt: the safe side.
        """
        for path in (self._claim(key), self._part(key)):
            with contextlib.suppress(OSError):  # not there, or not removable
                os.unlink(path)

    async def _commit(self, work: _Work) -> None:
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

    async def _commit_batch(self, batch: list[_Work]) -> None:
        try:
            await anyio.to_thread.run_sync(self._carry_out, batch)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            for work in batch:
                work.error = work.error or error
        finally:
            for work in batch:
                work.end()

    # -- one commit, in the thread ------------------------------------------------------------

    def _carry_out(self, batch: list[_Work]) -> None:
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
        self._append([w for w in batch if w.record is not None and w.error is None])

    def _each(self, batch: list[_Work], do: Callable[[_Work], None]) -> None:
        for work in batch:
            try:
                do(work)
            except OSError as error:
                work.error = work.error or error

    def _sync_directories(self, batch: list[_Work], folders: Iterable[Path]) -> None:
        if not batch or not self._fsync or not any(w.claim or w.completed for w in batch):
            return
        try:
            for folder in folders:
                sync_directory(folder)
        except OSError as error:
            for work in batch:
                work.error = work.error or error

    def _write_claims(self, batch: list[_Work]) -> None:
        """Write the claims of a batch, or complete them, and make them and the parts durable."""
        with _Syncing(active=self._fsync) as files:
            self._each([w for w in batch if w.claim], partial(self._write_claim, files))
            self._each([w for w in batch if w.completed], partial(self._write_completed, files))
        self._each([w for w in batch if w.completed and not w.error], self._complete)

    def _write_claim(self, files: "_Syncing", work: _Work) -> None:
        assert work.claim is not None
        # In place: a torn claim means that its request has not left.
        files.write(work, self._claim(work.key), work.claim)

    def _write_completed(self, files: "_Syncing", work: _Work) -> None:
        files.sync(work, self._part(work.key))
        assert work.completed is not None
        assert work.completed.completion is not None
        output = self._choose_name(work.completed)
        done = msgspec.structs.replace(work.completed.completion, output=output)
        work.completed = msgspec.structs.replace(work.completed, completion=done)
        # Not in place: should this be torn, the claim still says what was sent.
        files.write(work, self._draft(work.key), work.completed)

    def _complete(self, work: _Work) -> None:
        os.replace(self._draft(work.key), self._claim(work.key))

    def _place(self, work: _Work) -> None:
        assert work.completed is not None
        assert work.completed.completion is not None
        task, output = work.completed.task, work.completed.completion.output
        if self.history.has(task):
            self._supersede(task)
        part, target = self._part(work.key), f"{self._root}{output}"
        try:
            os.replace(part, target)
        except FileNotFoundError:
            self._make_folder((self.layout.root / output).parent)
            os.replace(part, target)
        if self._owners is not None:
            self._owners.add(output, task)
        work.record = records.succeeded(work.completed, work.completed.completion)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        while self._fsync and folder != self.layout.root:
            folder = folder.parent
            sync_directory(folder)

    def _append(self, recorded: list[_Work]) -> None:
        if not recorded:
            return
        records = [work.record for work in recorded if work.record is not None]
        try:
            offsets = self._manifest.append(records)
        except OSError as error:
            for work in recorded:
                work.error = error
            return
        for work, record, offset in zip(recorded, records, offsets, strict=True):
            self.history.add(record, offset)
            # A claim that stays behind is known by its record at the next start.
            with contextlib.suppress(OSError):
                os.unlink(self._claim(work.key))
            if work.completed is None:
                with contextlib.suppress(OSError):
                    os.unlink(self._part(work.key))

    # -- names --------------------------------------------------------------------------------

    def _choose_name(self, claim: Claim) -> str:
        """Choose where an output goes: a file that is not this task's stays where it is."""
        assert claim.completion is not None
        wanted = claim.completion.output
        taken = os.path.exists(f"{self._root}{wanted}")
        if not taken or self._owned().owns(claim.task, wanted):
            return wanted
        path = PurePosixPath(wanted)
        return str(path.with_stem(f"{path.stem}-{claim.completion.sha256[:8]}"))

    def _supersede(self, task: str) -> None:
        """Move the older clips of a task out of the way."""
        for output in self._owned().pop(task):
            old = self.layout.root / output
            if old.exists():
                self.layout.superseded.mkdir(exist_ok=True)
                old.replace(self._retired_name(PurePosixPath(output)))
                if self._fsync:
                    sync_directory(self.layout.superseded)

    def _retired_name(self, output: PurePosixPath) -> Path:
        flat = "-".join((*output.parent.parts, output.stem))
        names = (f"{flat}.{number}{output.suffix}" for number in itertools.count(1))
        return next(p for name in names if not (p := self.layout.superseded / name).exists())

    def _owned(self) -> "_Owners":
        """Which task each output in place belongs to; read when first needed."""
        if self._owners is None:
            self._owners = _Owners()
            for record in read(self.layout.manifest):
                if record.status is Status.SUCCEEDED and record.output is not None:
                    self._owners.add(record.output, record.task)
        return self._owners

    # -- after a crash ------------------------------------------------------------------------

    def recover(self) -> list[Record]:
        """Turn leftover claims into records: taken in where the output is whole, else in doubt."""
        recovered = []
        for draft in self.layout.inflight.glob("*.new"):
            draft.unlink()
        for key, claim in leftover_claims(self.layout):
            recorded = claim and attempt_digest(claim.task, claim.started_at)
            if claim is None or recorded in self.history.attempts:
                self.drop(key)
                continue
            work = self._recover(key, claim)
            self._append([work])
            if work.error is not None:
                raise StorageError(f"{self.layout.root}: {work.error}") from work.error
            assert work.record is not None
            recovered.append(work.record)
        for part in self.layout.inflight.glob("*.part"):
            part.unlink()
        return recovered

    def _recover(self, key: str, claim: Claim) -> _Work:
        done = claim.completion
        error = "the run was killed before the answer was saved"
        work = _Work(key, completed=claim, record=records.doubtful(claim, error))
        if done is None:
            return work
        if _holds(self.layout.part(key), done):
            # Meanwhile somebody may have put a file there.
            done = msgspec.structs.replace(done, output=self._choose_name(claim))
            work.completed = msgspec.structs.replace(claim, completion=done)
            self._place(work)
        elif _holds(self.layout.root / done.output, done):
            work.record = records.succeeded(claim, done)
        else:
            return work
        if self._fsync:
            sync_directory((self.layout.root / done.output).parent)
        return work

    def close(self) -> None:
        """Close the manifest."""
        self._manifest.close()


def leftover_claims(layout: Layout) -> Iterator[tuple[str, Claim | None]]:
    """Yield the claims that an earlier run left; None for one that was torn while written."""
    for path in sorted(layout.inflight.glob("*.json")):
        try:
            yield path.stem, _DECODER.decode(path.read_bytes())
        except FileNotFoundError:
            continue  # a run that is going on has just ended that attempt
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield path.stem, None


def _attempts(claims: Iterable[tuple[str, Claim | None]]) -> list[bytes]:
    return [attempt_digest(claim.task, claim.started_at) for _, claim in claims if claim]


def _holds(path: Path, done: Completion) -> bool:
    if not path.is_file() or path.stat().st_size != done.bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == done.sha256

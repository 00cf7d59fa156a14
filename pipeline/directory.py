"""The output directory: its places, its lock, and to whom it belongs.

<output name>.<ext>   manifest.jsonl   report.html   superseded/   errors/
.inflight/            a claim and a part for each attempt on the wire
.lock   .job.json     one run at a time; one job a directory
"""

import fcntl
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline import manifest
from pipeline.errors import DirectoryError
from pipeline.models import Job

if TYPE_CHECKING:
    from filelock import FileLock

# A status command looks at the lock for a moment; a run must not fail for that.
_LOCK_PATIENCE = 1.0


@dataclass(frozen=True)
class Layout:
    """Where things are in an output directory."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The record of what happened."""
        return self.root / manifest.NAME

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.root / "report.html"

    @cached_property
    def inflight(self) -> Path:
        """Claims and parts of attempts on the wire."""
        return self.root / ".inflight"

    @property
    def superseded(self) -> Path:
        """Clips that newer ones have replaced."""
        return self.root / "superseded"

    @property
    def errors(self) -> Path:
        """Bodies that were no media."""
        return self.root / "errors"

    @property
    def lock(self) -> Path:
        """Held by a run as long as its process lives."""
        return self.root / ".lock"

    @property
    def owner(self) -> Path:
        """Which job the directory belongs to."""
        return self.root / ".job.json"

    @property
    def state(self) -> Path:
        """What a run is doing just now, for `status`."""
        return self.root / ".state.json"

    def claim(self, key: str) -> Path:
        """The claim of the attempt at task `key`."""
        return self.inflight / f"{key}.json"

    def part(self, key: str) -> Path:
        """The body of that attempt, as far as it has come."""
        return self.inflight / f"{key}.part"

    def is_running(self) -> bool:
        """Whether a run holds the directory now: another user's too, where it can be read."""
        try:
            file = os.open(self.lock, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False


class _Owner(msgspec.Struct):
    """The job that a directory belongs to. `file` is relative to the directory."""

    name: str
    file: str


class Held:
    """An output directory held by this process until it is closed, or dies."""

    def __init__(self, layout: Layout, lock: "FileLock") -> None:
        self.layout = layout
        self._lock = lock

    def close(self) -> None:
        """Let the directory go."""
        self._lock.release()


def hold(job: Job) -> Held:
    """Make, lock and claim the output directory of a job.

    Raises:
        DirectoryError: not writable, held by another run, or another job's.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - `check` takes no lock

    layout = Layout(job.output_dir)
    try:
        _make(layout.inflight)
        _try_writing(layout)
        lock = FileLock(layout.lock)
        lock.acquire(timeout=_LOCK_PATIENCE, poll_interval=0.05)
    except Timeout:
        raise DirectoryError(
            f"{layout.root} is in use by another run",
            hint="wait for it, or watch it with `pipeline status`",
        ) from None
    except OSError as error:
        raise DirectoryError(
            f"{layout.root} cannot be written: {error.strerror or error}",
            hint="choose another directory with --output, or mend its permissions",
        ) from error
    try:
        _settle_owner(layout, job)
    except BaseException:
        lock.release()
        raise
    return Held(layout, lock)


def _make(folder: Path) -> None:
    """Make a directory and those above it, so that a power loss leaves them there."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(missing):
        sync_directory(path.parent)


def _try_writing(layout: Layout) -> None:
    """Make and remove a file where files will be: better now than after something was paid."""
    for folder in (layout.root, layout.inflight):
        with tempfile.TemporaryFile(dir=folder):
            pass
    if layout.manifest.exists():
        layout.manifest.open("ab").close()


def _settle_owner(layout: Layout, job: Job) -> None:
    owner = refuse_another_job(layout, job)
    new = _Owner(job.name, os.path.relpath(job.path, layout.root))
    if owner is None or (owner.name, owner.file) != (new.name, new.file):
        write_atomically(layout.owner, msgspec.json.encode(new))


def refuse_another_job(layout: Layout, job: Job) -> _Owner | None:
    """See that a directory is this job's, or nobody's; returns whose it is.

    Raises:
        DirectoryError: it is another job's.
    """
    owner = read_owner(layout)
    if owner is not None and not _same_job(layout, owner, job):
        raise DirectoryError(
            f"{layout.root} belongs to the job {owner.name!r} ({layout.root / owner.file})",
            hint="give this job a directory of its own: output.dir, or --output",
        )
    return owner


def read_owner(layout: Layout) -> _Owner | None:
    """Read which job a directory belongs to; None where none has claimed it."""
    try:
        return msgspec.json.decode(layout.owner.read_bytes(), type=_Owner)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DirectoryError(
            f"{layout.owner} cannot be read: {error}",
            hint="delete it if the directory belongs to this job",
        ) from error


def _same_job(layout: Layout, owner: _Owner, job: Job) -> bool:
    """Judge by the file's place; or by the name, where the file was moved."""
    if owner.file == os.path.relpath(job.path, layout.root):
        return True
    recorded = layout.root / owner.file
    if not recorded.exists():
        return owner.name == job.name
    return job.path.exists() and recorded.samefile(job.path)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, where the system knows how."""
    if os.name == "posix":
        sync_file(path)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a small file: readers see the old one or the new one, also after a power loss."""
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def wrong_origin(root: Path, *, simulated: bool) -> str:
    """Say that real and simulated clips must not be mixed; `simulated` is what answers now."""
    here, there = ("the sandbox", "the real API") if simulated else ("the real API", "the sandbox")
    return f"{root} holds clips of {there}, and {here} answers now"

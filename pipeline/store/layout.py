"""The output directory: its places, its lock, and to whom it belongs.

<output name>.<ext>   manifest.jsonl   report.html   superseded/   errors/   posters/
.inflight/            the claims, and a part for each attempt on the wire
.lock   .job.json     one run at a time; one job a directory
.again.json           what a run was asked to render again, until it has ended
.bucket.json          by what a bucket knows this directory
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import msgspec

from pipeline import __version__
from pipeline.common import output_names as places
from pipeline.common.files import (
    is_locked,
    lock,
    open_file,
    read_file,
    refuse_alien_folder,
    sync_directory,
    write_atomically,
)
from pipeline.errors import DirectoryError
from pipeline.ledger import manifest, verdicts
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.models import Job
from pipeline.printable import printable

# Bytes of what we note about a directory.
LONGEST_NOTE = 1024**2
# A first line may hold parameters with pictures in them.
_LONGEST_LINE = 64 * 1024**2
_MOST_COUNTED = 1000
_NAMED = 3


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

    @property
    def bundle(self) -> Path:
        """The page for people who have no clips: pictures and small films are in it."""
        return self.root / "report-bundle.html"

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
    def posters(self) -> Path:
        """Still pictures of clips."""
        return self.root / "posters"

    @property
    def lock(self) -> Path:
        """Locked by a run as long as its process lives."""
        return self.root / ".lock"

    @property
    def owner(self) -> Path:
        """Which job the directory belongs to."""
        return self.root / ".job.json"

    @property
    def prefix(self) -> Path:
        """By what a bucket knows this directory, where outputs go to one."""
        return self.root / ".bucket.json"

    @property
    def verdicts(self) -> Path:
        """What people said of clips."""
        return self.root / verdicts.NAME

    @property
    def again(self) -> Path:
        """What a run was asked to render again, as long as it has not ended."""
        return self.root / ".again.json"

    @property
    def state(self) -> Path:
        """What a run is doing just now, for `status`."""
        return self.root / ".state.json"

    def part(self, attempt: str) -> Path:
        """The body of an attempt, as far as it has come."""
        return self.inflight / f"{attempt}.part"

    def is_running(self) -> bool:
        """Whether a run holds the directory now: another user's too, where it can be read.

        A lock file can be removed under a run: what it protects is locked as well.
        """
        return any(
            is_locked(path) for path in (str(self.lock), f"{self.root}/", str(self.manifest))
        )

    def foreign_files(self) -> list[str]:
        """Name the files that pipeline did not make, at most a thousand."""
        with os.scandir(self.root) as found:
            names = (entry.name for entry in found)
            return list(islice((n for n in names if not self._is_own(n)), _MOST_COUNTED))

    @staticmethod
    def _is_own(name: str) -> bool:
        return name in places.OWN or name.startswith(".") or name == "lost+found"


class Owner(msgspec.Struct):
    """The job that a directory belongs to: its name, and its file relative to the directory.

    `program` is the version that wrote this last.
    """

    name: str
    file: str
    format: int = 1
    program: str | None = None


class OutputLock:
    """The lock on an output directory, until it is closed or the process dies.

    `warnings` are what a person should know of it before money is spent.
    """

    def __init__(self, layout: Layout, locks: ExitStack, warnings: list[str]) -> None:
        self.layout, self.warnings = layout, warnings
        self._locks = locks

    def close(self) -> None:
        """Unlock the directory."""
        self._locks.close()


def lock_output(job: Job) -> OutputLock:
    """Make and lock the output directory of a job.

    Raises:
        DirectoryError: it cannot be written, another run uses it, or it is another job's.
    """
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    with ExitStack() as locks:
        try:
            for folder in (layout.inflight, layout.superseded, layout.errors):
                refuse_alien_folder(folder)
            _make(layout.inflight)
            _lock(layout, locks)
            _try_writing(layout)
            warnings = list(_write_owner(layout, job))
        except OSError as error:
            raise DirectoryError(
                f"{layout.root} cannot be written: {error.strerror or error}",
                hint="choose another directory with --output, or make it writable",
            ) from error
        return OutputLock(layout, locks.pop_all(), warnings)


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Lock an output directory that is there.

    Raises:
        DirectoryError: a run uses it.
    """
    with ExitStack() as locks:
        _lock(layout, locks)
        yield


def _lock(layout: Layout, locks: ExitStack) -> None:
    """Lock the lock file, and the directory itself: a lock file can be removed under a run."""
    file = open_file(layout.lock, os.O_RDWR | os.O_CREAT)
    locks.callback(os.close, file)
    free = lock(file)
    folder = os.open(layout.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    locks.callback(os.close, folder)
    with suppress(OSError):  # a share that locks no directory: there the manifest's must do
        free = free and lock(folder)
    if not free:
        raise DirectoryError(
            f"{layout.root} is in use by another run",
            hint="wait for it, or watch it with `pipeline status`; after a change of the job file,"
            " `pipeline control JOB reload` lets the run take it up",
        )


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
    if os.path.lexists(layout.manifest):
        os.close(open_file(layout.manifest, os.O_RDWR | os.O_APPEND))


def _write_owner(layout: Layout, job: Job) -> Iterator[str]:
    """Write down whose the directory is; yield what a person should know of it."""
    owner = refuse_another_job(layout, job)
    # Where a manifest is, the clips are its own: a copy may have left our dotted files behind.
    if owner is None and not layout.manifest.exists() and (others := layout.foreign_files()):
        yield _describe_foreign(layout, others)
    new = Owner(job.name, os.path.relpath(job.path, layout.root), FORMAT, __version__)
    if owner != new:
        write_atomically(layout.owner, msgspec.json.encode(new))


def _describe_foreign(layout: Layout, others: list[str]) -> str:
    many = "more than 1,000 files" if len(others) == _MOST_COUNTED else f"{len(others)} files"
    what = "a file" if len(others) == 1 else many
    names = ", ".join(map(printable, sorted(others)[:_NAMED])) + (", …" if others[_NAMED:] else "")
    return f"{layout.root} has {what} of others ({names}): the clips are put beside them"


def refuse_newer_files(layout: Layout) -> None:
    """See that no file of a directory was written by a newer version, before anything else.

    Only their first lines are read here: what else is wrong with a file, its reader finds.

    Raises:
        DirectoryError: a newer version has written one.
    """
    claims: list[Path] = []
    with suppress(OSError):  # whoever reads them will find it
        claims += layout.inflight.glob("*.json")
    ours = (layout.owner, layout.state, layout.prefix, layout.again, layout.manifest)
    for path in (*ours, layout.verdicts, *claims):
        refuse_newer(path, _first_line(path))


def _first_line(path: Path) -> bytes:
    try:
        with os.fdopen(open_file(path), "rb") as file:
            return file.readline(_LONGEST_LINE)
    except (OSError, DirectoryError):
        return b""


def refuse_another_job(layout: Layout, job: Job) -> Owner | None:
    """Check that a directory is this job's, or nobody's; return whose it is.

    Raises:
        DirectoryError: it is another job's.
    """
    owner = read_owner(layout)
    if owner is not None and not _same_job(layout, owner, job):
        raise DirectoryError(
            f"{layout.root} belongs to the job {owner.name!r} ({str(layout.root / owner.file)!r})",
            hint="give this job a directory of its own: output.dir, or --output",
        )
    return owner


def read_owner(layout: Layout) -> Owner | None:
    """Read which job a directory belongs to; None where none has claimed it."""
    try:
        return msgspec.json.decode(read_file(layout.owner, LONGEST_NOTE), type=Owner)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DirectoryError(
            f"{layout.owner} cannot be read: {error}",
            hint="delete it if the directory belongs to this job",
        ) from error


def _same_job(layout: Layout, owner: Owner, job: Job) -> bool:
    """Judge by the file's place; or by the name, where the file was moved."""
    if owner.file == os.path.relpath(job.path, layout.root):
        return True
    recorded = layout.root / owner.file
    if not recorded.exists():
        return owner.name == job.name
    return job.path.exists() and recorded.samefile(job.path)


def wrong_origin(root: Path, *, simulated: bool) -> str:
    """Say that real and simulated clips must not be mixed; `simulated` is what answers now."""
    here, there = ("the sandbox", "the real API") if simulated else ("the real API", "the sandbox")
    return f"{root} holds clips of {there}, and {here} answers now"

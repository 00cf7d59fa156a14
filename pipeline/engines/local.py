"""The engine of one machine: each slot is a task of this process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pipeline.api.outcome import Outcome
from pipeline.api.provider import Session, Witness
from pipeline.engines.crew import Assignment, Seat, Setting
from pipeline.errors import UsageError
from pipeline.store.batch import MOST_OPEN

# Open files that no request needs: libraries, the manifest, the terminal, the log; and those that
# are being made durable.
_OTHER_FILES = 40 + MOST_OPEN


@dataclass(slots=True, eq=False)
class LocalCrew:
    """Makes attempts over the session of the run itself: as a crew, and as every seat of it."""

    session: Session
    spool: Callable[[str], Path]
    slots: int
    jitter: float = 0.0

    def resize(self, slots: int) -> None:
        """Allow as many open files as `slots` attempts at once need.

        Raises:
            UsageError: the system does not allow so many.
        """
        if slots > self.slots:
            allow_files(slots)
            self.slots = slots

    def seat(self) -> AbstractAsyncContextManager[Seat]:
        """Give a seat: this process is always there."""
        return nullcontext(self)

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        """Send one request."""
        return await self.session.attempt(assignment.task, self.spool(assignment.part), witness)


@asynccontextmanager
async def local(setting: Setting) -> AsyncIterator[LocalCrew]:
    """Make the crew of a run on this machine.

    Raises:
        UsageError: the system does not allow as many open files as that takes.
    """
    allow_files(setting.job.concurrency)
    yield LocalCrew(setting.session, setting.store.shelf.spool, setting.job.concurrency)


def allow_files(concurrency: int) -> None:
    """Let the process open a socket and a part for each request in flight, and some more.

    Raises:
        UsageError: the system does not allow so many.
    """
    try:
        import resource  # noqa: PLC0415 - POSIX alone has it, and the limit
    except ImportError:
        return
    needed = 2 * concurrency + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"a concurrency of {concurrency} needs {needed} open files, and {hard} are allowed",
            hint=f"--concurrency {max((hard - _OTHER_FILES) // 2, 1)}, or a higher `ulimit -n`",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))

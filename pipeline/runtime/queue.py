"""The tasks that are left, in the order of dispatch. They are kept on disk, not in memory."""

import heapq
import tempfile
from array import array
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field, replace

import msgspec

from pipeline.api.outcomes import Outcome
from pipeline.errors import DirectoryError
from pipeline.ledger.history import Standing
from pipeline.models import Task
from pipeline.money.figures import Reservation
from pipeline.money.prices import price_class

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Task)
_IN_MEMORY = 8 * 1024**2


class Backlog:
    """A snapshot of the tasks to do: what was checked is what is sent, whatever is edited later.

    Higher priorities first, and the order of the file among equals.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._offsets = array("Q")
        self._priorities = array("q")
        self._standings = bytearray()
        self._end = 0
        self._next = 0

    def add(self, task: Task, standing: Standing = Standing.NEW) -> None:
        """Put a task at the end of its priority.

        Raises:
            DirectoryError: the system's temporary directory has no room.
        """
        line = _ENCODER.encode(task) + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise _full(error) from error
        self._offsets.append(self._end)
        self._priorities.append(task.priority)
        self._standings.append(standing)
        self._end += len(line)

    def seal(self, limit: int | None = None) -> None:
        """Order what was added, and keep the first `limit` of it."""
        try:
            self._file.flush()
        except OSError as error:
            raise _full(error) from error
        if any(self._priorities):
            order = sorted(range(len(self._offsets)), key=lambda i: -self._priorities[i])
            self._offsets = array("Q", (self._offsets[i] for i in order))
            self._standings = bytearray(self._standings[i] for i in order)
        del self._priorities[:]
        if limit is not None:
            del self._offsets[limit:]

    def pop(self) -> "Work | None":
        """Take the next task; None when all are taken."""
        if self._next == len(self._offsets):
            return None
        task = self._read(self._next)
        standing = Standing(self._standings[self._next])
        self._next += 1
        return Work(task, price_class(task), standing, place=self._next)

    def __len__(self) -> int:
        return len(self._offsets) - self._next

    def classes(self) -> Counter[str]:
        """Count the tasks that are left by price class; reads them all."""
        return Counter(price_class(self._read(at)) for at in range(self._next, len(self._offsets)))

    def _read(self, place: int) -> Task:
        self._file.seek(self._offsets[place])
        return _DECODER.decode(self._file.readline())

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()


def _full(error: OSError) -> DirectoryError:
    return DirectoryError(
        f"{tempfile.gettempdir()} cannot hold the list of tasks: {error.strerror}",
        hint="make room there, or let TMPDIR name another directory",
    )


@dataclass(slots=True, eq=False)
class Work:
    """A task on its way. `attempts` count against its budget; `sent` is how often it went out.

    `place` is its place in the order of importance. `kept` is the money that is kept for it while
    it waits for its retry. `failed_at` is when its last attempt failed, in monotonic seconds.
    """

    task: Task
    price_class: str
    standing: Standing = Standing.NEW
    attempts: int = 0
    sent: int = 0
    place: int = 0
    kept: Reservation | None = None
    failed_at: float = 0.0
    error: str = ""
    outcome: Outcome | None = None

    def failed(self, outcome: Outcome, error: str) -> None:
        """Note what came of the last attempt; its text is in `error`, so far as people need it."""
        self.outcome, self.error = replace(outcome, text=""), error


@dataclass(slots=True)
class Queue:
    """What may be dispatched next, the most important first: what came back, then the backlog."""

    backlog: Backlog
    classes: Counter[str] = field(default_factory=Counter)
    # Tasks that have had their attempts, until it shows whether that was an outage.
    parked: list[Work] = field(default_factory=list)
    _front: list[Work] = field(default_factory=list)
    _later: list[tuple[float, int, Work]] = field(default_factory=list)
    _aside: list[Work] = field(default_factory=list)
    _count: int = 0

    def __len__(self) -> int:
        return self.dispatchable + len(self.parked)

    @property
    def dispatchable(self) -> int:
        """How many tasks are left that may still be dispatched."""
        return len(self.backlog) + len(self._front) + len(self._later) + len(self._aside)

    def head(self, now: float, *, fresh: bool = False) -> Work | None:
        """Look at the next task; `fresh` prefers one that has not been tried."""
        while self._later and self._later[0][0] <= now:
            self._insert(heapq.heappop(self._later)[2])
        if fresh and (work := self._untried()) is not None:
            return work
        if self._later and fresh and not self._front:
            self._insert(heapq.heappop(self._later)[2])
        return self._front[0] if self._front else self._untried()

    def waiting(self) -> Work | None:
        """Look at the first task of those whose retry is due and that money is kept for."""
        return next((work for work in self._front if work.kept is not None), None)

    def _insert(self, work: Work) -> None:
        insort(self._front, work, key=lambda one: one.place)

    def _untried(self) -> Work | None:
        for waiting in self._front:
            if not waiting.sent:
                return waiting
        work = self.backlog.pop()
        if work is not None:
            self._front.append(work)
        return work

    def take(self, work: Work) -> None:
        """Take the task that was looked at."""
        self._front.remove(work)
        self.classes[work.price_class] -= 1

    def put_back(self, work: Work) -> None:
        """Put a task back to its place, as if it had not been taken."""
        self._insert(work)
        self.classes[work.price_class] += 1

    def put_later(self, work: Work, when: float) -> None:
        """Put a task back, to be dispatched at `when` (monotonic seconds)."""
        self._count += 1
        heapq.heappush(self._later, (when, self._count, work))
        self.classes[work.price_class] += 1

    def set_aside(self, work: Work) -> None:
        """Leave a task that cannot be paid for, so that cheaper ones behind it may go."""
        self._front.remove(work)
        self._aside.append(work)

    def restore(self) -> bool:
        """Take back what was set aside; False where nothing was."""
        self._front = sorted([*self._aside, *self._front], key=lambda one: one.place)
        restored = bool(self._aside)
        self._aside.clear()
        return restored

    def next_due(self) -> float | None:
        """When the first waiting retry is due, in monotonic seconds."""
        return self._later[0][0] if self._later else None

    def left_by_class(self) -> Counter[str]:
        """Count the tasks that are left by price class, those that wait for a verdict too."""
        return self.classes + Counter(work.price_class for work in self.parked)

    def classes_left(self) -> list[str]:
        """The price classes of the tasks that may still be dispatched."""
        return [name for name, count in self.classes.items() if count > 0]

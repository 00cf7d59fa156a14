"""The tasks that are left, in the order of dispatch. They are kept on disk, not in memory."""

import heapq
import tempfile
from array import array
from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import msgspec

from pipeline.errors import DirectoryError
from pipeline.ledger.history import TaskState
from pipeline.models import Task
from pipeline.money.price_class import price_class
from pipeline.runtime.lifecycle import Attempt, Stage

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Task)
_IN_MEMORY = 8 * 1024**2


class Exchange(NamedTuple):
    """How one backlog differs from the one before: how many tasks joined, left, were changed."""

    joined: int
    left: int
    changed: int


class Backlog:
    """A snapshot of the tasks to do: what was checked is what is sent, whatever is edited later.

    Higher priorities first, and the order of the file among equals.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._offsets = array("Q")
        self._priorities = array("q")
        self._origins = bytearray()
        self._keys = array("q")
        self._marks = array("q")
        self._end = 0
        self._next = 0
        self._first_rank = 0

    def add(self, task: Task, origin: TaskState = TaskState.NEW) -> None:
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
        self._origins.append(origin)
        self._keys.append(hash(task.id))
        self._marks.append(_mark(task))
        self._end += len(line)

    def seal(self, limit: int | None = None) -> None:
        """Order what was added, and keep the first `limit` of it."""
        try:
            self._file.flush()
        except OSError as error:
            raise _full(error) from error
        if any(self._priorities):
            order = sorted(range(len(self._offsets)), key=lambda i: -self._priorities[i])
            self._keep(order)
        del self._priorities[:]
        if limit is not None:
            self.cut(limit)

    def _keep(self, places: Sequence[int]) -> None:
        """Keep what is at these places, in this order."""
        self._offsets = array("Q", (self._offsets[i] for i in places))
        self._origins = bytearray(self._origins[i] for i in places)
        self._keys = array("q", (self._keys[i] for i in places))
        self._marks = array("q", (self._marks[i] for i in places))

    def cut(self, limit: int) -> None:
        """Keep the first `limit` of the tasks, of which none is taken yet."""
        for column in (self._offsets, self._origins, self._keys, self._marks):
            del column[limit:]

    def leave_out(self, tasks: Collection[str]) -> Counter[str]:
        """Take tasks out, by their ids, before any is taken; count them by price class."""
        keys, out = {hash(task) for task in tasks}, Counter[str]()
        found = [i for i, key in enumerate(self._keys) if key in keys]
        gone = set()
        for place in found:
            task = self._read(place)
            if task.id in tasks:
                gone.add(place)
                out[price_class(task)] += 1
        if gone:
            self._keep([i for i in range(len(self._offsets)) if i not in gone])
        return out

    def follow(self, other: "Backlog", also: Iterable[Task] = ()) -> Exchange:
        """Take the place of another one: the ranks go on from there; say what differs.

        `also` are tasks that were taken from the other one, and not sent.
        """
        self._first_rank = other.last_rank
        before = dict(other.entries())
        before |= {hash(task.id): _mark(task) for task in also}
        joined = changed = 0
        for key, mark in self.entries():
            known = before.pop(key, None)
            joined += known is None
            changed += known is not None and known != mark
        return Exchange(joined, len(before), changed)

    @property
    def last_rank(self) -> int:
        """The rank of the last task."""
        return self._first_rank + len(self._offsets)

    def entries(self) -> Iterator[tuple[int, int]]:
        """Yield of each task that is left a hash of its id, and one of what can be edited."""
        return islice(zip(self._keys, self._marks, strict=True), self._next, None)

    def pop(self) -> Attempt | None:
        """Take the next task; None when all are taken."""
        if self._next == len(self._offsets):
            return None
        task = self._read(self._next)
        origin = TaskState(self._origins[self._next])
        self._next += 1
        return Attempt(task, price_class(task), origin, rank=self._first_rank + self._next)

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


def _mark(task: Task) -> int:
    """Mark what of a task can be edited, but for its place in the file."""
    return hash((task.fingerprint, task.output, task.priority, str(task.meta)))


def _full(error: OSError) -> DirectoryError:
    return DirectoryError(
        f"{tempfile.gettempdir()} cannot hold the list of tasks: {error.strerror}",
        hint="make room there, or let TMPDIR name another directory",
    )


@dataclass(slots=True)
class Queue:
    """What may be dispatched next, the most important first: what came back, then the backlog.

    `classes` counts what may still be dispatched by price class. `parked` has had its attempts,
    and waits until it is known whether that was an outage.
    """

    backlog: Backlog
    classes: Counter[str] = field(default_factory=Counter)
    parked: list[Attempt] = field(default_factory=list)
    _front: list[Attempt] = field(default_factory=list)
    _later: list[tuple[float, int, Attempt]] = field(default_factory=list)
    _aside: list[Attempt] = field(default_factory=list)
    _count: int = 0

    def __len__(self) -> int:
        return self.dispatchable + len(self.parked)

    @property
    def dispatchable(self) -> int:
        """How many tasks are left that may still be dispatched."""
        return len(self.backlog) + len(self._front) + len(self._later) + len(self._aside)

    @property
    def begun(self) -> list[Attempt]:
        """Those that were looked at, and came back or wait."""
        waiting = [attempt for _, _, attempt in self._later]
        return [*self._front, *waiting, *self._aside, *self.parked]

    def swap(self, backlog: Backlog, classes: Counter[str]) -> tuple[Exchange, list[Attempt]]:
        """Go on with another backlog, whose tasks `classes` counts; what was sent stays.

        Returns what differs, and the attempts that are dropped: never sent, the other backlog has
        their tasks as they are now.
        """
        dropped = [attempt for attempt in self.begun if not attempt.number]
        exchange = backlog.follow(self.backlog, (attempt.task for attempt in dropped))
        self._front = [attempt for attempt in self._front if attempt.number]
        self._aside = [attempt for attempt in self._aside if attempt.number]
        self.parked = [attempt for attempt in self.parked if attempt.number]
        self._later = [item for item in self._later if item[2].number]
        heapq.heapify(self._later)
        self.backlog.close()
        self.backlog = backlog
        kept = (*self._front, *self._aside, *(item[2] for item in self._later))
        self.classes = classes + Counter(attempt.price_class for attempt in kept)
        return exchange, dropped

    def head(self, now: float, *, fresh: bool = False) -> Attempt | None:
        """Look at the next task; `fresh` prefers one that has not been tried."""
        while self._later and self._later[0][0] <= now:
            self._return(heapq.heappop(self._later)[2])
        if fresh and (attempt := self._untried()) is not None:
            return attempt
        if self._later and fresh and not self._front:
            self._return(heapq.heappop(self._later)[2])
        return self._front[0] if self._front else self._untried()

    def waiting(self) -> Attempt | None:
        """Look at the first task whose retry is due and that has money set aside for it."""
        return next((attempt for attempt in self._front if attempt.retained is not None), None)

    def _return(self, attempt: Attempt) -> None:
        """Put a task to the place that it had."""
        attempt.to(Stage.QUEUED)
        insort(self._front, attempt, key=lambda one: one.rank)

    def _untried(self) -> Attempt | None:
        for waiting in self._front:
            if not waiting.number:
                return waiting
        attempt = self.backlog.pop()
        if attempt is not None:
            self._front.append(attempt)
        return attempt

    def take(self, attempt: Attempt) -> None:
        """Take the task that was looked at."""
        self._front.remove(attempt)
        self.classes[attempt.price_class] -= 1

    def put_back(self, attempt: Attempt) -> None:
        """Put a task back to its place, as if it had not been taken."""
        self._return(attempt)
        self.classes[attempt.price_class] += 1

    def put_later(self, attempt: Attempt, when: float) -> None:
        """Let a task wait, to be dispatched at `when` (monotonic seconds)."""
        attempt.to(Stage.WAITING)
        self._count += 1
        heapq.heappush(self._later, (when, self._count, attempt))
        self.classes[attempt.price_class] += 1

    def park(self, attempt: Attempt) -> None:
        """Put a task away that is out of attempts, until it is known whether that was an outage."""
        attempt.to(Stage.PARKED)
        self.parked.append(attempt)

    def set_aside(self, attempt: Attempt) -> None:
        """Leave a task that cannot be paid for, so that cheaper ones behind it may go."""
        self._front.remove(attempt)
        self._aside.append(attempt)

    def restore(self) -> bool:
        """Take back what was set aside; False where nothing was."""
        self._front = sorted([*self._aside, *self._front], key=lambda one: one.rank)
        restored = bool(self._aside)
        self._aside.clear()
        return restored

    def next_due(self) -> float | None:
        """When the first waiting retry is due, in monotonic seconds."""
        return self._later[0][0] if self._later else None

    def left_by_class(self) -> Counter[str]:
        """Count the tasks that are left by price class, the parked ones too."""
        return self.classes + Counter(attempt.price_class for attempt in self.parked)

    def classes_left(self) -> list[str]:
        """The price classes of the tasks that may still be dispatched."""
        return [name for name, count in self.classes.items() if count > 0]

"""Finding equal tasks and names among a million, without holding a million texts."""

from array import array
from itertools import islice, pairwise
from operator import eq

from pipeline.common.extensions import split_ending
from pipeline.errors import Problem
from pipeline.job.expand.lint import Linter
from pipeline.job.items import Item
from pipeline.job.problems import shown
from pipeline.models import Task

_FEW = 3


class Register:
    """Keeps 64-bit digests of identities and names.

    Python's own string hash is such a digest, and free. Equal digests are only a suspicion: the
    texts behind them are compared in a second pass.
    """

    def __init__(self) -> None:
        self._ids = array("q")
        self._names = array("q")

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, task: Task) -> None:
        """Take note of a task."""
        self._ids.append(hash(task.id))
        self._names.append(hash(split_ending(folded(task.output))[0]))

    def suspects(self) -> tuple[set[int], set[int]]:
        """Return the digests of identities and of names that occur more than once."""
        return _repeated(self._ids), _repeated(self._names)


def folded(name: str) -> str:
    """Bring a name into the form that is the same on file systems that ignore case."""
    return name.casefold()


def _repeated(digests: "array[int]") -> set[int]:
    # A sorted list takes half the memory of a set.
    ordered = sorted(digests)
    if not any(map(eq, ordered, islice(ordered, 1, None))):  # nearly always, and twice as fast
        return set()
    return {one for one, other in pairwise(ordered) if one == other}


class Equals:
    """Compares the suspects of a first pass by their texts in a second one."""

    def __init__(self, ids: set[int], names: set[int], linter: Linter) -> None:
        self._linter = linter
        self._ids = ids
        self._names = names
        self._first_of_id: dict[str, Item] = {}
        self._first_of_name: dict[str, dict[str, tuple[Item, str]]] = {}

    def meet(self, item: Item, task: Task) -> Problem | None:
        """Say whether a task's identity or name was there before."""
        if hash(task.id) in self._ids:
            first = self._first_of_id.setdefault(task.id, item)
            if first is not item:
                return _same_task(item, first, self._linter)
        stem, ending = split_ending(folded(task.output))
        if hash(stem) in self._names:
            return self._meet_name(stem, ending, item, task)
        return None

    def _meet_name(self, stem: str, ending: str, item: Item, task: Task) -> Problem | None:
        """Say whether another task's file may be called alike.

        `clip` becomes clip.mp4 where that is what comes, and `clip.mp4` does too.
        """
        others = self._first_of_name.setdefault(stem, {})
        alike = others.get(ending) or others.get("")
        if alike is None and not ending:
            alike = next(iter(others.values()), None)
        others.setdefault(ending, (item, task.id))
        if alike is None or alike[1] == task.id:
            return None
        return _same_name(item, task, *alike)


def _same_task(item: Item, other: Item, linter: Linter) -> Problem:
    if item.id is not None and other.id is not None:
        message = f"duplicate id {shown(item.id)}"
        hint = f"the first is at {other.place}"
        if item.of_job:
            hint += '; below prompts_from, id: "{{ id }}-2" makes other ids of a job\'s clips'
        return item.problem(message, hint, "id")
    can_have_ids = item.origin.file.suffix.casefold() != ".txt"
    hint = "duplicates: once renders it once, takes: 2 twice" + (
        "; or give each an id" if can_have_ids else ""
    )
    unused = [name for name, value in item.meta.items() if other.meta.get(name) != value]
    but = f", though they differ in {' and '.join(map(shown, unused[:_FEW]))}" if unused else ""
    return item.problem(
        f"this is the same task as {other.place}: same prompt, same parameters{but}",
        linter.line_for(item, unused) or hint,
    )


def _same_name(item: Item, task: Task, other: Item, other_task: str) -> Problem:
    where = "" if other is item else f" at {other.place}"
    return item.problem(
        f"tasks {shown(task.id)} and {shown(other_task)}{where} have the same output name, "
        f"{shown(task.output)}",
        "put {{ id }}, {{ index }}, a matrix value or {{ take }} into output.name",
    )

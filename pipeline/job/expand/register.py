"""Finding equals among a million tasks without holding a million names."""

from array import array
from itertools import pairwise

from pipeline.common.extensions import split_ending
from pipeline.models import Task


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
        """Give the digests of identities and of names that are there more than once."""
        return _repeated(self._ids), _repeated(self._names)


def folded(name: str) -> str:
    """Bring a name into the form that is the same on file systems that ignore case."""
    return name.casefold()


def _repeated(digests: "array[int]") -> set[int]:
    # A sorted list takes half the memory of a set.
    ordered = sorted(digests)
    return {one for one, other in pairwise(ordered) if one == other}

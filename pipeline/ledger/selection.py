"""Which tasks of a job a run is asked for: `--only`, `--again`, `--include-kept`."""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

import msgspec

from pipeline.errors import UsageError
from pipeline.job.selecting import meant, nearest
from pipeline.printable import printable

if TYPE_CHECKING:
    from pipeline.ledger.verdicts import Word

WORDS = frozenset({"kept", "rejected"})
"""What names tasks by the verdict on their clip."""

_NAMED = 5


class Selection(msgspec.Struct, frozen=True):
    """What a run is asked for; each is the name of a task, an id, a glob, or one of `WORDS`.

    `only` leaves the other tasks as they are; without it, none is left out. `again` renders anew
    what is done, except for what has a record at the offset `since` of the manifest or later: that
    was rendered for this request already, and `run` names the run that took it up last. Clips that
    were kept are locked without `include_kept`.
    """

    only: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    include_kept: bool = False
    since: int | None = None
    run: str = ""


class Named(msgspec.Struct, frozen=True):
    """Tasks that are named: by their names, and by the verdicts on their clips."""

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def has(self, task: str, word: "Word | None") -> bool:
        """Return whether a task is one of them; `word` is the verdict on its clip."""
        return word in self.words or task in self.names


class Resolved(msgspec.Struct, frozen=True):
    """A selection whose patterns were looked up; `only` None leaves no task out."""

    only: Named | None = None
    again: Named = msgspec.field(default_factory=Named)

    @property
    def words(self) -> frozenset[str]:
        """Those of `WORDS` that are used."""
        return self.again.words | (self.only.words if self.only else frozenset())

    def allows(self, task: str, word: "Word | None") -> bool:
        """Return whether the run may take a task up."""
        return self.only is None or self.only.has(task, word)


def resolve(selection: Selection, names: Callable[[], Iterable[str]]) -> Resolved:
    """Look up the patterns of a selection among the tasks of the job, which are read only for that.

    Raises:
        UsageError: a pattern means no task; all of them are named.
    """
    if not selection.only and not selection.again:
        return Resolved()
    patterns = {*selection.only, *selection.again} - WORDS
    found = meant(patterns, names()) if patterns else {}
    refuse_nothing([one for one in found if not found[one]], names, "no task of this job is called")
    only = _named(selection.only, found) if selection.only else None
    return Resolved(only, _named(selection.again, found))


def refuse_nothing(
    patterns: Collection[str], names: Callable[[], Iterable[str]], what: str
) -> None:
    """Refuse patterns that mean nothing, and name what is spelled most like them.

    Raises:
        UsageError: there is one.
    """
    if not patterns:
        return
    missing = sorted(patterns)
    named = ", ".join(repr(one) for one in missing[:_NAMED])
    named += f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    near = nearest(missing[0], names())
    hint = f"did you mean {' or '.join(near)}?" if near else "`*` stands for any text in a pattern"
    raise UsageError(printable(f"{what} {named}"), hint=printable(hint))


def _named(patterns: Iterable[str], found: dict[str, set[str]]) -> Named:
    names = (found[one] for one in patterns if one not in WORDS)
    return Named(frozenset().union(*names), WORDS.intersection(patterns))

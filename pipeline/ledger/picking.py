"""Says verdicts: what `pick` and a page do, so that both mean the same."""

import getpass
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import DirectoryError, UsageError
from pipeline.ledger.verdicts import LONGEST_NOTE, Verdict, Verdicts, Word, update
from pipeline.models import rfc3339
from pipeline.printable import printable

# A clock may be wrong; but a word from the far future would outlast every later one.
_AHEAD = timedelta(days=1)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Saying:
    """What a person says of clips.

    `word` is `kept`, `rejected` or `cleared`; None leaves the verdict as it is. `by` is who. A word
    takes the place of the one before with its note; if it `amends` that, the note stays unless
    another one is said, and an empty one takes it away.
    """

    word: str | None
    note: str | None = None
    by: str | None = None
    amends: bool = False

    def __post_init__(self) -> None:
        """See that it can be written.

        Raises:
            UsageError: a text is too long, or not Unicode.
        """
        for text in (self.note, self.by):
            if text and not text.isascii() and text != text.encode(errors="replace").decode():
                raise UsageError("a note or a name is not valid UTF-8")
        if self.note is not None and len(self.note) > LONGEST_NOTE:
            raise UsageError(
                f"the note has {len(self.note):,} characters", hint=f"at most {LONGEST_NOTE:,}"
            )
        if self.by is not None and len(self.by) > _LONGEST_NAME:
            raise UsageError(
                f"the name has {len(self.by)} characters", hint=f"at most {_LONGEST_NAME}"
            )


def user() -> str | None:
    """Return the user of this machine; None for one without a name, as in a container."""
    try:
        return getpass.getuser()[:_LONGEST_NAME]
    except (KeyError, OSError):
        return None


def say(
    path: Path,
    saying: Saying,
    named: Callable[[Verdicts], Iterable[str]],
    present: Mapping[str, str],
    rows: Mapping[str, Word],
) -> Sequence[Verdict]:
    """Write a verdict on the clip of each task that is named; return what was not said before.

    `path` is the file of the verdicts. `named` chooses among those that are there, `present` has
    the hash of each task's clip, and `rows` what sheets say of them.

    Raises:
        DirectoryError: the file cannot be read or written.
    """
    now = rfc3339(time.time())

    def change(there: Verdicts) -> list[Verdict]:
        words = []
        for task in named(there):
            before = there.on(task, present[task])
            verdict = _verdict(saying.word, before.verdict if before else rows.get(task))
            note = _note(saying, before)
            if before and before.verdict == verdict and _is_said(saying, note, before):
                continue
            words.append(
                Verdict(
                    task=task,
                    verdict=verdict,
                    note=note,
                    sha256=present[task],
                    by=saying.by,
                    at=_after(now, before),
                )
            )
        return words

    return _write(path, change)


def take_in(path: Path, words: Sequence[Verdict], source: Path) -> Sequence[Verdict]:
    """Take in the verdicts of the file `source`: all of them, or none; return the new ones.

    Raises:
        UsageError: one is from the future.
        DirectoryError: the file of the verdicts cannot be read or written.
    """
    latest = datetime.now(UTC) + _AHEAD
    if ahead := [one for one in words if one.moment > latest]:
        raise UsageError(
            f"{source}: the verdict on {printable(ahead[0].task)} is of {printable(ahead[0].at)},"
            " which is still to come",
            hint="set the clock of the machine that has saved it; nothing was taken in",
        )
    return _write(path, lambda there: list(_new(words, there)))


def _write(path: Path, change: Callable[[Verdicts], Sequence[Verdict]]) -> Sequence[Verdict]:
    """Append what `change` makes of the verdicts that are there.

    Raises:
        DirectoryError: the file cannot be read or written.
    """
    try:
        return update(path, change)
    except OSError as error:
        raise DirectoryError(
            f"{path} cannot be written: {error.strerror}; no verdict was taken in"
        ) from error


def _verdict(word: str | None, before: Word | None) -> Word | None:
    if word is None:
        return before
    return "kept" if word == "kept" else "rejected" if word == "rejected" else None


def _note(saying: Saying, before: Verdict | None) -> str | None:
    if saying.amends and saying.note is None:
        return before.note if before else None
    return saying.note or None


def _is_said(saying: Saying, note: str | None, before: Verdict) -> bool:
    """Return whether a word with the verdict that is there says nothing new."""
    if saying.amends:
        return note == before.note
    return saying.word is not None and saying.note is None


def _after(now: str, before: Verdict | None) -> str:
    """Return when a word is said: not before the one it takes the place of, whatever clocks say."""
    if before is None or before.moment <= datetime.fromisoformat(now):
        return now
    return before.at


def _new(words: Iterable[Verdict], there: Verdicts) -> Iterator[Verdict]:
    for one in words:
        if not there.has(one):
            there.add(one)
            yield one

"""Verdicts that a page says: the same as `pipeline pick` says."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import PipelineError, UsageError
from pipeline.ledger.manifest import clips
from pipeline.ledger.picking import Saying, say, user
from pipeline.ledger.picks import of_rows
from pipeline.ledger.verdicts import read
from pipeline.models import Job
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files

_KEYS = frozenset({"tasks", "verdict", "note", "sha256"})
_MOST = 50_000
_WORDS = {"kept": "kept", "rejected": "rejected", None: "cleared"}


class AnotherClipError(PipelineError):
    """A clip is not the one that the person saw."""


def pick(job: Job, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write what a person says of clips; return what counts of each of them now.

    Raises:
        UsageError: what is asked for is not valid, or a task has no clip.
        AnotherClipError: a task has another clip than the one that was seen; nothing is written.
        DirectoryError: the verdicts cannot be read or written.
    """
    tasks, seen = _tasks(asked), asked.get("sha256", {})
    word = _word(asked)
    note = asked.get("note")
    if not isinstance(note, str | None) or not isinstance(seen, dict):
        raise UsageError("note is a text, and sha256 says of each task which clip was seen")
    saying = Saying(word, None if note is None else note.strip(), user(), amends=True)
    if word is None and saying.note is None:
        raise UsageError("nothing is said", hint="give a verdict or a note")
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    refuse_another_job(layout, job)
    present = dict(clips(layout.manifest))
    if strangers := [task for task in tasks if task not in present]:
        raise UsageError(f"{strangers[0]!r} has no clip", hint="load the page again")
    if others := [task for task in tasks if seen.get(task, present[task]) != present[task]]:
        raise AnotherClipError(
            f"{len(others):,} of these clips are not the ones that you saw",
            hint="nothing was said of any: look at the new ones first",
        )
    rows = {} if word is not None else of_rows(job, layout.manifest)
    say(layout.verdicts, saying, lambda _: tasks, present, rows)
    there = read(layout.verdicts)
    found = ((task, there.on(task, present[task])) for task in tasks)
    return [
        {name: getattr(one, name) for name in ("task", "verdict", "note", "by", "at", "sha256")}
        for _, one in found
        if one is not None
    ]


def _tasks(asked: Mapping[str, Any]) -> list[str]:
    if others := set(asked) - _KEYS:
        raise UsageError(f"{min(others)!r}: no such key", hint=f"one of {', '.join(_KEYS)}")
    tasks = asked.get("tasks")
    if not isinstance(tasks, list) or not tasks or not all(isinstance(one, str) for one in tasks):
        raise UsageError("no tasks are named", hint="tasks: a list of names")
    if len(tasks) > _MOST:
        raise UsageError(f"{len(tasks):,} tasks are too many at once", hint=f"at most {_MOST:,}")
    return list(dict.fromkeys(tasks))


def _word(asked: Mapping[str, Any]) -> str | None:
    """Return the word in the terms of `Saying`; None where the verdict is to stay."""
    if "verdict" not in asked:
        return None
    verdict = asked["verdict"]
    if not isinstance(verdict, str | None) or verdict not in _WORDS:
        raise UsageError("verdict is not valid", hint="kept, rejected or null")
    return _WORDS[verdict]

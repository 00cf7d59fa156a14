"""The tasks of a job as an export lists them: each with how it stands, its clip and its verdict."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import last_records, replay
from pipeline.ledger.picks import Picks
from pipeline.models import Job, Record, Task
from pipeline.store.layout import Layout

Link = Callable[[str], str]

_STATES = {
    TaskState.DONE: "succeeded",
    TaskState.CHANGED: "changed",
    TaskState.FAILED: "failed",
    TaskState.IN_DOUBT: "in_doubt",
    TaskState.ACCEPTED: "accepted",
    TaskState.SAVED: "saved",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A task. `record` and `file` are those of its clip, and empty while it has none that counts.

    `file` is where people find the clip, and `status` how the task stands, in a word.
    """

    task: Task
    status: str
    record: Record | None = None
    file: str = ""
    verdict: str | None = None

    @property
    def path(self) -> str:
        """The clip's path, relative to the output directory."""
        return (self.record and self.record.output) or ""

    @property
    def place(self) -> tuple[str, int]:
        """The file where the task is written, relative to the job file, and its line there."""
        file, _, line = self.task.line.rpartition(":")
        return (file, int(line)) if line.isdecimal() else (self.task.line, 0)


def rows(job: Job, link: Link) -> Iterator[Row]:
    """Join the manifest with the job as it is now, in the order of the job.

    A kept clip stands for its task, whatever the parameters of the task are now.

    Raises:
        DirectoryError: the manifest or the verdicts cannot be read.
    """
    layout = Layout(job.output_dir)
    history = replay(layout.manifest)
    clips = {
        record.task: record
        for record in last_records(layout.manifest, history)
        if record.output is not None
    }
    picks = Picks(layout.manifest)
    for task in map(history.recognising(), job.rows()):
        record, state = clips.get(task.id), history.state_of(task)
        verdict = None if record is None else picks.of(task)
        done = state is TaskState.DONE or verdict == "kept"
        row = Row(task, "succeeded" if done else _STATES.get(state, "pending"))
        if record is None or not done:
            yield row
        else:
            yield replace(row, record=record, file=link(record.output or ""), verdict=verdict)


def relative_to(folder: Path, link: Link) -> Link:
    """Make links relative to a folder; an address stays as it is."""

    def relative(output: str) -> str:
        found = link(output)
        if "://" in found:
            return found
        return os.path.relpath(os.path.realpath(found), os.path.realpath(folder))

    return relative


def below(address: str) -> Link:
    """Make links below a public address; `{path}` in it stands for the name, else it follows."""
    pattern = address if "{path}" in address else f"{address.rstrip('/')}/{{path}}"
    return lambda output: pattern.replace("{path}", quote(output))

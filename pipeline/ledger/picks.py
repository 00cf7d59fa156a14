"""The verdicts of an output directory, held against the clips that are there now."""

from pathlib import Path

from pipeline.ledger.manifest import clips, replay
from pipeline.ledger.verdicts import NAME, Word, read
from pipeline.models import Job, Task


class Picks:
    """Says the verdict on the present clip of a task: that of its last record of success.

    What `verdicts.jsonl` says of that very clip counts. Where it says nothing of it, the row of the
    task may: it names no clip, so `kept` holds for whichever there is, and `rejected` for the first
    clip of the task only. Otherwise the same row would render its task again and again.

    Raises:
        DirectoryError: `verdicts.jsonl` or the manifest cannot be read.
    """

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest
        self.verdicts = read(manifest.with_name(NAME))
        self._present: dict[str, str] = {}
        self._clips: dict[int, int] | None = None  # how many a task has had, by its hash
        if self.verdicts:
            present = clips(manifest)
            self._present = {task: sha256 for task, sha256 in present if task in self.verdicts}

    def of(self, task: Task) -> Word | None:
        """Return the verdict on the clip of a task; None without one, or without a clip."""
        said = self.verdicts.on(task.id, self._present.get(task.id))
        return self._of_row(task) if said is None else said.verdict

    def of_row(self, task: Task) -> Word | None:
        """Return the verdict where it is the row's: nobody has said anything of the clip."""
        said = self.verdicts.on(task.id, self._present.get(task.id))
        return self._of_row(task) if said is None else None

    def _of_row(self, task: Task) -> Word | None:
        if task.verdict is None:
            return None
        number = self._count().get(hash(task.id), 0)
        holds = number > 0 if task.verdict == "kept" else number == 1
        return task.verdict if holds else None

    def _count(self) -> dict[int, int]:
        if self._clips is None:
            self._clips = {}
            for task, _ in clips(self._manifest):
                self._clips[hash(task)] = self._clips.get(hash(task), 0) + 1
        return self._clips


def of_rows(job: Job, manifest: Path) -> dict[str, Word]:
    """Return the verdicts on the present clips, by task, those that the rows of a sheet say too.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: `verdicts.jsonl` or the manifest cannot be read.
    """
    picks, known = Picks(manifest), replay(manifest).recognising()
    found = ((task.id, picks.of(task)) for task in map(known, job.tasks()) if task.verdict)
    return {task: word for task, word in found if word is not None}

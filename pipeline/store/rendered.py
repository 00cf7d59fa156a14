"""What a job has rendered, for another one that has its clips as rows. It is only read.

The manifest as it is now counts: a run may be appending to it.
"""

import os
from pathlib import Path

from pipeline.common import output_names as places
from pipeline.common.hashes import shared
from pipeline.errors import DirectoryError
from pipeline.job.items import Which
from pipeline.job.prompts.clips import Clip, Lack
from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import record_at, replay
from pipeline.ledger.picks import Picks
from pipeline.ledger.plan import standing
from pipeline.ledger.verdicts import Word
from pipeline.models import Job, Record, Status, Task
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files

_LACKS = {
    TaskState.CHANGED: Lack.CHANGED,
    TaskState.FAILED: Lack.FAILED,
    TaskState.IN_DOUBT: Lack.IN_DOUBT,
}


class Rendered:
    """The clips of a job, by the records of its output directory.

    Raises:
        DirectoryError: the directory is another job's, or a newer version's, or cannot be read.
    """

    def __init__(self, job: Job) -> None:
        layout = Layout(job.output_dir)
        refuse_newer_files(layout)
        try:
            refuse_another_job(layout, job)
            self._history = replay(layout.manifest)
            self._known = self._history.recognising()
            self._picks = Picks(layout.manifest)
        except OSError as error:
            raise DirectoryError(f"{layout.root} cannot be read: {error.strerror}") from error
        self._manifest = layout.manifest
        self._root = Path(os.path.realpath(layout.root))
        self._met = 0

    @property
    def removed(self) -> int:
        """How many clips are of tasks that `clip` was not asked for."""
        return max(self._history.counts[Status.SUCCEEDED] - self._met, 0)

    @property
    def simulated(self) -> bool:
        """Whether the clips are the sandbox's."""
        return bool(self._history.simulated)

    def clip(self, task: Task, which: Which) -> Clip | Lack:
        """Return the present clip of a task, or why it has none that counts.

        The tasks of the job are asked for once each, in their order.

        Raises:
            DirectoryError: the manifest was replaced while it was read.
        """
        task = self._known(task)
        word = self._picks.of(task)
        self._met += self._history.has_clip(task.id)
        state = standing(task, self._history, word)
        if state not in {TaskState.DONE, TaskState.KEPT}:
            return _LACKS.get(state, Lack.NOT_RENDERED)
        if which is Which.KEPT and word != "kept":
            return Lack.NOT_KEPT
        return self._verified(self._record(task), word)

    def _record(self, task: Task) -> Record:
        place = self._history.place(task.id)
        found = None if place is None else record_at(self._manifest, place)
        # What `replay` has read was checked, and may have been replaced since.
        if found is None or found.task != task.id or places.fault(found.output or ""):
            raise DirectoryError(
                f"{self._manifest} was replaced while it was read", hint="run the command again"
            )
        return found

    def _verified(self, record: Record, word: Word | None) -> Clip | Lack:
        """See that the file is the one that was rendered, and in the directory."""
        path = Path(os.path.realpath(self._root / (record.output or "")))
        if not path.is_relative_to(self._root):
            return Lack.OUTSIDE
        if record.sha256 is None or record.bytes is None:
            return Lack.ALTERED
        prompt = str(record.params.get("prompt", ""))
        clip = Clip(path, record.sha256, prompt, record.seed, word)
        try:
            found = shared().read(path, record.bytes)
        except FileNotFoundError:
            return clip._replace(missing=True)
        except (DirectoryError, OSError):
            return Lack.ALTERED
        same = not isinstance(found, int) and found.sha256 == record.sha256
        return clip if same else Lack.ALTERED

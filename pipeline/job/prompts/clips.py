"""The clips of another job, each a row: what becomes a film, or is made larger, was rendered there.

What was rendered is read elsewhere (`Read`): a job knows nothing of manifests.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from pipeline.errors import DirectoryError, JobFileError
from pipeline.job.items import Item, Which
from pipeline.job.problems import Report
from pipeline.job.prompts.source import Finding, Source
from pipeline.models import Job, Task

_OWN = frozenset({"meta", "vars", "prompt", "output", "seed", "verdict"})
"""Variables of a row that are about its clip; those of the clip it was made of itself are not."""


class Lack(StrEnum):
    """Why a task of the other job is not a row."""

    NOT_RENDERED = "not_rendered"
    CHANGED = "changed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    NOT_KEPT = "not_kept"
    MISSING = "missing"
    ALTERED = "altered"
    OUTSIDE = "outside"


class Clip(NamedTuple):
    """The present clip of a task: `path` is absolute, without links; `prompt` is what it shows.

    `missing` says that no file is there, and `sha256` what it was.
    """

    path: Path
    sha256: str
    prompt: str
    seed: int | str | None
    verdict: Literal["kept", "rejected"] | None
    missing: bool = False


class Rendered(Protocol):
    """What a job has rendered. `clip` is asked for each of its tasks, in order."""

    def clip(self, task: Task, which: Which) -> Clip | Lack:
        """Return the clip of a task, or why it has none that counts."""

    @property
    def removed(self) -> int:
        """How many clips are of tasks that were not asked for."""

    @property
    def simulated(self) -> bool:
        """Whether the clips are the sandbox's."""


Read = Callable[[Job], Rendered]
"""Reads what a job has rendered. Raises `DirectoryError` where that is not known."""


class Scene(NamedTuple):
    """A task of a job, the prompt it was made of, and the words of both: variables, the matrix."""

    item: Item
    task: Task
    words: Mapping[str, Any]


class Clips(msgspec.Struct, frozen=True):
    """Another job as a source of rows.

    `folder` is that of the job which has them as rows, and `prompted` says that it has a template
    of the prompt. `said` is its output directory, where that was written. `recorded` gets the
    sha256 of clips whose files are gone: where nothing is `to_send`, they are rows all the same.
    `scenes` raises `JobFileError` at its end.
    """

    job: Job
    scenes: Callable[[], Iterator[Scene]]
    read: Read
    which: Which
    folder: Path
    recorded: dict[str, str]
    prompted: bool
    to_send: bool
    said: str | None = None

    def rows(self, source: Source, report: Report, finding: Finding) -> Iterator[Item]:
        """Yield the clips that are rows; the finding counts the others."""
        try:
            rendered = self.read(self.job)
            finding.simulated = rendered.simulated
            for scene in self.scenes():
                finding.tasks += 1
                item = self._row(scene, rendered, finding)
                if item is not None:
                    yield item
            finding.removed = rendered.removed
        except DirectoryError as error:
            report.note(source.wrong(error.message, error.hint, "job"))
        except JobFileError as error:
            for problem in error.problems:
                report.note(problem)

    def _row(self, scene: Scene, rendered: Rendered, finding: Finding) -> Item | None:
        task, found = scene.task, rendered.clip(scene.task, self.which)
        if isinstance(found, Clip) and found.missing:
            if self.to_send:
                found = Lack.MISSING
            else:
                self.recorded[str(found.path)] = found.sha256
        if isinstance(found, Lack):
            finding.leave_out(found, task.id)
            return None
        words = {name: value for name, value in scene.words.items() if name not in _OWN}
        own = {
            "meta": task.meta,
            "vars": words,
            "prompt": found.prompt,
            "output": self._written(found.path),
            "seed": found.seed,
            "verdict": found.verdict,
        }
        return Item(
            scene.item.origin,
            scene.item.number,
            scene.item.line,
            task.id,
            # As it was sent: braces in it are not a template any more.
            None if self.prompted else "{{ prompt }}",
            {},
            {**task.meta, **words, **own},
            task.meta,
            0,
            templated=True,
            of_job=True,
        )

    def _written(self, path: Path) -> str:
        """Write a path as `inputs` take it: relative to the job's folder, where it is in there."""
        root = os.path.realpath(self.folder)
        if not path.is_relative_to(root):
            return str(path)
        written = path.relative_to(root).as_posix()
        return str(path) if written.startswith("~") or ":" in written else written

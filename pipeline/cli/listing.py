"""The tasks of a plan, by kind: for scripts all of them, for people the first few."""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Self

from pipeline.cli.chosen import provider
from pipeline.cli.output import as_json
from pipeline.cli.planned import Describer, in_words
from pipeline.display.words import named
from pipeline.errors import UsageError
from pipeline.ledger.plan import Kind, Plan, Retry, make, removed
from pipeline.ledger.selection import Selection
from pipeline.models import Job, Task
from pipeline.money.prices import PriceBook
from pipeline.printable import printable
from pipeline.state import Files
from pipeline.store.again_file import as_asked_before
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf

_IN_MEMORY = 4 * 1024**2


class Spool:
    """Lines to be read later; on disk once they are many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed below

    def add(self, line: str) -> None:
        """Append a line.

        Raises:
            UsageError: the system's temporary directory is full.
        """
        try:
            self._file.write(line.encode(errors="backslashreplace") + b"\n")
        except OSError as error:
            raise UsageError(
                f"the plan does not fit into {tempfile.gettempdir()}: {error.strerror}",
                hint="free some space, or set TMPDIR to a folder with more of it",
            ) from error

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line.decode().removesuffix("\n")

    def close(self) -> None:
        """Discard the lines."""
        self._file.close()


@dataclass(slots=True)
class Section:
    """The tasks of one kind that are listed: how many, and their lines."""

    count: int = 0
    lines: Spool = field(default_factory=Spool)


class Listing:
    """The tasks of a plan, a section for each kind. Use it as a context manager.

    `most` bounds the tasks of a kind that are listed in words; None lists them all, and 0 writes
    those to do as JSON instead, to `to_do`.
    """

    def __init__(self, job: Job, files: Files, *, most: int | None) -> None:
        self.to_do = Spool()
        self._job = job
        self._files = files
        self._most = most
        self._manifest = Layout(job.output_dir).manifest
        prices = PriceBook(job.credits.cost, provider(job).model(job.model).price)
        self._describe = Describer(self._manifest, files.history, files.doubtful, prices)
        self._sections: defaultdict[str, Section] = defaultdict(Section)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in (self.to_do, *(section.lines for section in self._sections.values())):
            spool.close()

    def make(self, retry: Collection[Retry], select: Selection) -> Plan:
        """Make the plan, and list its tasks on the way.

        Raises:
            JobFileError: with every problem of the rows.
        """
        history, manifest = self._files.history, self._manifest
        layout = Layout(self._job.output_dir)
        plan = make(
            self._job,
            history,
            manifest,
            open_shelf(self._job, layout),
            retry=retry,
            select=as_asked_before(select, layout),
            show=self._show,
            provider=provider(self._job),
            accepted=self._files.accepted | self._files.saved,
        )
        if plan.removed_count and self._most != 0:
            self._show_removed()
        return plan

    def of(self, kind: str) -> Section:
        """Return the section of a kind."""
        return self._sections[kind]

    def _show(self, task: Task, kind: Kind, chosen: bool) -> None:
        if self._most == 0:
            if chosen:
                self.to_do.add(as_json(self._describe(task, kind)))
        elif self._has_room(section := self.of(kind)):
            section.count += 1
            for line in in_words(self._describe(task, kind)):
                section.lines.add(line)

    def _show_removed(self) -> None:
        section = self.of("removed")
        for record in removed(self._job, self._files.history, self._manifest):
            if not self._has_room(section):
                return
            section.count += 1
            section.lines.add(printable(named(record)))

    def _has_room(self, section: Section) -> bool:
        return self._most is None or section.count < self._most

"""The tasks of a plan, by kind: for scripts all of them, for people the first few."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Self

import msgspec

from pipeline.cli.chosen import provider
from pipeline.cli.output import as_json
from pipeline.cli.planned import COMPARED, Describer, Planned, differences, label_of
from pipeline.display.words import first_words, named
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
# Changed tasks whose old parameters are read to count what changed, at some 50 µs each.
_MOST_COMPARED = 2_000
# Parameters that are counted; a manifest of somebody else's may have any number.
_MOST_NAMES = 100
# More channels are not a few that a line can count.
MOST_CHANNELS = 8


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


class Section(msgspec.Struct):
    """The tasks of one kind: how many there are, and those of them that are listed.

    `names` counts what changed in them, of the first `compared`, and `alike` from what to what.
    """

    total: int = 0
    count: int = 0
    compared: int = 0
    names: Counter[str] = msgspec.field(default_factory=Counter)
    alike: Counter[str] = msgspec.field(default_factory=Counter)
    spool: Spool = msgspec.field(default_factory=Spool)

    def rows(self) -> Iterator[Planned]:
        """Yield those that are listed."""
        return (msgspec.json.decode(line, type=Planned) for line in self.spool)


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
        policy, published = job.credits, provider(job).model(job.model).price
        prices = PriceBook(policy.cost, published, pricing=policy.pricing)
        self._describe = Describer(self._manifest, files.history, files.doubtful, prices)
        self._sections: defaultdict[str, Section] = defaultdict(Section)
        self.channels: Counter[str] = Counter()
        self.removed: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in (self.to_do, *(section.spool for section in self._sections.values())):
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

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of which there are tasks."""
        return tuple(self._sections)

    def _show(self, task: Task, kind: Kind, chosen: bool) -> None:
        section = self.of(kind)
        section.total += 1
        if chosen and len(self.channels) <= MOST_CHANNELS:
            self.channels[channel_of(task.meta)] += 1
        if self._most == 0:
            if chosen:
                self.to_do.add(as_json(self._describe(task, kind)))
            return
        has_room = self._most is None or section.count < self._most
        to_compare = kind in COMPARED and section.compared < _MOST_COMPARED
        if not has_room and not to_compare:
            return
        planned = self._describe(task, kind)
        if to_compare:
            section.compared += 1
            if len(section.names) < _MOST_NAMES:
                section.names.update(map(label_of, islice(planned.changed, _MOST_NAMES)))
            section.alike.update(differences(planned))
        if has_room:
            section.count += 1
            section.spool.add(as_json(planned))

    def _show_removed(self) -> None:
        for record in removed(self._job, self._files.history, self._manifest):
            if self._most is not None and len(self.removed) >= self._most:
                return
            self.removed.append(printable(named(record)))


def channel_of(meta: Mapping[str, Any]) -> str:
    """Name the channel that a task is for, as its sheet has it; an empty text where it has none."""
    return first_words(str(meta.get("channel") or ""), 24)

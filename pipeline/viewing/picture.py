"""One job as its pages show it, kept up with its files; for one thread at a time.

A run appends hundreds of records a minute to a manifest of thousands. So what is appended is taken
in by itself, and everything is read again only where something else has changed, and seldom: the
longer that takes, the less often.
"""

import dataclasses
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.common.files import open_file
from pipeline.errors import PipelineError
from pipeline.export.sources import needed
from pipeline.ledger.manifest import Following, corrected
from pipeline.ledger.verdicts import Verdict, read
from pipeline.models import Job, Record, Settled
from pipeline.report.build import gather
from pipeline.report.data import ReportData, Totals
from pipeline.report.entries import Entry, entries, entry
from pipeline.report.render import facts, looked_for, render
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf
from pipeline.viewing.channel import encode
from pipeline.viewing.source import Source
from pipeline.viewing.stamps import Stamps

# Everything is read again at most after so many times what that has taken, and so many seconds.
_SELDOM, _SOONEST, _AT_ONCE = 50, 5.0, 1.0
_COMPARED = 4096  # bytes
_SAID = ("task", "verdict", "note", "by", "at", "sha256")
_PACE = 200  # results by which the pace is measured


@dataclass(slots=True)
class Changes:
    """What pages must know: entries and verdicts by task, or that all is to be loaded again."""

    entries: dict[str, bytes] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    reload: bool = False


class Picture:
    """What a job's pages show. `running` says whether a run holds the output directory."""

    def __init__(self, source: Source, job: Job) -> None:
        self.job = job
        self.running = False
        self.arrivals: deque[float] = deque(maxlen=_PACE)
        self._source = source
        self._data: ReportData | None = None
        self._last: dict[str, Record] = {}
        self._encoded: dict[str, bytes] = {}
        self._files: dict[str, frozenset[str]] = {}
        self._end, self._ending = 0, b""
        self._stamps = Stamps()
        self._read_at, self._took = 0.0, 0.0
        self._is_stale = self._is_due = self._is_edited = True
        self._is_another = False

    @property
    def data(self) -> ReportData:
        """What was read last; `look` comes first."""
        assert self._data is not None
        return self._data

    @property
    def is_current(self) -> bool:
        """Whether what was read is what the files said at the last look, but for details."""
        return self._data is not None and not self._is_due

    @property
    def end(self) -> int:
        """Where in the manifest the records end that were read."""
        return self._end

    @property
    def totals(self) -> Totals:
        """How the job stands by its records."""
        return self.data.totals

    @property
    def entries(self) -> list[msgspec.Raw]:
        """The entry of each task, as JSON, in the order of the job."""
        return list(map(msgspec.Raw, self._encoded.values()))

    def verdict(self, task: str) -> Verdict | None:
        """Return what counts of the present clip of a task."""
        record = self._last.get(task)
        return None if record is None else self.data.verdicts.of(record)

    def has_file(self, relative: str) -> bool:
        """Return whether a page shows this file of the output directory."""
        return any(relative in files for files in self._files.values())

    def page(self, live: dict[str, Any]) -> Iterator[str]:
        """Yield the page in pieces."""
        records = tuple(self._last.values())
        return render(dataclasses.replace(self.data, records=records), live)

    def about(self) -> dict[str, Any]:
        """Say of the job what a page needs besides its entries."""
        return {"job": facts(self.data), "nights": self.data.nights}

    def look(self, *, fully: bool = False) -> Changes:
        """Take in what has changed since the last time; `fully` where a page is about to be shown.

        Raises:
            PipelineError: the files cannot be read; it is tried again the next time.
        """
        changed = self._stamps.look(Layout(self.job.output_dir))
        running, self.running = self.running, Layout(self.job.output_dir).is_running()
        if running != self.running:
            self.arrivals.clear()
        end = self._stamps.size("manifest")
        replaced = self._stamps.is_replaced or end < self._end
        self._is_another |= replaced or running != self.running
        self._is_edited |= "job" in changed
        self._is_due |= self._is_another or self._is_edited
        # What a run has sent changes all the time; that it has been accepted is the run's to tell.
        others = changed - {"job", "manifest", "verdicts"} - ({"claims"} if self.running else set())
        self._is_stale |= bool(others)
        changes = Changes()
        if self.is_current:
            self._take_in(changed, changes)
        if self._may_read(fully=fully):
            self._read(changes)
        return changes

    def _take_in(self, changed: set[str], changes: Changes) -> None:
        """Take in what was appended to the manifest and to the verdicts."""
        try:
            if "manifest" in changed:
                self._follow(changes)
            if "verdicts" in changed:
                self._listen(changes)
        except PipelineError:
            self._is_due = True
            raise

    def _may_read(self, *, fully: bool) -> bool:
        since = time.monotonic() - self._read_at
        if self._data is None:
            return fully or since > _AT_ONCE
        if self._is_due:
            return fully or since > max(_AT_ONCE, self._took)
        return self._is_stale and (fully or since > max(_SOONEST, _SELDOM * self._took))

    def _read(self, changes: Changes) -> None:
        """Read everything again, and note what is another than before."""
        began = self._read_at = time.monotonic()
        source, first = self._source, self._data is None
        if self._is_edited:
            self.job = source.load()
            self._stamps.watch(needed(self.job, ()))
        job, layout = self.job, Layout(self.job.output_dir)
        self._stamps.look(layout)  # before reading: what changes meanwhile is looked at again
        shelf = open_shelf(job, layout)
        data = gather(job, source.commands, shelf=shelf)
        # A bucket is not asked for each of its clips again and again.
        data = data if shelf.far else looked_for(data, shelf)
        before = self._encoded
        self._data, self._end = data, data.end
        self._ending = _ending(layout.manifest, data.end)
        self._last = {record.task: record for record in data.records}
        self._encoded, self._files = {}, {}
        for one in entries(data):
            self._show(one)
        reload = self._is_another or list(before) != list(self._encoded)[: len(before)]
        self._is_stale = self._is_due = self._is_edited = self._is_another = False
        self._took = time.monotonic() - began
        if first:  # nobody has seen anything yet
            return
        changes.reload |= reload
        changes.entries |= {
            task: text for task, text in self._encoded.items() if before.get(task) != text
        }

    def _follow(self, changes: Changes) -> None:
        """Take in the records that were appended."""
        manifest = Layout(self.job.output_dir).manifest
        # What a killed run has left counts without a record, until somebody writes one of it.
        counts_more = not self.running or self.data.saved
        # With another ending, a file was written over the one that was read.
        if counts_more or _ending(manifest, self._end) != self._ending:
            self._is_due = True
            return
        records = Following(manifest, self._end)
        found, now = list(records), time.monotonic()
        self._end = records.end
        self._ending = _ending(manifest, self._end)
        for record in found:
            self._take(record)
            self.arrivals.append(now)
        for task in dict.fromkeys(record.task for record in found):
            changes.entries[task] = self._show(entry(self._last[task], self.data))
        self._is_stale |= bool(found)

    def _take(self, record: Record) -> None:
        """Count a record, as `collect` does."""
        data, task = self.data, record.task
        before = self._slot(task)
        self._last[task] = standing = corrected(self._last.get(task), record)
        current = data.current.get(task)
        is_former = current is None
        is_changed = not is_former and current != standing.fingerprint
        data = self._data = dataclasses.replace(
            data,
            simulated=data.simulated or bool(record.simulated),
            former=_with(data.former, task, there=is_former),
            changed=_with(data.changed, task, there=is_changed),
            accepted=_with(data.accepted, task, there=False),
            saved=_with(data.saved, task, there=False),
            missing=_with(data.missing, task, there=False),
        )
        counts = {name: getattr(data.totals, name) for name in Totals.__dataclass_fields__}
        for slot, step in ((before, -1), (self._slot(task), 1)):
            if slot is not None:
                counts[slot] += step
        counts["spent"] += rounded(record.cost or ZERO)
        counts["at_risk"] += rounded(record.at_risk or ZERO)
        if record.remaining_credits is not None:
            counts["remaining_credits"] = record.remaining_credits
        self._data = dataclasses.replace(data, totals=Totals(**counts))

    def _slot(self, task: str) -> str | None:
        """Return by which count a task is counted; None for one that left the job."""
        data, record = self.data, self._last.get(task)
        if task not in data.current:
            return None
        if task in data.accepted or task in data.saved:
            return "accepted" if task in data.accepted else "saved"
        is_open = record is None or task in data.changed or record.settled is Settled.NOT_BILLED
        return "pending" if record is None or is_open else str(record.status)

    def _listen(self, changes: Changes) -> None:
        """Take in the verdicts that were said."""
        before, now = self.data.verdicts, read(Layout(self.job.output_dir).verdicts)
        self._data = dataclasses.replace(self.data, verdicts=now)
        for task in dict.fromkeys([*before, *now]):
            record = self._last.get(task)
            if record is None or before.of(record) == now.of(record):
                continue
            one = entry(record, self.data)
            self._show(one)
            changes.said[task] = spoken(one)
        self._is_stale |= bool(self.data.changed)  # a kept clip stands for its task

    def _show(self, one: Entry) -> bytes:
        """Take the entry of a task, and the files that it names."""
        self._encoded[one.task] = text = encode(one)
        self._files[one.task] = frozenset(_files(one))
        return text


def _with(tasks: frozenset[str], task: str, *, there: bool) -> frozenset[str]:
    """Return a set with a task in it, or without it; most often it is as it was."""
    if (task in tasks) is there:
        return tasks
    return tasks | {task} if there else tasks - {task}


def _ending(path: Path, end: int) -> bytes:
    """Return the last bytes of what was read of a file: they are there as long as it is the same.

    The number of a file that was deleted may be given to the next one.
    """
    try:
        with os.fdopen(open_file(path), "rb") as file:
            file.seek(max(end - _COMPARED, 0))
            return file.read(min(end, _COMPARED))
    except OSError:
        return b""


def spoken(one: Entry) -> dict[str, Any]:
    """Write what counts of a clip as pages read it."""
    return {name: getattr(one, name) for name in _SAID}


def _files(one: Entry) -> Iterator[str]:
    """Yield the files of the output directory that an entry names, by their relative paths."""
    shown = (one, *getattr(one, "versions", ()))
    urls = (getattr(each, name, None) for each in shown for name in ("src", "poster", "strip"))
    for url in urls:
        if isinstance(url, str) and url.startswith("./"):
            yield unquote(url[2:], errors="surrogateescape")

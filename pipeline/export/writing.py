"""One export, from a job's rows to the bytes of a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import UsageError
from pipeline.export import agenda, columns, copy_of_sheet, delimited, sources, workbook
from pipeline.export.rows import Row
from pipeline.models import Job

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of an export. `columns` are templates by name; none are the usual columns."""

    form: str
    columns: dict[str, str] = field(default_factory=dict)
    kept: bool = False
    raw: bool = False
    bom: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """The rows of a job, and what is asked of them; `tell` gets what a person should know."""

    job: Job
    rows: Sequence[Row]
    wanted: Wanted
    tell: Tell

    @property
    def clips(self) -> list[Row]:
        """The rows that have a clip; only kept ones where those are asked for."""
        kept = self.wanted.kept
        return [r for r in self.rows if r.record is not None and (r.verdict == "kept" or not kept)]

    def objects(self) -> list[dict[str, Any]]:
        """Make what JSON lists: the usual objects, or one of the columns for each clip."""
        if not self.wanted.columns:
            return list(delimited.as_objects(self.clips))
        names, cells = self._table()
        return [dict(zip(names, line, strict=True)) for line in cells]

    def lines(self) -> Iterator[str]:
        """Yield the lines of a CSV."""
        names, cells = self._table() if self.wanted.columns else delimited.as_table(self.clips)
        plain = ([delimited.plain(cell) for cell in line] for line in cells)
        return delimited.lines(names, plain, raw=self.wanted.raw, bom=self.wanted.bom)

    def calendar(self) -> bytes:
        """Write the posts as an iCalendar file."""
        posts, undated = agenda.posts(self.clips)
        for line in agenda.undated(undated):
            self.tell(f"warning: {line}")
        return agenda.calendar(self.job.name, posts)

    def workbook(self) -> bytes:
        """Write a workbook: of the columns, else a copy of the job's own, else one of all tasks."""
        clips = self.clips
        raw = self.wanted.raw
        if self.wanted.columns:
            names, cells = self._table()
            return workbook.as_bytes(self._new(names, cells), clips)
        source = sources.workbook(self.job)
        shown = clips if self.wanted.kept else self.rows
        if source is None:
            return workbook.as_bytes(self._listing(shown), clips)
        inside = [row for row in shown if sources.is_in(source, self.job, row.place[0])]
        if len(inside) < len(shown):
            self.tell(
                f"warning: the copy does not list tasks that are not in {source.path.name}:"
                f" {len(shown) - len(inside):,}"
            )
        copy = copy_of_sheet.copied(source, inside, self.job, raw=raw)
        saved = workbook.as_bytes(copy.book, clips)
        for loss in (*copy.losses, *copy_of_sheet.missing_parts(copy.source, saved)):
            self.tell(f"warning: the copy of {source.path.name}: {loss}")
        return saved

    def _new(self, names: Sequence[str], cells: Sequence[Sequence[Any]]) -> Any:
        if len(cells) >= workbook.MOST_ROWS:
            raise UsageError(
                f"a workbook has {workbook.MOST_ROWS:,} rows, and there are {len(cells):,} clips",
                hint="use --to csv",
            )
        return workbook.from_table(self.job.name, names, cells, raw=self.wanted.raw)

    def _listing(self, shown: Sequence[Row]) -> Any:
        """Make the workbook of a job without one: each task with its columns and how it stands."""
        names = [name for name in self._known() if name not in {"task", "prompt"}]
        cells = [
            [
                *(row.task.id, row.task.prompt),
                *(row.task.meta.get(name) for name in names),
                *(row.status, row.file, row.record and row.record.cost, row.verdict),
            ]
            for row in shown
        ]
        titles = ["task", "prompt", *names]
        book = self._new([*titles, *copy_of_sheet.headings(titles)], cells)
        numbers = range(2, len(shown) + 2)
        copy_of_sheet.picture(book.worksheets[0], self.job, shown, numbers, len(names) + 7)
        return book

    def _known(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.task.meta))

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        filled = columns.table(self.wanted.columns, self.clips, self._known())
        return list(self.wanted.columns), filled

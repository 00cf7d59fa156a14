"""What a job says about a file of prompts, applied to its rows: meanings, `where`, ids."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from pipeline.job.identity import checked_id
from pipeline.job.items import Item
from pipeline.job.problems import InvalidError, Report, did_you_mean, shown
from pipeline.job.prompts.dates import Ambiguous, Moment, in_words, read_date, read_time
from pipeline.job.prompts.headings import STANDARD, folded, recognised
from pipeline.job.prompts.source import Finding, Source
from pipeline.job.template.filters import as_text
from pipeline.job.template.slugs import slug
from pipeline.job.yaml.scalars import NO, boolean

if TYPE_CHECKING:
    from pipeline.errors import Problem

KEPT = frozenset({"yes", "y", "approved", "kept", "keep", "x", "true", "✓", "✔", "✅", "☑"})
REJECTED = frozenset({"no", "n", "rejected", "reject", "false", "✗", "✘", "❌"})
_UNDECIDED = frozenset({"", "☐", "-", "–"})
_LONGEST_CHANNEL = 40
_NO_ROWS: Mapping[int, tuple[str, str]] = {}
_MATTERS = frozenset({"publish", "channel", "caption", "verdict"})
"""What is recognised in a file that version 0.1 could read, and is named by its path alone."""


class Finisher:
    """Applies what a job says about one file, in one reading.

    `shared` counts the rows that an id made of columns would fit, of the whole file. Without it
    this reading only counts them, in `keys`.
    """

    def __init__(
        self,
        source: Source,
        report: Report,
        finding: Finding,
        shared: Mapping[str, int] | None = None,
    ) -> None:
        self._source = source
        self._report = report
        self._finding = finding
        self._meanings: dict[tuple[str, ...], dict[str, str]] = {}
        self._shared = shared
        self.keys = Counter[str]()
        self._orders: set[str] = set()
        self._swappable: Problem | None = None
        self._fixed: dict[str, str] | None = None
        self._as_before = source.plain and source.keeps_0_1

    def finish(
        self,
        items: Iterable[Item],
        bad: Mapping[int, tuple[str, str]] = _NO_ROWS,
        hidden: Iterable[int] = (),
    ) -> Iterator[Item]:
        """Yield the items that are taken; what is wrong with one is reported.

        `bad` has the rows of a workbook in which a value is missing, `hidden` those it hides.
        """
        unseen = frozenset(hidden)
        for item in items:
            made = self._finished(item, bad)
            if made is not None:
                if item.number in unseen:
                    self._finding.hidden.append(item.number)
                yield made

    def _finished(self, item: Item, bad: Mapping[int, tuple[str, str]]) -> Item | None:
        self._finding.rows += 1
        columns = self._columns(item)
        if self._as_before and not _MATTERS.intersection(columns):
            self._finding.passed += 1
            return item
        before = item.id, item.prompt, item.vars
        try:
            moment, wrong = self._moment(item, columns)
            known = self._known(item, columns, moment)
            if not self._as_before:
                item.vars = {**item.vars, **known}
            if not self._passes(item):
                return None
            _refuse_bad(item, bad)
            if wrong is not None:
                self._refuse(item, wrong)
                return None
            if known:
                item.meta = {**item.meta, **known}
            self._own(item, columns)
            self._identify(item, known)
        except InvalidError as error:
            self._report.note(item.problem(error.message, error.hint))
            return None
        self._finding.passed += 1
        if item.former is None and self._is_other(item, before):
            # What was rendered from the same row without all this is the same task.
            earlier = before[2] if self._source.keeps_0_1 else item.vars
            item.former = msgspec.structs.replace(
                item, id=before[0], prompt=before[1], vars=earlier
            )
        return item

    def _is_other(
        self, item: Item, before: tuple[str | None, str | None, Mapping[str, Any]]
    ) -> bool:
        """Whether a row means another task than it would by its cells alone."""
        if (item.id, item.prompt) != before[:2]:
            return True
        now = item.vars
        return self._source.keeps_0_1 and any(
            now[name] != value for name, value in before[2].items()
        )

    def _columns(self, item: Item) -> dict[str, str]:
        """Say which heading has which meaning, of the row at hand."""
        if self._fixed is not None:
            return self._fixed
        if self._finding.titles:
            self._fixed = self._meaning(tuple(self._finding.titles))
            self._finding.columns.update(self._fixed)
            return self._fixed
        titles = tuple({**item.vars, **item.meta})  # of JSON, each row may have its own
        found = self._meanings.get(titles)
        if found is None:
            found = self._meanings[titles] = self._meaning(titles)
            self._finding.columns.update(found)
        return found

    def _meaning(self, titles: tuple[str, ...]) -> dict[str, str]:
        by_fold = {folded(title): title for title in reversed(titles)}
        # A verdict of a clip says nothing of what is made of it, nor does a heading of its sheet.
        found = recognised(titles) if self._source.clips is None else {}
        for name, said in self._source.columns.items():
            title = said if said in titles else by_fold.get(folded(said))
            if title is not None:
                found[name] = title
            elif boolean(said) is False:
                found.pop(name, None)
            elif not self._meanings:
                message = f"there is no column {shown(said)} in {self._finding.place}"
                hint = did_you_mean(said, titles)
                self._report.note(self._source.wrong(message, hint, "columns", name))
        return {name: found[name] for name in STANDARD if name in found}

    def _moment(
        self, item: Item, columns: dict[str, str]
    ) -> tuple[Moment | None, InvalidError | None]:
        """Read when the row is published, and say what is wrong with it."""
        title = columns.get("publish")
        text = _text(item, title)
        if title is None or not text:
            return None, None
        order = self._source.dates
        try:
            moment = read_date(text, order)
        except Ambiguous as error:
            return None, error
        if moment is None:
            wrong = InvalidError(
                f"{title}: {shown(text)} is not a date as dates: {shown(order)} says",
                "correct the cell, or leave the row out with where:",
            )
            return None, wrong if order is not None else None
        clock = _text(item, columns.get("time"))
        if clock and "T" not in moment.iso:
            at = read_time(clock)
            if at is None and not self._source.plain:
                return None, InvalidError(
                    f"{columns['time']}: {shown(clock)} is not a time", "such as 09:30"
                )
            moment = moment if at is None else moment._replace(iso=f"{moment.iso}T{at}")
        return moment, None

    def _known(self, item: Item, columns: dict[str, str], moment: Moment | None) -> dict[str, Any]:
        """Gather the values that have a standard name."""
        known = dict[str, Any]()
        if moment is not None:
            known["publish"] = moment.iso
            if moment.how:
                self._finding.dates[moment.how] = None
                self._orders.add(moment.how)
        for name in ("channel", "caption"):
            title = columns.get(name)
            if title is not None and (value := _value(item, title)) not in {None, ""}:
                known[name] = value
        return known

    def _passes(self, item: Item) -> bool:
        where = self._source.where
        if where is None:
            return True
        scope = {"index": self._finding.number, **item.vars}
        if item.id is not None:
            scope["id"] = item.id
        if item.prompt is not None:
            scope.setdefault("prompt", item.prompt)
        try:
            made = where(scope)
        except InvalidError as error:
            raise InvalidError(f"where: {error.message}", error.hint) from None
        return bool(made) and not (isinstance(made, str) and made.strip().casefold() in NO)

    def _refuse(self, item: Item, wrong: InvalidError) -> None:
        """Report a date; one that could be swapped once, because the others are alike."""
        if not isinstance(wrong, Ambiguous):
            self._report.note(item.problem(wrong.message, wrong.hint))
            return
        if self._swappable is not None:
            return
        month, day = self._finding.orders = wrong.orders
        lines = [self._line_of_dates(order) for order in wrong.orders]
        hint = f"write {lines[0]} where the month is first, or {lines[1]} where the day is"
        seen = {in_words(month), in_words(day)} & self._orders
        if len(seen) == 1:
            hint += f"; another row can only be read {seen.pop()}"
        title = self._finding.columns.get("publish", "publish")
        self._swappable = item.problem(f"{title}: {wrong.message}", hint)
        self._report.note(self._swappable)

    def _line_of_dates(self, order: str) -> str:
        if self._source.plain:
            return f'prompts_from: {{file: {self._source.written}, dates: "{order}"}}'
        return f'dates: "{order}"'

    def _own(self, item: Item, columns: dict[str, str]) -> None:
        """Take what is the row's own from the columns that mean it."""
        if "verdict" in columns:
            item.verdict = self._verdict(_text(item, columns["verdict"]))
        if self._source.plain:
            return
        said = self._source.columns
        if "prompt" in said and self._finding.header is None and "prompt" in columns:
            item.prompt = _text(item, columns["prompt"]) or None
        if "id" in said and self._finding.header is None and "id" in columns:
            text = _text(item, columns["id"])
            item.id = checked_id(text) if text else None

    def _verdict(self, text: str) -> Literal["kept", "rejected"] | None:
        word = text.casefold()
        if word in KEPT:
            return "kept"
        if word in REJECTED:
            return "rejected"
        if word not in _UNDECIDED:
            self._finding.note(f"{shown(text)} is neither yes nor no, and counts as no verdict")
        return None

    def _identify(self, item: Item, known: dict[str, Any]) -> None:
        """Make an id where there is none, of what stays the same when the prompt is edited."""
        make = self._source.id
        if make is not None:
            scope = {"index": self._finding.number, **item.vars, **known}
            if item.id is not None:
                scope["id"] = item.id
            try:
                item.id = checked_id(make(scope).replace("/", "-"))
            except InvalidError as error:
                raise InvalidError(f"id: {error.message}", error.hint) from None
            return
        if item.id is not None or not self._source.own_ids or "publish" not in known:
            return
        channel = slug(as_text(known.get("channel", "")), _LONGEST_CHANNEL)
        made = "-".join(filter(None, (str(known["publish"]).replace(":", ""), channel)))
        if self._shared is None:
            self.keys[made] += 1
            return
        self._finding.ids = "ids are made of publish" + (" and channel" if channel else "")
        if self._shared.get(made, 0) <= 1:
            item.id = made
            return
        # A number would move to another row when one is sorted, added or left out. Its prompt is
        # what this row is known by; it may have been alone when it was rendered.
        self._finding.sharing += 1
        if item.former is None:
            item.former = msgspec.structs.replace(item, id=made)


def _refuse_bad(item: Item, bad: Mapping[int, tuple[str, str]]) -> None:
    if item.number in bad:
        cell, why = bad[item.number]
        hint = "open the sheet, let it calculate, and save it again"
        raise InvalidError(f"cell {cell} has {why}", hint)


def _value(item: Item, title: str | None) -> Any:
    if title is None:
        return None
    value = item.meta.get(title)
    if value is None:
        value = item.vars.get(title)
    return item.prompt if value is None and folded(title) == "prompt" else value


def _text(item: Item, title: str | None) -> str:
    value = _value(item, title)
    return "" if value is None or isinstance(value, dict | list) else as_text(value).strip()

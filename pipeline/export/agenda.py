"""The posts as a calendar (iCalendar, RFC 5545): one event each."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.export.dates import Moment, moment
from pipeline.export.rows import Row
from pipeline.ledger.posts import text_of
from pipeline.models import task_key

if TYPE_CHECKING:
    from icalendar import Event

# RFC 5545 allows no control character in a text but a tab and a line feed.
_CONTROL = re.compile(r"[^\t\n\x20-\x7e\x80-\U0010ffff]|[\x80-\x9f\ud800-\udfff]")
_SUMMARY = 75  # characters: calendars show the first words only
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Post:
    """What goes out at one time on one channel: one clip, or the shapes and takes of one."""

    when: Moment
    channel: str
    caption: str
    rows: tuple[Row, ...]


def posts(rows: Iterable[Row]) -> tuple[list[Post], list[Row]]:
    """Group clips into posts, by time, channel and caption; and return the rows without a date."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    dates: dict[str, Moment] = {}
    undated = []
    for row in rows:
        publish, channel, caption = (
            text_of(row.task.meta, key) for key in ("publish", "channel", "caption")
        )
        when = dates.get(publish) or moment(publish)
        if when is None:
            undated.append(row)
            continue
        dates[publish] = when
        groups.setdefault((publish, channel, caption), []).append(row)
    made = [Post(dates[key[0]], *key[1:], tuple(found)) for key, found in groups.items()]
    return made, undated


def calendar(job: str, listed: Sequence[Post]) -> bytes:
    """Write posts as an iCalendar file; the same clips give the same bytes."""
    from icalendar import Calendar  # noqa: PLC0415 - only this export needs it

    written = Calendar()
    written.add("prodid", "-//overnight-pipeline//export//EN")
    written.add("version", "2.0")
    written.add("x-wr-calname", _clean(job))
    before: Counter[str] = Counter()
    for post in listed:
        task = post.rows[0].task.id
        written.add_component(_event(post, _uid(job, task, before[task])))
        before[task] += 1
    return bytes(written.to_ical())


def _uid(job: str, task: str, before: int) -> str:
    """Name an event by its task, not by what it says: one moved or reworded stays the same.

    `before` counts the posts above it with the same task, of rows that are twins.
    """
    return f"{task_key(f'{job}/{task}' + f'/{before}' * bool(before))}@overnight-pipeline"


def _event(post: Post, uid: str) -> "Event":
    from icalendar import Event, vUri  # noqa: PLC0415 - as above

    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", max(map(_finished, post.rows)))
    event.add("dtstart", _start(post.when))
    event.add("summary", _summary(post))
    if post.caption:
        event.add("description", _clean(post.caption))
    if post.channel:
        event.add("categories", [_clean(post.channel)])
    event.add("transp", "TRANSPARENT")  # a post keeps nobody busy
    addresses = [_address(row.file) for row in post.rows]
    for address in addresses:
        event.add("attach", vUri(address))
    if addresses[0].startswith(("http://", "https://")):
        event.add("url", vUri(addresses[0]))
    return event


def _start(when: Moment) -> Any:
    """Return a day, or a time: in UTC if its zone is written, else by the reader's own clock."""
    if when.clock is None:
        return when.day
    start = datetime.combine(when.day, when.clock, when.zone)
    return start if when.zone is None else start.astimezone(UTC)


def _finished(row: Row) -> datetime:
    assert row.record is not None
    try:
        found = datetime.fromisoformat(row.record.finished_at)
    except ValueError:
        return _EPOCH
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _summary(post: Post) -> str:
    words = (post.caption or post.rows[0].task.id).split("\n", 1)[0]
    words = words if len(words) <= _SUMMARY else words[: _SUMMARY - 1] + "…"
    return _clean(f"{post.channel}: {words}" if post.channel else words)


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def _address(file: str) -> str:
    """Write a path as an address; whatever an address must not have is percent-encoded."""
    path = Path(file)
    address = path.as_uri() if path.is_absolute() else file
    return quote(address, safe="%/:?#[]@!$&'()*+,;=-._~")


def undated(rows: Sequence[Row], most: int = 3) -> Iterator[str]:
    """Say which clips are in no calendar, and why; one line each for the first of them."""
    for row in rows[:most]:
        publish = text_of(row.task.meta, "publish")
        why = f"publish {publish!r} is not a date" if publish else "it has no publish date"
        yield f"{row.task.line or row.task.id}: {row.task.id} is not in the calendar: {why}"
    if len(rows) > most:
        yield f"{len(rows) - most:,} more clips are not in the calendar"

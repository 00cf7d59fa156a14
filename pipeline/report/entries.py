"""The data of the page's script: a JSON object for each task."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import msgspec

from pipeline.facts.expected import flags_of
from pipeline.ledger.posts import text_of
from pipeline.ledger.verdicts import Word
from pipeline.models import Facts, Record, Settled, Status, Task
from pipeline.report import people
from pipeline.report.data import ReportData
from pipeline.report.people import Words
from pipeline.report.shortening import LONGEST_PROMPT, shortened, shortened_params

KINDS = {
    "video": (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".ogv"),
    "image": (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".svg"),
    "audio": (".mp3", ".wav", ".ogg", ".oga", ".m4a", ".flac", ".aac", ".opus"),
}
_TEXTS = ("publish", "channel", "caption", "campaign")
_BY_SUFFIX = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}

_ENCODER = msgspec.json.Encoder(decimal_format="number")
# Inside a script element only `</script` and `<!--` can end the data. The others are for tools that
# read the JSON as JavaScript or XML.
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class Shown(StrEnum):
    """How a task of the page has ended; `pending` has no record yet."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An older clip of a task, whose file is still there. `params` has the prompt too."""

    src: str | None
    file: str
    finished_at: str
    kind: str | None = None
    sha256: str | None = None
    cost: Decimal | None = None
    params: dict[str, Any] = {}
    poster: str | None = None
    strip: str | None = None
    poster_w: int | None = None
    poster_h: int | None = None
    verdict: Word | None = None
    note: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task on the page. Fields without a value are left out of the JSON.

    `name` is the file name that a task without a file would get. `src` is the clip's relative URL.
    `group` is the same for takes of the same request. `standing` is `changed`, `former`,
    `accepted`, `saved` or nothing; `missing` is set if the file was not found. `flags` say what of
    the clip is not as expected.

    `post` is the same for all tasks of one prompt, `own_id` is its id if it has one; they differ in
    the matrix' `values` and in their `take`, from 1. `verdict`, `note`, `by` and `at` (RFC 3339)
    are what counts of the clip that has this `sha256`; `said_by_row` is set where only its sheet
    says it. `publish`, `channel`, `caption` and `campaign` are texts of `meta`. `versions` are
    older clips, the newest first. `words` are for what has no clip.
    """

    task: str
    status: Shown
    prompt: str
    model: str
    group: str
    params: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    name: str | None = None
    file: str | None = None
    src: str | None = None
    kind: str | None = None
    bytes: int | None = None
    http_status: int | None = None
    attempts: int = 1
    cost: Decimal | None = None
    at_risk: Decimal | None = None
    request_id: str | None = None
    error: str | None = None
    finished_at: str = ""
    duration_s: float | None = None
    standing: str = ""
    missing: bool = False
    settled: Settled | None = None
    media: Facts | None = None
    flags: tuple[str, ...] = ()
    post: str = ""
    own_id: str = ""
    take: int | None = None
    values: dict[str, Any] = {}
    sha256: str | None = None
    verdict: Word | None = None
    note: str | None = None
    by: str | None = None
    at: str | None = None
    said_by_row: bool = False
    publish: str = ""
    channel: str = ""
    caption: str = ""
    campaign: str = ""
    versions: tuple[Version, ...] = ()
    words: Words | None = None
    poster: str | None = None
    strip: str | None = None
    poster_w: int | None = None
    poster_h: int | None = None
    small: bool = False


Embed = Callable[[Entry], Entry]
"""Puts what a page shows of a clip into its entry."""


def embedded(value: Any) -> str:
    """Encode as JSON that stays data inside a script element."""
    return _ENCODER.encode(value).decode().translate(_UNSAFE)


def embedded_entries(data: ReportData, embed: Embed | None = None) -> Iterator[str]:
    """Encode the entries of the page as one JSON array, a piece for each entry."""
    yield "["
    for number, one in enumerate(entries(data)):
        yield (",\n" if number else "") + embedded(embed(one) if embed else one)
    yield "]"


def entries(data: ReportData) -> Iterator[Entry]:
    """Make the entries, in the order of the job; what has left it comes last."""
    records = {record.task: record for record in data.records}
    for name, task in data.tasks.items():
        record = records.pop(name, None)
        yield planned(task, data) if record is None else entry(record, data)
    yield from (entry(record, data) for record in records.values())


def planned(task: Task, data: ReportData) -> Entry:
    """Make the entry of a task that has no record yet."""
    waits = task.id in data.accepted
    return Entry(
        task=task.id,
        status=Shown.PENDING,
        prompt=shortened(task.prompt, LONGEST_PROMPT),
        model=task.model,
        group=task.fingerprint[:16],
        params=_params(task.params),
        meta=shortened(task.meta),
        name=task.output,
        standing=_standing(task.id, data),
        words=people.accepted(data) if waits else people.pending(data),
        **_post(task.id, task.meta, task),
    )


def entry(record: Record, data: ReportData) -> Entry:
    """Make the entry of a task from its last record."""
    poster = data.poster_of(record)
    return Entry(
        task=record.task,
        status=Shown(record.status),
        prompt=shortened(str(record.params.get("prompt", "")), LONGEST_PROMPT),
        model=record.model,
        group=record.fingerprint[:16],
        params=_params(record.params),
        meta=shortened(record.meta),
        name=None if record.output else data.names.get(record.task),
        file=record.output,
        src=None if record.task in data.saved else _where(record, data),
        kind=kind(record),
        bytes=record.bytes,
        http_status=record.http_status,
        attempts=record.attempts,
        cost=record.cost,
        # What a record takes back from a doubt is a difference: nothing of it is at risk now.
        at_risk=record.at_risk if record.settled is None else None,
        request_id=record.request_id,
        error=record.error,
        finished_at=record.finished_at,
        duration_s=record.duration_s,
        standing=_standing(record.task, data),
        missing=record.task in data.missing,
        settled=record.settled,
        media=record.media,
        flags=tuple(map(str, flags_of(record, data.expect))),
        sha256=record.sha256 if record.status is Status.SUCCEEDED else None,
        versions=tuple(_versions(record.task, data)),
        words=people.words(record, data),
        **_said(record, data),
        **_post(record.task, record.meta, data.tasks.get(record.task)),
        poster=url(poster.poster),
        strip=url(poster.strip),
        poster_w=poster.width,
        poster_h=poster.height,
    )


def _params(params: dict[str, Any]) -> dict[str, Any]:
    return {name: shortened(value) for name, value in params.items() if name != "prompt"}


def _post(name: str, meta: dict[str, Any], task: Task | None) -> dict[str, Any]:
    """Return what places a task among the posts; of one that left the job, its records say it."""
    fields: dict[str, Any] = {key: shortened(text_of(meta, key), LONGEST_PROMPT) for key in _TEXTS}
    if task is None:
        return {**fields, "post": name}
    values = shortened(task.values)
    place = {"post": task.post or name, "own_id": task.own_id, "take": task.take or None}
    return {**fields, **place, "values": values}


def _said(record: Record, data: ReportData) -> dict[str, Any]:
    """Return what counts of the present clip of a task."""
    said = data.verdicts.of(record)
    if said is not None:
        return {name: getattr(said, name) for name in ("verdict", "note", "by", "at")}
    word = data.by_row.get(record.task) if record.status is Status.SUCCEEDED else None
    return {"verdict": word, "said_by_row": word is not None}


def _versions(task: str, data: ReportData) -> Iterator[Version]:
    for record, file in data.versions.get(task, ()):
        said, poster = data.verdicts.of(record), data.poster_of(record)
        yield Version(
            src=url(file),
            poster=url(poster.poster),
            strip=url(poster.strip),
            poster_w=poster.width,
            poster_h=poster.height,
            file=file,
            finished_at=record.finished_at,
            kind=kind(record),
            sha256=record.sha256,
            cost=record.cost,
            params=shortened_params(record.params),
            verdict=None if said is None else said.verdict,
            note=None if said is None else said.note,
        )


def _where(record: Record, data: ReportData) -> str | None:
    return data.url_of(record.output) or url(record.output)


def url(output: str | None) -> str | None:
    """Return the path of an output as a URL relative to the page; None if it is outside its folder.

    The leading `./` keeps a colon or slashes in a name from being read as a scheme or a host.
    """
    if output is None or output.startswith("/") or ".." in PurePosixPath(output).parts:
        return None
    return "./" + quote(output, safe="/", errors="surrogatepass")


def kind(record: Record) -> str | None:
    """Return what an output is: by its extension, which was chosen by its bytes, else its type."""
    if record.output is None:
        return None
    by_type = (record.content_type or "").partition("/")[0].lower()
    by_suffix = _BY_SUFFIX.get(PurePosixPath(record.output).suffix.lower())
    return by_suffix or (by_type if by_type in KINDS else None)


def outputs(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Yield the task and the output of each success."""
    for record in records:
        if record.status is Status.SUCCEEDED and record.output is not None:
            yield record.task, record.output


def _standing(task: str, data: ReportData) -> str:
    if task in data.former:
        return "former"
    if task in data.accepted:
        return "accepted"
    if task in data.saved:
        return "saved"
    return "changed" if task in data.changed else ""

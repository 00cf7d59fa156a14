"""The data of the page's script: a JSON object for each task."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import msgspec

from pipeline.facts.expected import flags_of
from pipeline.models import Facts, Record, Settled, Status
from pipeline.report.data import ReportData

# Image-to-video models take whole pictures as base64; the page says how long they are.
LONGEST_VALUE = 1_000
LONGEST_PROMPT = 20_000
KINDS = {
    "video": (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".ogv"),
    "image": (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".svg"),
    "audio": (".mp3", ".wav", ".ogg", ".oga", ".m4a", ".flac", ".aac", ".opus"),
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}

_ENCODER = msgspec.json.Encoder(decimal_format="number")
# Inside a script element only `</script` and `<!--` can end the data. The others are for tools that
# read the JSON as JavaScript or XML.
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task on the page. Fields without a value are left out of the JSON.

    `name` is the file name that a task without a file would get. `src` is the clip's relative URL.
    `group` is the same for takes of the same request. `standing` is `changed`, `former`,
    `accepted`, `saved` or nothing; `missing` is set if the file was not found. `flags` say what of
    the clip is not as expected.
    """

    task: str
    status: Status
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
    for number, record in enumerate(data.records):
        one = entry(record, data)
        yield (",\n" if number else "") + embedded(embed(one) if embed else one)
    yield "]"


def entry(record: Record, data: ReportData) -> Entry:
    """Make the entry of a task."""
    poster = data.poster_of(record)
    return Entry(
        task=record.task,
        status=record.status,
        prompt=shortened(str(record.params.get("prompt", "")), LONGEST_PROMPT),
        model=record.model,
        group=record.fingerprint[:16],
        params={
            name: shortened(value) for name, value in record.params.items() if name != "prompt"
        },
        meta={name: shortened(value) for name, value in record.meta.items()},
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
        poster=url(poster.poster),
        strip=url(poster.strip),
        poster_w=poster.width,
        poster_h=poster.height,
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


def shortened(value: Any, longest: int = LONGEST_VALUE) -> Any:
    """Shorten long strings inside any JSON value, and say how long they were."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:80]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [shortened(each, longest) for each in value]
    if isinstance(value, dict):
        return {name: shortened(each, longest) for name, each in value.items()}
    return value


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

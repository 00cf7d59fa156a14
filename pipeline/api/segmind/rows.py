"""The provider's list of requests, however its JSON is laid out. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.api import values
from pipeline.api.outcome import Page, Progress, RequestState, Row
from pipeline.api.wire import Reply

PER_PAGE = 100
# A server that knows no pages may send them all; what is more is not waited for.
_MOST = 10_000

STATES = {
    "QUEUED": RequestState.WAITING,
    "PENDING": RequestState.WAITING,
    "PROCESSING": RequestState.RUNNING,
    "COMPLETED": RequestState.DONE,
    "FAILED": RequestState.FAILED,
}
_IDS = ("request_id", "requestId")
_CREATED = (
    "model_created", "created_at", "created", "createdAt", "created_on", "creation_time",
    "requested_at", "timestamp", "time", "date",
)  # fmt: skip
# Names under which a list without ids is a list of requests; the empty one is the whole answer.
_LISTS = frozenset(
    ("", "data", "rows", "results", "result", "items", "requests", "records", "history")
)
_TOTALS = ("total", "total_count", "totalCount", "count")
_PAGES = ("total_pages", "totalPages", "pages", "last_page", "page_count")
_MORE = ("has_more", "hasMore", "has_next", "hasNext", "next", "next_page")


def read_page(reply: Reply, page: int) -> Page:
    """Read one page of the list."""
    if not reply.ok:
        return Page(readable=False, detail=reply.detail or f"HTTP {reply.status}")
    answer = values.read_json(reply.text)
    listed = find_rows(answer)
    if listed is None:
        return Page(readable=False, detail="the answer is not a list of requests")
    rows = tuple(row for one in listed[:_MOST] if (row := read_row(one)) is not None)
    if listed and not rows:  # for an audit, a list that cannot be read is not an empty one
        return Page(readable=False, detail="what the answer lists has no request ids")
    return Page(rows=rows, more=bool(listed) and _has_more(answer, len(listed), page))


def find_rows(answer: Any) -> list[Any] | None:
    """Find the list of rows: what holds objects with an id, or else has a name of such a list."""
    level, named = [("", answer)], None
    for _ in range(6):
        for name, value in level:
            if isinstance(value, list):
                if any(read_id(one) for one in value):
                    return value
                if named is None and name in _LISTS:
                    named = value
        level = [
            inner
            for _, value in level
            if isinstance(value, dict)
            for inner in list(value.items())[:100]
        ]
    return named


def find_row(answer: Any, id_: str) -> Row | None:
    """Find the row of one request in an answer that is about it alone."""
    level: list[Any] = [answer]
    rows = list[Row]()
    for _ in range(6):
        rows += [row for one in level if (row := read_row(one)) is not None and row.id == id_]
        level = [inner for value in level for inner in _within(value)]
    # Of several outputs each has a row.
    return next((row for row in rows if row.progress.media), rows[0] if rows else None)


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return value[:1000] if isinstance(value, list) else []


def read_id(row: Any) -> str | None:
    """Read the id of a row."""
    if not isinstance(row, dict):
        return None
    return next((id_ for name in _IDS if (id_ := values.identifier(row.get(name)))), None)


def read_row(row: Any) -> Row | None:
    """Read a row; None where it is no object, or has no id."""
    id_ = read_id(row)
    if id_ is None:
        return None
    times = (values.moment(row.get(name)) for name in _CREATED)
    return Row(
        id=id_,
        model=values.word(row.get("model_name")),
        sent=values.sent(row.get("request_body")),
        created=next((time for time in times if time is not None), None),
        progress=_progress(row),
    )


def _progress(row: Mapping[str, Any]) -> Progress:
    state, detail = read_state(row.get("model_status", row.get("status")))
    latency = values.number(row.get("latency_ms"))
    return Progress(
        state=state,
        media=values.address(row.get("generation_url")),
        cost=values.amount(row.get("credits_deduction")),
        seconds=None if latency is None else latency / 1000,
        error=values.said(row.get("error")) if state is RequestState.FAILED else "",
        detail=detail,
    )


def read_state(value: Any) -> tuple[RequestState, str]:
    """Read a state; one that nobody knows is waited for, and told."""
    if isinstance(value, str) and value in STATES:
        return STATES[value], ""
    told = values.word(value)
    state = STATES.get(told.upper())
    if state is not None:
        return state, ""
    return RequestState.WAITING, f"state {told!r}" if told else "it has no state"


def _has_more(answer: Any, count: int, page: int) -> bool:
    """Whether another page may follow: as the answer says, or where this one is full."""
    told = _told(answer)
    if (pages := _first(told, _PAGES)) is not None:
        return page < pages
    if (total := _first(told, _TOTALS)) is not None and total > count:
        return page * max(count, 1) < total
    if any(told.get(name) for name in _MORE):
        return True
    size = _first(told, ("per_page", "perPage", "page_size", "limit")) or PER_PAGE
    return count >= min(size, PER_PAGE)


def _told(answer: Any) -> dict[str, Any]:
    """Collect what an answer says beside its rows, at most two levels deep."""
    told: dict[str, Any] = {}
    level = [answer]
    for _ in range(3):
        level = [one for one in level if isinstance(one, dict)]
        for one in level:
            told = {**one, **told}
        level = [inner for one in level for inner in list(one.values())[:100]]
    return told


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    found = (values.number(told.get(name)) for name in names)
    return next((one for one in found if one is not None), None)

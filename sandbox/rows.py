"""How one request is written in the request history. Pure."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sandbox.books import Entry
from sandbox.events import State
from sandbox.settings import History, Settings, Times

_ELSEWHERE = timezone(timedelta(hours=5, minutes=30))


def status_of(entry: Entry) -> str:
    """Name the `model_status` of a request."""
    return entry.state or "PENDING"


def row_of(entry: Entry, url: str, settings: Settings) -> dict[str, Any]:
    """Write a request as a row; `url` is where its output is, if it has one."""
    assert entry.begun is not None
    created, done = entry.begun.at, entry.done
    return {
        "request_id": entry.listed,
        "model_name": entry.model,
        "model_status": status_of(entry),
        "credits_deduction": entry.price or 0,
        "request_body": _body(entry.params, settings.history),
        "generation_url": url if entry.state is State.COMPLETED else None,
        "latency_ms": None if done is None else round((done - created) * 1000),
        "model_created": _time(created, settings.history_times),
        "model_updated": _time(created if done is None else done, settings.history_times),
        "error": entry.error,
    }


def shapeless(count: int) -> dict[str, Any]:
    """Write an answer that has none of the fields of the request history."""
    items = [{"number": number, "state": "see the dashboard"} for number in range(count)]
    return {"ok": True, "result": {"items": items, "count": count}}


def _body(params: dict[str, Any], history: History) -> Any:
    match history:
        case History.OBJECT:
            return params
        case History.REPR:
            return repr(params)
        case _:
            return json.dumps(params)


def _time(seconds: float, times: Times) -> str:
    match times:
        case Times.OFFSET:
            return datetime.fromtimestamp(seconds, _ELSEWHERE).isoformat()
        case Times.NAIVE:
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(" ")
        case _:
            return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

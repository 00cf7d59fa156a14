"""Where a request of Segmind is: its state, its result, and the list where both are forgotten.

Each function is a conversation: it yields requests, is sent the replies, and returns what they
have told. FAILED comes under HTTP 422; a record lives an hour after the submit, and answers 404
then. Source: the vendor's SDK 1.3.0, `segmind/v2.py`.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.deadlines import retry_after
from pipeline.api.origin import shown
from pipeline.api.outcome import Progress, RequestState
from pipeline.api.segmind import rows
from pipeline.api.segmind.places import Places
from pipeline.api.wire import Conversation, Reply, Request
from pipeline.models import Handle

RESET_HEADER = "x-rate-limit-reset-at-utc"

_REFUSES = frozenset({401, 403})
_HAS_NONE = frozenset({404, 410})
# A body under these says nothing of the request, whatever it is.
_SAYS_NOTHING = frozenset({*_REFUSES, *_HAS_NONE, 407, 408, 425, 429})
_FINAL = (RequestState.DONE, RequestState.FAILED)


class Asking:
    """Asks for requests at one endpoint."""

    def __init__(self, places: Places, key: Mapping[str, str]) -> None:
        self._places = places
        self._key = key

    def ask(self, handle: Handle) -> Conversation[Progress]:
        """Ask where a request is."""
        if not self._places.can_ask(handle.id):
            return Progress(
                state=RequestState.UNREACHED, detail="its id cannot be part of an address"
            )
        first = yield from (self._list(handle) if handle.listed else self._status(handle))
        if first.state is not RequestState.GONE:
            return first
        second = yield from (self._status(handle) if handle.listed else self._list(handle))
        known = second.final or second.state in {RequestState.WAITING, RequestState.RUNNING}
        if known or second.state is RequestState.GONE:
            return second
        if handle.listed:  # the list has requests of any age: what it lacks is gone
            return first
        detail = f"{first.detail}; the list of requests: {second.detail}"
        return replace(second, state=RequestState.UNREACHED, detail=detail)

    def _get(self, url: str) -> Request:
        return Request("GET", url, self._key)

    # -- its state ----------------------------------------------------------------------------

    def _status(self, handle: Handle) -> Conversation[Progress]:
        url, note = self._address(handle.status, self._places.status(handle.id))
        reply = yield self._get(url)
        progress = read(reply, handle.id)
        if progress.state is RequestState.DONE:
            progress = yield from self._result(handle, progress)
        return _noted(progress, note)

    def _result(self, handle: Handle, progress: Progress) -> Conversation[Progress]:
        url, note = self._address(handle.result, self._places.result(handle.id))
        reply = yield self._get(url)
        result = read(reply, handle.id, progress)
        gone = result.state is RequestState.GONE
        if gone or (result.state is RequestState.DONE and result.media is None):
            listed = yield from self._list(handle)
            if listed.final:
                return _noted(_together(result, listed), note)
            if gone:
                detail = f"its result: {result.detail}; the list of requests: {listed.detail}"
                if listed.state is not RequestState.GONE:  # the list may know it again
                    progress = replace(listed, state=RequestState.UNREACHED)
                return _noted(replace(progress, detail=detail), note)  # else: DONE, by its state
        return _noted(result, note)

    def _address(self, told: str | None, usual: str) -> tuple[str, str]:
        """Choose where to ask: as told, if that is at this provider; with what to say of it."""
        if told is None or told == usual:
            return usual, ""
        if self._places.is_own(told):
            return told, ""
        return usual, f"the answer names {shown(told)}, which is not asked: it is another host"

    # -- the list -----------------------------------------------------------------------------

    def _list(self, handle: Handle) -> Conversation[Progress]:
        reply = yield self._get(self._places.listed(handle.id))
        if (nothing := _unread(reply)) is not None:
            return nothing
        row = rows.find_row(values.read_json(reply.text), handle.id) if reply.ok else None
        if row is None:
            return _strange(reply)
        return replace(row.progress, status=reply.status)


def read(reply: Reply, id_: str, before: Progress | None = None) -> Progress:
    """Read a state or a result; `before` is the state whose result this is."""
    if (nothing := _unread(reply)) is not None:
        return nothing
    answer = values.read_json(reply.text)
    if not isinstance(answer, dict) or not _can_tell(reply):
        return _strange(reply)
    named = rows.read_id(answer)
    if named is not None and named != id_:
        return replace(_strange(reply), detail="the answer is about another request")
    told = answer.get("status", "COMPLETED" if before is not None else None)
    state, detail = rows.read_state(told)
    if before is not None and detail and values.address(answer) is not None:
        state, detail = RequestState.DONE, ""
    if not reply.ok and state is not RequestState.FAILED:
        return _strange(reply)
    if state not in _FINAL:  # the usual answer, some hundred times a second
        wait = retry_after(reply.headers, RESET_HEADER)
        return Progress(state=state, detail=detail, retry_after=wait, status=reply.status)
    return _progress(reply, answer, state, detail)


def _progress(
    reply: Reply, answer: Mapping[str, Any], state: RequestState, detail: str
) -> Progress:
    metrics = answer.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    times = (values.number(metrics.get(name)) for name in ("total_time", "inference_time"))
    failed = state is RequestState.FAILED
    seed = answer.get("seed", metrics.get("seed"))
    return Progress(
        state=state,
        media=values.address(answer) if state is RequestState.DONE else None,
        cost=None if failed else values.amount(metrics.get("cost")),
        remaining=values.balance(metrics.get("remaining_credits")),
        seconds=next((time for time in times if time is not None), None),
        seed=values.seed(seed),
        error=values.said(answer.get("error") or answer.get("detail")) if failed else "",
        detail=detail,
        retry_after=retry_after(reply.headers, RESET_HEADER),
        status=reply.status,
    )


def _can_tell(reply: Reply) -> bool:
    status = reply.status or 0
    return reply.ok or (400 <= status < 500 and status not in _SAYS_NOTHING)  # noqa: PLR2004


def _unread(reply: Reply) -> Progress | None:
    """Read what says nothing of the request, or that there is none; None where it may."""
    wait = retry_after(reply.headers, RESET_HEADER)
    if reply.status in _REFUSES:
        state = RequestState.REFUSED
    elif reply.status in _HAS_NONE:
        state = RequestState.GONE
    elif reply.detail:
        state = RequestState.UNREACHED
    else:
        return None
    detail = reply.detail or f"HTTP {reply.status}"
    return Progress(state=state, detail=detail, retry_after=wait, status=reply.status)


def _strange(reply: Reply) -> Progress:
    """Say that an answer tells nothing: an error of the server, or another shape."""
    return Progress(
        state=RequestState.UNREACHED,
        detail=f"HTTP {reply.status}" + (": it does not say where it is" if reply.ok else ""),
        retry_after=retry_after(reply.headers, RESET_HEADER),
        status=reply.status,
    )


def _together(result: Progress, listed: Progress) -> Progress:
    """Add what the list knows to a result without an address."""
    if result.state is RequestState.GONE:
        return listed
    return replace(result, media=listed.media, cost=result.cost or listed.cost)


def _noted(progress: Progress, note: str) -> Progress:
    detail = "; ".join(filter(None, (progress.detail, note)))
    return replace(progress, detail=detail) if note else progress

"""Requests that are found again: rows of a list, or what a look-up by our own id tells. Pure."""

import json
import math
import time
from collections.abc import Mapping
from typing import Any

from pipeline.api import values
from pipeline.api.deadlines import clock_of
from pipeline.api.described.bodies import marked, read_body
from pipeline.api.described.description import Description, Handling
from pipeline.api.described.expressions import Expression, app_of
from pipeline.api.described.places import Places
from pipeline.api.described.words import Charged
from pipeline.api.outcome import Asked, Page, Progress, Query, RequestState, Row
from pipeline.api.wire import Reply

# What is more is not waited for.
_MOST = 10_000
_HAS_NONE = frozenset({404, 410})


class Rows:
    """Reads what is found again at one endpoint."""

    def __init__(self, description: Description, places: Places) -> None:
        self._told = description
        self._places = places

    def page(self, reply: Reply, query: Query) -> tuple[Page, str | None]:
        """Read a page of the list, and the address of the next one."""
        if not reply.ok:
            return Page(readable=False, detail=reply.detail or f"HTTP {reply.status}"), None
        resolve, answer = self._told.resolve, values.read_json(reply.text)
        listed = answer if resolve.rows is None else resolve.rows.find(answer)
        if not isinstance(listed, list):
            return Page(readable=False, detail="the answer is not a list of requests"), None
        rows = tuple(row for one in listed[:_MOST] if (row := self.row(one, query)) is not None)
        if listed and not rows:
            return Page(readable=False, detail="what the answer lists has no ids"), None
        following = None if resolve.next is None else resolve.next.find(answer)
        return Page(rows=rows), self._places.own(following)

    def row(self, one: Any, query: Query | None = None) -> Row | None:
        """Read a row; None where it has no id. Without its own model it is of the query's."""
        resolve = self._told.resolve
        handle = resolve.handle
        id_ = None if handle is None else values.identifier(handle.id.find(one))
        if handle is None or id_ is None:
            return None
        model = query.model if query is not None else ""
        if resolve.model is not None:
            model = values.word(resolve.model.find(one))
        status, result = self._addresses(handle, one, id_, model)
        return Row(
            id=id_,
            model=model,
            sent=self._sent(values.sent(_found(resolve.sent, one)), query),
            created=values.moment(_found(resolve.created, one)),
            progress=self._progress(one),
            status=status,
            result=result,
        )

    def _sent(self, found: Mapping[str, Any] | None, query: Query | None) -> Any:
        """Find the parameters of what a row repeats, which may be the body that they made."""
        if not self._told.resolve.compares_body or found is None:
            return found
        if query is None:
            return None
        for asked in query.asked:
            inputs, marks = marked(asked.inputs)
            named = {"model": query.model, "once": asked.once}
            scope = {**named, "params": asked.params, "inputs": inputs}
            sending = self._told.with_inputs if inputs else self._told.usual
            shown = read_body(sending.body(scope), found, marks, once=asked.once)
            if shown is not None:
                return {**asked.params, **shown}
        return None

    def looked_up(self, reply: Reply, query: Query, asked: Asked) -> Page:
        """Read what a look-up tells of one request."""
        resolve = self._told.resolve
        now = min(time.time(), _end_of(clock_of(reply.headers)))
        if reply.status in _HAS_NONE and not reply.detail:
            return self._absent(query, asked, now)
        if not reply.ok:
            return Page(readable=False, detail=reply.detail or f"HTTP {reply.status}")
        answer = values.read_json(reply.text)
        found = answer if resolve.rows is None else resolve.rows.find(answer)
        if resolve.rows is not None and found == []:
            return self._absent(query, asked, now)
        if isinstance(found, list):
            found = _only(found, asked.once)
        if found is None:  # it may come from a proxy, say: that proves nothing
            return Page(readable=False, detail="the answer does not say which request is ours")
        handle = resolve.handle or self._told.handle
        id_ = None if handle is None else values.identifier(handle.id.find(found))
        if handle is None or id_ is None:
            return Page(readable=False, detail="the answer has no id")
        status, result = self._addresses(handle, found, id_, query.model, once=asked.once)
        row = Row(
            id=id_,
            model=query.model,
            sent=asked.params,
            created=asked.began,
            progress=self._progress(found),
            status=status,
            result=result,
        )
        return Page(rows=(row,))

    def _absent(self, query: Query, asked: Asked, now: float) -> Page:
        """Say that there is no such request, where that is a proof: it was not processed.

        It is none of what was sent elsewhere, or who knows where: nobody here can know of it. And
        none before it is old enough by the earlier of two clocks, this machine's and the
        provider's: one that was set forward must not make it old.
        """
        resolve = self._told.resolve
        is_here = (asked.base_url or "").rstrip("/") == self._places.base
        if not (resolve.is_proof and is_here) or now < asked.began + resolve.settle:
            return Page()
        error = "the provider has no request of this id: it was not processed"
        progress = Progress(state=RequestState.FAILED, error=error, absent=True)
        row = Row(
            id=f"absent-{asked.once}",
            model=query.model,
            sent=asked.params,
            created=asked.began,
            progress=progress,
        )
        return Page(rows=(row,))

    def _addresses(
        self, handle: Handling, one: Any, id_: str, model: str, once: str | None = None
    ) -> tuple[str | None, str | None]:
        names = {"id": id_, "model": model, "app": app_of(model), "once": once}
        found = {name: told.find(one) for name, told in handle.addresses.items()}
        poll, places = self._told.poll, self._places
        if poll is None:
            return None, None
        status = places.choose(poll.url, found.get(poll.url.told or ""), names)
        where = self._told.result_url
        result = None if where is None else places.choose(where, found.get(where.told or ""), names)
        return status, result

    def _progress(self, one: Any) -> Progress:
        """Read the state of a row, where it has one: a failure only where that is free."""
        resolve, poll = self._told.resolve, self._told.poll
        state = RequestState.WAITING
        if resolve.state is not None and poll is not None:
            state = poll.states.get(state_word(resolve.state.find(one)), state)
        is_free = self._told.failed.charged is Charged.NEVER
        if state is RequestState.GONE or (state is RequestState.FAILED and not is_free):
            state = RequestState.WAITING  # it is asked for by its id, and judged by that
        cost = None if resolve.cost is None else values.amount(resolve.cost.find(one))
        error = self._told.failed.error if state is RequestState.FAILED else None
        return Progress(
            state=state, cost=cost, error="" if error is None else values.said(error.find(one))
        )


def _end_of(second: float | None) -> float:
    """Return when a second ends that a header names: it leaves out the fractions."""
    return math.inf if second is None else second + 1


def _only(listed: list[Any], once: str) -> Any:
    """Find the request of ours: the only one, or of several the only one that repeats our id."""
    if len(listed) > 1:
        listed = [one for one in listed[:_MOST] if once in json.dumps(one, default=str)]
    return listed[0] if len(listed) == 1 else None


def _found(expression: Expression | None, one: Any) -> Any:
    return None if expression is None else expression.find(one)


def state_word(value: Any) -> str:
    """Read the word of a state, which may be a boolean or a number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return values.word(str(value) if isinstance(value, int) else value)

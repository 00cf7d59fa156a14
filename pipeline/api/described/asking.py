"""Where a request is, by its id: its state, and then its result, in one answer or in two. Pure."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.deadlines import retry_after
from pipeline.api.described.description import Description
from pipeline.api.described.expressions import Expression, app_of
from pipeline.api.described.places import Places
from pipeline.api.described.rows import state_word
from pipeline.api.described.rules import Rule, first
from pipeline.api.described.words import Charged, Then
from pipeline.api.outcome import Failure, Progress, RequestState
from pipeline.api.wire import Conversation, Reply, Request
from pipeline.models import Handle

_REFUSES = frozenset({401, 403})
_HAS_NONE = frozenset({404, 410})
# A body under these says nothing of the request, whatever it is.
_SAYS_NOTHING = frozenset({*_REFUSES, *_HAS_NONE, 402, 407, 408, 425, 429})


_NOWHERE = Progress(
    state=RequestState.ELSEWHERE,
    detail="its address is not one of the provider's, and is not asked",
)


class Asking:
    """Asks for requests at one endpoint."""

    def __init__(self, description: Description, places: Places, key: Mapping[str, str]) -> None:
        self._told = description
        self._places = places
        self._key = key

    def addresses(
        self, found: Mapping[str, Any], names: Mapping[str, Any]
    ) -> tuple[str | None, str | None]:
        """Find where the state and the result of a request are asked for."""
        poll, where = self._told.poll, self._told.result_url
        assert poll is not None
        status = self._places.choose(poll.url, found.get(poll.url.told or ""), names)
        if where is None:
            return status, None
        result = self._places.choose(where, found.get(where.told or ""), names)
        return status, result

    def ask(self, handle: Handle) -> Conversation[Progress]:
        """Ask where a request is."""
        told = self._told
        if told.poll is None or told.result is None:  # its answer has told the address
            state = RequestState.GONE if handle.media is None else RequestState.DONE
            return Progress(state=state, media=handle.media, cost=handle.cost)
        url, result_url = self._usable(handle)
        if url is None:
            return _NOWHERE
        reply = yield told.poll.call.request(url, self._key, {"id": handle.id})
        progress = self._state(reply)
        if progress.state is not RequestState.DONE or told.result_url is None:
            return progress
        if result_url is None:
            return _NOWHERE
        reply = yield Request("GET", result_url, self._key)
        ended = self._by_rule(told.result.rules, reply) or self._unread(reply)
        return ended or self._done(reply, values.read_json(reply.text))

    def _usable(self, handle: Handle) -> tuple[str | None, str | None]:
        """Take the addresses of a claim, as far as they are here; else those that its id gives."""
        own = self._places.own
        model = handle.model or None
        names = {"id": handle.id, "model": model, "app": app_of(model), "once": handle.once}
        status, result = self.addresses({}, names)
        return own(handle.status) or status, own(handle.result) or result

    # -- its state ----------------------------------------------------------------------------

    def _state(self, reply: Reply) -> Progress:
        poll = self._told.poll
        assert poll is not None
        ended = self._by_rule(poll.rules, reply)
        if ended is not None:
            return ended
        answer = values.read_json(reply.text)
        word = state_word(poll.state.find(answer, reply.headers))
        state = poll.states.get(word)
        status = reply.status or 0
        may_tell = reply.ok or (400 <= status < 500 and status not in _SAYS_NOTHING)  # noqa: PLR2004
        if reply.detail or not may_tell or (state is None and not reply.ok):
            return self._unread(reply) or _unreached(reply, f"HTTP {reply.status}")
        if state is None:
            detail = f"state {word!r}" if word else "it has no state"
            return replace(_unreached(reply, detail), state=RequestState.WAITING)
        if state is RequestState.FAILED:
            return self._failed(reply, answer, moderated=word in poll.moderated)
        if state is RequestState.DONE and self._told.result_url is None:
            return self._done(reply, answer)
        wait = retry_after(reply.headers)
        return Progress(state=state, retry_after=wait, status=reply.status)

    def _done(self, reply: Reply, answer: Any) -> Progress:
        result = self._told.result
        assert result is not None
        assert result.media is not None
        media = result.media.find(answer, reply.headers)
        return Progress(
            state=RequestState.DONE,
            media=address(media, self._places),
            unkept=values.unkept(media),
            cost=self.cost(reply, answer),
            remaining=result.read_remaining(answer, reply.headers),
            seconds=values.number(_found(result.seconds, reply, answer)),
            seed=values.seed(_found(result.seed, reply, answer)),
            status=reply.status,
        )

    def cost(self, reply: Reply, answer: Any) -> Any:
        """Read what a request has cost; what is counted in units needs one price for all."""
        told, result = self._told, self._told.result
        assert result is not None
        prices = set(told.units.values())
        return result.read_cost(answer, reply.headers, prices.pop() if len(prices) == 1 else None)

    def _failed(self, reply: Reply, answer: Any, *, moderated: bool) -> Progress:
        failed = self._told.failed
        code = None if failed.code is None else failed.code.find(answer, reply.headers)
        said = values.said(failed.error.find(answer, reply.headers)) if failed.error else ""
        listed = code is not None and str(code) in failed.moderated
        return Progress(
            state=RequestState.FAILED,
            error=said,
            status=reply.status,
            failure=Failure(
                charged=failed.charged is not Charged.NEVER,
                moderated=moderated or listed,
                again=code is not None and str(code) in failed.retry,
            ),
        )

    # -- what says nothing of it --------------------------------------------------------------

    def _by_rule(self, rules: tuple[Rule, ...], reply: Reply) -> Progress | None:
        if not rules or reply.status is None or reply.detail:
            return None
        answer = values.read_json(reply.text)
        text = reply.text[:65536].decode("utf-8", "replace")
        rule = first(rules, reply.status, answer, text, reply.headers)
        if rule is None:
            return None
        said = rule.why or f"HTTP {reply.status}"
        if rule.then in {Then.FAIL, Then.MODERATED}:
            moderated = rule.then is Then.MODERATED
            charged = rule.may_cost() if rule.charged is not None else self._may_cost
            progress = self._failed(reply, answer, moderated=moderated)
            return replace(
                progress, error=progress.error or said, failure=Failure(charged, moderated)
            )
        if rule.then is Then.GONE:
            return Progress(state=RequestState.GONE, detail=said, status=reply.status)
        if rule.then is Then.STOP:
            return Progress(state=RequestState.REFUSED, detail=said, status=reply.status)
        return _unreached(reply, said)

    @property
    def _may_cost(self) -> bool:
        return self._told.failed.charged is not Charged.NEVER

    @staticmethod
    def _unread(reply: Reply) -> Progress | None:
        """Read what says nothing of the request, or that there is none; None where it may."""
        if reply.status in _REFUSES:
            detail = f"HTTP {reply.status}"
            return Progress(state=RequestState.REFUSED, detail=detail, status=reply.status)
        if reply.status in _HAS_NONE:
            detail = f"HTTP {reply.status}"
            return Progress(state=RequestState.GONE, detail=detail, status=reply.status)
        return None if reply.ok else _unreached(reply, reply.detail or f"HTTP {reply.status}")


def _found(expression: Expression | None, reply: Reply, answer: Any) -> Any:
    return None if expression is None else expression.find(answer, reply.headers)


def _unreached(reply: Reply, detail: str) -> Progress:
    return Progress(
        state=RequestState.UNREACHED,
        detail=detail,
        retry_after=retry_after(reply.headers),
        status=reply.status,
    )


def address(value: Any, places: Places) -> str | None:
    """Read the address of an output: the first of a list; a path is one of this provider's."""
    while isinstance(value, list):
        value = next((one for one in value if one), None)
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    return places.absolute(text) if text.startswith("/") and text[1:2] != "/" else text

"""What the wires share: the state of the sandbox, and the way of a POST to its generation."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from sandbox import answers
from sandbox.books import Books, Entry
from sandbox.clips import Media, Studio
from sandbox.digests import digest, key_digest
from sandbox.events import Arrived, Begun, Charged, Ended, Finished, State, Wire
from sandbox.faults import Dice, Plan, read_script
from sandbox.outages import Outages
from sandbox.reading import json_object, shortened
from sandbox.settings import RequestIds, Settings

REQUEST_ID = "sandbox.request_id"
LUMA_RATIOS = frozenset({"1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9"})

_NOISE_SIZE = 4096


class Listener(Protocol):
    """What accepts connections."""

    def shut(self, seconds: float) -> None:
        """Stop listening for so long, from now."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer without a generation, and its status in the books."""

    status: int | str
    answer: Response


@dataclass(frozen=True, slots=True)
class Visit:
    """One POST on its way through the API."""

    books: Books
    request_id: str
    model: str
    body: dict[str, Any]
    price: Decimal
    wire: Wire

    @property
    def entry(self) -> Entry:
        """Return what the books have on it."""
        return self.books.entry(self.request_id)

    def charge(self) -> bool:
        """Charge for it, if the balance covers it."""
        if not self.books.covers(self.price):
            return False
        self.books.record(Charged(self.request_id, self.price, time.time()))
        return True

    def finish(self, error: str | None = None) -> None:
        """Note that its generation is over: completed, or failed with an error."""
        state = State.COMPLETED if error is None else State.FAILED
        self.books.record(Finished(self.request_id, state, time.time(), error))

    def end(self, status: int | str) -> None:
        """Close the books on its POST, once: what comes first is what the client saw."""
        if self.entry.finished is None:
            self.books.record(Ended(self.request_id, status, time.time()))


class Service:
    """All that changes while the sandbox serves."""

    def __init__(
        self, settings: Settings, books: Books, studio: Studio, listener: Listener
    ) -> None:
        self.settings = settings
        self.books = books
        self.listener = listener
        self.outages = Outages(settings.outages)
        self.rates = dict(settings.faults)
        self._studio = studio

    def schedule_closings(self) -> None:
        """Plan when nothing listens, now that the first POST is known."""
        if self.books.first_post is not None:
            for begin, length in self.outages.closings(time.time(), self.books.first_post):
                asyncio.get_running_loop().call_later(begin, self.listener.shut, length)

    def has_key(self, request: Request) -> bool:
        """Return whether a request has a key that is accepted."""
        key = request.headers.get("x-api-key", "")
        return key == self.settings.key if self.settings.key is not None else bool(key)

    def shown_balance(self, request_id: str) -> Decimal:
        """Return the balance that the answer to this POST shows."""
        if self.settings.header_late:
            return self.books.balance_at(time.time() - self.settings.header_late)
        if self.settings.header_lag:
            return self.books.before_charge(request_id)
        return self.books.balance

    def outage(self) -> Refusal | None:
        """Answer as the outage does that there is now."""
        kind = self.outages.kind_at(time.time(), self.books.first_post or 0.0)
        return None if kind is None else self.refuse(kind)

    def refuse(self, word: str) -> Refusal:
        """Answer with the fault `word`."""
        answer = answers.refusal(word, self.settings.retry_after)
        return Refusal(answer.status_code if word[0].isdigit() else word, answer)

    def arrive(self, scope: Scope, raw: bytes, wire: Wire) -> Visit:
        """Enter a POST into the books."""
        model, body = scope["path_params"]["model"], shortened(json_object(raw))
        price = self.settings.price_of(model, body)
        visit = Visit(self.books, scope[REQUEST_ID], model, body, price, wire)
        first = self.books.first_post is None
        key = key_digest(Request(scope).headers.get("x-api-key", ""))
        self.books.record(Arrived(visit.request_id, model, body, time.time(), wire, key))
        if first:
            self.schedule_closings()
        return visit

    def plan(self, visit: Visit, request: Request) -> Plan | Refusal:
        """Decide what happens to a POST. Nothing is paid for, and nothing begun, yet."""
        if refusal := self.outage() or self._objection(visit, request):
            return refusal
        try:
            script = read_script(visit.body["prompt"])
        except ValueError as error:
            return Refusal(400, answers.problem(400, str(error)))
        settings = self.settings
        dice = Dice(settings.seed, settings.latency, settings.jitter)
        key, nth = digest(visit.model, visit.body), self.books.times_seen(visit.request_id)
        plan = dice.plan(key, nth, script, self.rates)
        if plan.fault is None or plan.paid or (plan.fails and visit.wire is Wire.V2):
            return plan
        if plan.is_listed:
            self.begin(visit, plan)
            visit.finish(answers.text_of(plan.fault))
        return self.refuse(plan.fault)

    def begin(self, visit: Visit, plan: Plan) -> Begun:
        """Enter a generation into the books."""
        is_other = self.settings.request_ids is RequestIds.OTHER and visit.wire is Wire.V1
        begun = Begun(
            request_id=visit.request_id,
            listed=uuid.uuid4().hex if is_other else visit.request_id,
            latency=plan.latency,
            fault=plan.fault,
            nth=self.books.times_seen(visit.request_id),
            at=time.time(),
        )
        self.books.record(begun)
        return begun

    async def media_of(self, entry: Entry, output: int = 1) -> Media:
        """Make what a generation brought: the same bytes each time, after a restart too."""
        begun = entry.begun
        assert begun is not None
        if begun.fault == "nonmedia":
            noise = random.Random(f"{entry.request_id}:{output}")  # noqa: S311 - a simulation
            return Media(noise.randbytes(_NOISE_SIZE))
        nonce = entry.request_id if output == 1 else f"{entry.request_id}:{output}"
        return await self._studio.make(entry.model, entry.params, begun.nth + output - 1, nonce)

    def _objection(self, visit: Visit, request: Request) -> Refusal | None:
        """Find what is wrong with a request."""
        if not self.has_key(request):
            return self.refuse("401")
        if not self.settings.knows(visit.model):
            return self.refuse("404")
        if problem := _problem_of(visit.model, visit.body):
            return Refusal(400, answers.problem(400, problem))
        return None


def _problem_of(model: str, body: dict[str, Any]) -> str | None:
    """Find what the API would not take in the parameters."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return "Missing required parameter: prompt"
    if not model.startswith("luma-"):
        return None
    if str(body.get("aspect_ratio", "1:1")) not in LUMA_RATIOS:
        return f"aspect_ratio must be one of {', '.join(sorted(LUMA_RATIOS))}"
    if not isinstance(body.get("loop", False), bool):
        return "loop must be a boolean"
    return None

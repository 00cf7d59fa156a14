"""What the wires share: the state of the sandbox, and the way of a POST to its generation."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Protocol

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
from sandbox.vendor import Call, Vendor

REQUEST_ID = "sandbox.request_id"
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
    call: Call
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

    def cancel(self) -> None:
        """Note that its generation was cancelled."""
        self.books.record(Finished(self.request_id, State.CANCELLED, time.time(), "Cancelled."))

    def end(self, status: int | str) -> None:
        """Close the books on its POST, once: what comes first is what the client saw."""
        if self.entry.finished is None:
            self.books.record(Ended(self.request_id, status, time.time()))


class Service:
    """All that changes while the sandbox serves."""

    def __init__(
        self,
        settings: Settings,
        books: Books,
        studio: Studio,
        listener: Listener,
        vendor: Vendor,
    ) -> None:
        self.settings = settings
        self.vendor = vendor
        self.started = time.time()
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
        key = self.vendor.key_of(request.headers)
        if self.vendor.header is None:
            return True
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
        answer = self.vendor.refusal(word, self.settings.retry_after)
        return Refusal(answer.status_code if word[0].isdigit() else word, answer)

    def arrive(self, scope: Scope, raw: bytes, wire: Wire) -> Visit:
        """Enter a POST into the books."""
        call = self.vendor.call(scope, shortened(json_object(raw)))
        visit = self.visit(scope[REQUEST_ID], call, wire)
        first = self.books.first_post is None
        key = key_digest(self.vendor.key_of(Request(scope).headers))
        self.books.record(
            Arrived(visit.request_id, call.model, call.params, time.time(), wire, key)
        )
        if first:
            self.schedule_closings()
        return visit

    def visit(self, request_id: str, call: Call, wire: Wire) -> Visit:
        """Make the visit of a request that is in the books, or will be."""
        price = self.settings.price_of(call.model, call.params)
        return Visit(
            self.books, request_id, call, Decimal(0) if self.vendor.is_free else price, wire
        )

    def plan(self, visit: Visit, request: Request) -> Plan | Refusal:
        """Decide what happens to a POST. Nothing is paid for, and nothing begun, yet."""
        if refusal := self.outage() or self._objection(visit, request):
            return refusal
        try:
            script = read_script(visit.call.params["prompt"])
        except ValueError as error:
            return Refusal(400, self.vendor.problem(400, "400", str(error)))
        settings = self.settings
        dice = Dice(settings.seed, settings.latency, settings.jitter)
        key = digest(visit.call.model, visit.call.params)
        nth = self.books.times_seen(visit.request_id)
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
            listed=visit.call.listed or (uuid.uuid4().hex if is_other else visit.request_id),
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
        kind = self.vendor.kind_of(entry.model)
        nth = begun.nth + output - 1
        return await self._studio.make(entry.model, entry.params, nth, nonce, kind)

    def _objection(self, visit: Visit, request: Request) -> Refusal | None:
        """Find what is wrong with a request."""
        if not self.has_key(request):
            return self.refuse("401")
        known = self.settings.models or self.vendor.models
        if not any(fnmatchcase(visit.call.model, pattern) for pattern in known):
            return self.refuse("404")
        if problem := self.vendor.problem_of(visit.call):
            return Refusal(400, self.vendor.problem(400, "400", problem))
        return None

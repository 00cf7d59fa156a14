"""What is sent to a described provider: as to any other, but that an output may be in a text."""

import hashlib
import time
from functools import partial

import anyio.to_thread
import httpx
from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.client import Client
from pipeline.api.described.asking import address
from pipeline.api.described.unwrapping import Unwrapped, unwrap
from pipeline.api.described.wire import DescribedWire
from pipeline.api.described.words import Form
from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import parse
from pipeline.api.outcome import Balance, Fault, Outcome
from pipeline.api.provider import Witness
from pipeline.api.receiving import Receiving
from pipeline.api.timeouts import Timeouts
from pipeline.models import Handle, Task, rfc3339

# What JSON has around an output, at most, and what base64 adds to it.
_AROUND = 4 * 1024**2

# Letters of an address that a claim keeps.
_LONGEST_ADDRESS = 4000
_REFUSALS = frozenset({401, 403})


class DescribedClient(Client):
    """Sends what a description's wire makes."""

    def __init__(  # noqa: PLR0913 - a provider hands in each part once
        self,
        wire: DescribedWire,
        endpoint: Endpoint,
        *,
        timeout: float,
        max_size: int,
        max_input: int,
        timeouts: Timeouts,
    ) -> None:
        super().__init__(
            wire,
            endpoint,
            timeout=timeout,
            max_size=max_size,
            max_input=max_input,
            timeouts=timeouts,
        )
        self._told = wire.description
        self._places = wire.places
        self._most = max_size
        answer = self._told.answer
        self._wraps = answer is not None and answer.form is not Form.BYTES
        if self._wraps:
            self._max_size = max_size * 4 // 3 + _AROUND

    async def balance(self) -> Balance:
        """Ask for the balance, where the description says how."""
        if self._told.balance is None:
            return Balance(detail=f"no call is known that reports a balance at {self._told.name}")
        told = await super().balance()
        if told.status not in _REFUSALS:
            return told
        # Some report it to keys of another kind only, which refuses no generation.
        return replace(told, status=None, detail=f"{told.detail}: this key may not ask for it")

    async def _receive(
        self, task: Task, response: httpx.Response, receiving: Receiving, witness: Witness | None
    ) -> Outcome:
        """Take an answer, and the output out of it."""
        if not self._wraps or not response.is_success:
            return await super()._receive(task, response, receiving, witness)
        # Its bytes are not the output: nobody shall take them for it after a kill.
        part = receiving.part
        outcome = await receiving.receive(response, None)
        if outcome.fault is not Fault.NOT_MEDIA:
            return outcome
        answer = self._told.answer
        assert answer is not None
        headers = {name.lower(): value for name, value in response.headers.items()}
        take = partial(unwrap, part, answer, headers, self._most)
        try:
            found = await anyio.to_thread.run_sync(take)
        except OSError as error:
            return replace(outcome, fault=Fault.UNSAVED, detail=f"{error.strerror or error}")
        return self._with_output(task, outcome, found, headers)

    def _is_usable(self, media: str) -> bool:
        """Whether a claim may keep an address, and anything can be fetched from it."""
        return len(media) <= _LONGEST_ADDRESS and parse(media) is not None

    def _with_output(
        self, task: Task, outcome: Outcome, found: Unwrapped, headers: dict[str, str]
    ) -> Outcome:
        answer = self._told.answer
        assert answer is not None
        cost = answer.read_cost(found.answer, headers, self._told.units.get(task.model))
        remaining = answer.read_remaining(found.answer, headers)
        id_ = values.identifier(answer.id.find(found.answer, headers)) if answer.id else None
        told = replace(outcome, cost=cost, remaining=remaining, request_id=id_, unkept=found.unkept)
        if found.body is not None:
            kind = found.body.content_type
            return replace(told, body=found.body, fault=None, text="", content_type=kind)
        media = address(found.media, self._places)
        if media is not None and not self._is_usable(media):
            return replace(told, detail="what the answer calls its output is not an address")
        if media is not None:
            # It is asked for like what was accepted: the address is all there is to know.
            named = id_ or hashlib.sha256(media.encode()).hexdigest()[:32]
            handle = Handle(id=named, media=media, cost=cost, at=rfc3339(time.time()))
            return replace(told, accepted=handle, request_id=named, fault=None, text="", cost=None)
        if found.is_large:
            return replace(told, fault=Fault.TOO_LARGE)
        if found.is_broken:
            return replace(
                told, fault=Fault.BROKEN_MEDIA, detail=self.endpoint.redact(found.detail)
            )
        return replace(told, detail=self.endpoint.redact(found.detail))

"""Rows of others in the request history: of other jobs with the same key.

They are made of the requests that came, so that they look like them, and are the same each time.
"""

import itertools
from collections.abc import Iterator
from decimal import Decimal

from sandbox.books import Entry
from sandbox.digests import digest
from sandbox.events import Begun, State, Wire
from sandbox.service import Service

_STATES = (State.COMPLETED, State.FAILED, None)  # None: still under way


class Others:
    """The requests that nobody has made here."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def all(self) -> list[Entry]:
        """List them: strangers once there is a request, a twin for each of the first requests."""
        settings = self._service.settings
        listed = (entry for entry in self._service.books.entries if entry.begun is not None)
        most = max(settings.twins, min(settings.strangers, 1))
        first = list(itertools.islice(listed, most))
        return [*self._strangers(first[:1]), *map(self._twin, first[: settings.twins])]

    def find(self, listed: str) -> Entry | None:
        """Find one by its id."""
        return next((entry for entry in self.all() if entry.listed == listed), None)

    def _strangers(self, models: list[Entry]) -> Iterator[Entry]:
        for model in models:
            for number in range(self._service.settings.strangers):
                prompt = f"What stranger {number} has asked for"
                state = _STATES[number % len(_STATES)]
                yield self._like(
                    model, f"stranger {number}", {**model.params, "prompt": prompt}, state
                )

    def _twin(self, model: Entry) -> Entry:
        return self._like(model, f"twin {model.request_id}", model.params, State.COMPLETED)

    def _like(
        self, model: Entry, name: str, params: dict[str, object], state: State | None
    ) -> Entry:
        """Make a request like `model`, of another body or the same."""
        assert model.begun is not None
        settings = self._service.settings
        listed = digest(model.model, {"seed": settings.seed, "name": name})[:32]
        at = model.begun.at
        is_paid = state is State.COMPLETED
        price = settings.price_of(model.model, params) if is_paid else Decimal(0)
        return Entry(
            request_id=listed,
            model=model.model,
            params=params,
            arrived=model.arrived,
            wire=Wire.V1,
            begun=Begun(listed, listed, model.begun.latency, None, 1, at),
            price=price if state else None,
            state=state,
            error="Generation failed." if state is State.FAILED else None,
            done=at + model.begun.latency if state else None,
        )

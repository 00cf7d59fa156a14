"""How a described provider is spoken to: requests by its templates, answers by its expressions.

It makes requests and reads answers, and sends nothing. Whatever an answer holds, reading it finds
a value of the right kind or nothing. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from pipeline.api import values
from pipeline.api.content import InputFailedError
from pipeline.api.deadlines import retry_after
from pipeline.api.described.asking import Asking
from pipeline.api.described.description import Description, scaled
from pipeline.api.described.expressions import app_of
from pipeline.api.described.places import Places
from pipeline.api.described.rows import Rows
from pipeline.api.described.words import By
from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin
from pipeline.api.outcome import Page, Progress, Query
from pipeline.api.wire import Conversation, Reported, Request
from pipeline.models import Cause, Handle, Task

NO_INPUTS: Mapping[str, Any] = {}

# Pages of a list that are read for one question.
_MOST_PAGES = 20
# Requests that are looked for by their ids in one go.
_MOST_ASKED = 200


class DescribedWire:
    """Makes requests for one endpoint; see `pipeline.api.wire.Wire`."""

    def __init__(self, description: Description, endpoint: Endpoint) -> None:
        self.description = description
        self.places = Places.of(description, endpoint.base_url)
        self._key = {}
        if description.header is not None:
            self._key = {description.header: description.value.replace("{key}", endpoint.key)}
        self._asking = Asking(description, self.places, self._key)
        self._rows = Rows(description, self.places)

    @property
    def origins(self) -> frozenset[Origin]:
        """Where the key may go."""
        return self.places.origins

    @property
    def answers_with_id(self) -> bool:
        """Whether the answer to a submit is an id, and not the output."""
        return self.description.poll is not None

    def submit(self, task: Task, inputs: Mapping[str, Any] = NO_INPUTS) -> Request:
        """Make the request that pays for a task; its body says where inputs stand."""
        told = self.description
        scope = {
            "model": task.model,
            "params": task.params,
            "inputs": inputs,
            "once": task.once or None,
        }
        names = {"once": task.once, "model": task.model}
        headers = {
            name: value.replace("{once}", names["once"]).replace("{model}", names["model"])
            for name, value in told.headers.items()
        }
        body = told.body(scope)
        if body is None:
            # An API may render its defaults for it, and charge for them.
            raise InputFailedError(
                f"the body that {told.name} would be sent is empty: nothing of {task.id} is where"
                " `submit.body` looks",
                Cause.INPUT_UNAVAILABLE,
            )
        content = msgspec.json.encode(body)
        for name, value in inputs.items():
            if not all(_is_within(one, content) for one in _texts(value)):
                # A clip without its picture is another clip, and costs as much.
                raise InputFailedError(
                    f"the body that {told.name} would be sent has no {name}: `submit.body` does not"
                    " take it from `inputs`",
                    Cause.INPUT_UNAVAILABLE,
                )
        url = self.places.at(told.path, {**names, "app": app_of(task.model)})
        assert url is not None, "a task has a model"
        return Request(
            told.method,
            url,
            {"content-type": "application/json", **headers, **self._key},
            content,
        )

    def upload(self, uri: str) -> None:
        """Upload nothing: `InputRules.forms` of a description has no such form."""

    def read_upload(self, text: bytes) -> None:
        """Read nothing; see `upload`."""

    def read_id(self, text: bytes, task: Task) -> Handle | None:
        """Read the id of a request, and where it can be asked for: as told, else as built."""
        told = self.description.handle
        answer = values.read_json(text)
        if told is None or (id_ := values.identifier(told.id.find(answer))) is None:
            return None
        found = {name: one.find(answer) for name, one in told.addresses.items()}
        names = {"id": id_, "model": task.model, "app": app_of(task.model), "once": task.once}
        status, result = self._asking.addresses(found, names)
        return Handle(id=id_, status=status, result=result)

    def ask(self, handle: Handle) -> Conversation[Progress]:
        """Ask where a request is."""
        return self._asking.ask(handle)

    # -- what was lost ------------------------------------------------------------------------

    def list_requests(self, query: Query, page: int) -> Conversation[Page]:  # noqa: ARG002
        """Ask for what was requested, all pages at once: each by its id of ours, or the list."""
        if self.description.resolve.by is By.LOOKUP:
            return self._look_up(query)
        return self._list(query)

    def _list(self, query: Query) -> Conversation[Page]:
        resolve = self.description.resolve
        assert resolve.url is not None
        names = {
            "model": query.model,
            "app": app_of(query.model),
            "since": values.instant(query.since),
            "until": values.instant(query.until),
            "day": values.day(query.since),
            "page": 1,
        }
        url, page = self.places.at(resolve.url, names), Page()
        for _ in range(_MOST_PAGES):
            if url is None:
                return page
            reply = yield Request("GET", url, self._key)
            read, following = self._rows.page(reply, query)
            if not read.readable:
                return read
            page = replace(read, rows=page.rows + read.rows)
            oldest = min((row.created or query.since for row in read.rows), default=0.0)
            if oldest < query.since:
                return page
            url = following
        return page

    def _look_up(self, query: Query) -> Conversation[Page]:
        """Ask for each that is looked for by its id of ours."""
        resolve, page = self.description.resolve, Page()
        for one in query.asked[:_MOST_ASKED]:
            names = {"once": one.once, "model": query.model, "app": app_of(query.model)}
            url = None if resolve.url is None else self.places.at(resolve.url, names)
            if url is None:
                continue
            reply = yield Request("GET", url, self._key)
            read = self._rows.looked_up(reply, query, one)
            if read.readable or not page.rows:
                page = replace(read, rows=page.rows + read.rows)
        return page

    # -- money --------------------------------------------------------------------------------

    def balance(self) -> Request:
        """Make the request for the balance."""
        call = self.description.balance
        url = None if call is None else self.places.at(call.url, {})
        return Request("GET", url or self.places.base, self._key)

    def read_balance(self, text: bytes) -> Decimal | None:
        """Read the balance."""
        call = self.description.balance
        if call is None:
            return None
        return scaled(values.balance(call.value.find(values.read_json(text))), call.scale)

    def read_headers(self, headers: Mapping[str, str]) -> Reported:
        """Read the headers of an answer: its cost where it is the output itself."""
        answer = self.description.answer
        wait = retry_after(headers)
        if answer is None:
            return Reported(retry_after=wait)
        return Reported(
            remaining=answer.read_remaining(None, headers),
            cost=answer.read_cost(None, headers),
            request_id=values.identifier(answer.id.find(None, headers)) if answer.id else None,
            retry_after=wait,
        )


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _is_within(text: str, content: bytes) -> bool:
    """Whether a body has a text, as it is or as a part of an address."""
    written = msgspec.json.encode(text)[1:-1]
    return written in content or quote(text, safe="").encode() in content

"""How a described provider is spoken to: requests by its templates, answers by its expressions.

It makes requests and reads answers, and sends nothing. Whatever an answer holds, reading it finds
a value of the right kind or nothing. Pure.
"""

import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.content import InputFailedError
from pipeline.api.deadlines import clock_of, retry_after
from pipeline.api.described.asking import Asking
from pipeline.api.described.description import Description, scaled
from pipeline.api.described.expressions import UPLOADED, app_of
from pipeline.api.described.places import Places
from pipeline.api.described.rows import Rows
from pipeline.api.described.words import By, Encode
from pipeline.api.endpoint import Endpoint
from pipeline.api.forms import form
from pipeline.api.origin import LONGEST, Origin
from pipeline.api.outcome import Page, Progress, Query, Row
from pipeline.api.wire import (
    Conversation,
    Part,
    Reply,
    Reported,
    Request,
    Uploaded,
    Uploading,
)
from pipeline.models import Cause, Handle, Task

NO_INPUTS: Mapping[str, Any] = {}

# Pages of a list that are read for one question.
_MOST_PAGES = 20
# Requests that are looked for by their ids in one go.
_MOST_ASKED = 200


# Seconds by which two clocks may differ without harm, and by which they can differ at all.
_APART, _MOST_APART = 60.0, 86_400.0


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
        sending = told.with_inputs if inputs else told.usual
        kind, content = self._encoded(sending.encode, sending.body(scope))
        if not content:
            # An API may render its defaults for it, and charge for them.
            raise InputFailedError(
                f"the body that {told.name} would be sent is empty: nothing of {task.id} is where"
                " `submit.body` looks",
                Cause.INPUT_UNAVAILABLE,
            )
        for name, value in inputs.items():
            if not all(_is_within(one, content) for one in _texts(value)):
                # A clip without its picture is another clip, and costs as much.
                raise InputFailedError(
                    f"the body that {told.name} would be sent has no {name}: `submit.body` does not"
                    " take it from `inputs`",
                    Cause.INPUT_UNAVAILABLE,
                )
        url = self.places.at(sending.path, {**names, "app": app_of(task.model)})
        assert url is not None, "a task has a model"
        return Request(told.method, url, {"content-type": kind, **headers, **self._key}, content)

    @staticmethod
    def _encoded(encode: Encode, body: Any) -> tuple[str, bytes]:
        """Write a body; nothing where there is none."""
        if encode is Encode.MULTIPART:
            return form(body) if isinstance(body, dict) and body else ("", b"")
        return "application/json", b"" if body is None else msgspec.json.encode(body)

    # -- uploads ------------------------------------------------------------------------------

    @property
    def uploads_live(self) -> float | None:
        """For how many seconds what was uploaded can be used."""
        told = self.description.inputs.upload
        return None if told is None else told.lives

    def upload(self, file: Uploading) -> Uploaded:
        """Upload a file as the description says: in a form, in a body, or to a told address."""
        told = self.description.inputs.upload
        assert told is not None, "inputs are uploaded where it is said how"
        scope = {name: getattr(file, name) for name in UPLOADED}
        body = None if told.body is None else told.body(scope)
        if told.field is not None:
            fields = body if isinstance(body, dict) else {}
            part = Part(file.bytes, file.type, file.name)
            kind, content = form({**fields, told.field: part})
        elif body == file.bytes:
            kind, content = file.type, file.bytes.encode()
        else:
            kind, content = "application/json", msgspec.json.encode(body)
        url = self.places.at(told.url, {})
        assert url is not None, "it names nothing"
        headers = {"content-type": kind, **self._key}
        answer = values.read_json((yield Request(told.method, url, headers, content)))
        if told.put is not None:
            place = _short(told.put.find(answer))
            if place is None:
                return None
            headers = {"content-type": file.type}  # a signature in the address may be over it
            yield Request("PUT", place, headers, file.bytes.encode(), is_abroad=True)
        return _short(told.found.find(answer))

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
        resolve, page, ahead = self.description.resolve, Page(), 0.0
        assert resolve.url is not None
        names = _names_of(query)
        url = self.places.at(resolve.url, names)
        for number in range(_MOST_PAGES):
            if url is None:
                return page
            reply = yield resolve.call.request(url, self._key, names)
            if number == 0 and abs(ahead := _ahead(reply)) > _APART:
                # It filters by its own clock, and stamps its rows by that.
                names = _names_of(query, ahead)
                url = self.places.at(resolve.url, names) or url
                reply = yield resolve.call.request(url, self._key, names)
            read, following = self._rows.page(reply, query)
            if not read.readable:
                return read
            rows = tuple(_by_our_clock(row, ahead) for row in read.rows)
            page = replace(read, rows=page.rows + rows)
            oldest = min((row.created or query.since for row in rows), default=0.0)
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
            reply = yield resolve.call.request(url, self._key, names)
            read = self._rows.looked_up(reply, query, one)
            if read.readable or not page.rows:
                page = replace(read, rows=page.rows + read.rows)
        return page

    # -- money --------------------------------------------------------------------------------

    def balance(self) -> Request:
        """Make the request for the balance."""
        call = self.description.balance
        url = None if call is None else self.places.at(call.url, {})
        if call is None or url is None:
            return Request("GET", self.places.base, self._key)
        return call.call.request(url, self._key, {"once": str(uuid.uuid4())})

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


def _names_of(query: Query, ahead: float = 0.0) -> dict[str, Any]:
    """Return what an address may name, by a clock that is so many seconds ahead of this one."""
    return {
        "model": query.model,
        "app": app_of(query.model),
        "since": values.instant(query.since + ahead),
        "until": values.instant(query.until + ahead),
        "day": values.day(query.since + ahead),
        "page": 1,
    }


def _ahead(reply: Reply) -> float:
    """Return by how many seconds the provider's clock is ahead of this one; 0 if unknown."""
    theirs = clock_of(reply.headers)
    ahead = 0.0 if theirs is None else theirs - time.time()
    return ahead if abs(ahead) <= _MOST_APART else 0.0


def _by_our_clock(row: Row, ahead: float) -> Row:
    if row.created is None or abs(ahead) <= _APART:
        return row
    return replace(row, created=row.created - ahead)


def _texts(value: Any) -> list[str]:
    each = value if isinstance(value, list) else [value]
    return [one.mark if isinstance(one, Part) else one for one in each]


def _is_within(text: str, content: bytes) -> bool:
    """Whether a body has a text, as it is or as a part of an address."""
    written = (text.encode(), msgspec.json.encode(text)[1:-1], quote(text, safe="").encode())
    return any(one in content for one in written)


def _short(value: Any) -> str | None:
    """Read a text that a request can hold: an address, or a name."""
    is_text = isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()
    return value if is_text else None

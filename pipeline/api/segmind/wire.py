"""How Segmind is spoken to: v1, one POST whose answer is the file, and v2, whose is an id.

Both know the same requests: what one has sent can be asked for by the other.
Sources: the vendor's pages, and its SDK 1.3.0.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.api import headers, values
from pipeline.api.deadlines import retry_after
from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin
from pipeline.api.outcome import Page, Progress, Query
from pipeline.api.segmind import rows
from pipeline.api.segmind.asking import RESET_HEADER, Asking
from pipeline.api.segmind.places import Places
from pipeline.api.wire import Conversation, Reported, Request, Uploaded, Uploading
from pipeline.models import Handle, Task

# Letters of an address in an answer to a submit, which claims keep.
_LONGEST_ADDRESS = 2000


NO_INPUTS: Mapping[str, Any] = {}


class SegmindWire:
    """Makes requests for one endpoint; see `pipeline.api.wire.Wire`."""

    answers_with_id = False
    uploads_live = None  # seven days: longer than a run
    _version = "v1"

    def __init__(self, endpoint: Endpoint) -> None:
        self._places = Places.of(endpoint.base_url)
        self._key = {"x-api-key": endpoint.key}
        # The same object for each request: what is made of it is made once.
        self._posting = {**self._key, "content-type": "application/json"}
        self._asking = Asking(self._places, self._key)

    @property
    def origins(self) -> frozenset[Origin]:
        """Where the key may go."""
        return self._places.origins

    def submit(self, task: Task, inputs: Mapping[str, Any] = NO_INPUTS) -> Request:
        """Make the request that pays for a task: parameters and inputs beside another, as JSON."""
        return Request(
            "POST",
            f"{self._places.base}/{self._version}/{quote(task.model, safe='')}",
            self._posting,
            msgspec.json.encode({**task.params, **inputs} if inputs else task.params),
        )

    def upload(self, file: Uploading) -> Uploaded:
        """Upload a file as a data URI; an older page calls its address otherwise than the SDK."""
        text = yield Request(
            "POST",
            self._places.uploads,
            self._posting,
            msgspec.json.encode({"data_urls": [file.data_uri]}),
        )
        answer = values.read_json(text)
        told = answer if isinstance(answer, dict) else {}
        for urls in (told.get("file_urls"), told.get("urls")):
            if isinstance(urls, list) and urls:
                address = self._told(urls[0])
                return address if address is not None and Origin.of(address) else None
        return None

    def read_id(self, text: bytes, task: Task) -> Handle | None:  # noqa: ARG002
        """Read the id of a request, and where the answer says that it can be asked for."""
        answer = values.read_json(text)
        id_ = rows.read_id(answer)
        if id_ is None:
            return None
        status, result = (self._told(answer.get(name)) for name in ("status_url", "response_url"))
        return Handle(id=id_, status=status, result=result)

    @staticmethod
    def _told(value: Any) -> str | None:
        """Read an address as it was told; it is judged when it is asked."""
        is_short = isinstance(value, str) and len(value) <= _LONGEST_ADDRESS
        return value if is_short and value.isprintable() and value else None

    def ask(self, handle: Handle) -> Conversation[Progress]:
        """Ask where a request is."""
        return self._asking.ask(handle)

    def list_requests(self, query: Query, page: int) -> Conversation[Page]:
        """Ask for one page of the list of requests: the whole days that cover the query."""
        days = (values.day(at) for at in (query.since, query.until))
        told = {
            "page": page,
            "per_page": rows.PER_PAGE,
            **dict(zip(("from_date", "to_date"), days, strict=True)),
            **({"model_name": query.model} if query.model else {}),
            "sort_by": "model_created",
            "sort_order": "desc",
        }
        reply = yield Request("GET", f"{self._places.listing}?{urlencode(told)}", self._key)
        return rows.read_page(reply, page)

    def balance(self) -> Request:
        """Make the request for the balance."""
        return Request("GET", f"{self._places.base}/v1/get-user-credits", self._key)

    def read_balance(self, text: bytes) -> Decimal | None:
        """Read the balance: credits that were bought, and free ones."""
        try:
            answer = msgspec.json.decode(text, type=_Credits)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        written = [figure for figure in (answer.credits, answer.free) if figure is not None]
        known = [figure for one in written if (figure := headers.decimal(str(one))) is not None]
        return rounded(sum(known, ZERO)) if known and len(known) == len(written) else None

    def read_headers(self, headers_: Mapping[str, str]) -> Reported:
        """Read the headers of an answer."""
        return Reported(
            remaining=headers.decimal(headers_.get("x-remaining-credits")),
            cost=headers.cost(headers_.get("x-cost")),
            request_id=headers_.get("x-request-id"),
            seed=headers_.get("x-seed-value"),
            retry_after=retry_after(headers_, RESET_HEADER),
        )


class SegmindV2Wire(SegmindWire):
    """The same, but that a submit is answered with an id."""

    answers_with_id = True
    _version = "v2"


class _Credits(msgspec.Struct):
    credits: float | str | None = None
    free: float | str | None = msgspec.field(default=None, name="free-credits")

"""How Segmind is spoken to: one POST renders, and its answer is the file."""

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.api import headers
from pipeline.api.deadlines import retry_after
from pipeline.api.endpoint import Endpoint
from pipeline.api.wire import Reported, Request
from pipeline.models import Task

RESET_HEADER = "x-rate-limit-reset-at-utc"


class SegmindWire:
    """Makes requests for one endpoint; see `pipeline.api.wire.Wire`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._base = endpoint.base_url.rstrip("/")
        self._key = {"x-api-key": endpoint.key}

    def submit(self, task: Task) -> Request:
        """Make the request that pays for a task: the parameters as they are, as JSON."""
        return Request(
            "POST",
            f"{self._base}/v1/{quote(task.model, safe='')}",
            {**self._key, "content-type": "application/json"},
            msgspec.json.encode(task.params),
        )

    def balance(self) -> Request:
        """Make the request for the balance."""
        return Request("GET", f"{self._base}/v1/get-user-credits", self._key)

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


class _Credits(msgspec.Struct):
    credits: float | str | None = None
    free: float | str | None = msgspec.field(default=None, name="free-credits")

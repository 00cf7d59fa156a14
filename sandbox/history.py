"""The request history: what was asked for with a key, what came of it, what it cost."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import answers
from sandbox.addresses import media_url
from sandbox.books import Entry
from sandbox.listing import Listing
from sandbox.rows import row_of, status_of
from sandbox.service import Service

PATH = "/inference-request/request-history"
MOST_DAYS = 31
MOST_ROWS = 100

_DEFAULT_DAYS = 7
_JSON = msgspec.json.Encoder(decimal_format="number")
_SORTS: dict[str, Callable[[Entry], Any]] = {
    "model_created": attrgetter("begun.at"),
    "model_name": attrgetter("model"),
    "credits_deduction": lambda entry: entry.price or 0,
}
_STATUSES = frozenset({"COMPLETED", "FAILED", "PENDING"})


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows are asked for. Days are inclusive, in UTC."""

    page: int
    per_page: int
    first: date
    last: date
    model: str
    status: str | None
    sort_by: str
    descending: bool

    def matches(self, entry: Entry) -> bool:
        """Return whether the row of a request is asked for."""
        assert entry.begun is not None
        day = datetime.fromtimestamp(entry.begun.at, UTC).date()
        if not self.first <= day <= self.last or self.model not in entry.model:
            return False
        return self.status is None or status_of(entry) == self.status


class RequestHistory:
    """The endpoints of the request history."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listing = Listing(service)

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route(PATH, self._list, methods=["GET"]),
            Route(f"{PATH}/{{id}}", self._one, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        """Answer with a page of rows."""
        if refusal := await self._listing.spoiled(request, "history_lists"):
            return refusal
        try:
            question = read_question(request.query_params, datetime.now(UTC).date())
        except ValueError as error:
            return answers.problem(400, str(error))
        found = [entry for entry in self._listing.visible() if question.matches(entry)]
        found.sort(key=_SORTS[question.sort_by], reverse=question.descending)
        outputs = range(1, self._service.settings.outputs + 1)
        rows = [(entry, output) for entry in found for output in outputs]
        start = (question.page - 1) * question.per_page
        page = rows[start : start + question.per_page]
        return _json(
            {
                "data": [self._row(request, entry, output) for entry, output in page],
                "page": question.page,
                "per_page": question.per_page,
                "total": len(rows),
                "total_pages": -(-len(rows) // question.per_page),
            }
        )

    async def _one(self, request: Request) -> Response:
        """Answer with one row."""
        if refusal := await self._listing.spoiled(request, "history_looks"):
            return refusal
        entry = self._listing.find(request.path_params["id"])
        if entry is None:
            return answers.problem(404, "Request not found.")
        return _json(self._row(request, entry, 1))

    def _row(self, request: Request, entry: Entry, output: int) -> dict[str, Any]:
        url = media_url(request, self._service, entry, output)
        return row_of(entry, url, self._service.settings)


def read_question(query: QueryParams, today: date) -> Question:
    """Read what is asked for.

    Raises:
        ValueError: it says something that the API does not take.
    """
    last = _day(query, "to_date", today)
    first = _day(query, "from_date", last - timedelta(days=_DEFAULT_DAYS))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ValueError(f"the window may span at most {MOST_DAYS} days")
    return Question(
        page=_number(query, "page", 1, None),
        per_page=_number(query, "per_page", 20, MOST_ROWS),
        first=first,
        last=last,
        model=query.get("model_name", ""),
        status=_one_of(query, "status", _STATUSES, None),
        sort_by=_one_of(query, "sort_by", frozenset(_SORTS), None) or "model_created",
        descending=_one_of(query, "sort_order", frozenset({"asc", "desc"}), "desc") == "desc",
    )


def _day(query: QueryParams, name: str, default: date) -> date:
    text = query.get(name)
    try:
        return default if text is None else datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day
    except ValueError:
        raise ValueError(f"{name} must be YYYY-MM-DD") from None


def _number(query: QueryParams, name: str, default: int, most: int | None) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:  # noqa: PLR2004
        raise ValueError(f"{name} must be a number from 1")
    if most is not None and int(text) > most:
        raise ValueError(f"{name} must be at most {most}")
    return int(text)


def _one_of(
    query: QueryParams, name: str, values: frozenset[str], default: str | None
) -> str | None:
    text = query.get(name, default)
    if text is not None and text not in values:
        raise ValueError(f"{name} must be one of {', '.join(sorted(values))}")
    return text


def _json(value: Any) -> Response:
    return Response(_JSON.encode(value), media_type="application/json")

"""Which requests a list of them shows, and what spoils such a list."""

import asyncio
import time
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import answers
from sandbox.books import Entry
from sandbox.others import Others
from sandbox.rows import shapeless
from sandbox.service import Service
from sandbox.settings import History


class Listing:
    """The requests that are listed by now: those of the books, and those of others."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._others = Others(service)

    async def spoiled(self, request: Request, kind: str) -> Response | None:
        """Count a question, and answer it where the settings have another answer than rows."""
        service = self._service
        service.books.questions[kind] += 1
        if not service.has_key(request):
            return service.vendor.refusal("401")
        match service.settings.history:
            case History.MISSING:
                return answers.problem(404, "Not found.")
            case History.ERROR:
                return answers.problem(500, "Internal server error.")
            case History.HTML:
                return answers.page("Sign in")
            case History.SHAPE:
                return JSONResponse(shapeless(len(list(self.visible()))))
            case History.SLOW:
                await asyncio.sleep(service.settings.slow_seconds)
        return None

    def visible(self) -> Iterator[Entry]:
        """Yield what has a row by now."""
        ours = (entry for entry in self._service.books.entries if entry.begun is not None)
        return (entry for entry in [*ours, *self._others.all()] if self._has_row(entry))

    def find(self, listed: str) -> Entry | None:
        """Find one that has a row by now."""
        entry = self._service.books.find(listed) or self._others.find(listed)
        return entry if entry is not None and self._has_row(entry) else None

    def _has_row(self, entry: Entry) -> bool:
        return entry.arrived + self._service.settings.history_lag <= time.time()

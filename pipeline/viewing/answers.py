"""Answers of the server: pages, data, and errors in words."""

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from html import escape
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.controlling.client import NoRunError
from pipeline.errors import PipelineError, UsageError
from pipeline.viewing.actions import BusyError
from pipeline.viewing.channel import encode
from pipeline.viewing.feed import UnreadableError
from pipeline.viewing.picks import AnotherClipError

Endpoint = Callable[[Request], Awaitable[Response]]

SAFE = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer that is not a file."""

# The page says the rest of its policy itself; these a page cannot say.
_FRAMED = {"content-security-policy": "frame-ancestors 'none'", "x-frame-options": "DENY"}
_BARE = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
_CONFLICTS = (BusyError, NoRunError, AnotherClipError)


def written(pieces: Iterable[str]) -> bytes:
    """Encode a page; what is not valid Unicode, as some file names, is escaped."""
    return "".join(pieces).encode(errors="backslashreplace")


def html(text: bytes) -> Response:
    """Answer with a page that has a policy of its own."""
    return HTMLResponse(text, headers={**SAFE, **_FRAMED})


def error_page(name: str, error: PipelineError) -> Response:
    """Answer with a page that says why there is none; it looks again by itself."""
    hint = f"<p>{escape(error.hint)}</p>" if error.hint else ""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" '
        f'content="5"><title>{escape(name)}</title><h1>{escape(name)}</h1>'
        f"<p>{escape(error.message)}</p>{hint}"
    )
    return HTMLResponse(written([text]), 503, headers={**SAFE, **_BARE})


def data(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(encode(value), status, headers=SAFE, media_type="application/json")


def refused(status: int, error: str, hint: str | None = None) -> Response:
    """Answer with what is wrong, and what would be right."""
    return data({"error": error, "hint": hint}, status)


def answering(say: Callable[[str], None]) -> Callable[[Endpoint], Endpoint]:
    """Make what turns errors of an endpoint into answers; `say` gets those that are bugs."""

    def around(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except PipelineError as error:
                return refused(_status(error), error.message, error.hint)
            except HTTPException as error:
                return refused(error.status_code, error.detail)
            except Exception as error:  # noqa: BLE001 - one request must not end the server
                what = f"this is a bug in pipeline: {type(error).__name__}: {error}"
                say(f"error: {what}")
                return refused(500, what, "the log of `pipeline view` has it too")

        return answer

    return around


def _status(error: PipelineError) -> int:
    if isinstance(error, UnreadableError):
        return 503
    return 400 if isinstance(error, UsageError) and not isinstance(error, _CONFLICTS) else 409


async def asked(request: Request) -> dict[str, Any]:
    """Read the JSON object of a request.

    Raises:
        UsageError: it is not one.
    """
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the body is not a JSON object: {error}") from error

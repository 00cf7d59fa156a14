"""What the API says where it says no: statuses and texts in the style of the real one."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from starlette.responses import HTMLResponse, JSONResponse, Response

_MODERATION = "Request blocked: the prompt was flagged by content moderation."
_TEXTS = {
    "400": "Invalid input: a parameter is missing or malformed.",
    "401": "Invalid or missing API key.",
    "403": "Your account may not use this model.",
    "403-moderation": _MODERATION,
    "404": "Model not found.",
    "406": "Insufficient credits. Please top up your account to continue.",
    "406-param": "Not acceptable: parameter 'aspect_ratio' has an unsupported value.",
    "410": "This model has been retired.",
    "arrears": "Your account is in arrears: pay what is due to continue.",
    "error200": "Service busy: the request was not accepted.",
    "422": "Validation error: the input cannot be processed.",
    "429": "Rate limit exceeded. Please slow down.",
    "500": "Internal server error while generating.",
    "failed": "Generation failed: the model returned an error.",
    "failed-moderation": "Generation failed: the output was blocked by content moderation.",
    "moderation": _MODERATION,
}
_STATUSES = {
    "arrears": 429,
    "error200": 200,
    "moderation": 400,
    "failed": 422,
    "failed-moderation": 422,
}
# What stands before the service answers for it, in HTML.
_GATEWAY = frozenset({405, 502, 503, 504, 520, 524})
_NO_BODY = frozenset({304})
_PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


def page(title: str, status: int = 200) -> Response:
    """Answer with an HTML page."""
    return HTMLResponse(_PAGE.format(title), status)


def problem(status: int, text: str) -> Response:
    """Answer with an error in JSON."""
    return JSONResponse({"error": text}, status)


def plain_problem(status: int, _word: str, text: str) -> Response:
    """Answer with an error as Segmind does."""
    return problem(status, text)


def text_of(word: str) -> str:
    """Write what the API says of the fault `word`."""
    return _TEXTS.get(word) or phrase(int(word.partition("-")[0]))


def refusal(
    word: str,
    retry_after: int | None = None,
    write: Callable[[int, str, str], Response] = plain_problem,
    statuses: Mapping[str, int] = MappingProxyType({}),
) -> Response:
    """Answer a request with the fault `word`; `retry_after` seconds go with a 429.

    `write` makes an answer of a status, a word and a text, and `statuses` has those of a vendor.
    """
    status = statuses.get(word) or _STATUSES.get(word) or int(word.partition("-")[0])
    if status in _GATEWAY:
        return page(f"{status} {phrase(status)}", status)
    if status in _NO_BODY:
        return Response(status_code=status)
    answer = write(status, word, text_of(word))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        answer.headers["location"] = "/moved"
    if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is not None:
        answer.headers["retry-after"] = str(retry_after)
    return answer


def phrase(status: int) -> str:
    """Name a status, also one that no standard names."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"

"""Requests whose common part is made once are those that httpx makes."""

import httpx
import pytest

from pipeline.api.patience import Patience
from pipeline.api.requests import HEADERS, Requests
from pipeline.api.timeouts import USUAL
from pipeline.api.transport import PIECE, Trace
from pipeline.api.wire import Request

JSON = {"x-api-key": "a key of the tests", "content-type": "application/json"}
OTHERS = {"authorization": "Bearer of another", "host": "elsewhere.example"}


def trace() -> Trace:
    return Trace(Patience(1, USUAL), 1, 1)


@pytest.mark.parametrize("size", [0, 1, 9, 10, PIECE])
async def test_a_request_is_the_one_that_httpx_makes(size: int) -> None:
    requests = Requests(USUAL)
    for url in ("https://api.example/v1/one", "http://[::1]:8080/v1/one?a=b%20c"):
        for given in (JSON, OTHERS, JSON):
            body = bytes(size)
            length = {"content-length": str(size)}
            theirs = httpx.Request(
                "POST", url, content=body, headers={**HEADERS, **given, **length}
            )
            for _ in range(2):
                mine = requests.make(Request("POST", url, given, body), None, trace())
                assert (mine.method, mine.url) == (theirs.method, theirs.url)
                assert mine.headers.raw == theirs.headers.raw
                assert mine.content == theirs.content == body
                assert mine.extensions["timeout"]["read"] is None


async def test_a_large_request_leaves_in_pieces() -> None:
    body = bytes(PIECE) + b"and more"
    made = Requests(USUAL).make(Request("POST", "https://api.example/", JSON, body), None, trace())
    assert made.headers["content-length"] == str(len(body))
    assert isinstance(made.stream, httpx.AsyncByteStream)
    with Patience(1, USUAL) as patience:
        made.extensions["trace"].patience = patience
        assert [len(piece) async for piece in made.stream] == [PIECE, len(b"and more")]


def test_what_is_kept_of_requests_is_bounded() -> None:
    requests = Requests(USUAL)
    for number in range(5000):
        url = f"https://api.example/{number}"
        requests.make(Request("POST", url, JSON, bytes(number)), None, trace())
    assert len(requests._urls) <= 1024
    assert len(requests._headers) <= 1024

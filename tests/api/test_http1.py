"""HTTP as bytes: whatever is read or written is what h11 makes of it."""

from dataclasses import dataclass, field
from itertools import pairwise

import h11
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.api.http1 import Incoming, written

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 6\r\nX: y \r\n\r\nabcdef"


@dataclass
class Read:
    """What a reader makes of a response; `error` is the words of it."""

    status: int | None = None
    version: bytes = b""
    reason: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    is_whole: bool = False
    error: str = ""


def by_us(pieces: list[bytes], method: str = "POST") -> Read:
    """Read pieces, and then the end of the connection."""
    incoming, read = Incoming(method), Read()
    waiting = [*pieces, b""]
    try:
        while (head := incoming.head) is None:
            incoming.feed(waiting.pop(0))
        read.status, read.version, read.reason = head.status, head.version, head.reason
        read.headers = head.headers
        while not incoming.is_whole:
            if part := incoming.part():
                read.body += part
            elif not incoming.is_whole:
                incoming.feed(waiting.pop(0))
        read.is_whole = True
    except httpx.RemoteProtocolError as error:
        read.error = str(error)
    return read


def by_h11(pieces: list[bytes], method: str = "POST") -> Read:
    """Read the same as httpcore does."""
    http, read = h11.Connection(h11.CLIENT, max_incomplete_event_size=100 * 1024), Read()
    http.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    http.send(h11.EndOfMessage())
    waiting = [*pieces, b""]
    try:
        while not read.is_whole:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = waiting.pop(0)
                if not data and http.their_state is h11.SEND_RESPONSE:
                    read.error = "Server disconnected without sending a response."
                    break
                http.receive_data(data)
            elif isinstance(event, h11.Response):
                read.status, read.version = event.status_code, event.http_version
                read.reason, read.headers = event.reason, event.headers.raw_items()
            elif isinstance(event, h11.Data):
                read.body += event.data
            else:
                read.is_whole = event is h11.PAUSED or isinstance(event, h11.EndOfMessage)
    except h11.RemoteProtocolError as error:
        read.error = str(error)
    return read


def same(*pieces: bytes, method: str = "POST") -> Read:
    read = by_us(list(pieces), method)
    assert read == by_h11(list(pieces), method), pieces
    return read


def test_a_plain_response_is_read_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h11, "Connection", None)
    read = by_us([PLAIN])
    assert (read.status, read.body, read.is_whole) == (200, b"abcdef", True)


# Those that mean something to either, and one of each other kind.
BYTES = sorted({*b"\x00\x01\t\n\x0b\x0c\r !\"'(),-./019:;=AEZ[\\]_aeflz{|}~\x7f\x80\x85\xa0\xff"})


@pytest.mark.parametrize("byte", BYTES, ids=hex)
def test_no_byte_in_place_of_another_makes_a_difference(byte: int) -> None:
    for at in range(len(PLAIN)):
        same(PLAIN[:at] + bytes([byte]) + PLAIN[at + 1 :])
        same(PLAIN[:at] + bytes([byte]) + PLAIN[at:])


def test_no_byte_that_is_missing_makes_a_difference() -> None:
    for at in range(len(PLAIN)):
        same(PLAIN[:at] + PLAIN[at + 1 :])
        same(PLAIN[:at])
        same(PLAIN[:at], PLAIN[at:])


def test_no_header_that_says_something_of_the_body_makes_a_difference() -> None:
    lengths = [b"6", b"06", b"+6", b"-6", b"6 ", b" ", b"6,6", b"6, 7", b"0x6", b"6.0", b"1" * 21]
    lengths += ["६".encode(), b"6\xb2", b"999999999999999999", b"9" * 20]
    codings = [b"chunked", b"Chunked", b"gzip", b"gzip, chunked", b"identity", b"chunked, chunked"]
    for said in [
        *(b"Content-Length: " + value for value in lengths),
        *(b"Transfer-Encoding: " + value for value in codings),
        *(b"Content-Length : 6", b"Content_Length: 6", b"Content-Length:6", b"content-length:\t6"),
    ]:
        for also in (b"", b"Content-Length: 6\r\n", b"transfer-encoding: chunked\r\n"):
            for version in (b"1.1", b"1.0", b"0.9", b"2.0"):
                for body in (b"abcdef", b"6\r\nabcdef\r\n0\r\n\r\n", b"abc", b"abcdef and more"):
                    head = b"HTTP/%s 200 OK\r\n%s\r\n%s\r\n" % (version, said, also)
                    same(head + body)
                    same(head, body)


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "CONNECT"])
@pytest.mark.parametrize("status", [99, 100, 101, 103, 199, 200, 204, 205, 206, 304, 404, 599, 600])
def test_no_status_makes_a_difference(method: str, status: int) -> None:
    for fields in (b"", b"Content-Length: 0\r\n", b"Content-Length: 2\r\n", b"Upgrade: x\r\n"):
        for reason in (b"", b" ", b" A reason", b" \xe9"):
            said = b"HTTP/1.1 %03d%s\r\n%s\r\n" % (status, reason, fields)
            same(said, b"ab", method=method)
            same(said + PLAIN, method=method)


@pytest.mark.parametrize("size", [60_000, 90_000, 110_000, 300_000])
def test_no_size_of_a_head_makes_a_difference(size: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: " + b"x" * size + b"\r\n\r\n"
    said = head + b"ab"
    for piece in (1000, 65536):
        read = same(*(said[at : at + piece] for at in range(0, len(said), piece)))
        assert read.is_whole or size > 100_000, "more is not kept"


_LINES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.1 404", b"HTTP/1.1 100 Continue", b"HTTP/1.0 200 OK"),
        *(b"Content-Length: 5", b"Content-Length: 0", b"Transfer-Encoding: chunked", b""),
        *(b"Connection: close", b"Content-Encoding: gzip", b"X: \xe9", b" folded", b"X : y"),
        *(b"5", b"5;a=b", b"0", b"hello", b"-1", b"X:\ty\x01"),
    ]
)
_SAID = st.lists(
    st.tuples(_LINES, st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r", b""])), max_size=9
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        _SAID.map(lambda said: b"".join(line + end for line, end in said)),
        _SAID.map(lambda said: PLAIN[:17] + b"".join(line + end for line, end in said)),
    ),
    st.lists(st.integers(0, 120), max_size=3),
)
@example(PLAIN + PLAIN, [])
def test_whatever_comes_in_whatever_pieces_is_read_as_h11_reads_it(
    said: bytes, cuts: list[int]
) -> None:
    at = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    pieces = [said[one:other] for one, other in pairwise(at)]
    same(*(piece for piece in pieces if piece))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "get", "P T", "", "PÖST"]),
    st.one_of(st.just(b"/v1/a?b=c"), st.binary(max_size=4)),
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from([b"Host", b"host", b"X-Key", b""]), st.binary(max_size=3)),
            st.one_of(st.just(b"a b"), st.binary(max_size=4)),
        ),
        max_size=4,
    ),
)
@example("POST", b"/", [(b"host", b"x"), (b"x-key", b"k\r\nhost: y")])
def test_what_is_written_is_what_h11_writes_or_refused_as_it_refuses_it(
    method: str, target: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    try:
        request = h11.Request(method=method, target=target, headers=headers)
        expected = h11.Connection(h11.CLIENT).send(request)
    except (h11.LocalProtocolError, UnicodeEncodeError):
        expected = None
    try:
        head = written(method, target, headers)
    except httpx.LocalProtocolError:
        head = None
    assert head == expected


def test_a_request_that_does_not_say_its_length_is_not_written() -> None:
    with pytest.raises(httpx.LocalProtocolError, match="length"):
        written("POST", b"/", [(b"Host", b"x"), (b"Transfer-Encoding", b"chunked")])


def test_a_value_that_cannot_be_sent_is_not_shown() -> None:
    with pytest.raises(httpx.LocalProtocolError) as caught:
        written("POST", b"/", [(b"Host", b"x"), (b"X-Api-Key", b"sk-secret\n")])
    assert "X-Api-Key" in str(caught.value)
    assert "secret" not in str(caught.value)

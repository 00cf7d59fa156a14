"""HTTP/1.1 as bytes: the head of a request to write, and a response to read. No I/O.

Most responses are plain: the head is whole, in ASCII, has nothing unusual, and says the length of
the body, which then only has to be counted. Reading it so costs a twentieth of what h11 costs.
Whatever else comes (chunks, no length, an interim response, a head in pieces, a wrong one) is read
by h11 from its first byte on, so that the verdict on it, and its words, are h11's.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import h11
import httpx

# Bytes of a head, or of a chunk's, that is not complete: as in httpcore.
_MOST_HEAD = 100 * 1024

_Fields = list[tuple[bytes, bytes]]

# A part of what h11 takes (h11/_abnf.py): ASCII, one line for each field, CRLF behind each.
_PLAIN = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t -~]*))?\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[\t -~]*\r\n)*)\r\n"
)
_LENGTH = re.compile(rb"[0-9]{1,18}")
# These have no body, whatever their heads say. RFC 9112, 6.3.
_WITHOUT_BODY = {204, 304}

# What may be sent: the grammar of h11, which is that of RFC 9110, 5.5 and 9112, 3.
_METHOD = _NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_TARGET = re.compile(rb"[!-~]+")
_VALUE = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")


def written(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write the head of a request, with the host first, as h11 does.

    Raises:
        httpx.LocalProtocolError: it is not one, or does not say the length of its body.
    """
    hosts: list[bytes] = []
    others: list[bytes] = []
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise httpx.LocalProtocolError(f"illegal header name {name!r}")
        if not _VALUE.fullmatch(value):  # it may be the key, and is not shown
            raise httpx.LocalProtocolError(f"illegal value of the header {name.decode('ascii')}")
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            raise httpx.LocalProtocolError("a request without a length cannot be sent")
        (hosts if lowered == b"host" else others).append(b"%s: %s\r\n" % (name, value))
    verb = method.encode("ascii", "replace")
    if len(hosts) != 1 or not _METHOD.fullmatch(verb) or not _TARGET.fullmatch(target):
        raise httpx.LocalProtocolError("illegal method or target, or not one host")
    return b"".join((verb, b" ", target, b" HTTP/1.1\r\n", *hosts, *others, b"\r\n"))


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a response; names and values of its headers are as they came."""

    status: int
    headers: _Fields
    reason: bytes = b""
    version: bytes = b"1.1"


class Incoming:
    """One response, read from bytes as they come: feed it while it has no head, or no part."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._http: h11.Connection | None = None
        self._came = b""
        self._length = self._left = 0
        self.head: Head | None = None
        self.is_whole = False

    def feed(self, data: bytes) -> None:
        """Take what came; nothing at the end of the connection.

        Raises:
            httpx.RemoteProtocolError: it is not HTTP, or ended too early.
        """
        if self._http is not None:
            self._resume(self._http, data)
        elif self.head is not None:
            self._count(data)
        elif not self._begin(data):
            self._http = _expecting(self._method)
            self._resume(self._http, data)

    def part(self) -> bytes:
        """Return what has come of the body; nothing where more has to come, or all has.

        Raises:
            httpx.RemoteProtocolError: it is not HTTP.
        """
        if self._http is not None:
            event = _next(self._http)
            self.is_whole = event is h11.PAUSED or isinstance(event, h11.EndOfMessage)
            return bytes(event.data) if isinstance(event, h11.Data) else b""
        data, self._came = self._came[: self._left], self._came[self._left :]
        self._left -= len(data)
        self.is_whole = not self._left
        return data

    @property
    def leaves_connection_usable(self) -> bool:
        """Whether another request can follow, once it is whole."""
        told = self.fields
        # Servers on the way may see another end of one with both: RFC 9112, 6.1.
        if "transfer-encoding" in told and "content-length" in told:
            return False
        if self._http is not None:
            done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
            return done and not self._http.trailing_data[0]
        closes = "close" in told.get("connection", "").lower()
        return self.is_whole and not closes and not self._came

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The headers as text: names in lower case, those of one name as one."""
        told: dict[str, str] = {}
        for name, value in self.head.headers if self.head is not None else ():
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            told[key] = f"{told[key]}, {text}" if key in told else text
        return told

    # -- plain --------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> bool:
        """Take the head of a plain response; return whether it is one."""
        found = _PLAIN.match(data)
        if found is None or self._method not in {"GET", "POST"}:
            return False
        status, fields = int(found[1]), _fields(found[3])
        length = _only_length(fields)
        if length is None or status in _WITHOUT_BODY:
            return False
        self._length = self._left = length
        self._came = data[found.end() :]
        self.head = Head(status, fields, found[2] or b"")
        return True

    def _count(self, data: bytes) -> None:
        if not data:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {self._length - self._left} bytes, expected {self._length})"
            )
        self._came += data

    # -- anything else ------------------------------------------------------------------------

    def _resume(self, http: h11.Connection, data: bytes) -> None:
        if not data and self.head is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        http.receive_data(data)
        while self.head is None and (event := _next(http)) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                self.head = Head(
                    event.status_code, event.headers.raw_items(), event.reason, event.http_version
                )


def _fields(block: bytes) -> _Fields:
    fields = []
    for line in block.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        fields.append((name, value.strip(b" \t")))
    return fields


def _only_length(fields: _Fields) -> int | None:
    """Return the length of a body, where nothing else could say it."""
    lengths = []
    for name, value in fields:
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            return None
        if lowered == b"content-length":
            lengths.append(value)
    if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return None
    return int(lengths[0])


@cache
def _asked(method: str) -> h11.Request:
    """Make a request as h11 has to know it: all that a response depends on is the method."""
    return h11.Request(method=method, target=b"/", headers=[(b"host", b"-")])


def _expecting(method: str) -> h11.Connection:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
    http.send(_asked(method))
    http.send(h11.EndOfMessage())
    return http


def _next(http: h11.Connection) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
    try:
        return http.next_event()
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error

"""Who may call the server: nobody but the person who has its address.

Any page in a browser can send requests to loopback, and any name can be made to mean it. So each
request needs our `Host` (DNS rebinding), the token or its cookie, and an origin that is ours; one
that changes something needs JSON, which no form can send.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Bytes of a body: the names of some ten thousand tasks.
LONGEST_BODY = 1024**2
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_READING = frozenset({"GET", "HEAD"})
_OURS = frozenset({"same-origin", "none"})


class Refusal(NamedTuple):
    """Why a request is not answered; `hint` says what to do."""

    status: int
    error: str
    hint: str


_NO_TOKEN = Refusal(
    401,
    "this page needs the token of its address",
    "open the address that `pipeline view` printed as its first line",
)
_FOREIGN = Refusal(
    403, "another site or page has sent this request", "use the page that `pipeline view` serves"
)


class Guard:
    """Lets a request through to `app`, or refuses it before anything of its body is read."""

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token.encode()
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        # Browsers give a cookie to every port of a host: the name keeps two servers apart.
        self._cookie = f"pipeline-view-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        refusal = self._fault(scope["method"], headers)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = [value for name, value in query if name == "token"]
        is_reading = scope["method"] in _READING
        if refusal is None and is_reading and shown and self._is_token(shown[-1]):
            await self._welcome(scope, query, send)
            return
        if refusal is None and not self._has_cookie(headers):
            refusal = _NO_TOKEN
        if refusal is None and not is_reading:
            taken = await _body(headers, receive)
            if isinstance(taken, bytes):
                receive = _again(taken, receive)
            else:
                refusal = taken
        if refusal is not None:
            await _refuse(refusal, send)
            return
        await self._app(scope, receive, send)

    def _fault(self, method: str, headers: Mapping[str, str]) -> Refusal | None:
        """Judge a request by what the browser says of where it comes from."""
        if headers.get("host", "").lower() not in self._hosts:
            return Refusal(
                421,
                "this server answers only to its own address on loopback",
                "over ssh -L forward the same port on both sides, and open http://127.0.0.1:PORT",
            )
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and origin.lower() not in self._origins:
            return _FOREIGN
        # A link may lead here from a mail or another page; nothing else of another page may.
        is_link = (
            method == "GET"
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        return None if site in _OURS or is_link else _FOREIGN

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(errors="replace"), self._token)

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        # Anything else on this machine may set cookies too, ours among them, in any form.
        pairs = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        return any(name == self._cookie and self._is_token(value) for name, _, value in pairs)

    async def _welcome(self, scope: Scope, query: list[tuple[str, str]], send: Send) -> None:
        """Turn the token into a cookie, and lead to the same page without it."""
        # With two slashes in front a path would be another host's address.
        path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        cookie = f"{self._cookie}={self._token.decode()}; HttpOnly; SameSite=Strict; Path=/"
        headers = {"location": f"{path}?{rest}" if rest else path, "set-cookie": cookie}
        await _say(303, headers, b"", send)


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers; one that comes twice is joined, and then equals none that we accept."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{joint}{text}" if name in found else text
    return found


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes | Refusal:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "the body must be application/json", "send JSON")
    too_long = Refusal(413, f"the body has more than {LONGEST_BODY:,} bytes", "name fewer tasks")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > LONGEST_BODY:
        return too_long
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return Refusal(400, "the body has broken off", "send it again")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            return too_long
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read to the next reader."""
    left = [body]

    async def give() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return give


async def _refuse(refusal: Refusal, send: Send) -> None:
    if refusal.status in {401, 421}:  # a person may be looking at it
        body = f"{refusal.error}: {refusal.hint}\n".encode()
        headers = {"content-type": "text/plain; charset=utf-8"}
    else:
        body = json.dumps({"error": refusal.error, "hint": refusal.hint}).encode()
        headers = {"content-type": "application/json"}
    # What is left of a body that nobody reads would be taken for the next request.
    await _say(refusal.status, {**headers, "connection": "close"}, body, send)


async def _say(status: int, headers: Mapping[str, str], body: bytes, send: Send) -> None:
    sent = {
        **headers,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})

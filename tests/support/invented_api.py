"""An API that nobody has heard of, with its own names for everything; it charges once a submit.

It speaks five ways: tickets that are asked for and listed, tickets under an id of the caller's,
tickets that such an id brings again, bytes at once, and base64 or an address within JSON. Its
files lie at another host.
"""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from support.other_api import CLIP
from support.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "zk-0123456789abcdef0123"

_HEAD = """\
provider: zap
base_url: https://zap.example
about: an invention of the tests
docs: [https://zap.example/docs]
checked: "2026-11"
auth: {header: x-zap-ticket, value: "Pass {key}", env: ZAP_PASS}
"""

TICKETS = (
    _HEAD
    + """\
submit:
  path: /orders/{model}/new
  body: {what: "$params.prompt", knobs: "$omit(params, ['prompt'])", tag: fixed}
  handle: {id: order.ticket, status: order.look}
  rules:
    - {status: 418, then: retry, why: the kettle was not on}
    - {where: oops.no, is: [77], then: credits, why: the purse is empty}
    - {status: 429, where: oops.no, is: [78], then: credits}
poll:
  url: $status or /orders/{id}
  state: mood
  states: {pondering: waiting, painting: running, hung: done, torn: failed, banned: moderated}
  every: 0.05
result: {url: "/orders/{id}/frame", media: "frame[].at", cost: bill.cents, scale: 0.01}
failed: {error: sorry, charged: never}
resolve:
  by: list
  url: "/ledger?of={model}&from={since}"
  rows: book
  id: ticket
  sent: ask
  compare: body
  created: when
  model: kind
  next: more
"""
)

OWN_IDS = (
    _HEAD
    + """\
submit:
  path: /mine
  body: {what: "$params.prompt", name: $once, kind: $model, width: "$params.width"}
  handle: {id: order.ticket}
poll:
  url: /orders/{id}
  state: mood
  states: {pondering: waiting, painting: running, hung: done, torn: failed}
  every: 0.05
result: {url: "/orders/{id}/frame", media: "frame[].at", cost: bill.cents, scale: 0.01}
resolve: {by: lookup, url: "/mine/{once}", handle: {id: ticket}, absence: proof, settle: 0}
"""
)

SAME_ID = (
    _HEAD
    + """\
submit:
  path: /same
  headers: {x-zap-once: "{once}"}
  body: {what: "$params.prompt", name: $once, width: "$params.width"}
  handle: {id: order.ticket}
poll:
  url: /orders/{id}
  state: mood
  states: {pondering: waiting, painting: running, hung: done, torn: failed}
  every: 0.05
result: {url: "/orders/{id}/frame", media: "frame[].at", cost: bill.cents, scale: 0.01}
resolve: {by: resend, window: 24h}
"""
)

AT_ONCE = (
    _HEAD
    + """\
submit: {path: /now/bytes, body: $params}
answer: {media: $bytes, cost: header:x-zap-cents, scale: 0.01}
"""
)

BASE64 = (
    _HEAD
    + """\
submit: {path: /now/text, body: $params}
answer: {media: "pictures[0].blob", encode: base64, cost: bill.cents, scale: 0.01}
"""
)

ADDRESS = (
    _HEAD
    + """\
submit: {path: /now/address, body: $params}
answer: {media: "pictures[0].at", id: ticket, cost: bill.cents, scale: 0.01}
"""
)


class InventedApi(Served):
    """Serves in threads. `at` maps a point (`submit`, `answered`, `poll`, `file`) to what happens.

    `answer` replaces the answer to a submit where it returns one. `letter` begins its tickets.
    """

    def __init__(self, letter: str = "t") -> None:
        self.letter = letter
        self.orders: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}
        self.at: dict[str, Callable[[], None]] = {}
        self.answer: Callable[[str], tuple[int, Any] | None] = lambda _: None
        self.media: Callable[[str], str] = lambda ticket: f"{self.files}/file/{ticket}.mp4"
        self.echo = ""
        self.strangers: list[str] = []
        self.paths: list[str] = []
        self.marks: list[str] = []
        self.moods = ["pondering", "painting", "hung"]
        self.lock = threading.Lock()

    @property
    def prompts(self) -> list[str]:
        """What was paid for, in order."""
        return [order["ask"]["what"] for order in self.orders.values()]

    def point(self, name: str) -> None:
        """Let happen, once, what shall happen here."""
        self.at.pop(name, lambda: None)()

    def order(self, asked: dict[str, Any], kind: str) -> dict[str, Any]:
        """Take an order, which is paid for now."""
        with self.lock:
            ticket = f"{self.letter}-{len(self.orders)}"
            order = {"ticket": ticket, "ask": asked, "kind": kind, "when": time.time(), "looks": 0}
            self.orders[ticket] = order
            if "name" in asked:
                self.names[asked["name"]] = ticket
        return order

    def post(self, path: str, asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """Answer what pays."""
        self.point("submit")
        if (told := self.answer(str(asked.get("what", asked.get("prompt"))))) is not None:
            return *told, {}
        parts = path.split("/")
        kind = parts[2] if parts[1] == "orders" else asked.get("kind", parts[2:3] or "mine")
        sent = {"what": asked["prompt"]} if "prompt" in asked else asked
        known = self.names.get(sent.get("name", "")) if parts[1] == "same" else None
        order = self.orders[known] if known else self.order(sent, kind)
        bill = {"cents": 7}
        if parts[-1] == "bytes":
            return 200, CLIP, {"x-zap-cents": "7"}
        blob = {"blob": base64.b64encode(CLIP).decode()}
        if parts[-1] == "text":
            return 200, {"bill": bill, "pictures": [blob]}, {}
        if parts[-1] == "address":
            at = self.media(order["ticket"])
            return 200, {"ticket": order["ticket"], "bill": bill, "pictures": [{"at": at}]}, {}
        look = f"{self.url}/orders/{order['ticket']}"
        self.point("accepted")
        return 202, {"echo": self.echo, "order": {"ticket": order["ticket"], "look": look}}, {}

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Answer what is free."""
        parts = path.split("/")
        if parts[1] == "file":
            self.point("file")
            if parts[2] == "hop":  # to the API itself, where the key must not go either
                return 302, f"{self.url}/file/x"
            return 200, CLIP
        if parts[1] == "ledger":
            book = [
                {**{k: o[k] for k in ("ticket", "kind", "when")}, "ask": o["ask"]}
                for o in self.orders.values()
                if o["kind"] in query.get("of", [])
            ]
            return 200, {"book": book}
        if parts[1] == "mine":
            ticket = self.names.get(parts[2])
            return (200, {"ticket": ticket}) if ticket else (404, {})
        order = self.orders.get(parts[2]) if len(parts) > 2 else None
        return (404, {}) if order is None else self.of(order, parts)

    def of(self, order: dict[str, Any], parts: list[str]) -> tuple[int, Any]:
        """Answer where an order is."""
        if parts[-1] == "frame":
            at = self.media(order["ticket"])
            return 200, {"frame": [{"at": at}, {"at": "more"}], "bill": {"cents": 7}}
        self.point("poll")
        mood = self.moods[min(order["looks"], len(self.moods) - 1)]
        order["looks"] += 1
        return 200, {"mood": mood, "sorry": "it did not dry"}


class _Handler(BaseHTTPRequestHandler):
    api: InventedApi

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        asked = self.rfile.read(size)
        if len(asked) < size or not self._known():
            return
        try:
            status, told, headers = self.api.post(self.path, json.loads(asked))
        except ConnectionError:  # a test drops it here
            self.close_connection = True
            return
        self._say(status, told, headers)
        self.api.point("answered")

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/file"):
            if any(KEY in value for value in self.headers.values()):
                self.api.strangers.append(self.path)
        elif not parts.path.startswith("/sandbox/") and not self._known():
            return
        self._say(*self.api.get(parts.path, parse_qs(parts.query)), {})

    def _known(self) -> bool:
        self.api.paths.append(self.path)
        self.api.marks.append(self.headers.get("x-mark", ""))
        known = self.headers.get("x-zap-ticket") == f"Pass {KEY}"
        if not known:
            self._say(401, {}, {})
        return known

    def _say(self, status: int, told: Any, headers: dict[str, str]) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status == 302:
                self.send_header("location", told)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


InventedApi.handler = _Handler

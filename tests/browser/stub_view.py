"""Speaks as `pipeline view` does, and is made to do what that never would: garbage, silence."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Stub(ThreadingHTTPServer):
    """Serves one page. What its test asks for below /test is done to the pages that listen."""

    daemon_threads = True

    def __init__(self, page: str, entries: list[dict[str, Any]], state: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page, self.entries, self.state = page, entries, state
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        self.streams: set[queue.Queue[bytes | None]] = set()

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.server_port}/"

    def tell(self, kind: str, data: Any) -> None:
        """Tell all pages; text is sent as it is."""
        text = data if isinstance(data, str) else json.dumps(data)
        for stream in list(self.streams):
            stream.put(f"event: {kind}\ndata: {text}\n\n".encode())

    def act(self, action: str, given: Any) -> Any:
        """Do what a test asks for."""
        match action:
            case "tell":
                for kind, data in given:
                    self.tell(kind, data)
            case "state":
                self.state |= given
                self.tell("state", self.state)
            case "answer":  # with this status from now on, and end the streams
                self.status = given
                for stream in list(self.streams):
                    stream.put(None)
            case "hurry":
                threading.Thread(target=self._hurry, args=given, daemon=True).start()
            case "add":
                self.entries.append(given)
        return {"posted": self.posted, "listening": len(self.streams)}

    def _hurry(self, events: int, per_second: float) -> None:
        known = self.entries[0]
        for number in range(events):
            task = f"hurry-{number % 400}"
            told = known | {"task": task, "group": task, "prompt": f"Result {number}"}
            self.tell("entries", [told])
            self.tell("state", self.state | {"in_flight": number})
            time.sleep(1 / per_second)


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        """Answer with the page, the data or the stream."""
        stub, path = self.server, self.path.partition("?")[0]
        if stub.status == 0:
            self.connection.close()
        elif stub.status != 200:
            self._json({"error": "not now", "hint": None}, stub.status)
        elif path == "/":
            self._answer(stub.page.encode(), "text/html; charset=utf-8")
        elif path == "/events":
            self._stream()
        elif path == "/data":
            self._json({"entries": stub.entries, "state": stub.state, "actions": [], "after": "1"})
        elif path == "/price":
            self._json({"tasks": 2, "price": 1.9, "kept_skipped": 1})
        else:  # a clip that no browser can play
            self._answer(b"", "video/mp4")

    def do_POST(self) -> None:
        """Note what a page asks for; do what a test asks for."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.startswith("/test/"):
            self._json(self.server.act(self.path.removeprefix("/test/"), body))
        elif self.path == "/run":
            self._json({"error": "a run is in progress", "hint": "wait for its end"}, 409)
        else:
            self.server.posted.append({"path": self.path, "body": body})
            self._json({"id": "1"})

    def _stream(self) -> None:
        mine: queue.Queue[bytes | None] = queue.Queue()
        self.server.streams.add(mine)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            self.wfile.write(b": \n\n")
            while (frame := mine.get()) is not None:
                self.wfile.write(frame)
        except OSError:
            pass  # the page has left
        finally:
            self.server.streams.discard(mine)

    def _json(self, value: Any, status: int = 200) -> None:
        self._answer(json.dumps(value).encode(), "application/json", status)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """A test says nothing of its requests."""


@contextmanager
def stubbed(page: str, entries: list[dict[str, Any]], state: dict[str, Any]) -> Iterator[Stub]:
    """Serve a page until the end of the block."""
    with Stub(page, entries, state) as stub:
        thread = threading.Thread(target=stub.serve_forever)
        thread.start()
        try:
            yield stub
        finally:
            stub.act("answer", 0)
            stub.shutdown()
            thread.join()

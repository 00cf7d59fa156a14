"""An API that takes files: as parts of a form, uploaded before, or put at another host."""

import json
import threading
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from support.other_api import CLIP
from support.pictures import png

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "zk-0123456789abcdef0123"


@dataclass(frozen=True)
class Sent:
    """One request; `host` is `api` or `files`."""

    host: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, str | None, str | None, bytes]]:
        """The fields of a form: name, name of the file, type, contents."""
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        found = list[tuple[str, str | None, str | None, bytes]]()
        for part in BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts():
            told = part["content-disposition"].params
            kind = part["content-type"] and part.get_content_type()
            contents: Any = part.get_payload(decode=True)
            found.append((told["name"], told.get("filename"), kind, contents))
        return found


class FileApi:
    """Serves in threads. What is rendered is a clip at once; uploads are told by an address."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.put_to = ""
        self.status = 200
        self.now: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._servers = [_serve(self, name) for name in ("api", "files")]
        self.url, self.files = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        self.put_to = f"{self.files}/put?signature=secret"
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def at(self, path: str) -> list[Sent]:
        """What was sent to a path."""
        return [one for one in self.sent if one.path.partition("?")[0] == path]

    def answer(self, sent: Sent) -> tuple[int, Any]:
        """Answer a request."""
        self.sent.append(sent)
        if sent.host == "files":
            return self.status, {}
        if sent.headers.get("x-zap-ticket") != KEY:
            return 401, {}
        if sent.path == "/start":
            return 200, {"put_to": self.put_to, "at": "https://zap.example/started"}
        if sent.path.startswith("/up"):
            return self.status, {"at": f"https://zap.example/{len(self.at('/up'))}"}
        self.now()
        return 200, CLIP


def _serve(api: FileApi, name: str) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("_Own", (_Handler,), {"api": api, "as_": name})
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    api: FileApi
    as_: str

    def do_POST(self) -> None:
        body = self.rfile.read(size := int(self.headers.get("content-length", 0)))
        if len(body) < size:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, told = self.api.answer(Sent(self.as_, self.command, self.path, headers, body))
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        picture = png(5, 100_000)
        self.send_response(200)
        self.send_header("content-length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass

"""What fal and Replicate document of their wires, at one base URL each; a submit is paid for."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from support.other_api import CLIP

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "wk-0123456789abcdef0123"


class Wire:
    """Serves in threads. `at` maps a point (`submit`, `accepted`, `poll`, `file`) to what happens.

    `name` says whose wire it is.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.head = f"{'Key' if name == 'fal' else 'Bearer'} {KEY}"
        self.model = "acme/brush/fast" if name == "fal" else "acme/brush"
        self.paid: list[dict[str, Any]] = []
        self.times: list[str] = []
        self.looks: dict[str, int] = {}
        self.at: dict[str, Callable[[], None]] = {}
        self.leaked: list[str] = []
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        handler = type("_Own", (_Handler,), {"wire": self})
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.url, self.files = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def point(self, name: str) -> None:
        """Let happen, once, what shall happen here."""
        self.at.pop(name, lambda: None)()

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Take what is paid for."""
        if self.name == "fal" and path == f"/{self.model}":
            sent = body
        elif self.name == "replicate" and path == f"/v1/models/{self.model}/predictions":
            sent = body["input"]
        else:
            return 404, {"detail": "no such model"}
        self.point("submit")
        with self.lock:
            number = len(self.paid)
            self.paid.append(sent)
            self.times.append(datetime.now(UTC).isoformat())
        self.point("accepted")
        return (200, self.queued(number)) if self.name == "fal" else (201, self.prediction(number))

    def queued(self, number: int) -> dict[str, Any]:
        """Say as fal's queue where a request can be asked for: without the end of the model."""
        place = f"{self.url}/acme/brush/requests/r{number}"
        return {
            "request_id": f"r{number}",
            "status": "IN_QUEUE",
            "status_url": f"{place}/status",
            "response_url": place,
            "cancel_url": f"{place}/cancel",
        }

    def prediction(self, number: int) -> dict[str, Any]:
        """Tell a prediction as Replicate does; it has succeeded at the second look."""
        looks = self.looks[f"r{number}"] = self.looks.get(f"r{number}", -1) + 1
        output = [f"{self.files}/file/{number}.mp4"] if looks > 1 else None
        return {
            "id": f"r{number}",
            "model": self.model,
            "input": self.paid[number],
            "output": output,
            "status": ("starting", "processing", "succeeded")[min(looks, 2)],
            "created_at": self.times[number],
            "urls": {"get": f"{self.url}/v1/predictions/r{number}"},
        }

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Answer what is free."""
        if path == "/v1/predictions":
            return 200, {"next": None, "results": list(map(self.prediction, range(len(self.paid))))}
        if path == "/v1/models/requests/by-endpoint":
            right = query.get("endpoint_id") == [self.model]
            rows = [
                {"request_id": f"r{number}", "json_input": sent, "sent_at": self.times[number]}
                for number, sent in enumerate(self.paid)
                if right
            ]
            return 200, {"items": rows}
        parts = path.strip("/").split("/")
        ids = [part for part in parts if part[:1] == "r" and part[1:].isdigit()]
        if not ids:
            return 404, {"detail": "not found"}
        self.point("poll")
        if self.name == "replicate":
            return 200, self.prediction(int(ids[0][1:]))
        if parts[-1] == "status":
            looks = self.looks[ids[0]] = self.looks.get(ids[0], 0) + 1
            return (200, {"status": "COMPLETED"}) if looks > 1 else (202, {"status": "IN_PROGRESS"})
        return 200, {"video": {"url": f"{self.files}/file/{ids[0]}.mp4"}}


class _Handler(BaseHTTPRequestHandler):
    wire: Wire

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        known = self.headers.get("authorization") == self.wire.head
        self._say(*self.wire.post(self.path, json.loads(body)) if known else (401, {}))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/file"):
            if any(KEY in value for value in self.headers.values()):
                self.wire.leaked.append(self.path)
            self.wire.point("file")
            self._say(200, CLIP)
        else:
            known = self.headers.get("authorization") == self.wire.head
            told = self.wire.get(parts.path, parse_qs(parts.query)) if known else (401, {})
            self._say(*told)

    def _say(self, status: int, told: Any) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

"""What Runware documents: a list of tasks to one address; a second of one id is refused."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from support.other_api import CLIP
from support.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "rk-0123456789abcdef0123"


class RunwareApi(Served):
    """Serves in threads. `at` maps a point (`submit`, `accepted`, `poll`, `file`) to what happens.

    What is submitted is paid for once under its id, and is done at the second question.
    """

    def __init__(self) -> None:
        self.paid: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.at: dict[str, Callable[[], None]] = {}
        self.leaked: list[str] = []
        self.lock = threading.Lock()

    @property
    def prompts(self) -> list[str]:
        """What was paid for."""
        return sorted(task["positivePrompt"] for task in self.paid.values())

    def get(self, path: str) -> Any:
        """Answer with a file."""
        return CLIP

    def point(self, name: str) -> None:
        """Let happen, once, what shall happen here."""
        self.at.pop(name, lambda: None)()

    def take(self, task: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one task."""
        kind, named = task["taskType"], task["taskUUID"]
        about = {"taskType": kind, "taskUUID": named}
        if len(named) != 36 or named[14] != "4":
            return 400, _error(about, "invalidTaskUUID")
        if kind == "accountManagement":
            return 200, {"data": [{**about, "balance": 12.5}]}
        if kind == "getResponse":
            self.point("poll")
            return self.tell(named)
        self.point("submit")
        with self.lock:
            if named in self.paid:
                return 400, _error(about, "conflictTaskUUID")
            self.paid[named] = task
        self.point("accepted")
        return 200, {"data": [about]}

    def tell(self, named: str) -> tuple[int, dict[str, Any]]:
        """Tell where a task is; one that is not known is told as one of which there is no news."""
        if named not in self.paid:
            return 200, {"data": []}
        looks = self.looks[named] = self.looks.get(named, 0) + 1
        row = {"taskType": "videoInference", "taskUUID": named, "status": "processing"}
        if looks > 1:
            row |= {"status": "success", "videoURL": f"{self.files}/{named}.mp4", "cost": 0.07}
        return 200, {"data": [row]}


def _error(about: dict[str, Any], code: str) -> dict[str, Any]:
    return {"data": [], "errors": [{**about, "code": code, "message": code}]}


class _Handler(BaseHTTPRequestHandler):
    api: RunwareApi

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        sent = self.rfile.read(size)
        if len(sent) < size:
            return
        if self.headers.get("authorization") != f"Bearer {KEY}" or self.path != "/v1":
            self._say(401, {"errors": [{"code": "invalidApiKey"}]})
            return
        (task,) = json.loads(sent)
        try:
            told = self.api.take(task)
        except ConnectionError:  # a test drops it here
            self.close_connection = True
            return
        self._say(*told)

    def do_GET(self) -> None:
        if any(KEY in value for value in self.headers.values()):
            self.api.leaked.append(self.path)
        self.api.point("file")
        self._say(200, self.api.get(self.path))

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


RunwareApi.handler = _Handler

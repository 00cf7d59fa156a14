"""A client of the sandbox, as plain as possible."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx

from sandbox.testing import Sandbox

LUMA = "luma-txt-2-video"
KEY = {"x-api-key": "any"}
HISTORY = "/inference-request/request-history"


class Client:
    """Speaks to one sandbox with a key, and to its media without."""

    def __init__(self, box: Sandbox, session: httpx.Client) -> None:
        self.box = box
        self.session = session

    def v1(self, prompt: str, **params: Any) -> httpx.Response:
        url = f"{self.box.url}/v1/{LUMA}"
        return self.session.post(url, json={"prompt": prompt, **params}, headers=KEY)

    def v2(self, prompt: str, model: str = LUMA, **params: Any) -> httpx.Response:
        url = f"{self.box.url}/v2/{model}"
        return self.session.post(url, json={"prompt": prompt, **params}, headers=KEY)

    def get(self, url: str) -> httpx.Response:
        """Ask at an address, or at a path, with the key."""
        whole = url if url.startswith("http") else self.box.url + url
        return self.session.get(whole, headers=KEY)

    def fetch(self, url: str) -> httpx.Response:
        """Fetch media, without the key."""
        return self.session.get(url)

    def finished(self, accepted: dict[str, str]) -> dict[str, Any]:
        """Wait for the end of a v2 request, and return its result."""
        until(lambda: self.get(accepted["status_url"]).json()["status"] in {"COMPLETED", "FAILED"})
        result: dict[str, Any] = self.get(accepted["response_url"]).json()
        return result

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        """List the request history."""
        answer = self.session.get(self.box.url + HISTORY, params=query, headers=KEY)
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    def row_of(self, prompt: str) -> dict[str, Any] | None:
        """Find the newest row whose body has this prompt."""
        found = [row for row in self.rows(per_page=100) if prompt in str(row["request_body"])]
        return found[0] if found else None

    def entry(self, prompt: str) -> dict[str, Any]:
        """Find the newest request with this prompt in the books."""
        return [entry for entry in self.box.requests() if entry["prompt"] == prompt][-1]


def until(look: Callable[[], Any], within: float = 20.0) -> Any:
    """Wait until `look` sees something, and return it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def dial(box: Sandbox, path: str, body: bytes) -> socket.socket:
    """Send a request by hand, and leave its answer to the caller."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\n"
    sock = socket.create_connection(("127.0.0.1", box.port), timeout=10)
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return sock

"""A bucket of moto's server behind a proxy that counts, faults, holds up, and kills a run.

The proxy sees each request of the command for what it is, so that a test may end the process just
before or after any step of placing an object, with no code of ours changed.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "clips-of-tests"
SECRET, TOKEN, ACCESS = "s3cr3t-value-0123456789", "t0ken-value-0123456789", "AKIATESTTESTTEST"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
    "AWS_REGION": "us-east-1",
}
_SHORT = 4096
_CONDITIONS = {"if-match", "if-none-match"}
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Seen:
    """A request that has come to the bucket."""

    method: str
    key: str
    query: dict[str, list[str]]
    copied_from: str | None
    body: bytes
    conditions: frozenset[str] = frozenset()


@dataclass
class Answer:
    """What the proxy answers in the bucket's place."""

    status: int
    body: bytes = b""
    wait: float = 0.0
    then_forward: bool = False  # the bucket carries it out all the same


def error(status: int, code: str, more: str = "") -> Answer:
    """Answer as S3 tells an error; `more` is what it may say besides."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>no</Message>{more}</Error>".encode())


@dataclass
class MotoServer:
    """moto's server in a process of its own. Its objects end with it."""

    process: "subprocess.Popen[bytes] | None" = None
    port: int = 0

    def start(self) -> None:
        self.port = self.port or free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        )
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/moto-api/"):
                    return
            except OSError:
                assert time.monotonic() < end, "moto's server did not start"
                time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@cache  # it reads a megabyte of descriptions
def client(port: int) -> Any:
    import boto3  # noqa: PLC0415 - of the tests of buckets alone

    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class FaultyBucket:
    """A bucket that does what a test tells it to. `script` may answer in its place."""

    moto: MotoServer
    seen: list[Seen] = field(default_factory=list)
    script: Callable[[Seen], Answer | None] | None = None
    after: Callable[[Seen], None] | None = None
    cut: bool = False  # as if the server was gone
    ignored: frozenset[tuple[str, str]] = frozenset()  # methods, and conditions that they ignore
    page: int | None = None  # names that a list has at most
    in_flight: int = 0
    peak: int = 0
    forwarding: int = 0  # requests that the server has and has not answered

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_any(self) -> None:
                world.meet(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:  # a client that was killed
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.ask("PUT", f"/{BUCKET}")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}

    # -- in the way ---------------------------------------------------------------------------

    def meet(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        parts = urlsplit(handler.path)
        source = handler.headers.get("x-amz-copy-source")
        seen = Seen(
            handler.command,
            unquote(parts.path).removeprefix(f"/{BUCKET}").lstrip("/"),
            parse_qs(parts.query, keep_blank_values=True),
            unquote(source) if source else None,
            body if len(body) < _SHORT else b"",
            frozenset(name.lower() for name in handler.headers) & _CONDITIONS,
        )
        with self._lock:
            self.seen.append(seen)
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
        try:
            self._answer(handler, seen, body)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, seen: Seen, body: bytes) -> None:
        told = self.script(seen) if self.script is not None else None
        if told is not None:
            time.sleep(told.wait)
        forwards = told is None or told.then_forward
        with self._lock:
            cut = self.cut
            self.forwarding += forwards and not cut
        if cut:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if forwards:
            drop = {condition for method, condition in self.ignored if method == handler.command}
            headers = {k: v for k, v in handler.headers.items() if k.lower() not in drop}
            path = handler.path
            if self.page is not None and "list-type" in seen.query:
                path += f"&max-keys={self.page}"
            try:
                status, said, text = self.forward(handler.command, path, body, headers)
            finally:
                with self._answered:
                    self.forwarding -= 1
                    self._answered.notify_all()
            if told is not None:
                status, text = told.status, told.body
        else:
            status, said, text = told.status, {}, told.body
        if self.after is not None:
            self.after(seen)
        handler.send_response(status)
        for name, value in said.items():
            handler.send_header(name, value)
        if handler.command == "HEAD":
            handler.end_headers()
            return
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def forward(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.moto.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            drop = _HOP - ({"content-length"} if method == "HEAD" else set())
            said = {k: v for k, v in answer.getheaders() if k.lower() not in drop}
            return answer.status, said, text
        finally:
            connection.close()

    # -- what lies there, asked past the proxy ------------------------------------------------

    def client(self) -> Any:
        return client(self.moto.port)

    def ask(self, method: str, path: str) -> None:
        self.forward(method, path, b"", {"Host": f"127.0.0.1:{self.moto.port}"})

    def put(self, key: str, body: bytes) -> None:
        self.client().put_object(Bucket=BUCKET, Key=key, Body=body)

    def read(self, key: str) -> bytes:
        body: bytes = self.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def head(self, key: str) -> dict[str, Any]:
        told: dict[str, Any] = self.client().head_object(Bucket=BUCKET, Key=key)
        return told

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        found = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return [key for key in found if key.startswith(prefix)]

    def restart(self) -> None:
        """Kill the server with -9 and start it again; its objects are on its disk, as it were."""
        with self._answered:
            self.cut = True  # until all is as before: it was on its disk all the while
            # What is acknowledged from here on would be missing from what was on the disk.
            assert self._answered.wait_for(lambda: not self.forwarding, timeout=60)
        heads = {key: self.head(key) for key in self.keys()}
        kept = {key: self.read(key) for key in heads}
        self.moto.kill()
        self.moto.start()
        self.ask("PUT", f"/{BUCKET}")
        for key, body in kept.items():
            self.client().put_object(
                Bucket=BUCKET, Key=key, Body=body,
                Metadata=heads[key]["Metadata"], ContentType=heads[key]["ContentType"],
            )  # fmt: skip
        self.cut = False

    def clear(self) -> None:
        for key in self.keys():
            self.client().delete_object(Bucket=BUCKET, Key=key)
        self.seen.clear()
        self.script = self.after = None
        self.cut, self.peak, self.page, self.ignored = False, 0, None, frozenset()


def kill_at(process: "subprocess.Popen[str]") -> None:
    """Kill a run with -9 and all it has started."""
    os.killpg(process.pid, signal.SIGKILL)

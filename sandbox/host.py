"""The process: a socket that can be closed and opened again, an event loop, a quick end."""

import asyncio
import logging
import resource
import signal
import socket
import sys
import time

import uvicorn
from uvicorn.server import ServerState

from sandbox.app import Api
from sandbox.clips import Studio
from sandbox.errors import SandboxError
from sandbox.journal import open_books
from sandbox.service import Service
from sandbox.settings import Settings
from sandbox.vendors import vendor_of
from sandbox.wire import Protocol

BACKLOG = 2048  # a test may open a thousand connections at once
GRACE = 0.3  # seconds that open requests have to end in, once the server is asked to stop


class Listener:
    """The listening socket. While it is closed, the kernel refuses connections."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._address = sock.getsockname()
        self._config: uvicorn.Config | None = None
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is, open or shut."""
        host, port = self._address[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def open(self, config: uvicorn.Config | None = None) -> None:
        """Start listening."""
        self._config = config or self._config
        # In two steps, so that the server is known before the loop can run anything else.
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, sock=self._sock, backlog=BACKLOG, start_serving=False
        )
        await self._server.start_serving()

    def shut(self, seconds: float) -> None:
        """Stop listening for so long, from now; of two closings the later end holds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self._opening is not None:
            until = max(until, self._opening.when())
            self._opening.cancel()
        if self._server is not None:
            self._close_listener()
        self._opening = loop.call_at(until, self._reopen)

    async def leave(self) -> None:
        """Stop for good: let open requests end within the grace, then cut them off."""
        if self._opening is not None:
            self._opening.cancel()
        if self._server is not None:
            self._server.close()
        self._hang_up_idle()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=GRACE)
        for connection in self._state.connections:
            connection.transport.abort()

    def _close_listener(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None
        # Bound but not listening: clients are refused, and nobody else can take the port.
        self._sock = bind(*self._address[:2])
        self._hang_up_idle()

    def _hang_up_idle(self) -> None:
        """Close idle connections; those with a request close after its answer."""
        for connection in list(self._state.connections):
            connection.shutdown()

    def _reopen(self) -> None:
        self._opening = None
        self._task = asyncio.get_running_loop().create_task(self.open())

    def _protocol(self) -> Protocol:
        assert self._config is not None
        return Protocol(self._config, self._state, {})


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket that does not listen yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio turns off the delay of small packets only for what is.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A restarted server takes its port back at once, whatever connections linger on it.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise SandboxError(
            f"cannot listen on port {port}: {error.strerror}",
            hint="use another --port, or 0 for a free one",
        ) from error
    return sock


def run(settings: Settings) -> None:
    """Serve a sandbox until SIGTERM or SIGINT."""
    level = logging.INFO if settings.verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(message)s")
    _allow_many_files()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listener = Listener(bind(settings.host, settings.port))
    studio = Studio(settings.clips, settings.seed, settings.body_size)
    books = open_books(settings, time.time())
    api = Api(Service(settings, books, studio, listener, vendor_of(settings.wire)))
    await listener.open(_config(api))
    api.resume()
    _announce(listener.url)
    await stop.wait()
    await listener.leave()
    studio.close()
    # What is cancelled from here on is not worth a log line.
    logging.disable()


def _config(api: Api) -> uvicorn.Config:
    config = uvicorn.Config(
        api.asgi(),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    config.load()
    return config


def _announce(url: str) -> None:
    """Print the one line that says the sandbox is ready."""
    sys.stdout.write(f"sandbox listening on {url}\n")
    sys.stdout.flush()


def _allow_many_files() -> None:
    """Let the process have as many connections as its hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 10_240) if hard == resource.RLIM_INFINITY else hard  # macOS wants a number
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

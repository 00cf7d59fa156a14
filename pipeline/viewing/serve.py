"""The process: a socket on loopback, an address with a token, a quick end."""

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import anyio
import uvicorn

from pipeline.errors import UsageError
from pipeline.models import Job
from pipeline.viewing.app import Site
from pipeline.viewing.connections import connections
from pipeline.viewing.feed import Feed
from pipeline.viewing.guard import Guard
from pipeline.viewing.source import Source, addresses

_HOST = "127.0.0.1"
_BACKLOG = 128
_GRACE = 1  # seconds that open requests have to end in
_LONGEST_HEAD = 512 * 1024  # bytes: the price is asked for with the names of some hundred tasks


def listen(port: int) -> socket.socket:
    """Listen on loopback alone; 0 takes a free port.

    Raises:
        UsageError: the port is taken, or not allowed.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((_HOST, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}",
            hint="use another --port, or leave it out for a free one",
        ) from error
    return sock


async def serve(
    jobs: Sequence[tuple[Source, Job]],
    sock: socket.socket,
    ready: Callable[[str], None],
    say: Callable[[str], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Serve jobs until SIGINT or SIGTERM, or until `stop` is set.

    `ready` gets the address with its token; `say` gets what goes wrong, for the log.
    """
    stop = stop or asyncio.Event()
    port, token = sock.getsockname()[1], secrets.token_urlsafe(32)
    words = addresses([job.name for _, job in jobs])
    feeds = [Feed(word, *one) for word, one in zip(words, jobs, strict=True)]
    async with anyio.create_task_group() as group:
        site = Site(feeds, group, say)
        server = _Server(_config(Guard(site.app(), token, port)), site)
        with _one_line(say), _at_signals(stop):
            group.start_soon(server.stop_at, stop)
            ready(f"http://{_HOST}:{port}/?token={token}")
            await server.serve(sockets=[sock])
            if unfinished := server.server_state.tasks:  # they were cancelled, and say so
                await asyncio.wait(unfinished, timeout=_GRACE)
        group.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """Ends at once when it is asked to: a page that listens never ends by itself."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def stop_at(self, stop: asyncio.Event) -> None:
        """Wait until it is to end, and end all streams with it."""
        await stop.wait()
        self.should_exit = True
        self._site.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: after uvicorn's own way they would count as a failure."""
        yield


def _config(app: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections(),
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing that a request says of where it comes from is believed
        timeout_graceful_shutdown=_GRACE,
    )


@contextmanager
def _at_signals(stop: asyncio.Event) -> Iterator[None]:
    """Stop at the signals, where this is the main thread."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    with suppress(RuntimeError, ValueError):
        for number in numbers:
            loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        with suppress(RuntimeError, ValueError):
            for number in numbers:
                loop.remove_signal_handler(number)


class _Lines(logging.Handler):
    """Logs what uvicorn says in one line each."""

    def __init__(self, say: Callable[[str], None]) -> None:
        # Warnings are of what somebody has sent, without a token too: they would fill the screen.
        super().__init__(logging.ERROR)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, asyncio.CancelledError):  # a request that did not end in time
            return
        about = f": {type(error).__name__}: {error}" if error else ""
        self._say(f"warning: {record.getMessage().splitlines()[0]}{about}")


@contextmanager
def _one_line(say: Callable[[str], None]) -> Iterator[None]:
    logger, handler = logging.getLogger("uvicorn.error"), _Lines(say)
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before

"""A Ray cluster: how a run comes to it, and the names of the workers that it has there.

Only this package imports Ray, and only once a run has asked for it.
"""

import asyncio
import logging
import os
import re
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO, cast

from pipeline.engines.on_ray.worker import Worker
from pipeline.errors import UsageError
from pipeline.models import Job, task_key
from pipeline.printable import printable

NAMESPACE = "pipeline"
# Seconds: for a look at the address, to connect, and for a question that Ray answers by itself.
_LOOK, _CONNECT, ANSWER = 5.0, 40.0, 30.0
# More than any run has in flight: 1,000 is Ray's own bound, which would hold a heartbeat too.
_AT_ONCE = 20_000
# An empty frame of HTTP/2: three bytes of length, its type, flags, and the stream.
_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
# How the names of threads begin in which Ray prints.
_RAYS = "ray_"
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that this process is connected to. `ray` is the module."""

    ray: Any

    def prefix(self, job: Job) -> str:
        """Return how the names of the workers of an output directory begin."""
        return f"{task_key(os.path.realpath(job.output_dir))}-"

    def names(self, job: Job) -> list[str]:
        """List the workers that there are for an output directory."""
        found = self.ray.util.list_named_actors()
        return sorted(name for name in found if name.startswith(self.prefix(job)))

    def find(self, name: str) -> Any:
        """Return the handle of a worker, None where it has ended."""
        with suppress(ValueError):
            return self.ray.get_actor(name)
        return None

    def make(self, job: Job) -> tuple[str, Any]:
        """Ask for a worker, which Ray starts where there is room; returns its name and handle."""
        name = f"{self.prefix(job)}{secrets.token_hex(4)}"
        actor = self.ray.remote(Worker).options(
            name=name,
            lifetime="detached",
            num_cpus=1,
            # A handle is of one process: what it says of its end is final.
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=_AT_ONCE,
            scheduling_strategy="SPREAD",
        )
        return name, actor.remote()

    def end(self, handle: Any) -> None:
        """End a worker, whatever it is at."""
        with suppress(self.ray.exceptions.RayError, ValueError):
            self.ray.kill(handle)

    def nodes(self) -> int:
        """Count the nodes that have a CPU."""
        alive = (node for node in self.ray.nodes() if node["Alive"])
        return sum(node["Resources"].get("CPU", 0) >= 1 for node in alive)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Cluster]:
    """Connect this process to the cluster at an address.

    Raises:
        UsageError: there is none, the extra is missing, or Ray refuses.
    """
    await _look(*parsed(address))
    ray = _import()
    with _quiet():
        await in_thread(lambda: _init(ray, address), _CONNECT, f"the Ray cluster at {address}")
        try:
            yield Cluster(ray)
        finally:
            with suppress(UsageError):  # the process is about to end
                await in_thread(ray.shutdown, ANSWER, "Ray")


def parsed(address: str) -> tuple[str, int]:
    """Read the address of a cluster: host and port of its head.

    Raises:
        UsageError: it is not one; `auto`, say, could start or find any cluster.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 65536:  # noqa: PLR2004 - ports
        raise UsageError(
            f"{printable(address)!r} is not a valid address of a Ray cluster",
            hint="host and port of its head, such as 10.0.0.5:6379",
        )
    return found["host"].strip("[]"), int(found["port"])


async def _look(host: str, port: int) -> None:
    """See that what listens there may be Ray, which itself may try for ever.

    Raises:
        UsageError: nothing answers, or not as the head of a cluster does.
    """
    try:
        async with asyncio.timeout(_LOOK):
            await _greet(host, port)
    except (TimeoutError, OSError, EOFError, UnicodeError) as error:
        why = "no answer" if isinstance(error, TimeoutError) else error
        raise UsageError(
            f"no Ray cluster was reached at {host}:{port}: {why}; nothing was sent",
            hint="`ray status` on its head says whether it runs; --ray-address HOST:6379",
        ) from error


async def _greet(host: str, port: int) -> None:
    """Say what any client of gRPC says first, and hear what its server does (RFC 9113, 3.4)."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return  # Ray has the certificates
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS)
        answer = await reader.readexactly(len(_SETTINGS))
        if answer[3:4] != _SETTINGS[3:4]:
            raise OSError("what answers there is not the head of a Ray cluster")
    finally:
        writer.close()


def _import() -> Any:
    # Statistics of usage are nobody's business, and `uv run` would pack the working directory,
    # with a `.env` in it, and send it to all nodes.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    try:
        import ray  # noqa: PLC0415 - an extra, which takes half a second
    except ImportError as error:
        raise UsageError(
            f"--engine ray needs Ray, which is not installed: {error}",
            hint="pip install 'overnight-pipeline[ray]'",
        ) from error
    return ray


def _init(ray: Any, address: str) -> None:
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
    except Exception as error:
        # Another version of Ray or of Python there, no node of it here: all of its own kinds.
        raise UsageError(
            f"Ray refuses the cluster at {address}: {printable(str(error).strip())[:500]}",
            hint="nothing was sent; run on a node of the cluster, with its Ray and its token",
        ) from error


async def in_thread(call: Callable[[], Any], seconds: float, whom: str) -> Any:
    """Call what blocks, perhaps for ever: a thread that does not come back holds nothing up.

    Raises:
        UsageError: it took longer.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result, failed = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            failed = error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=work, daemon=True, name=f"{_RAYS}pipeline").start()
    try:
        async with asyncio.timeout(seconds):
            return await done
    except TimeoutError as error:
        raise UsageError(
            f"{whom} did not answer within {seconds:g} s", hint="look at it with `ray status`"
        ) from error


class _OursAlone:
    """Standard output without what Ray's own threads print: its reader waits for ours alone."""

    def __init__(self, ours: TextIO) -> None:
        self._ours = ours

    def write(self, text: str) -> int:
        """Write what did not come from Ray."""
        if threading.current_thread().name.startswith(_RAYS):
            return len(text)
        return self._ours.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ours, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep standard output ours: Ray reports its nodes there, whatever is set of logging."""
    before = sys.stdout
    if before is not None:  # closed by the parent process
        sys.stdout = cast("TextIO", _OursAlone(before))
    try:
        yield
    finally:
        sys.stdout = before

"""The run's end of its socket: one line asks, one line answers, and nothing of it hurts the run."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from pipeline.controlling.requests import (
    LONGEST_REQUEST,
    Request,
    decode_request,
    encode_answer,
)
from pipeline.errors import PipelineError, UsageError
from pipeline.events import Standing

Handler = Callable[[Request], Awaitable[Standing]]
"""Does what is asked, and says what stands then; raises `PipelineError` to refuse."""

# Seconds for a line to come, and for its answer to be taken.
PATIENCE = 5.0
# Connections at once: more are closed unheard.
MOST = 16
_CHUNK = 16 * 1024


async def serve(listening: socket.socket, handle: Handler) -> None:
    """Answer until it is cancelled. `listening` does not block."""
    loop, open_now = asyncio.get_running_loop(), 0

    async def attend(client: socket.socket) -> None:
        nonlocal open_now
        with client:
            open_now += 1
            try:
                await _answer_one(client, handle)
            finally:
                open_now -= 1

    async with anyio.create_task_group() as group:
        while True:
            try:
                client, _ = await loop.sock_accept(listening)
            except OSError:  # no descriptors left, perhaps: the run goes on, and so will this
                await anyio.sleep(0.5)
                continue
            if open_now >= MOST:
                client.close()
                continue
            client.setblocking(False)
            group.start_soon(attend, client)


async def _answer_one(client: socket.socket, handle: Handler) -> None:
    answer: Standing | PipelineError
    with suppress(OSError):  # the client has gone
        try:
            line = await _read_line(client)
            if line is None:
                return
            answer = await handle(decode_request(line))
        except PipelineError as error:
            answer = error
        with anyio.move_on_after(PATIENCE):
            await asyncio.get_running_loop().sock_sendall(client, encode_answer(answer))


async def _read_line(client: socket.socket) -> bytes | None:
    """Read one line; None where none comes in time.

    Raises:
        UsageError: it is too long, or ends before its end.
        OSError: the connection is lost.
    """
    loop, line = asyncio.get_running_loop(), b""
    with anyio.move_on_after(PATIENCE):
        while b"\n" not in line:
            more = await loop.sock_recv(client, _CHUNK)
            if not more:
                raise UsageError("the line that asks has no end")
            line += more
            if len(line) > LONGEST_REQUEST:
                raise UsageError(f"the line that asks is longer than {LONGEST_REQUEST:,} bytes")
        return line.partition(b"\n")[0]
    return None

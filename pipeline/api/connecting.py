"""A TCP connection to a host: its name, its addresses one beside the other, and its options."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import anyio

# Seconds after which another address of a name is tried beside the one before. RFC 8305, 5.
_NEXT_ADDRESS = 0.25
# Seconds of silence after which, and between which, TCP asks whether the other side is there.
_KEEPALIVE_SECONDS = 30

# A connect that does not block, or was interrupted, ends in the background.
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR, errno.EALREADY}

_Address = tuple[int, tuple[Any, ...]]
"""A family, and what `connect` takes in it."""


async def connect(host: str, port: int) -> socket.socket:
    """Connect to the address of a host that is the first to take it.

    Raises:
        OSError: there is no such name, or no address of it took the connection: its cause says why.
    """
    family = _family(host)
    found = await _look_up(host, port) if family is None else [(family, (host, port))]
    return await _first(found)


@lru_cache(maxsize=64)
def _family(host: str) -> int | None:
    """Return the family of an address; None where it is to be looked up, as its zone is too."""
    if "%" in host:
        return None
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET6 if version == 6 else socket.AF_INET  # noqa: PLR2004


async def _look_up(host: str, port: int) -> list[_Address]:
    """List the addresses of a name, those of both families by turns. RFC 8305, 4.

    Raises:
        OSError: there is no such name.
    """
    loop = asyncio.get_running_loop()
    # As bytes: it is encoded already, and the codec of Python refuses what resolvers take.
    found = await loop.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    first = [(family, address) for family, *_, address in found if family == found[0][0]]
    other = [(family, address) for family, *_, address in found if family != found[0][0]]
    return [each for pair in zip_longest(first, other) for each in pair if each is not None]


async def _first(addresses: list[_Address]) -> socket.socket:
    errors: list[OSError] = []
    if len(addresses) == 1:
        try:
            return await _connect(*addresses[0])
        except OSError as error:
            errors.append(error)
    elif (first := await _race(addresses, errors)) is not None:
        return first
    why = errors[0] if len(errors) == 1 else ExceptionGroup("no address of it", errors)
    raise OSError("All connection attempts failed") from why


async def _race(addresses: list[_Address], errors: list[OSError]) -> socket.socket | None:
    """Try one address after another, the next where the one before has failed, or is slow."""
    winner: socket.socket | None = None

    async def run(family: int, address: tuple[Any, ...], over: anyio.Event) -> None:
        nonlocal winner
        try:
            connected = await _connect(family, address)
        except OSError as error:
            errors.append(error)
        else:
            if winner is None:
                winner = connected
                group.cancel_scope.cancel()
            else:
                connected.close()
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as group:
            for family, address in addresses:
                over = anyio.Event()
                group.start_soon(run, family, address, over)
                with anyio.move_on_after(_NEXT_ADDRESS):
                    await over.wait()
    except BaseException:
        if winner is not None:
            winner.close()
        raise
    return winner


async def _connect(family: int, address: tuple[Any, ...]) -> socket.socket:
    raw = socket.socket(family, socket.SOCK_STREAM)
    try:
        raw.setblocking(False)
        for option in _OPTIONS:
            raw.setsockopt(*option)
        refused = raw.connect_ex(address)
        if refused in _UNDER_WAY:  # to this machine it is there by now, which spares a wait
            refused = raw.connect_ex(address)
        if refused in _UNDER_WAY:
            loop = asyncio.get_running_loop()
            await ready(raw, loop.add_writer, loop.remove_writer)
            refused = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refused != errno.EISCONN:
            _check(refused)
    except BaseException:
        raw.close()
        raise
    return raw


def _check(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


async def ready(raw: socket.socket, watch: Callable[..., Any], leave: Callable[[int], Any]) -> None:
    """Wait until a socket can be read or written, as a loop's methods watch it, and leave it."""
    waiter = asyncio.get_running_loop().create_future()
    # By its number: selectors describe a socket in an error that nobody reads.
    watch(number := raw.fileno(), _wake, waiter)
    try:
        await waiter
    finally:
        leave(number)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _options() -> list[tuple[int, int, int]]:
    """No delay of what is small; and keepalive: gateways drop connections silent for minutes."""
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        options.append((socket.IPPROTO_TCP, idle, _KEEPALIVE_SECONDS))
    if hasattr(socket, "TCP_KEEPINTVL"):
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_SECONDS))
    return options


_OPTIONS = _options()

"""Addresses that an answer has told, which may be any host's: which of them are asked.

None of this machine's own network is, except where the provider itself is on this machine; and none
that would bring the key there.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote

import httpx

from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin, parse
from pipeline.api.transport import proxy_for

# A shorter key may be an ordinary word of an address: the vendors' have three times as many.
_SHORTEST_KEY = 12
# Addresses of one name that are tried, one after another.
_MOST_TRIES = 4
# Addresses that stand for one of IPv4. Source: RFC 6052, 2.1.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
LookUp = Callable[[Origin], Awaitable[list[str]]]


class RefusedError(Exception):
    """An address that is not asked; says why."""


async def look_up(origin: Origin) -> list[str]:
    """Look the addresses of a host up, in the order in which they are to be tried.

    Raises:
        OSError: there is no such name.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_private(address: str) -> bool:
    """Whether an address is within this machine or its network, or is none of one host."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = ip.ipv4_mapped or ip.sixtofour or within or ip
    return not ip.is_global or ip.is_multicast


def _literals(host: str) -> list[str]:
    """Read a host that is an address, in each form that a look-up takes, such as 127.1."""
    found = list[str]()
    with contextlib.suppress(OSError):
        found.append(socket.inet_ntoa(socket.inet_aton(host)))
    with contextlib.suppress(ValueError):
        found.append(str(ipaddress.ip_address(host)))
    return found


class Abroad:
    """What lies outside of an endpoint, as seen from it."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        look_up: LookUp = look_up,
        is_private: Callable[[str], bool] = is_private,
    ) -> None:
        self._endpoint = endpoint
        self._look_up = look_up
        self._is_private = is_private
        self._own = Origin.of(endpoint.base_url)

    def checked(self, told: str) -> httpx.URL:
        """Read an address.

        Raises:
            RefusedError: it is none that is asked.
        """
        url = parse(told)
        if url is None:
            raise RefusedError("the address in the answer is not a plain http(s) URL")
        key = self._endpoint.key
        if len(key) >= _SHORTEST_KEY and key in unquote(told):
            raise RefusedError("the address in the answer contains the API key")
        return url

    async def addresses(self, origin: Origin) -> list[str | None]:
        """List the addresses to connect to; None is the name as it stands.

        Raises:
            RefusedError: it is within a private network.
            OSError: there is no such name.
        """
        if self._endpoint.on_loopback or origin == self._own:
            return [None]
        if proxy_for(origin) is not None:  # the proxy looks the name up
            self._check(_literals(origin.host), origin)
            return [None]
        addresses = await self._look_up(origin)
        self._check(addresses, origin)
        # One after another: a network without IPv4 fails at once, one with a broken IPv6 does not.
        addresses.sort(key=lambda address: ":" in address)
        return list(addresses[:_MOST_TRIES])

    def _check(self, addresses: Iterable[str], origin: Origin) -> None:
        if any(self._is_private(address) for address in addresses):
            raise RefusedError(f"{origin.address} is within a private network, and is not asked")

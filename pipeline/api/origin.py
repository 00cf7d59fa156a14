"""Where a URL leads: scheme, host and port, as whoever sends to it reads them."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import httpx

# No address that anybody serves is longer.
LONGEST = 8192
_HIGHEST_PORT = 65_535
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """The scheme, host and port of a URL; `host` is as a look-up of the name spells it."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self | None:
        """Read the origin of a URL; None where it is not http(s), or holds a user or password."""
        parsed = parse(url)
        if parsed is None:
            return None
        port = parsed.port or _PORTS[parsed.scheme]
        return cls(parsed.scheme, parsed.raw_host.decode("ascii"), port)

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme == "https"

    @property
    def on_loopback(self) -> bool:
        """Whether it is on this machine."""
        return is_loopback(self.host)

    @property
    def address(self) -> str:
        """Host and port, as messages name them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@lru_cache(maxsize=1024)  # what is waited for is asked again and again
def parse(url: str) -> httpx.URL | None:
    """Parse an http(s) URL that came from outside; None where it is none that is used here."""
    if len(url) > LONGEST or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii").encode("idna")  # as a look-up of the name does
    except (httpx.InvalidURL, ValueError):
        return None
    is_plain = parsed.scheme in _PORTS and parsed.raw_host and not parsed.userinfo
    has_port = parsed.port is None or 0 < parsed.port <= _HIGHEST_PORT
    return parsed if is_plain and has_port else None


def shown(url: str, most: int = 200) -> str:
    """Write an address for people: without its query, which may be a signature."""
    parsed = parse(url)
    if parsed is None:
        return "an address that is not a plain http(s) URL"
    text = parsed.netloc.decode("ascii") + parsed.raw_path.partition(b"?")[0].decode("ascii")
    return text if len(text) <= most else text[: most - 1] + "…"


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

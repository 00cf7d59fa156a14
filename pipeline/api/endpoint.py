"""Where the API is, and the key to it."""

from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import httpx

from pipeline.api.origin import is_loopback, parse
from pipeline.common.redaction import redactor
from pipeline.errors import UsageError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is, and the key to it.

    Raises:
        UsageError: a URL or a key that cannot be used, or a key that would travel in the clear.
    """

    base_url: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise UsageError(
                "the API key contains characters that no key has: spaces, line ends or accents",
                hint="copy the key again, without anything around it",
            )

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def on_loopback(self) -> bool:
        """Whether the API is on this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def address(self) -> str:
        """Host and port, as messages name them."""
        told = urlsplit(self.base_url)
        host, port = told.hostname or "", told.port or (443 if self.is_secure else 80)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def host_unless(self, base_url: str) -> str | None:
        """Host and port, as a look-up of the name spells them; None where `base_url` has them."""
        own, usual = httpx.URL(self.base_url), httpx.URL(base_url)
        same = (own.raw_host, own.port) == (usual.raw_host, usual.port)
        return None if same else own.netloc.decode("ascii")

    def redact(self, text: str) -> str:
        """Remove the key from a text, however it is spelled there."""
        short = len(text) <= _SHORT
        return _clean_short(self.key, text) if short else redactor(self.key).clean(text)


# Letters of what comes again and again: no text at all, or the type of an output.
_SHORT = 100


@lru_cache(maxsize=256)
def _clean_short(key: str, text: str) -> str:
    return redactor(key).clean(text)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port, httpx.URL(url)
        (parts.hostname or "").encode("idna")  # as a look-up of the name does
    except (ValueError, httpx.InvalidURL) as error:
        raise UsageError(f"the base URL is not a valid URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "the base URL must begin with https:// (or http:// on this machine) and name a host",
            hint="such as https://api.example.com",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("the base URL must not contain a user, a password, a query or a fragment")
    if parse(url) is None:
        raise UsageError("the base URL is not a valid URL: it is too long, or contains spaces")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"the key would be sent to {parts.hostname} unencrypted, over plain http",
            hint="use https://",
        )

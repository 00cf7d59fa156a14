"""Fetching an output from the address that a provider has told: without the key.

The address comes from an answer, and is not trusted: it may be any host's, but none of this
machine's own network. Where the provider itself is on this machine, everything is.
"""

import base64
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from msgspec.structs import replace

from pipeline.api.abroad import Abroad, LookUp, RefusedError, is_private, look_up
from pipeline.api.endpoint import Endpoint
from pipeline.api.explaining import explain, lasts
from pipeline.api.origin import LONGEST, Origin, shown
from pipeline.api.outcome import Fault, Outcome
from pipeline.api.patience import Patience
from pipeline.api.receiving import Receiving
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections, Trace, trust, way_to
from pipeline.api.wire import Reported
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import ssl

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
# Nothing here says whose request it is.
_HEADERS = {"user-agent": "pipeline", "accept": "*/*", "accept-encoding": "identity"}


class Fetcher:
    """Fetches outputs for one endpoint, whose key it never sends."""

    def __init__(
        self,
        endpoint: Endpoint,
        max_size: int,
        timeouts: Timeouts,
        *,
        look_up: LookUp = look_up,
        is_private: Callable[[str], bool] = is_private,
    ) -> None:
        self._endpoint = endpoint
        self._abroad = Abroad(endpoint, look_up=look_up, is_private=is_private)
        self._tls: ssl.SSLContext | None = None
        self._own = Origin.of(endpoint.base_url)
        self._max_size = max_size
        self._timeouts = timeouts

    async def fetch(self, media: str, part: Path) -> Outcome:
        """Bring an output to `part`; see `pipeline.api.provider.Session`."""
        receiving = self._receiving(part, "")
        if media[:5].casefold() == "data:":
            return await self._within(media, receiving)
        try:
            url = self._abroad.checked(media)
            for _ in range(_MOST_REDIRECTS + 1):
                origin = Origin.of(str(url))
                assert origin is not None
                receiving = self._receiving(part, way_to(origin))
                outcome, following = await self._from(url, origin, receiving)
                if following is None:
                    return _without_secrets(outcome, url, trusted=origin == self._own)
                url = self.redirected(url, following)
        except RefusedError as why:  # it leads nowhere, whenever it is asked
            outcome = receiving.outcome(fault=Fault.GONE, detail=str(why))
            return _without_secrets(outcome, None)
        except UsageError as why:  # a proxy, or a list of authorities, that cannot be used
            outcome = receiving.outcome(fault=Fault.NOT_SENT, detail=str(why), hopeless=True)
            return _without_secrets(outcome, None)
        detail = f"more than {_MOST_REDIRECTS} redirects"
        return _without_secrets(receiving.outcome(fault=Fault.GONE, detail=detail), url)

    @staticmethod
    async def _within(media: str, receiving: Receiving) -> Outcome:
        """Take an output that an answer holds as a data URI, instead of an address."""
        head, _, text = media.partition(",")
        try:
            body = base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            return receiving.outcome(fault=Fault.GONE, detail="the output is not base64")
        kind = head[5:].partition(";")[0]
        headers = {"content-type": kind if kind.isascii() and kind.isprintable() else ""}
        return await receiving.receive(httpx.Response(200, headers=headers, content=body), None)

    def _receiving(self, part: Path, where: str) -> Receiving:
        return Receiving(self._endpoint, _says_nothing, part, self._max_size, where, self._timeouts)

    # -- which addresses ----------------------------------------------------------------------

    def redirected(self, url: httpx.URL, location: str) -> httpx.URL:
        """Find where a redirect leads.

        Raises:
            RefusedError: it is not followed.
        """
        try:
            following = self._abroad.checked(str(url.join(location)))
        except (httpx.InvalidURL, ValueError) as error:
            raise RefusedError(f"{shown(str(url))} redirects to what is not a URL") from error
        target = Origin.of(str(following))
        assert target is not None
        if url.scheme == "https" and not target.is_secure and not target.on_loopback:
            raise RefusedError(f"{shown(str(url))} redirects from https to http")
        return following

    # -- one request --------------------------------------------------------------------------

    async def _from(
        self, url: httpx.URL, origin: Origin, receiving: Receiving
    ) -> tuple[Outcome, str | None]:
        """Ask one address; with the location to go on to, if it redirects."""
        if origin.is_secure and self._tls is None:
            self._tls = trust()
        transport = FreshConnections(origin, tls=self._tls)
        try:
            response = await self._answer(url, origin, transport, receiving)
            if isinstance(response, Outcome):
                return response, None
            try:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location and len(location) < LONGEST:
                    return receiving.outcome(), location
                return await receiving.receive(response, None), None
            finally:
                with contextlib.suppress(httpx.HTTPError):
                    await response.aclose()
        finally:
            await transport.aclose()

    async def _answer(
        self,
        url: httpx.URL,
        origin: Origin,
        transport: FreshConnections,
        receiving: Receiving,
    ) -> httpx.Response | Outcome:
        where, bounds = way_to(origin), self._timeouts
        fault, detail, hopeless = Fault.NOT_SENT, "", False
        with Patience(3 * bounds.connect, bounds) as patience:
            trace = Trace(patience, bounds.write, bounds.stall)
            try:
                for address in await self._abroad.addresses(origin):
                    try:
                        return await transport.handle_async_request(
                            self._request(url, address, trace)
                        )
                    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                        detail = explain(error, where)
                        hopeless = lasts(error, loopback=origin.on_loopback)
                return receiving.outcome(fault=fault, detail=detail, hopeless=hopeless)
            except (httpx.HTTPError, OSError) as error:
                if trace.wrote:
                    fault = Fault.NO_ANSWER
                return receiving.outcome(fault=fault, detail=explain(error, where))
        if trace.wrote:
            fault = Fault.TIMEOUT
        return receiving.outcome(fault=fault, detail=f"no answer from {where} in time")

    def _request(self, url: httpx.URL, address: str | None, trace: Trace) -> httpx.Request:
        """Make a request that goes to an address that was checked, under the name of its host."""
        waits = httpx.Timeout(None, connect=self._timeouts.connect).as_dict()
        extensions: dict[str, object] = {"trace": trace, "timeout": waits}
        headers = {**_HEADERS, "host": url.netloc.decode("ascii")}
        if address is not None:
            extensions["sni_hostname"] = url.raw_host.decode("ascii")
            url = url.copy_with(host=address)
        return httpx.Request("GET", url, headers=headers, extensions=extensions)


def _says_nothing(_: Mapping[str, str]) -> Reported:
    """What a file server says of money is not read."""
    return Reported()


def _without_secrets(outcome: Outcome, url: httpx.URL | None, *, trusted: bool = False) -> Outcome:
    """Say where it came from; not with which signature, which the text of an error may repeat."""
    where = shown(str(url)) if url is not None else ""
    said = f"HTTP {outcome.status}" if outcome.status and outcome.body is None else ""
    detail = ", ".join(filter(None, (where, said, outcome.detail)))
    return replace(
        outcome,
        text="",
        location=None,
        detail=detail if outcome.body is None else outcome.detail,
        simulated=outcome.simulated if trusted else None,
    )

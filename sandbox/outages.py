"""The windows in which there is no service. Pure; times are Unix time, in seconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.settings import Outage, OutageKind


@dataclass(slots=True)
class Outages:
    """Those planned, relative to the first POST, and those started by hand since."""

    planned: tuple[Outage, ...]
    started: list[tuple[float, float, OutageKind]] = field(default_factory=list)

    def start(self, now: float, seconds: float, kind: OutageKind) -> None:
        """Begin an outage."""
        self.started.append((now, now + seconds, kind))

    def kind_at(self, now: float, first_post: float) -> OutageKind | None:
        """Tell what a POST meets now; where nothing listens no POST is met, so never that."""
        since = now - first_post
        for outage in self.planned:
            if outage.start <= since < outage.start + outage.length:
                return None if outage.kind is OutageKind.REFUSE else outage.kind
        for begin, end, kind in self.started:
            if begin <= now < end:
                return kind
        return None

    def closings(self, now: float, first_post: float) -> Iterator[tuple[float, float]]:
        """Yield when the listener must close: in so many seconds from now, for so many seconds."""
        for outage in self.planned:
            begin = first_post + outage.start - now
            end = begin + outage.length
            if outage.kind is OutageKind.REFUSE and end > 0:
                yield max(begin, 0.0), end - max(begin, 0.0)

"""What becomes of those who fetch media: written as a word, for a command line or a prompt.

    ok                 the clip
    once-dead          the first address answers 404; who asks for the request again gets another
    dead               every address answers 404
    dead x3            the first three do
    redirect, html     a redirect to another path; a page of HTML instead of a clip
    cut                half of the clip, then the connection is closed

`=0.2` behind a word is the fraction of requests that it is for.
"""

import random
import re
from dataclasses import dataclass
from enum import StrEnum


class MediaFault(StrEnum):
    """What an address of media answers with."""

    OK = "ok"
    DEAD = "dead"
    REDIRECT = "redirect"
    HTML = "html"
    CUT = "cut"


_WORDS = {"once-dead": "dead x1"}
_RULE = re.compile(rf"({'|'.join(MediaFault)})(?:\s+x(\d+))?(?:=(\d*\.?\d+))?")


@dataclass(frozen=True, slots=True)
class MediaRule:
    """`fault` for the first so many addresses of a request (None: all), in so many of them."""

    fault: MediaFault = MediaFault.OK
    first: int | None = None
    rate: float = 1.0

    def meets(self, request: str, nth: int, seed: int) -> bool:
        """Draw whether the `nth` request (from 1) of the digest `request` meets it."""
        draw = random.Random(f"{seed}:media:{request}:{nth}")  # noqa: S311 - a simulation
        return draw.random() < self.rate

    def at(self, address: int) -> MediaFault:
        """Name what the `address`-th address of a request answers with, counted from 1."""
        return self.fault if self.first is None or address <= self.first else MediaFault.OK


FINE = MediaRule()


def read_media_rule(text: str) -> MediaRule:
    """Read a rule.

    Raises:
        ValueError: the text is not a rule, or its rate is more than 1.
    """
    word, equals, rate = text.strip().partition("=")
    match = _RULE.fullmatch(_WORDS.get(word.strip(), word.strip()) + equals + rate)
    if match is None or float(match[3] or 1) > 1:
        raise ValueError(f"'{text}' is not a fault of media")
    first = None if match[2] is None else int(match[2])
    return MediaRule(MediaFault(match[1]), first, float(match[3] or 1))

"""What a reader has found so far. A file that breaks off leaves what came before."""

import math
from dataclasses import dataclass

from pipeline.models import Facts

_MOST_PIXELS = 1 << 20  # of a side
_MOST_SECONDS = 31 * 86_400
_LONGEST_CODEC = 32


@dataclass(slots=True)
class Findings:
    """Facts as they are found: any numbers and texts, as a file says them."""

    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    codec: str | None = None
    audio: bool | None = None
    content_credentials: bool | None = None

    def lasts(self, units: float, a_second: float) -> None:
        """Take a duration in units, of which so many are a second."""
        if a_second > 0 and math.isfinite(units) and math.isfinite(a_second):
            self.duration_s = units / a_second

    def facts(self) -> Facts | None:
        """Keep what can be true; None where nothing is known."""
        width, height = _side(self.width), _side(self.height)
        known = Facts(
            width=width if height else None,
            height=height if width else None,
            duration_s=_seconds(self.duration_s),
            codec=_word(self.codec),
            audio=self.audio,
            content_credentials=self.content_credentials,
        )
        return None if known == Facts() else known


def _side(pixels: int | None) -> int | None:
    return pixels if pixels is not None and 0 < pixels <= _MOST_PIXELS else None


def _seconds(found: float | None) -> float | None:
    if found is None or not 0 < found <= _MOST_SECONDS:  # not a number is not more than 0
        return None
    return round(found, 3) or None


def _word(codec: str | None) -> str | None:
    """Take a codec's name, or the code a file has for it, if that is a plain word."""
    word = (codec or "").strip().lower()
    return (
        word if word.isascii() and word.isprintable() and 0 < len(word) <= _LONGEST_CODEC else None
    )
